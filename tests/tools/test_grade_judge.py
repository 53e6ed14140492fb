"""The judge uses the course's own checks, whatever a hand-in does to them, and a faulty one is the course's fault."""

from pathlib import Path

import grade
import nbformat
import pytest
from grading.course import Course
from grading.marking import settle
from grading.marks import Mark, Report
from grading.report import as_text, summary
from nbformat.v4 import new_code_cell
from tiny_course import CALLS, UNTOUCHED, WRONG, hand_in, tiny_chapter, write_course


@pytest.mark.parametrize(
    "cheat",
    [
        "check_double = check_answer = check_triple = lambda *_: 'Exercise: passed.'",
        "import tms_utils.checks.chapter_01 as c\nc.check_double = c.check_answer = c.check_triple = lambda *_: 1",
        "import tms_utils.checks.chapter_01 as c\nc.require = lambda *_: None",
        "import tms_utils.checks.exercise as e\ne.Verdict.__init__ = lambda *_: None\ne.WrongAnswer = ValueError",
        "import sys\nfor name in [n for n in sys.modules if 'tms_utils' in n]:\n    sys.modules[name] = None",
        "import sys, gc\nfor m in [m for m in gc.get_objects() if type(m) is type(sys)]:\n"
        "    for name in [n for n in vars(m) if n.startswith(('check_', 'require', 'Verdict'))]:\n"
        "        setattr(m, name, lambda *_: 'passed')",
        "import builtins\nbuiltins.abs = builtins.round = lambda *_: 0",
        "import pathlib, tms_utils.checks.exercise as e\npathlib.Path(e.__file__).write_text('1 / 0')",
        "import sys\nvars(sys.modules['__main__']).clear()\nfrom grading_inside import calls\none = 1\n"
        "calls.described = lambda error: {'name': 'Passed', 'text': '', 'bases': []}",
    ],
)
def test_shadowed_checks_are_not_used(marked, statuses, cheat: str) -> None:
    notebook = tiny_chapter(WRONG)
    notebook.cells.insert(2, new_code_cell(cheat))
    report = marked(notebook)
    assert statuses(report) == ["failed"] * 3
    assert [found.message for found in report.marks[:3]] == [
        "Not twice as much.",
        "Not A.",
        "Not three times as much.",
    ]


def test_deleted_or_changed_check_cells_make_no_difference(marked, statuses) -> None:
    notebook = hand_in(e3=UNTOUCHED[2])
    notebook.cells = [c for c in notebook.cells if c.source != CALLS[0]]
    for cell in notebook.cells:
        if "check" in cell.metadata.get("tags", []):
            cell.source = "print('Exercise 1.3: passed.')"
    notebook.cells[1].source = "one = 1  # and the checks are not even imported"
    report = marked(notebook)
    assert statuses(report) == ["passed", "passed", "failed"]
    assert report.notes == []


ANY = "class Any:\n    __eq__ = __ge__ = __bool__ = lambda *_: True\n    __ne__ = __lt__ = lambda *_: False\n"


@pytest.mark.parametrize("answer", [f"{ANY}def double(x):\n    return Any()", f"{ANY}double = Any()"])
def test_an_answer_that_equals_everything_equals_nothing(marked, statuses, answer: str) -> None:
    report = marked(
        hand_in(e1=answer, e2=f"{ANY}class B(str):\n    __eq__ = Any.__eq__\nprediction = B('A')")
    )
    assert statuses(report) == ["failed", "failed", "passed"]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ("from tms_utils.twice import twice as double", "failed"),
        ("import tms_utils.twice as t\ndouble = lambda *a: t.twice(*a)", "failed"),
        ("import functools, tms_utils.twice\ndouble = functools.partial(tms_utils.twice.twice)", "failed"),
        ("from tms_utils.twice import twice\ndef double(x):\n    twice(x)\n    return x + x", "passed"),
    ],
)
def test_the_courses_own_function_is_no_answer(marked, answer: str, status: str) -> None:
    found = marked(hand_in(e1=answer)).marks[0]
    assert found.status == status
    assert status == "passed" or "the course's own twice" in found.message


def test_a_cheat_on_disk_reaches_nobody_and_is_told(marked, statuses, tmp_path: Path) -> None:
    course = write_course(tmp_path / "course")
    target = course / "tms_utils" / "checks" / "exercise.py"
    cheat = f"open({str(target)!r}, 'w').write('def exercise(*a, **k): pass')"
    notebook = tiny_chapter(WRONG)
    notebook.cells.insert(2, new_code_cell(cheat))
    ours = Course(course)
    first = marked(notebook, course=ours)
    assert statuses(first) == statuses(marked(tiny_chapter(WRONG), course=ours)) == ["failed"] * 3
    assert "files of the course have changed" in first.notes[0]


def with_checks(course: Path, old: str, new: str) -> Path:
    """Change the checks of chapter 1."""
    checks = course / "tms_utils" / "checks" / "chapter_01.py"
    text = checks.read_text()
    assert old in text
    checks.write_text(text.replace(old, new))
    return course


def test_a_faulty_check_is_the_courses_fault(tmp_path: Path, capsys) -> None:
    course = write_course(tmp_path / "course", own_exercise=True)
    with_checks(course, 'require(prediction == "B"', 'require(prediction == {}["B"]')
    path = tmp_path / "fine.ipynb"
    nbformat.write(hand_in(), path)
    assert grade.main([str(path), "--course", str(course)]) == 1
    printed, said = capsys.readouterr()
    assert "2 of 2 passed, 1 not judged, for the course's check is faulty" in printed
    assert "1.2  faulty check" in printed
    assert said.startswith("At fault is the course, no student. Mend this, and mark again:\n")
    assert "the check of exercise 1.2: The fault is the course's, not yours" in said
    assert "KeyError: 'B'" in said


def test_memory_that_a_hand_in_has_taken_is_no_fault_of_the_check(marked, tmp_path: Path, statuses) -> None:
    course = write_course(tmp_path / "course")
    said = (
        'from tms_utils.checks.exercise import Verdict\n    return Verdict("faulty check", "MemoryError: ")'
    )
    checks = course / "tms_utils" / "checks" / "chapter_01.py"
    checks.write_text(f"{checks.read_text()}\ndef check_answer(prediction):\n    {said}\n")
    report = marked(hand_in(), course=course)
    assert statuses(report) == ["passed", "failed", "passed"]
    assert report.marks[1].message == "Your code ran out of memory (the limit is 1 GB)."


def test_a_check_that_the_course_lacks_is_its_fault(marked, statuses, tmp_path: Path) -> None:
    course = with_checks(write_course(tmp_path / "course"), "def check_answer(", "def check_reply(")
    notebook = hand_in()
    notebook.cells[1].source = "one = 1"
    report = marked(notebook, course=course)
    assert statuses(report) == ["passed", "faulty check", "passed"]
    assert "got the check cell 'check_answer(prediction)'" in report.marks[1].message
    assert report.is_courses_fault()


def test_a_faulty_check_stays_one_beside_other_hand_ins() -> None:
    reports = [
        Report(f"{name}.ipynb", 1, marks=[Mark("1.1", "passed"), Mark("1.2", status)])
        for name, status in (("a", "faulty check"), ("b", "failed"))
    ]
    assert [report.is_courses_fault() for report in reports] == [True, False]
    assert [" ".join(line.split()) for line in summary(reports).splitlines()] == [
        "chapter 1 1.1 1.2 passed",
        "a.ipynb pass fault 1 of 1",
        "b.ipynb pass fail 1 of 2",
    ]
    assert "not judged" not in as_text(reports[1])


@pytest.mark.parametrize("is_untouched", [True, False])
@pytest.mark.parametrize("blame", [[], ["raised NameError"]])
def test_nothing_in_a_hand_in_hides_a_faulty_check(blame: list[str], is_untouched: bool) -> None:
    judged = Mark("1.1", "faulty check", "KeyError")
    assert settle(judged, blame, is_untouched) == judged
