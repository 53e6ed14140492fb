"""What marking finds out: a mark for each exercise, and a report for each file."""

from dataclasses import dataclass, field, fields


@dataclass
class Mark:
    exercise: str
    status: str  # passed, failed, not attempted, to read, or faulty check: then the course is wrong
    message: str = ""
    checked: bool = True  # False for an answer in words
    points: int = 1  # the most that can be had: the exercise's difficulty
    title: str = ""

    @property
    def earned(self) -> int:
        return self.points if self.status == "passed" else 0


@dataclass
class Report:
    file: str
    chapter: int | None = None
    error: str = ""  # why the file could not be marked at all
    fault: str = "notebook"  # whose: the notebook's or the grader's
    marks: list[Mark] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    student: str = ""  # from the file's name, as are the next three
    id: str = ""
    late: bool = False
    named_by: str = ""  # canvas or moodle: whose the id is; otherwise your own pattern's
    content: str = ""  # a digest of the file, and of the course that it was marked by
    marked: str = ""  # when
    earlier: list[str] = field(default_factory=list)  # what earlier runs said of a file of this name

    @property
    def faulty(self) -> list[Mark]:
        """The exercises that could not be judged, because the course's own check is wrong."""
        return [mark for mark in self.marks if mark.status == "faulty check"]

    @property
    def counted(self) -> list[Mark]:
        """The exercises that a check has judged."""
        return [mark for mark in self.marks if mark.checked and mark.status != "faulty check"]

    def count(self) -> tuple[int, int]:
        """How many exercises passed, and how many were judged by a check."""
        return sum(mark.status == "passed" for mark in self.counted), len(self.counted)

    def points(self) -> tuple[int, int]:
        """The points of the exercises that a check has judged: earned, and possible."""
        return sum(mark.earned for mark in self.counted), sum(mark.points for mark in self.counted)

    def is_courses_fault(self) -> bool:
        """Whether something is missing here that no student can be blamed for."""
        return bool(self.faulty) or bool(self.error and self.fault == "grader")


def from_dict(stored: dict) -> Report:
    """A report as it was written by ``dataclasses.asdict``."""
    known = {one.name for one in fields(Report)}
    given = {name: value for name, value in stored.items() if name in known}
    mark_names = {one.name for one in fields(Mark)}
    given["marks"] = [
        Mark(**{name: value for name, value in mark.items() if name in mark_names}) for mark in given["marks"]
    ]
    return Report(**given)
