"""Reading: a handed-in notebook of any format, in any encoding, with whatever stands in its metadata."""

import json
import warnings
from pathlib import Path

import nbformat
from chapter import Chapter

from grading.course import Course


class Unreadable(Exception):
    """A file cannot be marked; the message says why."""


def read(path: Path) -> Chapter:
    """Read a handed-in notebook.

    Raises:
        Unreadable: it is none.
    """
    try:
        raw = json.loads(decoded(path.read_bytes()))
        if not isinstance(raw, dict):
            raise ValueError("Notebook does not appear to be JSON of a notebook")
        clean(raw)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # cells without ids, and other things that do no harm
            found = Chapter(nbformat.reads(json.dumps(raw), as_version=4), path)
        for cell in found.cells:
            cell.source = cell.source.replace("\r\n", "\n").replace("\r", "\n")
        return found
    except RecursionError as error:
        raise Unreadable("not a readable notebook (it is nested too deeply)") from error
    except json.JSONDecodeError as error:
        said = "the file is damaged or cut short: download it again, and hand it in again"
        raise Unreadable(f"not a readable notebook ({said}; {error})") from error
    except Exception as error:
        reason = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise Unreadable(f"not a readable notebook ({reason})") from error


def decoded(content: bytes) -> str:
    """The text of a file: any Unicode encoding, with a byte order mark or without one, or a Windows code page."""
    try:
        return content.decode(json.detect_encoding(content))
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def clean(raw: dict) -> None:
    """Make types be what the format promises: other programs write null, numbers and texts in their place."""
    raw["metadata"] = metadata = as_dict(raw.get("metadata"))
    metadata["tms"] = tms = as_dict(metadata.get("tms"))
    if isinstance(number := tms.get("chapter"), str) and number.strip().isdigit():
        tms["chapter"] = int(number)
    if type(tms.get("chapter")) is not int:
        tms.pop("chapter", None)
    for holder in [raw, *(raw.get("worksheets") or [])]:
        if "cells" in holder:
            holder["cells"] = [clean_cell(cell) for cell in holder["cells"] or [] if isinstance(cell, dict)]


def clean_cell(cell: dict) -> dict:
    cell["metadata"] = metadata = as_dict(cell.get("metadata"))
    tags = metadata.pop("tags", None)
    tags = tags.replace(",", " ").split() if isinstance(tags, str) else tags
    if isinstance(tags, list):
        metadata["tags"] = [tag for tag in tags if isinstance(tag, str)]
    if "exercise" in metadata:
        metadata["exercise"] = str(metadata["exercise"])
    if cell.get("cell_type") not in ("code", "markdown", "raw", "heading"):
        cell["cell_type"] = "raw"
    for key in ("source", "input"):
        if key in cell and not isinstance(cell[key], str):
            lines = cell[key] if isinstance(cell[key], list) else []
            cell[key] = "".join(line for line in lines if isinstance(line, str))
    if cell["cell_type"] == "code":
        cell["outputs"] = []  # what it has printed is of no interest here, and may be anything
        if not isinstance(cell.get("execution_count"), int):
            cell["execution_count"] = None
    else:
        for key in ("outputs", "execution_count"):
            cell.pop(key, None)
    if "source" not in cell and "input" not in cell:
        cell["source"] = ""
    return cell


def as_dict(found: object) -> dict:
    return found if isinstance(found, dict) else {}


def reference(course: Course, number: int | None) -> Chapter:
    """The course's own copy of a chapter.

    Raises:
        Unreadable: there is no such chapter.
        ValueError: the course's copy says that it is another chapter.
    """
    if number not in course.by_number:
        what = "no chapter of this course" if number is None else f"chapter {number}, which this course lacks"
        raise Unreadable(f"it is {what} (expected one of {sorted(course.by_number)})")
    return course.chapter(number)
