"""Running a chapter in place, and what is written into it that no author writes."""

import base64
import functools
import io
from pathlib import Path

import nbformat
import numpy as np
import pictures
import pytest
from chapter import ROOT
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image

import notebooks


def example(*sources: str) -> nbformat.NotebookNode:
    cells = [new_markdown_cell("# 1. Example")]
    return new_notebook(cells=cells + [new_code_cell(source) for source in sources])


@pytest.fixture
def chapter(tmp_path: Path):
    def write(*sources: str) -> Path:
        path = tmp_path / "01_example.ipynb"
        nbformat.write(example(*sources), path)
        return path

    return write


def test_a_chapter_is_run_in_place(chapter) -> None:
    path = chapter("x = 1", "print(x)\nprint(x + 1)", "x + 2")
    assert notebooks.main([str(path)]) == 0
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [1, 2, 3]
    assert code[1].outputs[0].text == "1\n2\n"
    assert code[2].outputs[0].data["text/plain"] == "3"
    assert "version" not in notebook.metadata.language_info
    assert all("execution" not in cell.metadata for cell in notebook.cells)
    again = path.read_bytes()
    notebooks.main([str(path)])
    assert path.read_bytes() == again


def test_pieces_of_one_stream_are_joined_and_other_outputs_are_not() -> None:
    out, err = (functools.partial(new_output, "stream", name=name) for name in ("stdout", "stderr"))
    cell = new_code_cell(outputs=[out(text="1"), out(text="2"), err(text="3"), out(text="4")])
    notebooks.join_streams(new_notebook(cells=[cell]))
    assert [(o.name, o.text) for o in cell.outputs] == [("stdout", "12"), ("stderr", "3"), ("stdout", "4")]


def test_cells_are_counted_without_the_bootstrap_cell() -> None:
    bootstrap = new_code_cell(execution_count=7, outputs=[new_output("stream", text="")])
    bootstrap.metadata.tags = ["remove-cell", "nbval-skip"]
    first, second = new_code_cell(execution_count=9), new_code_cell()
    notebooks.number_cells(new_notebook(cells=[bootstrap, first, second]))
    assert [c.execution_count for c in (bootstrap, first, second)] == [None, 1, 2]
    assert bootstrap.outputs == []


def test_a_failing_chapter_is_left_as_it_was(chapter, capsys) -> None:
    path = chapter("x = 1", "raise RuntimeError('the roof is on fire')", "x = 2")
    before = path.read_bytes()
    assert notebooks.main([str(path)]) == 1
    assert path.read_bytes() == before
    message = capsys.readouterr().err
    assert "01_example.ipynb: cell 2 (id " in message
    assert "the roof is on fire" in message


def test_a_hanging_chapter_is_stopped(chapter, capsys) -> None:
    path = chapter("import time; time.sleep(60)")
    assert notebooks.main([str(path), "--timeout", "1"]) == 1
    assert "timed out" in capsys.readouterr().err


def test_a_missing_chapter_is_named(capsys) -> None:
    assert notebooks.main(["nowhere.ipynb"]) == 1
    assert "nowhere.ipynb: there is no such file" in capsys.readouterr().err


def test_bootstrap_cell_and_time_line_are_written(tmp_path: Path) -> None:
    notebook = example("x = 1")
    notebook.cells[0].source += "\n\n**Time** an hour.\n\n**Timely** text."
    notebook.cells.insert(1, new_code_cell("old", metadata={"tags": ["remove-cell", "nbval-skip"]}))
    notebook.metadata.tms = {"chapter": 1, "reading_minutes": 41, "running_seconds": 15}
    path = tmp_path / "01_example.ipynb"
    nbformat.write(notebook, path)
    assert notebooks.main([str(path), "--refresh"]) == 0
    first, bootstrap, code = nbformat.read(path, as_version=4).cells
    line = "**Time** about 41 minutes to read, 15 seconds to run on two CPU cores."
    assert first.source == f"# 1. Example\n\n{line}\n\n**Timely** text."
    assert bootstrap.source == (ROOT / "scripts" / "bootstrap.py").read_text(encoding="utf-8").strip()
    assert code.execution_count is None, "it was run"


def test_the_time_that_a_chapter_took_is_stored_and_stated(chapter) -> None:
    path = chapter("x = 1")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[0].source += "\n\n**Time** soon."
    notebook.metadata.tms = {"chapter": 1, "reading_minutes": 41, "running_seconds": 999}
    nbformat.write(notebook, path)
    assert notebooks.main([str(path), "--time"]) == 0
    notebook = nbformat.read(path, as_version=4)
    seconds = notebook.metadata.tms.running_seconds
    assert seconds % 5 == 0
    assert 0 < seconds < 999
    assert f"41 minutes to read, {seconds} seconds to run" in notebook.cells[0].source


def test_pictures_are_stored_small_and_the_same_picture_is_not_stored_again(chapter) -> None:
    drawn = io.BytesIO()
    Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (200, 1))).save(drawn, "PNG", compress_level=0)
    png = base64.b64encode(drawn.getvalue()).decode()
    path = chapter(f"import base64\nfrom IPython.display import Image\nImage(base64.b64decode({png!r}))")

    def stored() -> bytes:
        (picture,) = pictures.of_notebook(nbformat.read(path, as_version=4)).values()
        return base64.b64decode(picture)

    assert notebooks.main([str(path)]) == 0
    assert stored() == pictures.smaller(drawn.getvalue()) != drawn.getvalue()
    notebook = nbformat.read(path, as_version=4)
    otherwise = io.BytesIO()
    Image.open(io.BytesIO(stored())).save(otherwise, "PNG", compress_level=1)
    notebook.cells[1].outputs[0].data["image/png"] = base64.b64encode(otherwise.getvalue()).decode()
    nbformat.write(notebook, path)
    assert notebooks.main([str(path)]) == 0
    assert stored() == otherwise.getvalue()


def test_what_a_reader_may_pass_over_is_folded() -> None:
    registers = 'claims.add("a", expected="b", measured="c", seeds=1, holds=True)'
    notebook = example("SEED = 0", "x = 1", registers, registers, "plt.plot(x)")
    setup, plain, silent, shows, drawing = (c for c in notebook.cells if c.cell_type == "code")
    shows.outputs = [new_output("stream", text="1")]
    drawing.metadata.tags = ["hide-input"]
    notebooks.fold(notebook)
    assert [c.metadata.get("tags", []) for c in (plain, shows)] == [[], []]
    for cell in (setup, silent, drawing):
        assert cell.metadata.tags == ["hide-input"]
        assert cell.metadata.mystnb["code_prompt_show"] == "Show the code"
    in_lab = ["jupyter" in c.metadata for c in (setup, plain, silent, shows, drawing)]
    assert in_lab == [False, False, True, False, False]  # SEED stays in sight
