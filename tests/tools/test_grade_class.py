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
        ("doejane_101_555_01_linear.ipynb", "", ("doejane", "101", False)),
        ("in/doejane_LATE_101_555_01_linear.ipynb", "", ("doejane", "101", True)),
        ("Jane Doe_17_assignsubmission_file/01_linear.ipynb", "", ("Jane Doe", "17", False)),
        ("jane/01_linear.ipynb", "", ("jane/01_linear", "", False)),
        ("jane/01_linear.ipynb", "(?P<student>[^/]+)/", ("jane", "", False)),
        ("late/s12-jane.ipynb", "(?P<late>late/)?(?P<id>s[0-9]+)-(?P<student>[a-z]+)", ("jane", "s12", True)),
    ],
)
def test_whose_a_hand_in_is(name: str, pattern: str, expected: tuple) -> None:
    found = owner(name, pattern)
    assert (found.student, found.id, found.late) == expected


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
CLASS = [
    Report("a.ipynb", 1, marks=[*MARKS, WORDS], student="Jane", id="101"),
    Report(
        "b.ipynb", 1, marks=[MARKS[0], Mark("1.2", "passed", points=3)], student="Jane", id="101", late=True
    ),
    Report("c.ipynb", 2, marks=[Mark("2.1", "failed", points=1)], student="=SUM(A1)"),
    Report("d.ipynb", error="not a readable notebook", student="Bo"),
]


def test_canvas_gets_one_row_a_student_with_the_best_points() -> None:
    assert rows(as_csv(gradebook.canvas(CLASS))) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Chapter 1", "Chapter 2"],
        ["    Points Possible", "", "", "", "", "5", "1"],
        ["'=SUM(A1)", "", "", "'=SUM(A1)", "", "", "0"],
        ["Jane", "101", "", "", "", "5", ""],
    ]


def test_moodle_gets_one_row_a_student() -> None:
    assert gradebook.moodle(CLASS, 1)[1:] == [["Participant 101", "Jane", 5, 5, "1.1 passed; 1.2 passed"]]


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


def test_feedback_is_a_page_a_student(tmp_path: Path) -> None:
    feedback.write(CLASS, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Bo.html", "Jane-101.html", "SUM-A1.html"]
    page = (tmp_path / "Jane-101.html").read_text()
    assert "&lt;b&gt;No&lt;/b&gt;" in page
    assert "<blockquote>Because &lt;two&gt;\nlines</blockquote>" in page
    assert "2 of 5 points" in page
    assert "5 of 5 points, late" in page
