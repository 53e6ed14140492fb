"""Every exercise of every chapter, from the notebooks themselves: stub, check, solution, tests, and the instructors' page."""

import ast
import re
from pathlib import Path

import exercises as listing
import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = {path: nbformat.read(path, as_version=4) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
PAGE = (ROOT / "book" / "instructors.md").read_text(encoding="utf-8")
TASK = re.compile(r"^### Exercise (\d+\.\d+): .+\n+\*Difficulty .* · (.+)\*$", re.MULTILINE)


def tasks(notebook: NotebookNode) -> list[tuple[str, str]]:
    """Number and kind of each exercise."""
    return TASK.findall("\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown"))


def cells(notebook: NotebookNode, number: str, tag: str, kind: str = "code") -> list[NotebookNode]:
    return [
        cell
        for cell in notebook.cells
        if cell.cell_type == kind
        and cell.metadata.get("exercise") == number
        and tag in cell.metadata.get("tags", [])
    ]


def shown(cell: NotebookNode) -> str:
    """The last thing that a cell has printed or returned."""
    assert cell.outputs, f"cell {cell.id} has no output; run `make notebooks`"
    output = cell.outputs[-1]
    return output.text if output.output_type == "stream" else output.data["text/plain"]


def check_name(cell: NotebookNode) -> str:
    """The function that a check cell, or the last line of a solution, calls."""
    call = ast.parse(cell.source).body[-1].value
    assert isinstance(call, ast.Call), f"cell {cell.id} must end with one call of a check"
    return call.func.id


EXERCISES = [
    pytest.param(path, number, kind, id=number)
    for path, notebook in CHAPTERS.items()
    for number, kind in tasks(notebook)
]
every_exercise = pytest.mark.parametrize(("path", "number", "kind"), EXERCISES)


@every_exercise
def test_an_exercise_is_complete(path: Path, number: str, kind: str) -> None:
    notebook = CHAPTERS[path]
    stubs, checks, solutions = (cells(notebook, number, tag) for tag in ("exercise", "check", "solution"))
    if kind == "explain":
        assert stubs == checks == solutions == []
        (answer,) = cells(notebook, number, "solution", "markdown")
        assert "<summary>Answer" in answer.source
        return
    assert (len(stubs), len(checks), len(solutions)) == (1, 1, 1)
    positions = [notebook.cells.index(cell) for cell in (stubs[0], checks[0], solutions[0])]
    assert positions == sorted(positions)
    assert len(ast.parse(checks[0].source).body) == 1
    assert check_name(checks[0]) == check_name(solutions[0])


@every_exercise
def test_an_untouched_stub_is_met_politely(path: Path, number: str, kind: str) -> None:
    for check in cells(CHAPTERS[path], number, "check"):
        said = shown(check)
        if kind == "find the bug":
            assert re.match(rf"Exercise {number}: (not attempted yet\.$|failed\. \S)", said), said
            assert "Traceback" not in said
        else:
            assert said == f"Exercise {number}: not attempted yet."


@every_exercise
def test_a_solution_passes_and_says_why_it_matters(path: Path, number: str, kind: str) -> None:
    for solution in cells(CHAPTERS[path], number, "solution"):
        assert re.match(rf"Exercise {number}: passed\. \S.{{20,}}", shown(solution), re.DOTALL)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_check_has_tests(path: Path) -> None:
    """A check's own tests try the stub, the solution and wrong answers; here only: they are there."""
    tests = ROOT / "tests" / f"test_checks_chapter_{int(path.name[:2])}.py"
    assert tests.exists(), f"the checks of {path.name} have no tests"
    used = {node.id for node in ast.walk(ast.parse(tests.read_text())) if isinstance(node, ast.Name)}
    checks = {
        check_name(cell)
        for number, _ in tasks(CHAPTERS[path])
        for cell in cells(CHAPTERS[path], number, "check")
    }
    assert checks
    assert checks <= used, f"{tests.name} does not test {sorted(checks - used)}"


def test_no_two_exercises_share_a_check() -> None:
    found = [
        check_name(cell)
        for path, number, _ in (parameter.values for parameter in EXERCISES)
        for cell in cells(CHAPTERS[path], number, "check")
    ]
    assert len(found) == len(set(found)) > 0


# The page for instructors -------------------------------------------------------------------


def test_the_instructors_page_lists_every_exercise() -> None:
    assert listing.main(["--check"]) == 0, "type: python scripts/exercises.py"
    listed = re.findall(r"^\| (\d+\.\d+) \|", PAGE, re.MULTILINE)
    assert listed == [parameter.values[1] for parameter in EXERCISES]


def test_the_instructors_page_names_what_exists() -> None:
    everything = "\n".join(cell.source for notebook in CHAPTERS.values() for cell in notebook.cells)
    exist = set(re.findall(r"^##+ (?:Exercise )?(\d+\.\d+)", everything, re.MULTILINE))
    own_words = re.sub(f"(?s){listing.START}.*?{listing.END}", "", PAGE)
    named = set(re.findall(r"(?<![\d.])([1-9]\.\d+)(?![\d.]*\d)", own_words)) - {"3.13", "4.0", "0.1"}
    assert len(named) > 20
    assert named <= exist, f"book/instructors.md names {sorted(named - exist)}"


def test_the_list_says_what_the_check_says() -> None:
    path = next(iter(CHAPTERS))
    rows = listing.table(path).splitlines()
    passed = [row for row in rows if row.startswith("| ") and "answer in words" not in row]
    solutions = [
        shown(c) for number, _ in tasks(CHAPTERS[path]) for c in cells(CHAPTERS[path], number, "solution")
    ]
    assert solutions
    for said in solutions:
        first = said.split("passed. ")[1].split("|")[0].split("$")[0].split("*")[0][:40].strip()
        assert any(first in row for row in passed), first
