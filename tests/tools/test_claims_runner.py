"""`make claims`: the chapters with other seeds and lengths, and the verdicts compared.

Here cells are run in this process, which is quick; test_skeleton.py runs a whole chapter as `make claims` does.
"""

import ast
from pathlib import Path

import chapter
import claims
import nbformat
import pytest
import torch
from chapter import Chapter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import notebooks
from tms_utils import engine

SETUP = "from tms_utils.tables import Claims\n\nclaims = Claims()\nSEED = 0  # another?\nLENGTH = 1\nsteps = 5 * LENGTH"
CLAIM = """claims.add("{name}", expected="yes", measured=f"{{SEED}}, {{steps}}", seeds=1, holds={holds})"""


def execute(notebook: NotebookNode, *_) -> float:
    """Run the cells as a kernel does: a last expression is shown."""
    namespace: dict = {}
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        *body, last = ast.parse(cell.source).body
        shows = isinstance(last, ast.Expr)
        try:
            exec(compile(ast.Module(body if shows else [*body, last], []), "cell", "exec"), namespace)
            value = eval(ast.unparse(last), namespace) if shows else None
        except Exception as error:
            raise notebooks.ChapterError(repr(error)) from error
        result = new_output("execute_result", data={"text/plain": repr(value)})
        cell.outputs = [] if value is None else [result]
    return 0.0


@pytest.fixture
def write(tmp_path: Path, monkeypatch):
    """Write a chapter of two claims, run, and make it the only one of the course; the second holds if `holds` does."""
    path = tmp_path / "01_example.ipynb"
    monkeypatch.setattr(chapter, "paths", lambda: [path])
    monkeypatch.setattr(notebooks, "execute", execute)

    def write(*cells: NotebookNode, holds: str = "True") -> Path:
        sources = [SETUP, CLAIM.format(name="The first: it is so", holds="True")]
        last = CLAIM.format(name="The second", holds=holds) + "\nclaims"
        code = [*map(new_code_cell, sources), *cells, new_code_cell(last)]
        notebook = new_notebook(cells=[new_markdown_cell("# 1. Example"), *code])
        execute(notebook)
        nbformat.write(notebook, path)
        return path

    return write


def test_verdicts_that_hold_are_the_same(write, capsys) -> None:
    path = write()
    before = path.read_bytes()
    assert claims.verdicts(chapter.read(path)) == {"The first: it is so": "agrees", "The second": "agrees"}
    assert claims.main(["--seeds", "7", "8", "--length", "2"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said == [f"01_example, SEED = {seed}, LENGTH = 2: the same verdicts" for seed in (7, 8)]
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("holds", "changed"), [("SEED == 0", ["--seeds", "7"]), ("steps == 5", ["--seeds", "0", "--length", "2"])]
)
def test_a_verdict_that_flips_is_a_finding(write, capsys, holds: str, changed: list[str]) -> None:
    write(holds=holds)
    assert claims.main(changed) == 1
    said = capsys.readouterr().out
    assert "claim:   The second\n  stored:  agrees\n  now:     differs" in said
    assert "The first" not in said


def test_a_chapter_that_raises_is_a_finding(write, capsys) -> None:
    write(new_code_cell("assert SEED < 7, 'unlucky'"))
    assert claims.main(["--seeds", "7"]) == 1
    assert "unlucky" in capsys.readouterr().out


def test_a_chapter_without_seed_or_claims_is_told_so(write, capsys) -> None:
    path = write()
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source = SETUP.replace("SEED = 0", "SEED = [0]")
    nbformat.write(notebook, path)
    assert claims.main([]) == 1
    assert "lacks SEED" in capsys.readouterr().out
    notebook.cells[-1].outputs = []
    nbformat.write(notebook, path)
    assert claims.main([]) == 1
    assert "it shows no table of claims" in capsys.readouterr().out


def test_exercises_are_left_out_unless_a_later_cell_needs_them() -> None:
    def cell(source: str, *tags: str):
        return new_code_cell(source, metadata={"tags": list(tags)})

    cells = [
        cell("x = 1"),
        cell("alone = 1", "exercise"),
        cell("x = 5", "exercise"),
        cell("check(alone)", "check"),
        cell("def helper(): ...", "hide-cell", "solution"),
        cell("wanted = helper()", "hide-cell", "solution"),
        cell("print(wanted, x)"),
    ]
    kept = [one.source for one in claims.needed(cells)]
    assert kept == ["x = 1", "def helper(): ...", "wanted = helper()", "print(wanted, x)"]


def test_a_row_that_comes_or_goes_is_a_difference() -> None:
    rows = claims.differences({"a": "agrees", "b": "partly"}, {"a": "agrees", "c": "agrees"})
    assert rows == [("b", "partly", "(no such row)"), ("c", "(no such row)", "agrees")]


def test_chapters_are_chosen_by_number_or_file(monkeypatch) -> None:
    paths = [Path("notebooks/01_a.ipynb"), Path("notebooks/10_b.ipynb")]
    monkeypatch.setattr(chapter, "paths", lambda: paths)
    assert claims.select([]) == paths
    for word in ("1", "01", "01_a", "notebooks/01_a.ipynb"):
        assert claims.select([word]) == paths[:1]
    assert claims.select(["10", "1"]) == paths[::-1]
    with pytest.raises(ValueError, match="expected chapters of 01, 10; got 02"):
        claims.select(["2"])


def test_the_stored_tables_of_the_course_are_read() -> None:
    for one in chapter.all_chapters():
        found = claims.verdicts(one)
        assert len(found) >= 2
        assert set(found.values()) - {"differs"}, one.path.name


def test_an_odd_title_or_verdict_is_read_whole() -> None:
    text = "Claim:  a: b\nPaper or theory: \nMeasured here:   x\nSeeds:  8\nVerdict: partly: 3 of 5"
    output = new_output("execute_result", data={"text/plain": text})
    found = Chapter(new_notebook(cells=[new_code_cell(outputs=[output])]))
    assert claims.verdicts(found) == {"a: b": "partly: 3 of 5"}


def test_verdicts_that_stand_although_nothing_is_trained_are_listed(write, capsys, monkeypatch) -> None:
    for kind in (torch.optim.Adam, torch.optim.AdamW, torch.optim.SGD, engine.Adam):
        monkeypatch.setattr(kind, "step", kind.step)  # put back after the test
    learning = """import torch

w = torch.nn.Parameter(torch.zeros(()))
adam = torch.optim.Adam([w], lr=1.0)
(w - 3).square().backward()
adam.step()"""
    write(new_code_cell(learning), holds="w.item() > 0.5")
    assert claims.main(["--untrained"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("01_example: 1 of 2 verdicts stand untrained\n  [agrees] The first: it is so\n")
    assert "The second" not in printed
