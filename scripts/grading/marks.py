"""What marking finds out: a mark for each exercise, and a report for each file."""

from dataclasses import dataclass, field


@dataclass
class Mark:
    exercise: str
    status: str  # passed, failed, not attempted, to read, or faulty check: then the course is wrong
    message: str = ""
    checked: bool = True  # False for an answer in words


@dataclass
class Report:
    file: str
    chapter: int | None = None
    error: str = ""  # why the file could not be marked at all
    fault: str = "notebook"  # whose: the notebook's or the grader's
    marks: list[Mark] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def faulty(self) -> list[Mark]:
        """The exercises that could not be judged, because the course's own check is wrong."""
        return [mark for mark in self.marks if mark.status == "faulty check"]

    def count(self) -> tuple[int, int]:
        """How many exercises passed, and how many were judged by a check."""
        judged = [mark for mark in self.marks if mark.checked and mark.status != "faulty check"]
        return sum(mark.status == "passed" for mark in judged), len(judged)

    def is_courses_fault(self) -> bool:
        """Whether something is missing here that no student can be blamed for."""
        return bool(self.faulty) or bool(self.error and self.fault == "grader")
