"""Write the chapters without solutions, answers and outputs of exercises into _build/student, to hand out.

    python scripts/student.py                                   all chapters
    python scripts/student.py notebooks/01_linear_model.ipynb   only this one

Each chapter is written as a notebook, and as a zip that holds it and a note on how to open it.
Stubs, hints and checks stay as they are.
"""

import argparse
import re
import sys
import zipfile
from pathlib import Path

import nbformat
import yaml
from chapter import ROOT, Chapter, paths, read, tags
from nbformat.v4 import new_code_cell, new_markdown_cell

ANSWER = re.compile(
    r"<details>\s*<summary>\s*(?:Answer|Solution)\b.*?</details>\s*", re.DOTALL | re.IGNORECASE
)
PROMISES = (
    (re.compile(r", a check and a folded solution\b"), " and a check"),
    (re.compile(r"\bBefore you open the solution, (\w)"), lambda found: found[1].upper()),
    (re.compile(r"\(?\bThe solution (?:also|then|counts|measures|runs|tries)\b[^.]*\.\)? ?"), ""),
)
COLAB = re.compile(r"\[Open this chapter in Colab\]\(\S+\)")
PROMPT = "*Your answer:*"  # in place of a written answer
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)\s]+?)\.(?:ipynb|md)(#[^)\s]*)?\)")
BEFORE = """\
# Save the notebook, write ready=True, and run this cell: it runs a copy of the file
# from top to bottom, as the marker will, and says the same. It takes a while.
from tms_utils import check

check.before_handing_in("{name}", ready=False)"""
MIDNIGHT = (1980, 1, 1, 0, 0, 0)  # the same chapter always gives the same zip
NOTE = """\
{name} is a chapter of the course Toy Models of Superposition.
Its exercises, near the end, are yours to do: fill in the first code cell of each, or write under "Your answer".
Hand in the notebook itself (.ipynb), under a name of your choice.

In Colab:             https://colab.research.google.com, then Upload. A CPU runtime is enough.
On your own machine:  PyTorch, as https://pytorch.org says (its CPU version is a tenth of the size), and then
                      pip install jupyterlab scikit-learn git+{repository}
                      jupyter lab {name}

Before you hand it in: save it, and run its last cell, or: python -m tms_utils.check {name}
"""


def without_answers(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy of `notebook` without solutions and written answers, and without what exercises have printed."""
    copy = nbformat.from_dict(notebook)
    for exercise in Chapter(copy).exercises:
        if exercise.check is None and exercise.answer is not None:
            exercise.answer.source = PROMPT
            del exercise.answer.metadata["tags"]  # the student's answer is neither a solution nor folded
    copy.cells = [cell for cell in copy.cells if "solution" not in tags(cell)]
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell.source = without_promises(ANSWER.sub("", cell.source)).rstrip()
        elif "exercise" in cell.metadata:
            cell.outputs, cell.execution_count = [], None
    copy.cells = [cell for cell in copy.cells if cell.source]
    return copy


def without_promises(text: str) -> str:
    """A text without what it says of the solutions: a hand-out has none."""
    for promise, instead in PROMISES:
        text = promise.sub(instead, text)
    return text


def with_help(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """A copy of `notebook` that ends with a cell to check all before handing in."""
    copy = nbformat.from_dict(notebook)
    copy.cells.append(new_markdown_cell("## Before you hand in", id="before-handing-in"))
    copy.cells.append(new_code_cell(BEFORE.format(name=name), id="check-all", metadata={"tags": ["hand-in"]}))
    return copy


def to_upload(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy of `notebook` that says how to open it in Colab: the chapter's own link opens the one with solutions."""
    copy = nbformat.from_dict(notebook)
    how = "To work in Colab, open [Colab](https://colab.research.google.com), choose *Upload*, and pick this notebook."
    copy.cells[0].source = COLAB.sub(how, copy.cells[0].source)
    return copy


def with_links_to_site(notebook: nbformat.NotebookNode, site: str) -> nbformat.NotebookNode:
    """A copy of `notebook` whose links to other pages of the book lead to the published ones."""
    copy = nbformat.from_dict(notebook)
    for cell in copy.cells:
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(lambda link: f"]({address(site, link[1])}{link[2] or ''})", cell.source)
    return copy


def address(site: str, page: str) -> str:
    """Where the page that a chapter calls `page`, without its ending, is published."""
    path = page.removeprefix("../") if page.startswith("../") else f"notebooks/{page}"
    return f"{site.rstrip('/')}/{path}.html"


def hand_out(chapter: Path, folder: Path, site: str, repository: str) -> Path:
    """Write the student's version of `chapter`, and its zip, into `folder`; return the notebook's path."""
    plain = with_help(without_answers(read(chapter).notebook), chapter.name)
    notebook = with_links_to_site(to_upload(plain), site)
    nbformat.validate(notebook)
    text = nbformat.writes(notebook) + "\n"
    path = folder / chapter.name
    path.write_text(text, encoding="utf-8")
    with zipfile.ZipFile(path.with_suffix(".zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            zipfile.ZipInfo(f"{chapter.stem}/{chapter.name}", MIDNIGHT), text, zipfile.ZIP_DEFLATED
        )
        note = NOTE.format(name=chapter.name, repository=repository)
        archive.writestr(zipfile.ZipInfo(f"{chapter.stem}/README.txt", MIDNIGHT), note)
    return path


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", type=Path, help="default: every chapter")
    parser.add_argument("--out", type=Path, help="default: _build/student in the course's folder")
    parser.add_argument("--course", type=Path, default=ROOT, help="the folder of the course")
    options = parser.parse_args(arguments)
    config = yaml.safe_load((options.course / "_config.yml").read_text(encoding="utf-8"))
    folder = options.out or options.course / "_build" / "student"
    folder.mkdir(parents=True, exist_ok=True)
    for chapter in options.chapters or paths(options.course):
        path = hand_out(chapter, folder, config["html"]["baseurl"], config["repository"]["url"])
        print(f"{path} and {path.with_suffix('.zip').name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
