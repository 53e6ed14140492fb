"""Accidents in a hand-in: whatever it does to its kernel costs its own points and nothing else."""

import json
import sys

import pytest
from grading.kernel import Limits
from grading.report import as_text
from tiny_course import hand_in


def test_an_error_costs_its_own_exercise(marked, statuses) -> None:
    report = marked(hand_in(e1="def double(x)\n    return", e2="prediction = 1 / 0"))
    assert statuses(report) == ["failed", "failed", "passed"]
    assert "SyntaxError" in report.marks[0].message
    assert "ZeroDivisionError" in report.marks[1].message
    assert len(report.notes) == 2


def test_errors_are_told_without_ipythons_file_names(marked, statuses) -> None:
    report = marked(hand_in(e1="def double(x)\n    return 2", e2="raise SystemExit"))
    assert statuses(report) == ["failed", "failed", "passed"]
    assert report.marks[0].message == (
        "A cell of this exercise raised SyntaxError: expected ':' (line 1). The name 'double' is not defined."
    )
    assert "raised SystemExit. The name 'prediction'" in report.marks[1].message


def test_a_cell_or_an_answer_that_hangs_is_interrupted(marked, statuses) -> None:
    endless = "def double(x):\n    while True:\n        pass"
    report = marked(hand_in(e1=endless, e2="import time\ntime.sleep(100)"))
    assert statuses(report) == ["failed", "failed", "passed"]
    assert report.marks[0].message == "Your code ran for more than 2 seconds."
    assert "ran for more than 2 seconds" in report.marks[1].message


def test_what_cannot_be_interrupted_is_left_out(marked, statuses) -> None:
    stubborn = (
        "import time\nwhile True:\n    try:\n        time.sleep(9)\n    except BaseException:\n        pass"
    )
    report = marked(hand_in(e2=stubborn))
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
def test_a_dead_kernel_costs_the_exercise_that_killed_it(marked, statuses, end: str, said: str) -> None:
    report = marked(hand_in(e2=end))
    assert statuses(report) == ["passed", "failed", "passed"]
    assert said in report.marks[1].message


def test_an_answer_that_kills_the_kernel_costs_itself(marked, statuses) -> None:
    report = marked(hand_in(e1="import os\ndef double(x):\n    os._exit(1)"))
    assert statuses(report) == ["failed", "passed", "passed"]
    assert report.marks[0].message == "Your code killed the kernel."


def test_megabytes_are_not_collected(marked, statuses) -> None:
    flood = "for _ in range(300):\n    print('x' * 100_000)\nprediction = 'B'\n'y' * 10_000_000"
    loud = "def double(x):\n    raise ValueError('z' * 10_000_000)"
    report = marked(hand_in(e1=loud, e2=flood), Limits(cell=20, memory=1))
    assert statuses(report) == ["failed", "passed", "passed"]
    assert len(json.dumps([found.message for found in report.marks])) < 5000
    assert len(as_text(report)) < 3000


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to a memory limit")
@pytest.mark.parametrize(
    "hog",
    [
        "hog = bytearray(3 * 2**30)",
        "hog = []\nfor _ in range(200):\n    hog.append(bytearray(2**24))",
        "hog = []\ndef double(x):\n    for _ in range(200):\n        hog.append(bytearray(2**24))",
    ],
)
def test_too_much_memory_costs_the_exercise_that_wants_it(marked, statuses, hog: str) -> None:
    report = marked(hand_in(e1=hog), Limits(cell=20, memory=1))
    assert statuses(report) == ["failed", "passed", "passed"]
    assert "ran out of memory (the limit is 1 GB)" in report.marks[0].message


def test_a_notebook_out_of_time_keeps_what_it_has_earned(marked, statuses) -> None:
    notebook = hand_in(e2="import time\ntime.sleep(100)")
    report = marked(notebook, Limits(cell=100, total=4, grace=1))
    assert statuses(report) == ["passed", "failed", "failed"]
    assert "not reached" in report.marks[2].message
