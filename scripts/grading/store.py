"""Keeping: the marks so far, in JSON and CSV, written anew after each hand-in; a second run goes on from there."""

import csv
import io
import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from grading.marks import Report, from_dict


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
    os.replace(beside, path)


def as_csv(rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([safe(cell) for cell in row] for row in rows)
    return text.getvalue()


def as_json(report: Report) -> dict:
    """A report with what can be worked out of it, for other programs: points earned, and no fault where none is."""
    found = asdict(report)
    for stored, mark in zip(found["marks"], report.marks, strict=True):
        stored["earned"] = mark.earned
    if not report.error:
        del found["fault"]
    return found


def safe(cell: object) -> object:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


class Store:
    """The reports of a folder of hand-ins; with a file, they are kept in it, and as CSV beside it.

    Raises:
        OSError: the file cannot be written, or is no file of marks.
    """

    def __init__(self, file: Path | None = None):
        self.file = file
        self.before: dict[str, Report] = {}
        self.reports: dict[str, Report] = {}
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.exists():
                try:
                    stored = [from_dict(one) for one in json.loads(file.read_text(encoding="utf-8"))]
                except (ValueError, TypeError, KeyError, AttributeError) as error:
                    raise OSError(f"{file} is there, and no file of marks: move it away") from error
                self.before = {report.file: report for report in stored}
            self.reports = dict(self.before)
            self.write()

    def known(self, name: str, content: str) -> Report | None:
        """The report on this very file by this very course, if there is one that can stay."""
        report = self.before.get(name)
        is_same = report is not None and bool(content) and report.content == content
        return report if is_same and not report.is_courses_fault() else None

    def keep(self, report: Report) -> None:
        """Take in a report; what an earlier one of this file said stays with it."""
        if (old := self.before.get(report.file)) and old is not report:
            earned, possible = old.points()
            said = "not marked" if old.error else f"{earned} of {possible} points"
            report.earlier = [*old.earlier, f"{old.marked or 'earlier'}: {said}"]
        self.reports[report.file] = report
        if self.file is not None:
            self.write()

    def write(self) -> None:
        reports = [report for _, report in sorted(self.reports.items())]
        write_text(self.file, json.dumps(list(map(as_json, reports)), indent=1) + "\n")
        byte_order_mark = "\ufeff"  # or spreadsheets on Windows misread names
        write_text(self.file.with_suffix(".csv"), byte_order_mark + as_csv(table(reports)))


def table(reports: list[Report]) -> list[list[object]]:
    """A row for each hand-in, late and on time side by side; a column for each exercise."""
    exercises = sorted(
        {mark.exercise for report in reports for mark in report.marks},
        key=lambda number: tuple(map(int, number.split("."))),
    )
    head = [
        "student",
        "id",
        "file",
        "late",
        "chapter",
        "points",
        "possible",
        "error",
        "notes",
        "earlier",
        "marked",
    ]
    rows: list[list[object]] = [[*head, *exercises]]
    for report in sorted(reports, key=lambda one: (one.student.casefold(), one.chapter or 0, one.file)):
        earned, possible = report.points() if report.marks else ("", "")
        status = {mark.exercise: mark.status for mark in report.marks}
        late = "late" if report.late else ""
        chapter = "" if report.chapter is None else report.chapter
        row = [report.student, report.id, report.file, late, chapter, earned, possible]
        row += [report.error, "; ".join(report.notes), "; ".join(report.earlier), report.marked]
        rows.append(row + [status.get(number, "") for number in exercises])
    return rows
