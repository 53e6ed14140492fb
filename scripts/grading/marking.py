"""Putting it together: a handed-in file is read, run as planned, and judged; what comes out is its report."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from chapter import ROOT, Chapter, Exercise

from grading.handed_in import Unreadable, read, reference
from grading.kernel import TOO_LONG, Kernel, Limits, Stopped
from grading.marks import Mark, Report
from grading.plan import called, plan, regions, untouched, written


@dataclass
class Progress:
    """What the kernels of one notebook have found so far."""

    seconds_left: float  # for cells and checks; starting a kernel does not count
    marks: dict[str, Mark] = field(default_factory=dict)  # by the exercise's number
    trouble: dict[int, str] = field(default_factory=dict)  # what went wrong, by the cell's position


def grade(path: Path, course: Path = ROOT, limits: Limits | None = None) -> Report:
    """Mark one file; a file that cannot be marked gets a report that says why, and whose fault it is."""
    try:
        handed_in = read(path)
        ours = reference(course, handed_in.number)
        report = mark(handed_in, ours, course.resolve(), limits or Limits())
    except Unreadable as error:
        return Report(path.name, error=str(error))
    except Exception as error:  # the other files must still be marked
        return Report(path.name, error=f"the grader failed: {type(error).__name__}: {error}", fault="grader")
    report.file, report.chapter = path.name, ours.number
    return report


def mark(handed_in: Chapter, ours: Chapter, course: Path, limits: Limits) -> Report:
    """Run a hand-in of the course's own chapter `ours`, and check its exercises."""
    wanted = ours.exercises
    where = regions(handed_in, wanted)
    found = run(
        handed_in, plan(handed_in, wanted, where), Progress(limits.total), ours.number, course, limits
    )
    marks = []
    for exercise in wanted:
        region = where[exercise.number]
        new = written(handed_in, region, ours)
        if exercise.check is None:
            marks.append(in_words(exercise.number, new))
            continue
        late = f"The notebook {TOO_LONG} {limits.total:g} seconds, and this was not reached."
        judged = found.marks.get(exercise.number, Mark(exercise.number, "failed", late))
        blame = [found.trouble[position] for position in region if position in found.trouble]
        marks.append(settle(judged, blame, untouched(exercise, handed_in, region, new)))
    notes = [f"cell {position + 1} {problem}" for position, problem in sorted(found.trouble.items())]
    return Report("", marks=marks, notes=notes)


def run(
    handed_in: Chapter,
    steps: list[int | Exercise],
    found: Progress,
    chapter: int,
    course: Path,
    limits: Limits,
) -> Progress:
    """Take all steps in one kernel, and after each lost kernel the rest again without the step that lost it."""
    while found.seconds_left > 0 and something_to_check(steps):
        with Kernel(course, chapter, limits) as kernel:
            done = run_once(kernel, handed_in, steps, found)
        steps = [step for index, step in enumerate(steps) if index not in done]
    return found


def run_once(kernel: Kernel, handed_in: Chapter, steps: list[int | Exercise], found: Progress) -> set[int]:
    """Take the steps until the kernel or the time is lost; return which ones another kernel must not take again."""
    done = set()
    for index, step in enumerate(steps):
        if found.seconds_left <= 0 or not something_to_check(steps[index:]):
            break
        seconds, started = min(kernel.limits.cell, found.seconds_left), time.monotonic()
        try:
            if isinstance(step, Exercise):
                verdict = kernel.check(called(step), step.check.source, seconds)
                found.marks[step.number] = Mark(step.number, *verdict)
                done.add(index)
            elif problem := kernel.cell(handed_in.cells[step].source, seconds):
                found.trouble[step] = problem
                if problem.startswith(TOO_LONG):
                    done.add(index)
        except Stopped as reason:
            done.add(index)
            if isinstance(step, Exercise):
                found.marks[step.number] = Mark(step.number, "failed", f"Your code {reason}.")
            else:
                found.trouble[step] = str(reason)
            break
        finally:
            found.seconds_left -= time.monotonic() - started
    return done


def something_to_check(steps: list[int | Exercise]) -> bool:
    return any(isinstance(step, Exercise) for step in steps)


def settle(judged: Mark, blame: list[str], is_untouched: bool) -> Mark:
    """The mark for an exercise, once more is known than its check could see: its cells, and what went wrong there."""
    if judged.status in ("passed", "faulty check"):
        return judged
    if is_untouched:
        return Mark(judged.exercise, "not attempted", "The cell is as it came.")
    if blame:
        said = f"A cell of this exercise {blame[0]}. {judged.message}".strip()
        return Mark(judged.exercise, "failed", said)
    return judged


def in_words(number: str, answer: str) -> Mark:
    """The mark of an exercise without a check: the answer itself, for the instructor to read."""
    if answer:
        return Mark(number, "to read", answer[:5000], checked=False)
    return Mark(number, "not attempted", "Nothing is written under its heading.", checked=False)
