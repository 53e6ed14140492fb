"""What a chapter is: the one place that reads its notebook's number, title, tags, sections and exercises."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

# nbformat would load it, which takes two seconds, to judge addresses that no notebook's format asks for.
sys.modules.setdefault("rfc3987_syntax", None)

import nbformat  # noqa: E402
import yaml  # noqa: E402
from nbformat import NotebookNode  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
NAME = re.compile(r"(\d{2})_[a-z0-9_]+\.ipynb")  # what makes a notebook in notebooks/ a chapter
TITLE = re.compile(r"^# (\d+)\. +(.+)$", re.MULTILINE)
SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
EXERCISE = re.compile(r"^### Exercise (\d+\.\d+): *(.*)$", re.MULTILINE)
LEVEL = re.compile(r"^\*Difficulty (\d)/5 · (?:about )?(\d+) min(?:utes?)? · (.+)\*$", re.MULTILINE)
BOOTSTRAP = {"remove-cell", "nbval-skip"}
TIME = "**Time** about {reading_minutes} minutes to read, {running_seconds} seconds to run on two CPU cores."
FIRST_LAB = 91  # chapters are numbered from 0, labs from 91, so that chapters can be added
KINDS = ("implement", "predict", "explain", "find the bug", "explore")


def tags(cell: NotebookNode) -> set[str]:
    """A cell's tags; none if its metadata are odd."""
    found = cell.metadata.get("tags") or []
    return set(found) if isinstance(found, list) else set()


def is_bootstrap(cell: NotebookNode) -> bool:
    """Whether this is the cell that only does something in Colab."""
    return cell.cell_type == "code" and tags(cell) >= BOOTSTRAP


def heading_id(title: str) -> str:
    """The name by which JupyterLab finds a heading; the book uses the same (`_config.yml`)."""
    return re.sub(r"[`*]", "", title).strip().replace(" ", "-")


def shown(cell: NotebookNode) -> str:
    """The last thing that a cell has printed or returned; nothing if it has not."""
    if not cell.get("outputs"):
        return ""
    output = cell.outputs[-1]
    return output.text if output.output_type == "stream" else output.get("data", {}).get("text/plain", "")


@dataclass(frozen=True)
class Exercise:
    """An exercise's heading, and its cells by their tags. One that is answered in words has an answer and no check."""

    number: str
    title: str
    kind: str = ""
    difficulty: int | None = None
    minutes: int | None = None
    stubs: tuple[NotebookNode, ...] = ()
    check: NotebookNode | None = None
    solution: NotebookNode | None = None
    answer: NotebookNode | None = None


@dataclass(frozen=True)
class Chapter:
    """A notebook read as a chapter: the course's own, or one that somebody has handed in."""

    notebook: NotebookNode
    path: Path | None = None

    @property
    def cells(self) -> list[NotebookNode]:
        return self.notebook.cells

    @cached_property
    def markdown(self) -> str:
        return "\n\n".join(cell.source for cell in self.cells if cell.cell_type == "markdown")

    @property
    def code(self) -> list[NotebookNode]:
        """The code cells that are executed: all but the bootstrap cell."""
        return [cell for cell in self.cells if cell.cell_type == "code" and not is_bootstrap(cell)]

    @property
    def tms(self) -> NotebookNode:
        """The course's own metadata: chapter, reading_minutes, running_seconds, paper_sections."""
        return self.notebook.metadata.get("tms", {})

    @property
    def number(self) -> int | None:
        """From the metadata or, where those were lost, from the headings; None if it is no chapter."""
        if isinstance(number := self.tms.get("chapter"), int):
            return number
        found = TITLE.search(self.markdown) or EXERCISE.search(self.markdown)
        return int(found[1].split(".")[0]) if found else None

    @property
    def title(self) -> str:
        """Without its number."""
        found = TITLE.search(self.markdown)
        return found[2].strip() if found else ""

    @property
    def heading(self) -> str:
        """With its number: `1. The linear model`."""
        return f"{self.number}. {self.title}"

    @property
    def time_line(self) -> str:
        """What the first cell says about time: made of the metadata, empty if they lack a number."""
        times = {key: self.tms.get(key) for key in ("reading_minutes", "running_seconds")}
        return TIME.format(**times) if all(isinstance(value, int) for value in times.values()) else ""

    @property
    def sections(self) -> list[str]:
        return SECTION.findall(self.markdown)

    @property
    def setup(self) -> NotebookNode | None:
        """The first cell that is executed: imports, SEED and LENGTH."""
        return next(iter(self.code), None)

    @property
    def exercises(self) -> list[Exercise]:
        """In the order of their headings."""
        return list(self._exercises())

    def _exercises(self) -> Iterator[Exercise]:
        pieces = EXERCISE.split(self.markdown)[1:]
        for number, title, text in zip(pieces[::3], pieces[1::3], pieces[2::3], strict=True):
            level = LEVEL.search(text)
            cells = [cell for cell in self.cells if cell.metadata.get("exercise") == number]

            def first(tag: str, kind: str, cells: list[NotebookNode] = cells) -> NotebookNode | None:
                return next((c for c in cells if tag in tags(c) and c.cell_type == kind), None)

            yield Exercise(
                number,
                title.strip(),
                kind=level[3] if level else "",
                difficulty=int(level[1]) if level else None,
                minutes=int(level[2]) if level else None,
                stubs=tuple(cell for cell in cells if "exercise" in tags(cell)),
                check=first("check", "code"),
                solution=first("solution", "code"),
                answer=first("solution", "markdown"),
            )


def read(path: Path) -> Chapter:
    """The chapter at ``path``."""
    return Chapter(nbformat.read(path, as_version=4), path)


def numbered(root: Path = ROOT) -> list[Path]:
    """The notebooks with a chapter's name, ``NN_slug.ipynb``, in order: chapters, and what somebody tries beside them."""
    found = (root / "notebooks").glob("*.ipynb")
    return sorted(path for path in found if NAME.fullmatch(path.name) and path.is_file())


def paths(root: Path = ROOT) -> list[Path]:
    """The course's chapters in order: ``NN_slug.ipynb`` in the table of contents, with a chapter's title.

    Of several with one number, the chapter is the one whose Colab link opens itself: the others are copies.

    Raises:
        ValueError: if it cannot be told which of several is meant.
    """
    named = set(pages(root)) if (root / "_toc.yml").is_file() else None
    found: dict[int, list[Path]] = {}
    for path in numbered(root):
        is_named = named is None or path.relative_to(root).with_suffix("").as_posix() in named
        if is_named and _title(path, path.stat().st_mtime_ns):
            found.setdefault(int(path.name[:2]), []).append(path)
    return [_original(number, candidates) for number, candidates in found.items()]


@cache
def _title(path: Path, changed: int) -> str:
    """A notebook's title, read again if it has changed. One that cannot be read has one: somebody has to be told."""
    try:
        return read(path).title
    except Exception:
        return path.stem


def _original(number: int, candidates: list[Path]) -> Path:
    if len(candidates) == 1:
        return candidates[0]
    originals = [p for p in candidates if f"/notebooks/{p.name}" in p.read_text("utf-8", errors="replace")]
    if len(originals) != 1:
        names = " and ".join(path.name for path in candidates)
        raise ValueError(f"{names} both say that they are chapter {number}: move one out of notebooks/")
    return originals[0]


def checks_module(number: int) -> str:
    """The module of tms_utils.checks that holds a chapter's exercises: chapter_08."""
    return f"chapter_{number:02d}"


def all_chapters(root: Path = ROOT) -> list[Chapter]:
    return [read(path) for path in paths(root)]


def parts(root: Path = ROOT) -> dict[str, list[str]]:
    """Each part of the table of contents, and its pages without their endings."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return {
        part["caption"]: [page for entry in part["chapters"] for page in _pages(entry, root)]
        for part in toc["parts"]
    }


def _pages(entry: dict[str, str], root: Path) -> list[str]:
    if "glob" not in entry:
        return [entry["file"]]
    files = [file for file in root.glob(entry["glob"]) if file.suffix in {".md", ".ipynb"}]
    return sorted(file.relative_to(root).with_suffix("").as_posix() for file in files)


def pages(root: Path = ROOT) -> list[str]:
    """Every page of the book, in the order of the table of contents."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(page for pages in parts(root).values() for page in pages)]
