"""What a student learns before handing in: the marker's words, from a copy of the file, in a clean process."""

import inspect
import json
import re
import textwrap
from pathlib import Path

import nbformat
import pytest
import student
from nbformat.v4 import new_code_cell
from tiny_course import SOLVED, UNTOUCHED, stub_of, tiny_chapter, write_course

from tms_utils import check
from tms_utils.checks.exercise import exercise

STUB = "def f(x):\n    '''A sum.'''\n    return x -  1  # a comment\n"


@pytest.fixture
def checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """Write a notebook as it is handed out, check it, and return what is printed."""
    course = write_course(tmp_path / "course", own_exercise=True)
    monkeypatch.setenv("PYTHONPATH", str(course))

    def run(*answers: str, last: str = "") -> list[str]:
        path = tmp_path / "my.ipynb"
        handed_out = student.with_help(student.without_answers(tiny_chapter()), "my.ipynb")
        for k, answer in enumerate(answers, 1):
            stub_of(handed_out, k).source = answer
        handed_out.cells.append(new_code_cell(last))
        nbformat.write(handed_out, path)
        check.main([str(path)])
        return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]

    return run


def test_it_says_what_the_marker_will_say(checked) -> None:
    square, mended = "def double(x):\n    return x * x", UNTOUCHED[2].replace("x + 0", "x")
    said = checked(square, SOLVED[1], mended, last="1 / 0")
    assert "1.1 failed That is the square." in said
    assert "1.2 passed B it is." in said
    assert "1.4 not attempted Nothing is written under its heading." in said
    assert any("raised ZeroDivisionError" in line for line in said)
    assert any(line.startswith("1.3 failed") for line in said), "code that was changed is an attempt"


def test_what_is_as_it_came_is_not_attempted(checked) -> None:
    theirs = "from tms_utils.check import digest as double"
    reformatted = UNTOUCHED[2].replace("x + 0", "x+0  # hm").replace("\n", "\r\n")
    said = checked(theirs, UNTOUCHED[1], reformatted)
    assert [line for line in said if line.startswith("1.")][1:] == [
        "1.2 not attempted Nothing is changed yet.",
        "1.3 not attempted Nothing is changed yet.",
        "1.4 not attempted Nothing is written under its heading.",
    ]
    assert any(line.startswith("1.1 failed That is the course's own digest") for line in said)


def test_a_cell_that_stops_and_one_from_colab(checked) -> None:
    mounts = "from google.colab import drive, files\ndrive.mount('/content/drive')\n"
    said = checked(mounts + SOLVED[0], "best = 7 +", UNTOUCHED[2])
    assert any(line.startswith("1.1 passed") for line in said)
    assert any(line.startswith("1.2 failed A cell of this exercise raised SyntaxError") for line in said)


def test_it_installs_nothing_as_the_marker_does_not(checked) -> None:
    said = checked(SOLVED[0], last="%pip install a-package-that-is-not-there")
    assert any("asked for packages: hand-ins are marked with those of the course" in line for line in said)
    said = checked(
        SOLVED[0],
        last="import sys\nassert not sys.modules.get('pip')\nimport pip\nassert not hasattr(pip, '_internal')",
    )
    assert not any("raised" in line for line in said)
    assert any(line.startswith("1.1 passed") for line in said)


def test_another_courses_notebook_is_no_silence(tmp_path: Path, capsys) -> None:
    nbformat.write(nbformat.v4.new_notebook(cells=[new_code_cell("1")]), tmp_path / "my.ipynb")
    check.main([str(tmp_path / "my.ipynb")])
    assert "There is no exercise of this course in it." in capsys.readouterr().out


def test_a_cell_that_ends_the_kernel_is_named(checked) -> None:
    said = checked(SOLVED[0], last="import os\n\nos._exit(1)")
    assert any(re.match(r"At cell \d+ the kernel had ended", line) for line in said)


@pytest.mark.parametrize("content", ["{", "[]", '{"cells": 3}', "no notebook"])
def test_a_damaged_file_is_named(content: str, tmp_path: Path, capsys) -> None:
    path = tmp_path / "my.ipynb"
    path.write_text(content)
    assert check.file(path) == 1
    assert "damaged or cut short" in capsys.readouterr().out


def test_metadata_of_foreign_types_is_no_trouble(tmp_path: Path) -> None:
    notebook = nbformat.v4.new_notebook(cells=[new_code_cell("1"), new_code_cell("2")])
    path = tmp_path / "my.ipynb"
    nbformat.write(notebook, path)
    raw = json.loads(path.read_text())
    raw["cells"][0]["metadata"], raw["cells"][1]["metadata"] = None, {"tags": None}
    path.write_text(json.dumps(raw))
    assert [cell.metadata for cell in check.read(path).cells] == [{}, {}]


def test_a_hand_out_checks_itself_last() -> None:
    theirs = student.with_help(student.without_answers(tiny_chapter()), "01_tiny.ipynb")
    nbformat.validate(theirs)
    assert [cell for cell in theirs.cells if cell.metadata.get("tags") == ["hand-in"]] == theirs.cells[-1:]
    assert 'before_handing_in("01_tiny.ipynb", ready=False)' in theirs.cells[-1].source


def test_code_is_as_it_came_only_if_all_of_it_is() -> None:
    def half(x: float) -> float:
        return x / 2

    def other(x: float) -> float:
        return x / 2

    came = check.digest("\n".join(textwrap.dedent(inspect.getsource(one)) for one in (half, other)))
    assert check.as_it_came(came, [half, other, 3])
    assert not check.as_it_came(came, [half, lambda x: x / 2])
    assert not check.as_it_came(came, [half])
    assert not check.as_it_came(came, [abs, len]), "no source, no verdict"
    assert not check.as_it_came("", []), "most exercises have nothing to mend"


def test_the_last_cell_waits_until_one_is_ready(
    monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(check.CHECKING, raising=False)
    check.before_handing_in("my.ipynb")
    assert "write ready=True" in capsys.readouterr().out
    check.before_handing_in("my.ipynb", ready=True)
    assert "There is no file my.ipynb here" in capsys.readouterr().out
    monkeypatch.setenv(check.CHECKING, "1")
    check.before_handing_in("my.ipynb", ready=True)
    assert capsys.readouterr().out == "", "a notebook that is being checked does not check itself"


def test_a_digest_is_of_what_code_does() -> None:
    assert check.digest(STUB) == check.digest('def f(x):\r\n        """A sum."""\r\n        return (x-1)\r\n')
    assert check.digest(STUB) != check.digest(STUB.replace("-", "+"))


def test_the_courses_own_function_gets_a_word() -> None:
    assert "the course's own digest" in check.borrowed(["B", check.digest])
    assert check.borrowed([abs, "B", lambda x: x]) == ""
    task = exercise("0.1", right=abs)(lambda attempt: "right")
    assert task(check.digest).status == "passed", "outside of notebooks, as in the course's own tests"


def test_a_call_without_a_file_says_how(capsys) -> None:
    assert check.main([]) == 2
    assert "python -m tms_utils.check my.ipynb" in capsys.readouterr().err
    assert check.main(["nowhere.ipynb"]) == 2
    assert "There is no file nowhere.ipynb" in capsys.readouterr().err
