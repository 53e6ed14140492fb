"""A chapter's prose and code."""

import ast
import re
import statistics
from collections.abc import Iterator

from chapter import ROOT, Chapter, tags
from nbformat import NotebookNode

from linting import rule

COLUMNS = 88  # what fits the page
LONGEST = 40  # lines of a code cell
MEDIAN = 8
LAST_SECTIONS = ["Exercises", "What we checked", "Further reading"]


def markdown_cells(chapter: Chapter) -> list[str]:
    return [cell.source for cell in chapter.cells if cell.cell_type == "markdown"]


def code_lines(source: str) -> int:
    """Lines of code, not counting blank ones, comments and docstrings."""
    source = re.sub(r'(?s)^\s*[rR]?"""(.*?)"""', "", source, flags=re.MULTILINE)
    return sum(1 for line in source.splitlines() if line.strip() and not line.strip().startswith("#"))


def parsed(cell: NotebookNode) -> ast.Module:
    """The cell's syntax tree; an empty one if it is not plain Python, or holds a fault on purpose."""
    try:
        return ast.parse(cell.source)
    except SyntaxError:
        return ast.Module([], [])


@rule
def has_short_cells_between_prose(chapter: Chapter) -> Iterator[str]:
    cells = [cell for cell in chapter.code if not {"solution", "hide-input"} & tags(cell)]
    lengths = [code_lines(cell.source) for cell in cells]
    for cell, length in zip(cells, lengths, strict=True):
        if length > LONGEST:
            yield f"has {length} lines of code in cell {cell.id}; split it, the limit is {LONGEST}"
    if lengths and statistics.median(lengths) > MEDIAN:
        yield f"has a median code cell of {statistics.median(lengths):g} lines; split some, {MEDIAN} are wanted"
    n_prose = len(markdown_cells(chapter))
    if n_prose <= len(cells):
        yield (
            f"has {n_prose} text cells and {len(cells)} code cells (solutions apart); "
            "put a sentence before each code cell, so that text cells are more"
        )


@rule
def fits_the_page(chapter: Chapter) -> Iterator[str]:
    long = [cell.id for cell in chapter.code for line in cell.source.splitlines() if len(line) > COLUMNS]
    if long:
        cells = ", ".join(dict.fromkeys(long))
        yield f"has {len(long)} lines of code over {COLUMNS} columns; break lines in {cells}"


@rule
def has_headings_in_order(chapter: Chapter) -> Iterator[str]:
    depth = 0
    text = re.sub(r"(?s)```.*?```", "", chapter.markdown)
    for marks, title in re.findall(r"(?m)^(#{1,6}) (.+)$", text):
        if len(marks) > depth + 1:
            yield f"jumps from heading level {depth} to {len(marks)} at {title!r}; use {'#' * (depth + 1)}"
        if len(marks) == 1 and depth:
            yield f"has a second title, {title!r}; use ##"
        depth = len(marks)
    number = int(chapter.path.name[:2])
    numbered = [section for section in chapter.sections if re.match(r"\d", section)]
    expected = [f"{number}.{i}" for i in range(1, len(numbered) + 1)]
    if not numbered or [section.split()[0] for section in numbered] != expected:
        yield f"numbers its sections {numbered}; expected ## {number}.1 Title, ## {number}.2 Title, ..."
    if chapter.sections[-3:] != LAST_SECTIONS:
        yield f"ends with the sections {chapter.sections[-3:]}; expected ## {', ## '.join(LAST_SECTIONS)}"


@rule
def uses_markdown_that_colab_shows(chapter: Chapter) -> Iterator[str]:
    for source in markdown_cells(chapter):
        if match := re.search(r"\{(ref|term|cite|cite:t|cite:p|doc|eq|numref)\}`|(?m:^):::|```\{", source):
            yield f"uses {match[0]!r}, which Colab shows raw; use plain Markdown"
        if re.search(r"</summary>[^\n]*\n(?!\s*\n)", source):
            yield "needs a blank line after </summary>; the Markdown below it would not be rendered"
        if match := re.search(r"[\x00-\x09\x0b-\x1f]", source):
            yield f"holds the control character {match[0]!r}; a backslash of a formula was probably lost there"
        if source.count("<details>") != source.count("</details>"):
            yield "opens and closes <details> a different number of times in one cell; close each in its cell"


@rule
def has_links_that_lead_somewhere(chapter: Chapter) -> Iterator[str]:
    prose = re.sub(r"(?s)```.*?```|`[^`\n]*`", "", chapter.markdown)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if target.startswith(("http://", "https://", "#", "mailto:")):
            continue
        if not (ROOT / "notebooks" / target.split("#")[0]).exists():
            yield f"links to {target}, which does not exist (addresses start at notebooks/)"


@rule
def leaves_globals_alone(chapter: Chapter) -> Iterator[str]:
    for cell in chapter.code:
        for found in ("rcParams", "plt.style.use", "manual_seed_all", "np.random.seed", "torch.manual_seed"):
            if found in cell.source and "# faulty" not in cell.source:
                yield (
                    f"uses {found} in cell {cell.id}, which changes global state; pass a generator or a seed "
                    "(a cell that shows it as a fault says `# faulty`)"
                )
        if match := re.search(r"tqdm\.auto|clear_output|\binteract\(", cell.source):
            yield f"uses {match[0]} in cell {cell.id}, whose output cannot be compared; print or draw instead"


@rule
def counts_seeds_and_steps_from_the_top(chapter: Chapter) -> Iterator[str]:
    seeds: list[str] = []
    steps: list[str] = []
    for cell in (cell for cell in chapter.code if "exercise" not in cell.metadata):
        lines = cell.source.splitlines()
        for call in (node for node in ast.walk(parsed(cell)) if isinstance(node, ast.Call)):
            given = [(word.arg, word.value) for word in call.keywords]
            if isinstance(call.func, ast.Attribute) and call.func.attr == "manual_seed":
                given += [("seed", value) for value in call.args]
            for name, value in given:
                whole = isinstance(value, ast.Constant) and type(value.value) is int
                if whole and "# fixed" not in lines[value.lineno - 1]:
                    seeds += [cell.id] if name in {"seed", "generator"} else []
                    steps += [cell.id] if name == "steps" else []
    unless = "(where it must be fixed, say why in a comment: `# fixed: ...`)"
    if seeds:
        cells = ", ".join(dict.fromkeys(seeds))
        yield f"has seeds that `make claims` cannot change; write SEED + k in the cells {cells} {unless}"
    if steps:
        cells = ", ".join(dict.fromkeys(steps))
        yield f"has numbers of steps that `make claims` cannot double; write k * LENGTH in the cells {cells} {unless}"
