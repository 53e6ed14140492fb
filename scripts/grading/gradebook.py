"""Handing on: points as Canvas and Moodle import them, one row a student."""

from pathlib import Path

from grading.marks import Report
from grading.store import as_csv, write_text

CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
MOODLE = ["Identifier", "Full name", "Grade", "Maximum Grade", "Feedback comments"]


def best(reports: list[Report]) -> dict[tuple[str, str], dict[int, Report]]:
    """For each student, by name and identifier, the best hand-in of each chapter; of equals, one that was in time."""
    found: dict[tuple[str, str], dict[int, Report]] = {}
    for report in sorted(reports, key=lambda one: (one.points()[0], not one.late, one.file)):
        if report.marks and not report.is_courses_fault():
            found.setdefault((report.student, report.id), {})[report.chapter] = report
    return dict(sorted(found.items(), key=lambda pair: pair[0][0].casefold()))


def canvas(reports: list[Report]) -> list[list[object]]:
    """Canvas' gradebook import: five columns that say who, one a chapter, and a row of the points possible.

    Canvas knows a student by the ID, or by the SIS Login ID; that is the student's name here where there is no ID.
    """
    students = best(reports)
    chapters = sorted({number for by_chapter in students.values() for number in by_chapter})
    possible = {n: max(one[n].points()[1] for one in students.values() if n in one) for n in chapters}
    rows: list[list[object]] = [[*CANVAS, *(f"Chapter {number}" for number in chapters)]]
    rows.append(["    Points Possible", "", "", "", "", *(possible[number] for number in chapters)])
    for (student, identifier), by_chapter in students.items():
        who = [student, identifier, "", "" if identifier else student, ""]
        points = [by_chapter[n].points()[0] if n in by_chapter else "" for n in chapters]
        rows.append([*who, *points])
    return rows


def moodle(reports: list[Report], chapter: int) -> list[list[object]]:
    """Moodle's grading worksheet for the assignment that is one chapter."""
    rows: list[list[object]] = [MOODLE]
    for (student, identifier), by_chapter in best(reports).items():
        if chapter in by_chapter:
            earned, possible = by_chapter[chapter].points()
            said = "; ".join(f"{mark.exercise} {mark.status}" for mark in by_chapter[chapter].marks)
            name = f"Participant {identifier}" if identifier else student
            rows.append([name, student, earned, possible, said])
    return rows


def write(reports: list[Report], folder: Path) -> None:
    """Write canvas.csv, and a moodle CSV for each chapter, into the folder."""
    write_text(folder / "canvas.csv", as_csv(canvas(reports)))
    for chapter in sorted({report.chapter for report in reports if report.marks}):
        write_text(folder / f"moodle-chapter-{chapter:02d}.csv", as_csv(moodle(reports, chapter)))
