"""Reading: a handed-in notebook of any format, in any encoding, with whatever stands in its metadata."""

import json
import runpy
import warnings
from pathlib import Path

import nbformat
from chapter import ROOT, Chapter

from grading.course import Course

# From its file: the package is not installed everywhere that marks, and importing it would load PyTorch.
FOREIGN = runpy.run_path(str(ROOT / "tms_utils" / "foreign.py"))
clean, decoded = FOREIGN["clean"], FOREIGN["decoded"]


class Unreadable(Exception):
    """A file cannot be marked; the message says why."""


def read(path: Path) -> Chapter:
    """Read a handed-in notebook.

    Raises:
        Unreadable: it is none.
    """
    try:
        content = path.read_bytes()
        if not content.strip():
            raise Unreadable("the file is empty")
        raw = json.loads(decoded(content))
        if not isinstance(raw, dict):
            raise ValueError("Notebook does not appear to be JSON of a notebook")
        clean(raw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without ids, and other things that do no harm
            found = Chapter(nbformat.reads(json.dumps(raw), as_version=4), path)
        for cell in found.cells:
            cell.source = cell.source.replace("\r\n", "\n").replace("\r", "\n")
        return found
    except Unreadable:
        raise
    except RecursionError as error:
        raise Unreadable("not a readable notebook (it is nested too deeply)") from error
    except json.JSONDecodeError as error:
        said = "the file is damaged or cut short: download it again, and hand it in again"
        raise Unreadable(f"not a readable notebook ({said}; {error})") from error
    except Exception as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise Unreadable(f"not a readable notebook ({reason})") from error


def reference(course: Course, number: int | None) -> Chapter:
    """The course's own copy of a chapter.

    Raises:
        Unreadable: there is no such chapter.
        ValueError: the course's copy says that it is another chapter.
    """
    if number not in course.by_number:
        if number is None:
            raise Unreadable("it is no chapter of this course")
        raise Unreadable(f"it is chapter {number}, which this course lacks")
    return course.chapter(number)
