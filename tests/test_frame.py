"""The files around the course: the lock, the workflows, the commands, the table of chapters."""

import functools
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import book_extension
import chapters
import jaxtyping
import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from packaging.requirements import Requirement

import notebooks
from tms_utils import ToyModel

ROOT = Path(__file__).resolve().parent.parent
LOCK = [
    line for line in (ROOT / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")
]


def run(*command: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, **options)


# The lock -----------------------------------------------------------------------------------


def test_the_lock_holds_exact_versions_and_nothing_else() -> None:
    for line in LOCK:
        specifiers = list(Requirement(line).specifier)
        assert len(specifiers) == 1, line
        assert specifiers[0].operator == "==", line
        assert "+" not in specifiers[0].version, f"{line}: a local build, which others cannot install"
    assert "torch==2.13.0" in LOCK


def test_the_lock_leaves_gpu_libraries_out() -> None:
    assert [line for line in LOCK if re.match(r"nvidia|cuda|triton", line)] == []


def test_the_lock_answers_the_short_list() -> None:
    locked = {Requirement(line).name for line in LOCK}
    lines = (ROOT / "requirements.in").read_text().splitlines()
    wanted = [Requirement(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
    assert {r.name for r in wanted} <= locked
    for requirement in wanted:
        if str(requirement.specifier):
            assert str(requirement) in LOCK


def test_the_environment_is_the_lock() -> None:
    for line in LOCK:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            installed = metadata.version(requirement.name).split("+")[0]
            assert installed in requirement.specifier, (
                f"{line}, but {installed} is installed; type: make book"
            )


def test_the_package_allows_the_locked_versions_and_pins_none() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in map(Requirement, project["dependencies"]):
        assert all(s.operator == ">=" for s in requirement.specifier), (
            f"{requirement}: pinned without a reason"
        )
        assert metadata.version(requirement.name).split("+")[0] in requirement.specifier


# Commands and workflows ---------------------------------------------------------------------


def test_the_workflows_follow_githubs_schema() -> None:
    files = [str(path) for path in (ROOT / ".github" / "workflows").glob("*.yml")]
    assert len(files) >= 2
    result = run(
        f"{Path(sys.executable).parent}/check-jsonschema",
        "--builtin-schema",
        "vendor.github-workflows",
        *files,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_workflows_are_safe() -> None:
    result = run(f"{Path(sys.executable).parent}/zizmor", "--offline", "--quiet", ".")
    assert result.returncode == 0, result.stdout + result.stderr


def test_continuous_integration_runs_the_readmes_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    ci = (ROOT / ".ci" / "run").read_text()
    assert "set -euo pipefail" in ci
    for command in ("make test", "make book"):
        assert re.search(rf"^{command}\b", readme, flags=re.MULTILINE)
        assert re.search(rf"^{command}$", ci, flags=re.MULTILINE)
    for workflow, command in (("test", "make test"), ("publish", "make book")):
        text = (ROOT / ".github" / "workflows" / f"{workflow}.yml").read_text()
        assert re.search(rf"^ *- run: {command}$", text, flags=re.MULTILINE), workflow


def test_every_command_that_the_texts_name_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "book").glob("*.md")]
    for page in pages:
        named = set(re.findall(r"(?:`|^)make ([a-z]+)", page.read_text(), flags=re.MULTILINE))
        assert named <= targets, f"{page.name} names make {named - targets}"


def test_code_and_notebooks_are_tidy() -> None:
    ruff = f"{Path(sys.executable).parent}/ruff"
    check, layout = run(ruff, "check", "."), run(ruff, "format", "--check", ".")
    assert check.returncode == 0, check.stdout
    assert layout.returncode == 0, layout.stdout + "\nType: .venv/bin/ruff format"


def test_words_are_spelt() -> None:
    result = run(f"{Path(sys.executable).parent}/codespell")
    assert result.returncode == 0, result.stdout


# The site -----------------------------------------------------------------------------------


def test_no_page_waits_for_the_icons_script(tmp_path: Path) -> None:
    icons = tmp_path / book_extension.ICONS
    icons.parent.mkdir(parents=True)
    icons.write_text("icons")
    page, other = tmp_path / "notebooks" / "a.html", tmp_path / "b.html"
    page.parent.mkdir()
    script = '  <script src="../_static/scripts/fontawesome.js?digest=1"></script>\n'
    page.write_text(f"<head>\n{script}</head>\nWe drop _static/scripts/fontawesome.js\n")
    other.write_text("<head></head>\n")
    app = SimpleNamespace(outdir=str(tmp_path))
    book_extension.without_icon_script(app, error=None)
    book_extension.without_icon_script(app, error=None)  # a second build finds nothing to do
    assert page.read_text() == "<head>\n</head>\nWe drop _static/scripts/fontawesome.js\n"
    assert other.read_text() == "<head></head>\n"
    assert not icons.exists()


def test_a_changed_style_sheet_reaches_the_site(tmp_path: Path) -> None:
    ours, copy = tmp_path / "assets" / "a.css", tmp_path / "html" / "_static" / "a.css"
    for path in (ours, copy):
        path.parent.mkdir(parents=True)
        path.write_text("same")
    config = SimpleNamespace(html_static_path=["assets"], root_doc="first")
    app = SimpleNamespace(srcdir=tmp_path, outdir=tmp_path / "html", config=config)
    assert book_extension.pages_of_changed_assets(app, None, set(), set(), set()) == []
    ours.write_text("new!")
    assert book_extension.pages_of_changed_assets(app, None, set(), set(), set()) == ["first"]
    copy.unlink()
    assert book_extension.pages_of_changed_assets(app, None, set(), set(), set()) == ["first"]


# Running a chapter in place -----------------------------------------------------------------


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


# The table of chapters ----------------------------------------------------------------------


def test_the_welcome_page_lists_every_chapter_with_its_times() -> None:
    assert chapters.main(["--check"]) == 0, "type: python scripts/chapters.py"


def test_the_table_is_read_from_the_metadata(tmp_path: Path) -> None:
    notebook = example("1")
    notebook.metadata.tms = {"reading_minutes": 41, "running_seconds": 15, "paper_sections": ["A", "B"]}
    nbformat.write(notebook, tmp_path / "01_example.ipynb")
    row = chapters.table([tmp_path / "01_example.ipynb"]).splitlines()[-1]
    assert row == "| [1. Example](../notebooks/01_example.ipynb) | 41 min | 15 s | *A*, *B* |"


# The tests themselves -------------------------------------------------------------------------


def test_shapes_are_checked_while_testing() -> None:
    wrong = torch.zeros(2, 5)  # expects (instances, batch, features)
    with pytest.raises(jaxtyping.TypeCheckError):
        ToyModel(5, 2)(wrong)
