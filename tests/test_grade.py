"""Marking hand-ins: whatever a notebook does costs its own points and nothing else.

Nearly all hand-ins here belong to a tiny course of one chapter, whose kernels start quickly; one is a real chapter.
"""

import ast
import json
import shutil
import sys
from pathlib import Path

import grade
import nbformat
import pytest
import student
from checking import CHAPTERS, quickest_chapter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parent.parent


QUICK = grade.Limits(cell=2, total=60, memory=1, grace=1)

CHECKS = """
from tms_utils.checks.verdict import exercise, require

@exercise("1.1")
def check_double(double):
    require(double(3) != 9, "That is the square.")
    require(double(3) == 6, "Not twice as much.")
    return "Twice."

@exercise("1.2")
def check_answer(prediction):
    require(prediction == "B", f"Not {prediction}.")
    return "B it is."

@exercise("1.3")
def check_triple(triple, half):
    require(triple(2) == 6, "Not three times as much.")
    require(half(2) == 1, "Not half.")
    return "Thrice."
"""
UNTOUCHED = {
    "1.1": 'def double(x):\n    raise NotImplementedError("Exercise 1.1: your code here")',
    "1.2": "prediction = None",
    "1.3": "def triple(x):\n    x = x + 0\n    return one * 2 * x\n\ndef half(x):\n    return x / 2",
}
SOLVED = {
    "1.1": "def double(x):\n    return one * 2 * x",
    "1.2": 'prediction = "B"',
    "1.3": "def triple(x):\n    return 3 * x\n\ndef half(x):\n    return x / 2",
}
CHECK = {
    "1.1": "check_double(double)",
    "1.2": "check_answer(prediction)",
    "1.3": "check_triple(triple, half)",
}
PASSED = ["passed"] * 3


def chapter(stubs: dict[str, str]) -> NotebookNode:
    """The tiny chapter, filled in with `stubs`."""
    cells = [
        new_markdown_cell("# 1. Tiny"),
        new_code_cell("from tms_utils.checks import *\none = 1"),
        new_markdown_cell("## Exercises"),
    ]
    for number, stub in stubs.items():
        cells += [
            new_markdown_cell(f"### Exercise {number}: a title"),
            new_code_cell(stub, metadata={"exercise": number, "tags": ["exercise"]}),
            new_code_cell(CHECK[number], metadata={"exercise": number, "tags": ["check"]}),
            new_code_cell("raise SystemExit", metadata={"exercise": number, "tags": ["solution"]}),
        ]
    cells += [
        new_markdown_cell("### Exercise 1.4: in words"),
        new_markdown_cell("<details>", metadata={"exercise": "1.4", "tags": ["solution"]}),
        new_markdown_cell("## What we checked"),
        new_code_cell('prediction, double = "changed", None'),
    ]
    return new_notebook(cells=cells, metadata={"tms": {"chapter": 1}})


def stub_of(notebook: NotebookNode, number: str) -> NotebookNode:
    return next(c for c in notebook.cells if c.metadata == {"exercise": number, "tags": ["exercise"]})


def hand_in(**changes: str) -> NotebookNode:
    """A solved chapter; `e1_2="..."` puts other code into the stub of exercise 1.2."""
    notebook = chapter(SOLVED)
    for name, source in changes.items():
        stub_of(notebook, name.removeprefix("e").replace("_", ".")).source = source
    return notebook


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("course")
    checks = folder / "tms_utils" / "checks"
    checks.mkdir(parents=True)
    (folder / "tms_utils" / "__init__.py").write_text("")
    (checks / "__init__.py").write_text("from tms_utils.checks.chapter_1 import *\n")
    (checks / "chapter_1.py").write_text(CHECKS)
    shutil.copy(ROOT / "tms_utils" / "checks" / "verdict.py", checks)
    (folder / "notebooks").mkdir()
    nbformat.write(chapter(UNTOUCHED), folder / "notebooks" / "01_tiny.ipynb")
    return folder


@pytest.fixture
def marked(course: Path, tmp_path: Path):
    """Mark a notebook by the tiny course; return its report."""

    def mark(notebook: NotebookNode, limits=QUICK):
        path = tmp_path / "hand in, by A. Student.ipynb"
        nbformat.write(notebook, path)
        return grade.grade(path, course, limits)

    return mark


def statuses(report) -> list[str]:
    assert not report.error
    assert [found.exercise for found in report.marks] == ["1.1", "1.2", "1.3", "1.4"]
    assert [found.checked for found in report.marks] == [True, True, True, False]
    return [found.status for found in report.marks[:-1]]


# Ordinary hand-ins --------------------------------------------------------------------------


def test_an_untouched_chapter_is_not_attempted(marked) -> None:
    report = marked(chapter(UNTOUCHED))
    assert statuses(report) == ["not attempted"] * 3, "a faulty stub left as it came is no wrong repair"
    assert report.marks[2].message == "The cell is as it came."
    assert report.marks[3].status == "not attempted"
    assert report.count() == (0, 3)


def test_a_repair_that_only_deletes_is_an_attempt(marked) -> None:
    notebook = chapter(UNTOUCHED)
    stub_of(notebook, "1.3").source = UNTOUCHED["1.3"].replace("    x = x + 0\n", "")
    assert statuses(marked(notebook)) == ["not attempted", "not attempted", "failed"]


def test_an_answer_in_words_is_shown_to_be_read(marked) -> None:
    notebook = hand_in()
    place = next(i for i, c in enumerate(notebook.cells) if "1.4: in words" in c.source) + 1
    notebook.cells.insert(place, new_markdown_cell(f"{grade.PROMPT}\n\nBecause two\nmakes four."))
    report = marked(notebook)
    assert (report.marks[3].status, report.marks[3].message) == ("to read", "Because two\nmakes four.")
    assert report.count() == (3, 3)
    assert "to read        Because two makes four." in grade.as_text(report)
    assert grade.PROMPT == student.PROMPT


def test_a_solved_chapter_passes(marked) -> None:
    report = marked(hand_in())
    assert statuses(report) == PASSED
    assert report.marks[0].message == "Twice."
    assert (report.chapter, report.count(), report.notes) == (1, (3, 3), [])


def test_a_wrong_answer_gets_the_checks_message(marked) -> None:
    report = marked(hand_in(e1_1="def double(x):\n    return x * x", e1_2='prediction = "C"'))
    assert statuses(report) == ["failed", "failed", "passed"]
    assert [found.message for found in report.marks[:2]] == ["That is the square.", "Not C."]


def test_answers_may_stand_in_cells_of_their_own(marked) -> None:
    notebook = chapter(UNTOUCHED)
    for number, answer in SOLVED.items():
        stub = notebook.cells.index(stub_of(notebook, number))
        notebook.cells[stub + 1 : stub + 1] = [new_markdown_cell("## My answer"), new_code_cell("helper = 2")]
        notebook.cells.insert(stub + 4, new_code_cell(answer))  # below the check
    assert statuses(marked(notebook)) == PASSED


def test_lost_metadata_and_headings_do_no_harm(marked) -> None:
    notebook = hand_in()
    notebook.cells = [c for c in notebook.cells if "solution" not in c.metadata.get("tags", [])]
    for cell in notebook.cells:
        cell.metadata = {}
    notebook.metadata = {}
    assert statuses(marked(notebook)) == PASSED  # found by the headings or the names
    wanted = grade.exercises(chapter(UNTOUCHED))
    assert list(grade.starts(notebook, wanted)) == [
        "1.1",
        "1.2",
        "1.3",
        "1.4",
    ]  # 1.4 has no names: by its heading
    notebook.cells = [c for c in notebook.cells if not c.source.startswith("### ")]
    assert statuses(marked(notebook)) == PASSED  # found by the names


def test_a_missing_exercise_is_not_attempted(marked) -> None:
    notebook = hand_in()
    notebook.cells = [
        c for c in notebook.cells if c.metadata.get("exercise") != "1.2" and "Exercise 1.2" not in c.source
    ]
    notebook.cells = notebook.cells[:-1]  # where the chapter's end gives `prediction` a value
    report = marked(notebook)
    assert statuses(report) == ["passed", "not attempted", "passed"]
    assert "prediction" in report.marks[1].message


# Accidents ----------------------------------------------------------------------------------


def test_an_error_costs_its_own_exercise(marked) -> None:
    report = marked(hand_in(e1_1="def double(x)\n    return", e1_2="prediction = 1 / 0"))
    assert statuses(report) == ["failed", "failed", "passed"]
    assert "SyntaxError" in report.marks[0].message
    assert "ZeroDivisionError" in report.marks[1].message
    assert len(report.notes) == 2


def test_a_cell_or_an_answer_that_hangs_is_interrupted(marked) -> None:
    report = marked(
        hand_in(e1_1="def double(x):\n    while True:\n        pass", e1_2="import time\ntime.sleep(100)")
    )
    assert statuses(report) == ["failed", "failed", "passed"]
    assert report.marks[0].message == "Your code ran for more than 2 seconds."
    assert "ran for more than 2 seconds" in report.marks[1].message


def test_what_cannot_be_interrupted_is_left_out(marked) -> None:
    stubborn = (
        "import time\nwhile True:\n    try:\n        time.sleep(9)\n    except BaseException:\n        pass"
    )
    report = marked(hand_in(e1_2=stubborn))
    assert statuses(report) == ["passed", "failed", "passed"]
    assert "could not be interrupted" in report.marks[1].message


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("import os\nos._exit(0)", "killed the kernel"),
        ("import ctypes\nctypes.string_at(0)", "killed the kernel"),
        ("exit()", "closed the kernel"),
        ("import sys\nsys.exit()", "SystemExit"),
    ],
)
def test_a_dead_kernel_costs_the_exercise_that_killed_it(marked, end: str, said: str) -> None:
    report = marked(hand_in(e1_2=end))
    assert statuses(report) == ["passed", "failed", "passed"]
    assert said in report.marks[1].message


def test_an_answer_that_kills_the_kernel_costs_itself(marked) -> None:
    report = marked(hand_in(e1_1="import os\ndef double(x):\n    os._exit(1)"))
    assert statuses(report) == ["failed", "passed", "passed"]
    assert report.marks[0].message == "Your code killed the kernel."


def test_megabytes_are_not_collected(marked) -> None:
    flood = "for _ in range(300):\n    print('x' * 100_000)\nprediction = 'B'\n'y' * 10_000_000"
    loud = "def double(x):\n    raise ValueError('z' * 10_000_000)"
    report = marked(hand_in(e1_1=loud, e1_2=flood), grade.Limits(cell=20, memory=1))
    assert statuses(report) == ["failed", "passed", "passed"]
    assert len(json.dumps([found.message for found in report.marks])) < 5000
    assert len(grade.as_text(report)) < 3000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to a memory limit")
@pytest.mark.parametrize(
    "hog",
    [
        "hog = bytearray(3 * 2**30)",
        "hog = []\nfor _ in range(200):\n    hog.append(bytearray(2**24))",
        "hog = []\ndef double(x):\n    for _ in range(200):\n        hog.append(bytearray(2**24))",
    ],
)
def test_too_much_memory_costs_the_exercise_that_wants_it(marked, hog: str) -> None:
    report = marked(hand_in(e1_1=hog), grade.Limits(cell=20, memory=1))
    assert statuses(report) == ["failed", "passed", "passed"]
    assert "ran out of memory (the limit is 1 GB)" in report.marks[0].message


def test_a_notebook_out_of_time_keeps_what_it_has_earned(marked) -> None:
    notebook = hand_in(e1_2="import time\ntime.sleep(100)")
    report = marked(notebook, grade.Limits(cell=100, total=4, grace=1))
    assert statuses(report) == ["passed", "failed", "failed"]
    assert "not reached" in report.marks[2].message


# The grader's own checks --------------------------------------------------------------------

WRONG = {
    "1.1": "def double(x):\n    return 0",
    "1.2": 'prediction = "A"',
    "1.3": UNTOUCHED["1.3"].replace("2 * x", "4 * x"),
}


@pytest.mark.parametrize(
    "cheat",
    [
        "check_double = check_answer = check_triple = lambda *_: 'Exercise: passed.'",
        "import tms_utils.checks as c\nc.check_double = c.check_answer = c.check_triple = lambda *_: True",
        "import tms_utils.checks.chapter_1 as c\nc.require = lambda *_: None",
        "import tms_utils.checks.verdict as v\nv.Verdict.__init__ = lambda *_: None\nv.WrongAnswer = ValueError",
        "import sys\nfor name in [n for n in sys.modules if 'tms_utils' in n]:\n    sys.modules[name] = None",
    ],
)
def test_shadowed_checks_are_not_used(marked, cheat: str) -> None:
    notebook = chapter(WRONG)
    notebook.cells.insert(2, new_code_cell(cheat))
    report = marked(notebook)
    assert statuses(report) == ["failed"] * 3
    assert [found.message for found in report.marks[:3]] == [
        "Not twice as much.",
        "Not A.",
        "Not three times as much.",
    ]


def test_deleted_or_changed_check_cells_make_no_difference(marked) -> None:
    notebook = hand_in(e1_3=UNTOUCHED["1.3"])
    notebook.cells = [c for c in notebook.cells if "check_double" not in c.source]
    for cell in notebook.cells:
        if "check" in cell.metadata.get("tags", []):
            cell.source = "while True: pass"
    notebook.cells[1].source = "one = 1  # and the checks are not even imported"
    report = marked(notebook)
    assert statuses(report) == ["passed", "passed", "failed"]
    assert report.notes == [], "a check cell of the notebook was run"


# Files --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a readable notebook"),
        ("{", "not a readable notebook"),
        ("[1, 2]", "not a readable notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "not a readable notebook"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}', "no chapter of this course"),
        (
            '{"nbformat": 4, "nbformat_minor": 5, "metadata": {"tms": {"chapter": 7}}, "cells": []}',
            "chapter 7, which this course lacks",
        ),
    ],
)
def test_a_file_that_is_no_chapter_is_named(text: str, said: str, course: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.ipynb"
    path.write_text(text)
    report = grade.grade(path, course, QUICK)
    assert said in report.error
    assert report.fault == "notebook"
    assert grade.as_text(report).startswith("odd.ipynb: NOT MARKED: ")


def test_a_folder_is_marked_to_the_end(course: Path, tmp_path: Path, capsys) -> None:
    folder, marks = tmp_path / "hand-ins", tmp_path / "marks.json"
    (folder / "late").mkdir(parents=True)
    (folder / "a broken one.ipynb").write_text("{")
    nbformat.write(hand_in(), folder / "late" / "b.ipynb")
    nbformat.write(chapter(UNTOUCHED), folder / "c.ipynb")
    (folder / ".ipynb_checkpoints").mkdir()
    shutil.copy(folder / "c.ipynb", folder / ".ipynb_checkpoints" / "c.ipynb")
    (folder / "late" / "d.zip").write_bytes(b"PK")
    (folder / ".DS_Store").write_bytes(b"")
    assert grade.main([str(folder), "--json", str(marks), "--course", str(course)]) == 0
    printed = capsys.readouterr().out
    assert "a broken one.ipynb: NOT MARKED" in printed
    rows = [" ".join(line.split()) for line in printed.splitlines()]
    assert "chapter 1 1.1 1.2 1.3 1.4 passed" in rows
    assert "c.ipynb - - - - 0 of 3" in rows
    assert "late/b.ipynb pass pass pass - 3 of 3" in rows
    assert printed.endswith("\n\nnot marked: a broken one.ipynb\n\nleft out, being no .ipynb: d.zip\n")
    stored = json.loads(marks.read_text())
    assert [entry["file"] for entry in stored] == ["a broken one.ipynb", "c.ipynb", "late/b.ipynb"]
    assert stored[2]["marks"][0] == {
        "exercise": "1.1",
        "status": "passed",
        "message": "Twice.",
        "checked": True,
    }


def test_a_fault_of_the_grader_is_told_from_one_of_the_notebook(course: Path, tmp_path: Path, capsys) -> None:
    assert grade.main([str(tmp_path / "nothing-here")]) == 1
    assert grade.main([str(tmp_path)]) == 1
    assert "no notebook there" in capsys.readouterr().err
    path = tmp_path / "fine.ipynb"
    nbformat.write(hand_in(), path)
    shutil.copytree(course / "notebooks", tmp_path / "bare" / "notebooks")  # a course without its package
    report = grade.grade(path, tmp_path / "bare", QUICK)
    assert report.fault == "grader"
    assert "could not be prepared" in report.error


def test_reports_show_no_control_characters() -> None:
    found = grade.Mark("1.1", "failed", "red \x1b[31m and\nlong " + 1000 * "x")
    text = grade.as_text(grade.Report("a.ipynb", 1, marks=[found]))
    assert "\x1b" not in text
    assert len(text) < 1000


def test_one_broken_cell_does_not_bury_the_table() -> None:
    notes = [f"cell {i} raised NameError" for i in range(1, 31)]
    text = grade.as_text(grade.Report("a.ipynb", 1, notes=notes))
    assert "cell 3 raised" in text
    assert "cell 4 raised" not in text
    assert "and 27 more cells" in text


def test_errors_are_told_without_ipythons_file_names(marked) -> None:
    report = marked(hand_in(e1_1="def double(x)\n    return 2", e1_2="raise SystemExit"))
    assert statuses(report) == ["failed", "failed", "passed"]
    assert report.marks[0].message == (
        "A cell of this exercise raised SyntaxError: expected ':' (line 1). The name 'double' is not defined."
    )
    assert "raised SystemExit. The name 'prediction'" in report.marks[1].message


# A real chapter -----------------------------------------------------------------------------


def with_solutions_pasted_in(path: Path) -> NotebookNode:
    """The student's version of a chapter, with each stub replaced by the solution, under the stub's names."""
    ours = nbformat.read(path, as_version=4)
    filled = student.without_answers(ours)
    for solution in ours.cells:
        if solution.cell_type == "code" and "solution" in solution.metadata.get("tags", []):
            cells = [c for c in filled.cells if c.metadata.get("exercise") == solution.metadata.exercise]
            stub, check = (
                next(c for c in cells if tag in c.metadata.get("tags", [])) for tag in ("exercise", "check")
            )
            *_, call = ast.parse(solution.source).body
            wanted = [ast.unparse(argument) for argument in ast.parse(check.source).body[-1].value.args]
            given = [ast.unparse(argument) for argument in call.value.args]
            body = solution.source.splitlines()[: call.lineno - 1]
            stub.source = "\n".join(body + [f"{a} = {b}" for a, b in zip(wanted, given, strict=True)])
    return filled


@pytest.mark.slow
def test_a_real_chapter_is_marked(tmp_path: Path) -> None:
    path = tmp_path / "filled in.ipynb"
    filled = with_solutions_pasted_in(quickest_chapter())
    nbformat.write(filled, path)
    report = grade.grade(path)
    assert not report.error
    assert report.notes == []
    assert {found.status for found in report.marks if found.checked} == {"passed"}, grade.as_text(report)
    assert report.count()[0] >= 3


def test_every_chapter_can_be_marked() -> None:
    """Each exercise is found, with the check and the names that the grader needs; nothing is run."""
    for path in CHAPTERS:
        notebook = nbformat.read(path, as_version=4)
        wanted = grade.exercises(notebook)
        where = grade.regions(notebook, wanted)
        steps = grade.plan(notebook, wanted, where)
        assert len(wanted) >= 3, path.name
        for exercise in wanted:
            assert len(where[exercise.number]) > 0, f"{path.name}: exercise {exercise.number} was not found"
            if exercise.check:
                (call,) = ast.parse(exercise.check).body
                asked = {n.id for n in ast.walk(call) if isinstance(n, ast.Name)} - {call.value.func.id}
                assert asked <= exercise.names, (
                    f"{path.name}: the stub of {exercise.number} must define {asked}"
                )
                assert exercise in steps
