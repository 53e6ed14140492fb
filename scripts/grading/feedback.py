"""Giving back: a page for each student, with each exercise's result, what the check says, and the answers in words."""

import html
import re
from pathlib import Path

from grading.marks import Mark, Report
from grading.store import write_text

PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
        overflow-wrap: anywhere }}
section {{ border-top: 1px solid #8888; padding: .5rem 0 }}
h3 {{ margin: .5rem 0 }} p {{ margin: .25rem 0 }}
blockquote {{ border-left: 3px solid #8888; margin: .5rem 0; padding-left: 1rem; white-space: pre-wrap }}
@media (prefers-color-scheme: dark) {{ body {{ background: #181818; color: #eee }} }}
</style>
<h1>{title}</h1>
{body}
</html>
"""
SIGNS = {"passed": "✓", "failed": "✗", "not attempted": "–", "to read": "✎", "faulty check": "!"}


def text(words: str) -> str:
    return html.escape("".join(c if c.isprintable() or c == "\n" else " " for c in words))


def counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def exercise(mark: Mark) -> str:
    points = f", {mark.earned} of {counted(mark.points, 'point')}" if mark.checked else ""
    title = f": {text(mark.title)}" if mark.title else ""
    lines = [f"<section><h3>{SIGNS[mark.status]} Exercise {mark.exercise}{title}</h3>"]
    if mark.status == "to read":
        lines.append("<p><strong>your answer</strong>, for your instructor to read</p>")
        lines.append(f"<blockquote>{text(mark.message)}</blockquote></section>")
    else:
        lines.append(f"<p><strong>{mark.status}</strong>{points}</p>")
        lines.append(f"<p>{text(mark.message)}</p></section>")
    return "\n".join(lines)


def hand_in(report: Report) -> str:
    late = ", late" if report.late else ""
    if report.error:
        return f"<h2>{text(report.file)}{late}</h2>\n<p>Not marked: {text(report.error)}</p>"
    earned, possible = report.points()
    lines = [f"<h2>Chapter {report.chapter}: {earned} of {counted(possible, 'point')}{late}</h2>"]
    lines.append(f"<p>File: {text(report.file)}</p>")
    if words := sum(not mark.checked for mark in report.marks):
        lines.append(f"<p>({counted(words, 'exercise')} to be answered in words: not counted here.)</p>")
    lines += map(exercise, report.marks)
    if notes := [note for note in report.notes if note.startswith("cell ")]:  # others are for the marker
        lines.append("<h3>Notes</h3>\n<p>(Cells are counted from the top, text included.)</p>")
        lines += [f"<p>{text(note)}</p>" for note in notes]
    return "\n".join(lines)


def file_name(student: str, identifier: str, named_by: str) -> str:
    """The name of a student's page; Moodle's is as its "Upload multiple feedback files in a zip" wants it."""
    if named_by == "moodle":
        plain = re.sub(r"[^\w. -]|_", " ", student)[:80]
        return f"{plain}_{identifier}_assignfeedback_file_feedback"
    both = f"{student}-{identifier}" if identifier else student
    return re.sub(r"[^\w.-]+", "-", both).strip("-.")[:80]


def write(reports: list[Report], folder: Path) -> None:
    """Write a page for each student into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    students: dict[tuple[str, str, str], list[Report]] = {}
    for report in sorted(reports, key=lambda one: (one.chapter or 0, one.file)):
        students.setdefault((report.student, report.id, report.named_by), []).append(report)
    taken: set[str] = set()
    for (student, identifier, named_by), theirs in sorted(students.items()):
        name = file_name(student, identifier, named_by)
        while not name or name.casefold() in taken:
            name += "-2"
        taken.add(name.casefold())
        body = "\n".join(map(hand_in, theirs))
        write_text(folder / f"{name}.html", PAGE.format(title=text(f"Feedback for {student}"), body=body))
