"""A made-up course of two tiny chapters, 1 and 10, whose kernels start quickly; the grader's tests mark hand-ins by it."""

import shutil
from pathlib import Path

import nbformat
from chapter import ROOT
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tms_utils.check import digest

# All that the grader knows of a check: it returns a status and a message. The course's own would import PyTorch.
EXERCISE = """
class Verdict:
    def __init__(self, status, message=""):
        self.status, self.message = status, message

class WrongAnswer(Exception):
    pass

def require(condition, message):
    if not condition:
        raise WrongAnswer(message)

def exercise(number, right, came=""):
    def decorate(check):
        def checked(*attempts):
            if any(attempt is None for attempt in attempts):
                return Verdict("not attempted")
            try:
                return Verdict("passed", check(*attempts))
            except NotImplementedError:
                return Verdict("not attempted")
            except WrongAnswer as wrong:
                return Verdict("failed", str(wrong))
            except Exception as error:
                return Verdict("failed", f"Your code raised {type(error).__name__}: {error}")
        return checked
    return decorate
"""
CHECKS = """
from tms_utils.checks.exercise import exercise, require

@exercise("{n}.1", right=lambda x: 2 * x)
def check_double(double):
    require(double(3) != 9, "That is the square.")
    require(double(3) == 6, "Not twice as much.")
    return "Twice, in chapter {n}."

@exercise("{n}.2", right="B")
def check_answer(prediction):
    require(prediction == "B", f"Not {{prediction}}.")
    return "B it is."

@exercise("{n}.3", right=(lambda x: 3 * x, lambda x: x / 2), came="{came}")
def check_triple(triple, half):
    require(triple(2) == 6, "Not three times as much.")
    require(half(2) == 1, "Not half.")
    return "Thrice."
"""
UNTOUCHED = (
    'def double(x):\n    raise NotImplementedError("Your code here")',
    "prediction = None",
    "def triple(x):\n    x = x + 0\n    return one * 2 * x\n\ndef half(x):\n    return x / 2",
)
SOLVED = (
    "def double(x):\n    return one * 2 * x",
    'prediction = "B"',
    "def triple(x):\n    return 3 * x\n\ndef half(x):\n    return x / 2",
)
WRONG = (
    "def double(x):\n    return 0",
    'prediction = "A"',
    UNTOUCHED[2].replace("2 * x", "4 * x"),
)
CALLS = ("check_double(double)", "check_answer(prediction)", "check_triple(triple, half)")


def tiny_chapter(stubs: tuple[str, ...] = UNTOUCHED, number: int = 1) -> NotebookNode:
    """The tiny chapter, filled in with `stubs`."""
    checks = ", ".join(call.split("(")[0] for call in CALLS)
    cells = [
        new_markdown_cell(f"# {number}. Tiny"),
        new_code_cell(f"from tms_utils.checks.chapter_{number:02d} import {checks}\none = 1"),
        new_markdown_cell("## Exercises"),
    ]
    for k, (stub, call) in enumerate(zip(stubs, CALLS, strict=True), 1):
        exercise = f"{number}.{k}"
        level = "\n\n*Difficulty 1/5 · about 5 minutes · implement*" if k == 1 else ""
        cells += [
            new_markdown_cell(f"### Exercise {exercise}: a title{level}"),
            new_code_cell(stub, metadata={"exercise": exercise, "tags": ["exercise"]}),
            new_code_cell(call, metadata={"exercise": exercise, "tags": ["check"]}),
            new_code_cell(
                "raise SystemExit", metadata={"exercise": exercise, "tags": ["hide-cell", "solution"]}
            ),
        ]
    cells += [
        new_markdown_cell(f"### Exercise {number}.4: in words"),
        new_markdown_cell(
            "Because.", metadata={"exercise": f"{number}.4", "tags": ["hide-cell", "solution"]}
        ),
        new_markdown_cell("## What we checked"),
        new_code_cell('prediction, double = "changed", None'),
    ]
    return new_notebook(cells=cells, metadata={"tms": {"chapter": number}})


def stub_of(notebook: NotebookNode, k: int) -> NotebookNode:
    """The cell to fill in of the k-th exercise."""
    stubs = [cell for cell in notebook.cells if cell.metadata.get("tags") == ["exercise"]]
    return stubs[k - 1]


def hand_in(**changes: str) -> NotebookNode:
    """Chapter 1, solved; `e2="..."` puts other code into the stub of exercise 1.2."""
    notebook = tiny_chapter(SOLVED)
    for name, source in changes.items():
        stub_of(notebook, int(name.removeprefix("e"))).source = source
    return notebook


def write_course(folder: Path, own_exercise: bool = False) -> Path:
    """Write the course into `folder`; with `own_exercise`, its checks are made by the real course's module."""
    checks = folder / "tms_utils" / "checks"
    checks.mkdir(parents=True)
    for package in (checks.parent, checks):
        (package / "__init__.py").write_text("")
    for module in ("foreign.py", "colab.py"):  # the grader's own
        shutil.copy(ROOT / "tms_utils" / module, checks.parent)
    if own_exercise:
        for module in ("attempts.py", "exercise.py"):
            shutil.copy(ROOT / "tms_utils" / "checks" / module, checks)
        shutil.copy(ROOT / "tms_utils" / "check.py", checks.parent)
    else:
        (checks / "exercise.py").write_text(EXERCISE)
    (checks.parent / "twice.py").write_text("def twice(x):\n    return 2.0 * x\n")
    (folder / "notebooks").mkdir()
    for number in (1, 10):
        (checks / f"chapter_{number:02d}.py").write_text(CHECKS.format(n=number, came=digest(UNTOUCHED[2])))
        nbformat.write(tiny_chapter(number=number), folder / "notebooks" / f"{number:02d}_tiny.ipynb")
    return folder
