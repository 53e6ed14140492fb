"""Handing on: points as Canvas and Moodle import them, one row a student.

Canvas knows a student by its own ID, by the SIS User ID, by the SIS Login ID, or else by the name. Moodle's grading worksheet
knows one by the participant's number, its gradebook import by whatever column one chooses there.
"""

from pathlib import Path

from grading.marks import Report
from grading.store import as_csv, write_text

CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
WORKSHEET = [
    "Identifier",
    "Full name",
    "Grade",
    "Maximum Grade",
    "Last modified (grade)",
    "Feedback comments",
]
MOODLE = ["ID number", "Full name"]

Best = dict[tuple[str, str, str], dict[int, Report]]


def best(reports: list[Report], named_by: tuple[str, ...]) -> Best:
    """For each student, by name and identifier, the best hand-in of each chapter; of equals, one that was in time."""
    found: Best = {}
    for report in sorted(reports, key=lambda one: (one.points()[0], not one.late, one.file)):
        if report.marks and not report.is_courses_fault() and report.named_by in named_by:
            found.setdefault((report.student, report.id, report.named_by), {})[report.chapter] = report
    return dict(sorted(found.items(), key=lambda pair: pair[0][0].casefold()))


def chapters_in(students: Best) -> list[int]:
    return sorted({number for by_chapter in students.values() for number in by_chapter})


def earned(by_chapter: dict[int, Report], chapters: list[int]) -> list[object]:
    return [by_chapter[number].points()[0] if number in by_chapter else "" for number in chapters]


def canvas(reports: list[Report]) -> list[list[object]]:
    """Canvas' gradebook import: five columns that say who, one a chapter, and a row of the points possible."""
    students = best(reports, ("canvas", ""))
    chapters = chapters_in(students)
    possible = [max(one[n].points()[1] for one in students.values() if n in one) for n in chapters]
    rows: list[list[object]] = [[*CANVAS, *(f"Chapter {number}" for number in chapters)]]
    rows.append(["    Points Possible", "", "", "", "", *possible])
    for (student, identifier, named_by), by_chapter in students.items():
        own = identifier if named_by == "canvas" else ""
        school = identifier if not named_by else ""
        login = student if not identifier else ""
        rows.append([student, own, school, login, "", *earned(by_chapter, chapters)])
    return rows


def moodle(reports: list[Report]) -> list[list[object]]:
    """Moodle's gradebook import: a column that says who, and one a chapter, as one chooses there what is what."""
    students = best(reports, ("",))
    chapters = chapters_in(students)
    rows: list[list[object]] = [[*MOODLE, *(f"Chapter {number}" for number in chapters)]]
    for (student, identifier, _), by_chapter in students.items():
        rows.append([identifier or student, student, *earned(by_chapter, chapters)])
    return rows


def worksheet(reports: list[Report], chapter: int) -> list[list[object]]:
    """Moodle's grading worksheet for the assignment that is one chapter: those whose files Moodle has named."""
    rows: list[list[object]] = [WORKSHEET]
    for (student, identifier, _), by_chapter in best(reports, ("moodle",)).items():
        if chapter in by_chapter:
            report = by_chapter[chapter]
            said = "; ".join(f"{mark.exercise} {mark.status}" for mark in report.marks)
            rows.append([f"Participant {identifier}", student, *report.points(), report.marked, said])
    return rows


def write(reports: list[Report], folder: Path) -> None:
    """Write what is needed: canvas.csv, moodle.csv, and a worksheet a chapter for files that Moodle has named."""
    files = {"canvas.csv": canvas(reports), "moodle.csv": moodle(reports)}
    for chapter in sorted({report.chapter for report in reports if report.marks}):
        files[f"moodle-chapter-{chapter:02d}.csv"] = worksheet(reports, chapter)
    for name, rows in files.items():
        if any(row[0].strip() != "Points Possible" for row in rows[1:]):  # somebody is in it
            write_text(folder / name, as_csv(rows))
