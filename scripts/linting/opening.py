"""A chapter's first cells, and its metadata."""

import re
from collections.abc import Iterator

import nbformat
import yaml
from chapter import ROOT, Chapter, is_bootstrap

from linting import rule

BOOTSTRAP_TEXT = (ROOT / "scripts" / "bootstrap.py").read_text(encoding="utf-8").strip()
EDIT = "in JupyterLab: the gear at the right, Advanced Tools, Notebook Metadata"


def repository() -> str:
    """The course's owner/name on GitHub."""
    url = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    return url.removeprefix("https://github.com/")


def first_cell(chapter: Chapter) -> str:
    return chapter.cells[0].source if chapter.cells else ""


@rule
def has_the_right_format(chapter: Chapter) -> Iterator[str]:
    notebook = chapter.notebook
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield f"is not a valid notebook: {error.message}; open it in JupyterLab and save it"
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        yield f"has format {notebook.nbformat}.{notebook.nbformat_minor}; save it as 4.5, with cell ids"
    kernel = notebook.metadata.get("kernelspec", {})
    if (kernel.get("name"), kernel.get("display_name")) != ("python3", "Python 3 (ipykernel)"):
        yield f"asks for the kernel {kernel.get('display_name')!r}; `make notebooks` sets the common one"
    if "version" in notebook.metadata.get("language_info", {}):
        yield "stores a Python version; `make notebooks` drops it"
    if extra := set(notebook.metadata) - {"kernelspec", "language_info", "tms"}:
        yield f"has metadata that nobody reads: {sorted(extra)}; remove it ({EDIT})"


@rule
def says_what_it_is(chapter: Chapter) -> Iterator[str]:
    number = int(chapter.path.name[:2])
    tms, first = chapter.tms, first_cell(chapter)
    if tms.get("chapter") != number:
        yield (
            f"has tms.chapter {tms.get('chapter')!r} in its metadata; expected {number}, as in the file's name ({EDIT})"
        )
    if not isinstance(reading := tms.get("reading_minutes"), int) or not 10 <= reading <= 90:
        yield f"has tms.reading_minutes {reading!r} in its metadata; expected whole minutes, 10 to 90 ({EDIT})"
    if not isinstance(running := tms.get("running_seconds"), int) or not 0 < running <= 60:
        yield (
            f"has tms.running_seconds {running!r} in its metadata; a chapter runs in at most 60: shorten it, and "
            "measure with `.venv/bin/python scripts/notebooks.py --time`"
        )
    if not tms.get("paper_sections"):
        yield f"has no tms.paper_sections in its metadata; name the paper's sections that it covers ({EDIT})"
    if not re.match(rf"# {number}\. \S", first):
        yield f"starts with {first[:40]!r}; its first cell must start with the heading `# {number}. Title`"
    for wanted in ("**Claim.**", "**After this chapter you can**", "**Before you start**", "**Time**"):
        if wanted not in first:
            yield f"needs a paragraph in its first cell that starts with {wanted}"
    if not re.search(r"\*\*After this chapter you can\*\*[^\n]*\n+(- \S.*\n){2,}", first + "\n"):
        yield "needs a list of at least two things after **After this chapter you can**"
    if "**Time**" in first and (line := chapter.time_line) and line not in first.splitlines():
        yield "states other times than its metadata; `make refresh` writes the **Time** line from them"


@rule
def opens_in_colab(chapter: Chapter) -> Iterator[str]:
    page = f"blob/main/notebooks/{chapter.path.name}"
    address = f"https://colab.research.google.com/github/{repository()}/{page}"
    if f"]({address})" not in first_cell(chapter):
        yield f"needs a link [Open this chapter in Colab]({address}) in its first cell"


@rule
def starts_with_the_bootstrap_cell(chapter: Chapter) -> Iterator[str]:
    cells = [cell for cell in chapter.cells if is_bootstrap(cell)]
    if len(cells) != 1 or len(chapter.cells) < 2 or chapter.cells[1] is not cells[0]:
        yield (
            "must have the bootstrap cell as its second cell, and nowhere else: "
            "copy it, with its tags, from another chapter"
        )
        return
    if cells[0].source.strip() != BOOTSTRAP_TEXT:
        yield "has a bootstrap cell that differs from scripts/bootstrap.py; `make refresh` copies it"
    if cells[0].execution_count is not None or cells[0].outputs:
        yield "has a bootstrap cell with a count or outputs; `make notebooks` removes them"


@rule
def can_be_run_with_other_seeds(chapter: Chapter) -> Iterator[str]:
    source = chapter.setup.source if chapter.setup else ""
    for line in ("SEED = 0", "LENGTH = 1"):
        if not re.search(rf"^{line}(\s*#.*)?$", source, re.MULTILINE):
            yield f"needs the line `{line}` in its set-up cell, the first after the bootstrap cell"
