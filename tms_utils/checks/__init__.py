"""The exercises: what is right, plausible wrong answers and what to say to them. Chapter 1's are in ``chapter_01``.

A check takes the reader's attempt and returns a ``Verdict``, which prints itself: *not attempted yet* for an
untouched stub, what is wrong and why for a wrong answer, *passed* and a sentence worth knowing for a right one.
A check never raises, whatever the attempt does.
"""

from tms_utils.checks.exercise import Exercise, Slip, Verdict, choice, exercise, number, require

__all__ = ["Exercise", "Slip", "Verdict", "choice", "exercise", "number", "require"]
