"""Reading: a handed-in notebook of any format, and the course's own copy of its chapter."""

import warnings
from pathlib import Path

import chapter
from chapter import Chapter


class Unreadable(Exception):
    """A file cannot be marked; the message says why."""


def read(path: Path) -> Chapter:
    """Read a handed-in notebook.

    Raises:
        Unreadable: it is none.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without ids, and other things that do no harm
            found = chapter.read(path)
        assert all(isinstance(cell.source, str) for cell in found.cells)
        return found
    except Exception as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise Unreadable(f"not a readable notebook ({reason})") from error


def reference(course: Path, number: int | None) -> Chapter:
    """The course's own copy of a chapter.

    Raises:
        Unreadable: there is no such chapter.
        ValueError: the course's copy says that it is another chapter.
    """
    by_number = {int(path.name[:2]): path for path in chapter.paths(course)}
    if number not in by_number:
        what = "no chapter of this course" if number is None else f"chapter {number}, which this course lacks"
        raise Unreadable(f"it is {what} (expected one of {sorted(by_number)})")
    found = chapter.read(by_number[number])
    if found.number != number:
        raise ValueError(
            f"expected the course's {by_number[number].name} to be chapter {number}, but it says {found.number}"
        )
    return found
