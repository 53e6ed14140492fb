"""An exercise as data: its number, what is right, and its slips, plausible wrong answers with a message each.

Three ways to make one; each gives an ``Exercise``, which is called with the reader's attempt and returns a ``Verdict``:

* ``choice("1.2", right="C", slips={"A": "Not so, because ..."}, praise="...")``: one of a few answers;
* ``number("7.4", right=1 / 3, slips={0.5: "..."}, praise="...")``: a number;
* ``@exercise("8.1", right=f, slips=[Slip(wrong_f, "...")])`` on a function that calls ``require`` or ``compare``
  and returns the praise: anything else. Where a function is given to be mended, ``came`` is the digest of its code.
"""

from __future__ import annotations

import contextlib
import functools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch

from tms_utils import check as handing_in
from tms_utils.checks.attempts import Slip, WrongAnswer, as_number, as_tensor, require

PUZZLING = {  # words of an error that say little to somebody who reads them for the first time, and what they mean
    "not implemented for 'Bool'": "True and False cannot be multiplied here: make numbers of them, with `.float()`.",
    "'NoneType'": "Something is None: is a `return` missing at the end of a function?",
}
__all__ = ["Exercise", "Slip", "Verdict", "as_number", "as_tensor", "choice", "exercise", "number", "require"]


@dataclass(frozen=True)
class Verdict:
    """The outcome of a check; its repr is what the reader sees. ``faulty check``: the course is wrong, not the reader."""

    exercise: str
    status: Literal["passed", "failed", "not attempted", "faulty check"]
    message: str = ""
    slip: Slip | None = field(default=None, compare=False)  # the one that the attempt fell into

    def __repr__(self) -> str:
        if self.status == "not attempted":
            return f"Exercise {self.exercise}: not attempted yet. {self.message}".rstrip()
        return f"Exercise {self.exercise}: {self.status}. {self.message}".rstrip()


class Range(NamedTuple):
    """Which numbers an exercise takes, how close is right, and what it says where no slip has a message."""

    low: float
    high: float
    tolerance: float
    otherwise: str


@dataclass(frozen=True)
class Exercise:
    """One exercise: call it with an attempt. It never raises, whatever the attempt does."""

    number: str
    check: Callable[..., str]
    right: Any
    slips: tuple[Slip, ...]
    choices: tuple[str, ...] = ()  # of an exercise that offers some; slips hold the message to each wrong one
    praise: str = ""  # of an exercise whose praise is known without running anything
    came: str = ""  # the digest of the code that the reader is given to mend: unchanged, it is not attempted
    range: Range | None = None  # of an exercise whose answer is a number

    def __call__(self, *attempts: Any) -> Verdict:
        """The verdict, noted for ``tms_utils.check``; from a notebook, the course's own functions are no answer."""
        is_notebook = sys._getframe(1).f_globals.get("__name__") == "__main__"
        borrowed = handing_in.borrowed(attempts) if is_notebook else ""
        verdict = Verdict(self.number, "failed", borrowed) if borrowed else self._verdict(*attempts)
        handing_in.said[self.number] = (verdict.status, verdict.message)
        return verdict

    def _verdict(self, *attempts: Any) -> Verdict:
        """Not attempted: None, a dictionary with a None, a function as it came, or the stub's own error."""
        if any(map(_untouched, attempts)):
            return Verdict(self.number, "not attempted")
        if handing_in.as_it_came(self.came, attempts):
            return Verdict(self.number, "not attempted", "Nothing is changed yet.")
        rights = self.right if isinstance(self.right, tuple) else (self.right,)
        raised: list[Exception] = []  # by the attempt's own code; any other exception is the check's fault
        try:
            given = f"Expected {len(rights)} answers in the brackets; got {len(attempts)}."
            require(len(attempts) == len(rights), given)
            with _usual_settings():
                watched = [_watched(*pair, raised) for pair in zip(attempts, rights, strict=True)]
                return Verdict(self.number, "passed", self.check(*watched))
        except WrongAnswer as wrong:
            return Verdict(self.number, "failed", str(wrong), wrong.slip)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
            if not any(error is own for own in raised):
                fault = "The fault is the course's, not yours; please report it."
                return Verdict(self.number, "faulty check", f"{fault} {said}")
            # Only with the stub's own words: PyTorch raises it, too, as for a module without `forward`.
            if isinstance(error, NotImplementedError) and "your code here" in said.lower():
                return Verdict(self.number, "not attempted")
            meaning = next((f". {means}" for words, means in PUZZLING.items() if words in said), "")
            return Verdict(self.number, "failed", f"Your code raised {said}{meaning}")

    def compare(
        self, attempt: Any, look: Callable[[Any], Any], rtol: float | int = 1e-3, atol: float | int = 1e-6
    ) -> Any:
        """Look at the attempt, and fail with a slip's message if it looks like that slip's answer.

        ``look`` turns an answer into numbers (tensors, or lists of them). Returns what it saw of the attempt, and
        whether the right answer looks like that. Slips with {fields} are left for the check to ``require``.
        """
        seen, right = look(attempt), look(self.right)
        if _close(seen, right, rtol, atol):
            return seen, True
        for slip in self.slips:
            require("{" in slip.message or not _close(seen, look(slip.answer), rtol, atol), slip)
        return seen, False


def exercise(
    number: str, *, right: Any = None, slips: Sequence[Slip] = (), choices: Sequence[str] = (), came: str = ""
) -> Callable[[Callable[..., str]], Exercise]:
    """Make an ``Exercise`` of a function that calls ``require`` and returns the sentence for a right answer.

    A ``right`` that is a tuple stands for several arguments. ``choices``: if the page offers some to choose from.
    ``came``: if the page gives code to mend, its digest; a test says what to write here.
    """
    return lambda check: Exercise(number, check, right, tuple(slips), tuple(choices), came=came)


def choice(number: str, *, right: str, slips: Mapping[str, str], praise: str) -> Exercise:
    """An exercise with a few answers to choose from, such as letters. Case, spaces and brackets do not matter."""
    choices = tuple(sorted([right, *slips]))
    wrong = tuple(Slip(answer, message) for answer, message in slips.items())

    def check(attempt: Any) -> str:
        answer = str(attempt).strip().strip("().").casefold()
        by_name = {option.casefold(): option for option in choices}
        require(answer in by_name, f"Expected one of {', '.join(choices)}; got {attempt!r:.60}.")
        for slip in wrong:
            require(by_name[answer] != slip.answer, slip)
        return praise

    return Exercise(number, check, right, wrong, choices, praise)


def number(
    number: str,
    *,
    right: float | int,
    slips: Mapping[float | int, str],
    praise: str,
    tolerance: float | int = 1e-3,
    otherwise: str = "Not {value:g}.",
    low: float | int = -math.inf,
    high: float | int = math.inf,
) -> Exercise:
    """An exercise whose answer is a number from ``low`` to ``high``, right within ``tolerance``."""
    wrong = tuple(Slip(answer, message) for answer, message in slips.items())

    def check(attempt: Any) -> str:
        require(not isinstance(attempt, str | bool), f"Expected a number; got {attempt!r:.60}.")
        value = as_number(attempt)
        require(low <= value <= high, f"Expected a number from {low:g} to {high:g}; got {value:g}.")
        if abs(value - right) <= tolerance:
            return praise
        for slip in wrong:
            require(abs(value - slip.answer) > tolerance, slip)
        raise WrongAnswer(otherwise.format(value=value))

    taken = Range(float(low), float(high), float(tolerance), otherwise)
    return Exercise(number, check, right, wrong, praise=praise, range=taken)


@contextlib.contextmanager
def _usual_settings() -> Iterator[None]:
    """Those of a fresh process: whatever the notebook has changed, a check judges alike, and changes nothing."""
    dtype = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.random.fork_rng(devices=[]), torch.device("cpu"), torch.enable_grad():
            torch.default_generator.manual_seed(0)  # an attempt that draws from it is judged alike
            yield
    finally:
        torch.set_default_dtype(dtype)


def _untouched(attempt: Any) -> bool:
    """Whether an answer, or one of several in a dictionary, is still to be filled in."""
    return attempt is None or (isinstance(attempt, dict) and any(part is None for part in attempt.values()))


def _watched(attempt: Any, right: Any, raised: list[Exception]) -> Any:
    """A function that also notes what it raises: how a check tells the attempt's errors from its own."""
    if not callable(right):
        return attempt
    require(callable(attempt), f"Expected a function; got {type(attempt).__name__}.")

    @functools.wraps(attempt, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return attempt(*args, **kwargs)
        except Exception as error:
            raised.append(error)
            raise

    return call


def _close(a: Any, b: Any, rtol: Any, atol: Any) -> bool:
    """Whether two numbers, tensors, or lists of them are the same within the tolerances."""
    if isinstance(a, list | tuple) or isinstance(b, list | tuple):
        alike = isinstance(a, list | tuple) and isinstance(b, list | tuple) and len(a) == len(b)
        return alike and all(_close(x, y, rtol, atol) for x, y in zip(a, b, strict=True))
    a, b = (torch.as_tensor(value).double() for value in (a, b))
    return a.shape == b.shape and torch.allclose(a, b, rtol=rtol, atol=atol, equal_nan=True)
