"""Marking a class: what is found in a folder, what is kept when marking stops, and what goes into the gradebook."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import grade
import nbformat
import pytest
from chapter import ROOT
from grading import feedback, gradebook
from grading.collect import collect, owner
from grading.marks import Mark, Report
from grading.report import summary
from grading.store import Store, as_csv, table
from tiny_course import hand_in


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


# What is found --------------------------------------------------------------------------------


def test_one_odd_entry_never_stops_a_folder(tmp_path: Path) -> None:
    folder, content = tmp_path / "in", nbformat.writes(hand_in())
    (folder / "bob.ipynb").mkdir(parents=True)
    for name in (
        "bob.ipynb/w.ipynb",
        "a.ipynb",
        "b.IPYNB",
        "c.ipynb.txt",
        "._a.ipynb",
        ".x.ipynb",
        "notes.pdf",
    ):
        (folder / name).write_text(content)
    for clutter in ("__MACOSX", ".ipynb_checkpoints", ".venv/lib"):
        (folder / clutter).mkdir(parents=True)
        (folder / clutter / "z.ipynb").write_text(content)
    (folder / "dead.ipynb").symlink_to(tmp_path / "nowhere")
    (folder / "broken.zip").write_bytes(b"PK")
    with zipfile.ZipFile(folder / "d.zip", "w") as archive:
        for name in ("../../e.ipynb", "__MACOSX/._e.ipynb", "README.txt", "picture.png"):
            archive.writestr(name, content)
    with tarfile.open(folder / "f.tar.gz", "w:gz") as archive:
        archive.add(folder / "a.ipynb", "g/a.ipynb")
    found, left_out = collect(folder, tmp_path / "unpacked")
    assert [one.name for one in found] == [
        "a.ipynb",
        "b.IPYNB",
        "bob.ipynb/w.ipynb",
        "c.ipynb.txt",
        "d.zip/../../e.ipynb",
        "f.tar.gz/g/a.ipynb",
    ]
    assert all(one.path.read_text() == content for one in found)
    assert all(one.path.is_relative_to(tmp_path) for one in found), "an archive says where its files go"
    assert [entry.split(" (")[0] for entry in left_out] == [
        "broken.zip",
        "d.zip/picture.png",
        "dead.ipynb",
        "notes.pdf",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all names are Unicode")
def test_a_name_in_a_windows_code_page_is_read(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/J\xfcrgen.ipynb")).write_text("{")
    assert [one.name for one in collect(tmp_path, tmp_path)[0]] == ["Jürgen.ipynb"]


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("doejane_101_555_01_linear.ipynb", "", ("doejane", "101", False, "canvas")),
        ("in.zip/doejane_LATE_101_555_01_linear.ipynb", "", ("doejane", "101", True, "canvas")),
        ("Jane Doe_17_assignsubmission_file/01_x.ipynb", "", ("Jane Doe", "17", False, "moodle")),
        ("in.zip/Jane Doe_17_assignsubmission_file_01_x.ipynb", "", ("Jane Doe", "17", False, "moodle")),
        ("hw_1_2_bob.ipynb", "", ("hw_1_2_bob", "", False, "")),
        ("jane/01_linear.ipynb", "", ("jane/01_linear", "", False, "")),
        ("jane/01_linear.ipynb", "(?P<student>[^/]+)/", ("jane", "", False, "")),
        (
            "late/s12-jane.ipynb",
            "(?P<late>late/)?(?P<id>s[0-9]+)-(?P<student>[a-z]+)",
            ("jane", "s12", True, ""),
        ),
    ],
)
def test_whose_a_hand_in_is(name: str, pattern: str, expected: tuple) -> None:
    found = owner(name, pattern)
    assert (found.student, found.id, found.late, found.named_by) == expected


# What is kept ---------------------------------------------------------------------------------


def test_a_second_run_goes_on_and_marks_what_has_changed(
    course: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    folder, out = tmp_path / "in", tmp_path / "out" / "new"
    folder.mkdir()
    for name in ("a", "b"):
        nbformat.write(hand_in(e2="prediction = 'A'"), folder / f"{name}.ipynb")
    call = [str(folder), "--out", str(out), "--course", str(course)]
    assert grade.main(call) == 0
    assert "2 of 2: " in capsys.readouterr().err
    assert (out / "feedback" / "a.html").exists()
    nbformat.write(hand_in(), folder / "b.ipynb")
    seen, real = [], grade.grade
    monkeypatch.setattr(grade, "grade", lambda path, *a: (seen.append(path.name), real(path, *a))[1])
    assert grade.main(call) == 0
    assert seen == ["b.ipynb"]
    stored = {one["file"]: one for one in json.loads((out / "marks.json").read_text())}
    assert stored["a.ipynb"]["earlier"] == []
    assert stored["b.ipynb"]["earlier"][0].endswith(": 2 of 3 points")
    assert [row[5] for row in rows((out / "marks.csv").read_text())] == ["points", "2", "3"]


def test_where_marks_cannot_be_kept_no_kernel_is_started(
    course: Path, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(grade, "Course", None)
    nbformat.write(hand_in(), tmp_path / "a.ipynb")
    (tmp_path / "file").write_text("")
    (tmp_path / "other.json").write_text('{"not": "marks"}')
    for where in (["--out", str(tmp_path / "file")], ["--json", str(tmp_path / "other.json")]):
        assert grade.main([str(tmp_path / "a.ipynb"), *where, "--course", str(course)]) == 1
        assert "The marks cannot be kept there" in capsys.readouterr().err
    assert (tmp_path / "other.json").read_text() == '{"not": "marks"}'


def test_what_is_noted_of_a_notebook_reaches_the_table(course: Path, tmp_path: Path) -> None:
    nbformat.write(hand_in(e2="prediction = 1 / 0"), tmp_path / "a.ipynb")
    assert (
        grade.main([str(tmp_path / "a.ipynb"), "--out", str(tmp_path / "out"), "--course", str(course)]) == 0
    )
    head, row = rows((tmp_path / "out" / "marks.csv").read_text())
    assert "ZeroDivisionError" in row[head.index("notes")]


def test_only_the_exercises_that_were_asked_for_count(course: Path, tmp_path: Path) -> None:
    nbformat.write(hand_in(e2="prediction = 'A'"), tmp_path / "a.ipynb")
    call = [str(tmp_path / "a.ipynb"), "--out", str(tmp_path / "out"), "--course", str(course)]
    for asked, points in (
        ("1.1 1.3", ["2", "2"]),
        ("1.2 1.3", ["1", "2"]),
    ):  # marked anew if others are asked for
        assert grade.main([*call, "--exercises", asked]) == 0
        head, row = rows((tmp_path / "out" / "marks.csv").read_text())
        assert [row[head.index(name)] for name in ("points", "possible")] == points
        assert head[-2:] == asked.split()


def test_an_exercise_that_the_course_lacks_is_a_wrong_call(course: Path, tmp_path: Path, capsys) -> None:
    nbformat.write(hand_in(), tmp_path / "a.ipynb")
    call = [str(tmp_path / "a.ipynb"), "--course", str(course), "--exercises", "1.1 1.9"]
    assert grade.main(call) == 1
    assert "The course has no exercise 1.9." in capsys.readouterr().err


def test_one_file_that_is_no_notebook_is_a_wrong_call(course: Path, tmp_path: Path, capsys) -> None:
    (tmp_path / "README.md").write_text("# Read me")
    assert grade.main([str(tmp_path / "README.md"), "--course", str(course)]) == 1
    assert "NOT MARKED" in capsys.readouterr().out
    assert grade.main([str(tmp_path), "--course", str(course)]) == 1, "and so is a folder without one"
    nbformat.write(hand_in(), tmp_path / "a.ipynb")
    assert grade.main([str(tmp_path), "--course", str(course)]) == 0, "beside a notebook it is only named"


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is a signal there")
def test_ctrl_c_keeps_what_is_there(course: Path, tmp_path: Path) -> None:
    folder, marks = tmp_path / "in", tmp_path / "marks.json"
    folder.mkdir()
    nbformat.write(hand_in(), folder / "a.ipynb")
    nbformat.write(hand_in(e1="import time\ntime.sleep(100)"), folder / "b.ipynb")
    call = [
        sys.executable,
        str(ROOT / "scripts" / "grade.py"),
        str(folder),
        "--json",
        str(marks),
        "--jobs",
        "1",
    ]
    with subprocess.Popen(
        [*call, "--course", str(course)],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        # a run in the background of a shell hands down a Ctrl-C that is ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as run:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and "a.ipynb" not in (marks.read_text() if marks.exists() else ""):
            time.sleep(0.2)
        run.send_signal(signal.SIGINT)
        said = run.stderr.read().decode()
        assert run.wait(90) == grade.STOPPED
    assert "Stopped. Type the same again to go on." in said
    assert [one["file"] for one in json.loads(marks.read_text())] == ["a.ipynb"]


def test_what_a_terminal_cannot_show_stops_nothing(course: Path, tmp_path: Path) -> None:
    nbformat.write(hand_in(e2='prediction = "ŝ → ✓"'), tmp_path / "ŝ.ipynb")
    call = [sys.executable, str(ROOT / "scripts" / "grade.py"), str(tmp_path), "--course", str(course)]
    run = subprocess.run(
        call, env=os.environ | {"PYTHONIOENCODING": "cp1252"}, capture_output=True, timeout=100
    )
    assert run.returncode == 0, run.stderr
    assert rb"\u015d.ipynb" in run.stdout


# What is handed on ----------------------------------------------------------------------------

MARKS = [Mark("1.1", "passed", "Good.", points=2), Mark("1.2", "failed", "<b>No</b>", points=3)]
WORDS = Mark("1.3", "to read", "Because <two>\nlines", checked=False, points=3)
BOTH = [MARKS[0], Mark("1.2", "passed", points=3)]
CANVAS, MOODLE = {"id": "101", "named_by": "canvas"}, {"id": "17", "named_by": "moodle"}
CLASS = [
    Report("a.ipynb", 1, marks=[*MARKS, WORDS], student="Jane", notes=["cell 2 x", "while y"], **CANVAS),
    Report("b.ipynb", 1, marks=BOTH, student="Jane", late=True, **CANVAS),
    Report("c.ipynb", 2, marks=[Mark("2.1", "failed", points=1)], student="=SUM(A1)"),
    Report("d.ipynb", error="not a readable notebook", student="Bo"),
    Report("e.ipynb", 1, marks=MARKS, student="Zoë", id="007"),
    Report("f.ipynb", 1, marks=MARKS, student="Joe_X", marked="2026-11-26 22:10", **MOODLE),
]


class Canvas:
    """Reads a gradebook as Canvas' importer does: who is meant by a row, and what is in its column."""

    def __init__(self, text: str):
        head, *found = rows(text)
        assert "Student" in head[0]
        assert "ID" in head[1]
        assert head[2:5] == ["SIS User ID", "SIS Login ID", "Section"]  # then come the assignments
        self.assignments = head[5:]
        possible = [row for row in found if "Points Possible" in row[0]]
        assert found[: len(possible)] == possible
        self.possible = [float(points) for points in possible[0][5:]]
        self.students = {self.who(row): row[5:] for row in found[1:]}
        assert all(len(row) == len(head) for row in found)

    @staticmethod
    def who(row: list[str]) -> tuple[str, str]:
        """By which of its columns a student is looked up, in this order."""
        return next(
            (name, row[k]) for k, name in ((1, "id"), (2, "sis"), (3, "login"), (0, "name")) if row[k]
        )


def moodle_worksheet(text: str, maximum: int) -> dict[int, tuple[float, str, str]]:
    """Reads a worksheet as Moodle does: by participant, grade, when it was given, and comment."""
    head, *found = rows(text)
    columns = [
        head.index(name) for name in ("Identifier", "Grade", "Last modified (grade)", "Feedback comments")
    ]
    read = {}
    for row in found:
        who, grade, given, said = (row[k] for k in columns)
        assert who.startswith("Participant ")
        assert 0 <= float(grade) <= maximum, "out of range: skipped"
        read[int(who.removeprefix("Participant "))] = (float(grade), given, said)
    return read


def test_canvas_gets_one_row_a_student_with_the_best_points() -> None:
    found = Canvas(as_csv(gradebook.canvas(CLASS)))
    assert found.assignments == ["Chapter 1", "Chapter 2"]
    assert found.possible == [5, 1]
    assert found.students == {
        ("login", "'=SUM(A1)"): ["", "0"],
        ("id", "101"): ["5", ""],
        ("sis", "007"): ["2", ""],  # a school's own number must not be taken for one of Canvas'
    }


def test_moodle_gets_a_worksheet_and_a_gradebook(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    gradebook.write(CLASS, tmp_path)
    names = {"canvas.csv", "moodle.csv", "moodle-chapter-01.csv"}  # nobody's file of chapter 2 is Moodle's
    assert {path.name for path in tmp_path.glob("*.csv")} == names
    worksheet = moodle_worksheet((tmp_path / "moodle-chapter-01.csv").read_text(), maximum=5)
    assert worksheet == {17: (2, "2026-11-26 22:10", "1.1 passed; 1.2 failed")}
    gradebook.write(CLASS[-1:], tmp_path / "theirs")
    assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["moodle-chapter-01.csv"]
    head, *found = rows((tmp_path / "moodle.csv").read_text())
    assert head == ["ID number", "Full name", "Chapter 1", "Chapter 2"]
    assert [row[0] for row in found] == ["'=SUM(A1)", "007"]


def test_all_hand_ins_stand_side_by_side(tmp_path: Path) -> None:
    head, *found = table(CLASS)
    assert head[-4:] == ["1.1", "1.2", "1.3", "2.1"]
    assert [row[:7] for row in found if row[0] == "Jane"] == [
        ["Jane", "101", "a.ipynb", "", 1, 2, 5],
        ["Jane", "101", "b.ipynb", "late", 1, 5, 5],
    ]
    store = Store(tmp_path / "marks.json")
    for report in CLASS:
        store.keep(report)
    assert sorted(Store(tmp_path / "marks.json").before.values(), key=lambda one: one.file) == CLASS


def test_chapter_0_is_a_chapter() -> None:
    zero = Report("z.ipynb", 0, marks=MARKS)
    assert table([zero])[1][4] == 0
    assert summary([zero]).startswith("chapter 0")


def test_feedback_is_a_page_a_student(tmp_path: Path) -> None:
    feedback.write(CLASS, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "Bo.html",
        "Jane-101.html",
        "Joe X_17_assignfeedback_file_feedback.html",  # as Moodle's upload of feedback wants them
        "SUM-A1.html",
        "Zoë-007.html",
    ]
    page = (tmp_path / "Jane-101.html").read_text()
    assert "&lt;b&gt;No&lt;/b&gt;" in page
    assert "<blockquote>Because &lt;two&gt;\nlines</blockquote>" in page
    assert "2 of 5 points" in page
    assert "5 of 5 points, late" in page
    assert "(1 exercise to be answered in words: not counted here.)" in page
    assert "<p>cell 2 x</p>" in page
    assert "while y" not in page, "that is for the marker"
