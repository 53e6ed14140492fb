"""Begin a new chapter: `make chapter TITLE="A trial"` writes its notebook and its exercises, and nothing else changes.

    python scripts/skeleton.py "A trial"

The chapter gets the next free number, is run, and passes `make check` as it is: a claim measured over several seeds
with a control, an exercise of each kind, and placeholders in (round brackets) to replace. Its parts stand in
scripts/new_chapter, with NUMBER, MODULE and TITLE where the new chapter's go.
"""

import argparse
import re
import sys
import unicodedata
from itertools import count
from pathlib import Path

import chapter
import nbformat
from chapter import ROOT, TIME, checks_module
from linting.opening import repository
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import notebooks

PARTS = ROOT / "scripts" / "new_chapter"
MARK = re.compile(r"^# %% *(.*)\n", re.MULTILINE)
SOLUTION = {"cellView": "form", "jupyter": {"source_hidden": True, "outputs_hidden": True}}
ALT = "Two bar charts of how many of eight models keep two, three, four or five features."


def slug(title: str) -> str:
    """The title as it stands in the file's name.

    Raises:
        ValueError: if it has no letter or digit that a file's name may hold.
    """
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    if not (words := re.findall("[a-z0-9]+", plain)):
        raise ValueError(f'expected a title with letters, such as "A trial"; got {title!r}')
    return "_".join(words)


def next_number(root: Path = ROOT) -> int:
    taken = {int(path.name[:2]) for path in chapter.numbered(root)}
    return next(number for number in count() if number not in taken)


def filled(text: str, number: int, title: str) -> str:
    """A part's text with the chapter's own number, module and title."""
    return (
        text.replace("NUMBER", str(number)).replace("MODULE", checks_module(number)).replace("TITLE", title)
    )


def notebook(number: int, title: str) -> NotebookNode:
    """The new chapter, not yet run."""
    tms = {"chapter": number, "reading_minutes": 30, "running_seconds": 10, "paper_sections": ["(which?)"]}
    name = f"{number:02d}_{slug(title)}.ipynb"
    colab = f"https://colab.research.google.com/github/{repository()}/blob/main/notebooks/{name}"
    part = (PARTS / "notebook.txt").read_text(encoding="utf-8")
    text = filled(part.replace("TIME", TIME.format(**tms)).replace("COLAB", colab), number, title)
    _, *pieces = MARK.split(text)
    cells = [
        _cell(mark.split(), source.strip("\n"))
        for mark, source in zip(pieces[::2], pieces[1::2], strict=True)
    ]
    for position, cell in enumerate(cells):
        cell.id = f"c{number}-{position}"
    metadata = {"kernelspec": notebooks.KERNELSPEC, "language_info": notebooks.LANGUAGE_INFO, "tms": tms}
    return new_notebook(cells=cells, metadata=metadata)


def _cell(mark: list[str], source: str) -> NotebookNode:
    """A cell by its line in the part: `# %% code`, `# %% markdown`, `# %% check 9.1`, `# %% figure`, ..."""
    kind, *exercise = mark
    metadata = {"exercise": exercise[0]} if exercise else {}
    if kind in {"markdown", "task"}:
        return new_markdown_cell(source, metadata=metadata)
    if kind == "bootstrap":
        return new_code_cell(
            metadata={"tags": sorted(chapter.BOOTSTRAP, reverse=True)}
        )  # refresh writes its text
    if kind == "figure":
        metadata["mystnb"] = {"image": {"alt": ALT}}
    if kind in {"exercise", "check"}:
        metadata["tags"] = [kind]
    if kind == "solution":
        metadata |= {**SOLUTION, "tags": ["hide-cell", "solution"]}
    return new_code_cell(source, metadata=metadata)


def write(title: str, root: Path = ROOT) -> tuple[Path, Path]:
    """Write the new chapter's two files and run it; return their paths. If it fails, nothing is left behind.

    Raises:
        ValueError: on a title without letters.
        notebooks.ChapterError: if the chapter does not run.
    """
    title = " ".join(title.split())
    number = next_number(root)
    path = root / "notebooks" / f"{number:02d}_{slug(title)}.ipynb"
    checks = root / "tms_utils" / "checks" / f"{checks_module(number)}.py"
    new = notebook(number, title)
    quoted = title.replace("\\", "").replace('"', "'")
    parts = {
        path: nbformat.writes(new) + "\n",
        checks: filled((PARTS / "checks.txt").read_text("utf-8"), number, quoted),
    }
    if present := [str(file) for file in parts if file.exists()]:
        raise ValueError(f"expected to write a new file; there is one: {', '.join(present)}")
    try:
        for file, text in parts.items():
            file.write_text(text, encoding="utf-8")
        notebooks.run_chapter(path, store_time=True)
    except BaseException:
        for file in parts:
            file.unlink(missing_ok=True)
        raise
    return path, checks


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("title", help='such as "A trial"')
    options = parser.parse_args(arguments)
    try:
        path, checks = write(options.title)
    except (ValueError, notebooks.ChapterError) as error:
        print(f"no chapter was made: {error}", file=sys.stderr)
        return 1
    print(f"{path.relative_to(ROOT)}    the chapter: replace what stands in (round brackets)")
    print(f"{checks.relative_to(ROOT)}    its exercises' checks")
    print(f"Then: make notebooks ONLY={path.relative_to(ROOT)}, make check, make claims ONLY={path.name[:2]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
