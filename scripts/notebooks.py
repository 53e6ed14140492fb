"""Run the chapters from top to bottom, and write their outputs back into the notebooks.

    python scripts/notebooks.py                                   all chapters
    python scripts/notebooks.py notebooks/01_linear_model.ipynb   only this one
    python scripts/notebooks.py --time                            and store how long each took
    python scripts/notebooks.py --refresh                         run nothing

A chapter is written only if every cell of it ran, so that a failure leaves the file as it was. What is not the
author's to write is written here: the bootstrap cell, the **Time** line, links to sections, and small pictures.
"""

import argparse
import math
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import chapter
import links
import nbformat
import pictures
from chapter import ROOT, is_bootstrap, tags
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

KERNELSPEC = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE_INFO = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}


class ChapterError(Exception):
    """A chapter did not run to its end."""


def refresh(notebook: nbformat.NotebookNode, name: str) -> None:
    """Write the bootstrap cell from scripts/bootstrap.py, the **Time** line from the metadata, and the links.

    ``name`` is the chapter's file name: a link within the chapter leaves it out.
    """
    text = (ROOT / "scripts" / "bootstrap.py").read_text(encoding="utf-8").strip()
    for cell in notebook.cells:
        if is_bootstrap(cell):
            cell.source = text
    if notebook.cells and (line := chapter.Chapter(notebook).time_line):
        first = notebook.cells[0]
        first.source = re.sub(r"^\*\*Time\*\*.*$", line, first.source, flags=re.MULTILINE)
    links.refresh(notebook, name)
    fold(notebook)


def fold(notebook: nbformat.NotebookNode) -> None:
    """Fold what a reader may pass over: the set-up cell, and cells that register a claim and show nothing."""
    setup = chapter.Chapter(notebook).setup
    for cell in notebook.cells:
        registers = cell.cell_type == "code" and "claims.add(" in cell.source and not cell.outputs
        if registers or cell is setup:
            cell.metadata.tags = sorted(tags(cell) | {"hide-input"})
        if registers:
            cell.metadata.setdefault("jupyter", {})["source_hidden"] = True  # in JupyterLab, too
        if "hide-input" in tags(cell):  # what else is folded in the book is a solution
            cell.metadata.setdefault("mystnb", {})["code_prompt_show"] = "Show the code"


def number_cells(notebook: nbformat.NotebookNode) -> None:
    """Count the executed cells 1, 2, 3, ... and leave the bootstrap cell without a count."""
    count = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if is_bootstrap(cell):
            cell.execution_count, cell.outputs = None, []
            continue
        count += 1
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = count


def join_streams(notebook: nbformat.NotebookNode) -> None:
    """Merge neighbouring pieces of the same stream: how they were cut is chance."""
    for cell in notebook.cells:
        merged: list[nbformat.NotebookNode] = []
        for output in cell.get("outputs", []):
            if (
                merged
                and output.output_type == "stream" == merged[-1].output_type
                and output.name == merged[-1].name
            ):
                merged[-1].text += output.text
            else:
                merged.append(output)
        if cell.cell_type == "code":
            cell.outputs = merged


def failed_cell(notebook: nbformat.NotebookNode) -> tuple[int, nbformat.NotebookNode] | None:
    """Return the first cell that shows an error, and its position, or None."""
    for position, cell in enumerate(notebook.cells):
        if any(output.output_type == "error" for output in cell.get("outputs", [])):
            return position, cell
    return None


def execute(notebook: nbformat.NotebookNode, folder: Path, seconds_per_cell: int = 600) -> float:
    """Run `notebook` in `folder`, in place; return the seconds that it took.

    Raises:
        ChapterError: a cell raised, ran for longer than `seconds_per_cell`, or killed the kernel.
    """
    notebook.metadata.kernelspec = KERNELSPEC
    os.environ["TQDM_DISABLE"] = "1"  # whether a progress bar shows up depends on the machine
    client = NotebookClient(
        notebook,
        timeout=seconds_per_cell,
        kernel_name="python3",
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    start = time.perf_counter()
    try:
        client.execute(stderr=subprocess.DEVNULL)  # the kernel's own, not the cells'
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        where = failed_cell(notebook)
        if where is None:
            raise ChapterError(str(error)) from error
        position, cell = where
        raise ChapterError(f"cell {position} (id {cell.id}) raised:\n\n{cell.source}\n\n{error}") from error
    seconds = time.perf_counter() - start
    number_cells(notebook)
    join_streams(notebook)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    notebook.metadata.language_info = LANGUAGE_INFO  # without Python's version
    return seconds


def run_chapter(
    path: Path, *, store_time: bool = False, run: bool = True, seconds_per_cell: int = 600
) -> float:
    """Execute the chapter at `path` and, if all went well, write it back; return the seconds that it ran.

    The stored running time is the measured one, rounded up to five seconds. Without `run`, nothing is executed.
    """
    notebook = chapter.read(path).notebook
    before = pictures.of_notebook(notebook)
    refresh(notebook, path.name)
    seconds = execute(notebook, path.parent, seconds_per_cell) if run else 0.0
    if run and store_time:
        notebook.metadata.setdefault("tms", {})["running_seconds"] = 5 * math.ceil(seconds / 5)
        refresh(notebook, path.name)
    pictures.store(notebook, before if run else {})
    nbformat.validate(notebook)
    partial = path.with_suffix(".partial")
    nbformat.write(notebook, partial)
    os.replace(partial, path)
    return seconds


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("chapters", nargs="*", type=Path, help="default: every chapter")
    parser.add_argument("--time", action="store_true", help="store the running time in the chapter")
    parser.add_argument(
        "--refresh", action="store_true", help="run nothing; only bring texts and pictures up to date"
    )
    parser.add_argument("--timeout", type=int, default=600, help="seconds allowed per cell")
    options = parser.parse_args(arguments)
    failures = 0
    for path in options.chapters or chapter.paths():
        if not path.is_file():
            print(f"{path}: there is no such file", file=sys.stderr)
            failures += 1
            continue
        print(f"{path.name} ... ", end="", flush=True)
        try:
            seconds = run_chapter(
                path, store_time=options.time, run=not options.refresh, seconds_per_cell=options.timeout
            )
        except ChapterError as error:
            failures += 1
            print("FAILED, file left as it was")
            print(f"{path.name}: {error}", file=sys.stderr)
        else:
            print("refreshed" if options.refresh else f"{seconds:.0f} s")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
