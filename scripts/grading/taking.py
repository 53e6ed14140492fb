"""Taking the steps of a plan: in one kernel, and after a lost kernel the rest again without the step that lost it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from grading.course import Course
from grading.judging import Judge as Judging
from grading.kernel import KILLED, TOO_LONG, Kernel, Limits, Stopped
from grading.plan import Judge, Run, Step

PATIENCE = (0.5, 10)  # seconds to wait for a death: as long as the kernel lived, within these


@dataclass
class Found:
    """What the kernels of one notebook have found so far."""

    seconds_left: float  # for cells and checks; starting a kernel does not count
    verdicts: dict[str, list[tuple[Judge, str, str]]] = field(
        default_factory=dict
    )  # by the exercise's number
    trouble: dict[int, str] = field(default_factory=dict)  # what went wrong, by the cell's position
    restarts: set[int] = field(default_factory=set)  # cells that asked for a new kernel


class Lost(Exception):
    """The kernel is lost, while this step was taken."""

    def __init__(self, index: int, reason: str, age: float):
        self.index, self.reason, self.age = index, reason, min(max(age, PATIENCE[0]), PATIENCE[1])


@dataclass
class Steps:
    """A plan on its way. Steps that are done, or that have lost a kernel, are not taken again."""

    steps: list[Step]
    course: Course
    chapter: int
    limits: Limits
    question: Callable[[Judge], dict]  # what the judge is told about an exercise
    done: set[int] = field(default_factory=set)

    def take(self, found: Found) -> None:
        if not any(isinstance(step, Judge) for step in self.steps):
            return
        with Judging(self.course, self.chapter, self.limits) as judge:
            start, kernel = 0, self.open()
            try:
                while True:
                    try:
                        self.take_once(kernel, judge, found, start)
                        return
                    except Lost as lost:
                        kernel.close()
                        start, kernel = self.after(lost, found)
            finally:
                kernel.close()

    def open(self) -> Kernel:
        return Kernel(self.course, self.limits)

    def take_once(self, kernel: Kernel, judge: Judging, found: Found, start: int) -> None:
        """Take the steps from `start` on, until all exercises are judged, or the time is over.

        Raises:
            Lost: the kernel.
        """
        for index, step in enumerate(self.steps[start:], start):
            if index in self.done:
                continue
            if found.seconds_left <= 0 or not self.is_worth(index):
                return
            seconds, began = min(self.limits.cell, found.seconds_left), time.monotonic()
            try:
                if isinstance(step, Judge):
                    verdict = judge.check(kernel, self.question(step), step.arguments, seconds)
                    found.verdicts.setdefault(step.number, []).append((step, *verdict))
                    self.done.add(index)
                else:
                    self.run(kernel, index, step, found, seconds)
            except Stopped as reason:
                raise Lost(index, str(reason), time.monotonic() - kernel.started) from reason
            finally:
                found.seconds_left -= time.monotonic() - began

    def is_worth(self, index: int) -> bool:
        """Whether there is still something to judge from this step on."""
        left = enumerate(self.steps[index:], index)
        return any(isinstance(step, Judge) and i not in self.done for i, step in left)

    def run(self, kernel: Kernel, index: int, step: Run, found: Found, seconds: float) -> None:
        if problem := kernel.cell(step.source, seconds):
            found.trouble[step.position] = problem
            if problem.startswith(TOO_LONG):
                self.done.add(index)
        if kernel.asked_to_restart:
            found.restarts.add(step.position)

    def after(self, lost: Lost, found: Found) -> tuple[int, Kernel]:
        """A kernel in which to go on, and from which step; the step that lost the last one is left out."""
        if lost.reason != KILLED:
            self.leave_out(lost.index, lost.reason, found)
            return 0, self.open()
        kernel = self.open()
        try:
            if self.lives_through(kernel, lost.index, lost.age, found):
                self.leave_out(lost.index, lost.reason, found)
                return lost.index + 1, kernel
            kernel.close()
            guilty = self.search(lost, found)
            self.leave_out(guilty, "ended the kernel some time after it had run", found)
            return 0, self.open()
        except BaseException:
            kernel.close()
            raise

    def leave_out(self, index: int, reason: str, found: Found) -> None:
        step = self.steps[index]
        self.done.add(index)
        if isinstance(step, Judge):
            verdict = (step, "failed", f"Your code {reason}.")
            found.verdicts.setdefault(step.number, []).append(verdict)
        else:
            found.trouble[step.position] = reason

    def lives_through(self, kernel: Kernel, end: int, age: float, found: Found) -> bool:
        """Whether a kernel survives the cells before step `end`, and a while after them."""
        began = time.monotonic()
        try:
            for index in self.cells_before(end):
                kernel.cell(self.steps[index].source, self.limits.cell)
            return kernel.survives(age)
        except Stopped:
            return False
        finally:
            found.seconds_left -= time.monotonic() - began

    def cells_before(self, end: int) -> list[int]:
        return [i for i in range(end) if i not in self.done and isinstance(self.steps[i], Run)]

    def search(self, lost: Lost, found: Found) -> int:
        """The cell that ends a kernel later than it runs: the last one of the fewest after which a kernel dies."""
        cells = self.cells_before(lost.index)
        low, high = 0, len(cells)  # a kernel survives the first `low` cells, and not the first `high`
        while high - low > 1 and found.seconds_left > 0:
            middle = (low + high) // 2
            with self.open() as kernel:
                lives = self.lives_through(kernel, cells[middle - 1] + 1, lost.age, found)
            low, high = (middle, high) if lives else (low, middle)
        return cells[high - 1] if cells else lost.index
