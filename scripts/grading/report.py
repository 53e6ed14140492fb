"""Printing: what marking has found, as tables for a terminal."""

import textwrap

from grading.marks import Report

NOTES = 3  # shown for a notebook
SHORT = {"passed": "pass", "failed": "fail", "not attempted": "-", "to read": "read", "faulty check": "fault"}


def plain(text: str) -> str:
    """`text` on one line, without control characters, and not endless."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:600]


def as_text(report: Report) -> str:
    """A report as a table, one exercise a row."""
    if report.error:
        return f"{report.file}: NOT MARKED: {plain(report.error)}"
    passed, judged = report.count()
    unjudged = f", {len(report.faulty)} not judged, for the course's check is faulty" if report.faulty else ""
    lines = [f"{report.file}: chapter {report.chapter}, {passed} of {judged} passed{unjudged}"]
    for found in report.marks:
        row = f"  {found.exercise:5}{found.status:15}"
        lines.append(textwrap.fill(row + plain(found.message), 100, subsequent_indent=" " * 22).rstrip())
    notes = report.notes
    if len(notes) > NOTES:  # one broken cell at the top stops many others
        notes = [
            *notes[:NOTES],
            f"and {len(notes) - NOTES} more cells (with --json, the file lists them all)",
        ]
    lines += [textwrap.fill(f"  note: {plain(note)}", 100, subsequent_indent=" " * 8) for note in notes]
    return "\n".join(lines)


def summary(reports: list[Report]) -> str:
    """One table a chapter: a row for each file, a column for each exercise."""
    tables = []
    for chapter in sorted({report.chapter for report in reports if report.chapter is not None}):
        rows = [report for report in reports if report.chapter == chapter]
        width = max(len(report.file) for report in rows)
        heads = "".join(f"{found.exercise:>6}" for found in rows[0].marks)
        lines = [f"{f'chapter {chapter}':{width}}{heads}  passed"]
        for report in rows:
            cells = "".join(f"{SHORT[found.status]:>6}" for found in report.marks)
            passed, judged = report.count()
            lines.append(f"{report.file:{width}}{cells}  {passed} of {judged}")
        tables.append("\n".join(lines))
    if lost := [report.file for report in reports if report.error]:
        tables.append("not marked: " + ", ".join(lost))
    return "\n\n".join(tables)


def faults(reports: list[Report]) -> str:
    """What is the course's fault, or the grader's, and no student's; nothing if there is no such thing."""
    lines = {}  # each once, and in order
    for report in reports:
        if report.error and report.fault == "grader":
            lines[f"  {report.file}: {plain(report.error)}"] = None
        for found in report.faulty:
            lines[f"  the check of exercise {found.exercise}: {plain(found.message)}"] = None
    heading = "At fault is the course, no student. Mend this, and mark again:"
    return "\n".join([heading, *lines]) if lines else ""
