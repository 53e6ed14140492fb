"""A chapter's prose and code."""

import ast
import re
import statistics
from collections.abc import Iterator

import links
from chapter import ROOT, Chapter, tags
from nbformat import NotebookNode

from linting import rule

COLUMNS = 88  # what fits the page
LONGEST = 40  # lines of a code cell
MEDIAN = 6
WORDS = 2500  # outside exercises and folds; a formula is one word
TEACHING = 225  # lines of code outside exercises and folds
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
    for cell in (cell for cell in chapter.code if "solution" not in tags(cell)):  # a folded cell is read, too
        if (length := code_lines(cell.source)) > LONGEST:
            yield f"has {length} lines of code in cell {cell.id}; split it, the limit is {LONGEST}"
    cells = [cell for cell in chapter.code if not {"solution", "hide-input"} & tags(cell)]
    lengths = [code_lines(cell.source) for cell in cells]
    if lengths and statistics.median(lengths) > MEDIAN:
        yield f"has a median code cell of {statistics.median(lengths):g} lines; split some, {MEDIAN} are wanted"
    n_prose = len(markdown_cells(chapter))
    if n_prose <= len(cells):
        yield (
            f"has {n_prose} text cells and {len(cells)} code cells (solutions apart); "
            "put a sentence before each code cell, so that text cells are more"
        )


def words(chapter: Chapter) -> int:
    """Words to read: no folds, no exercises, a formula as one."""
    text = [c.source for c in chapter.cells if c.cell_type == "markdown" and "exercise" not in c.metadata]
    without = re.sub(r"(?s)<details>.*?</details>|\]\([^)]*\)", " ", "\n".join(text))
    return len(re.sub(r"(?s)\$\$.*?\$\$|\$[^$]*\$", "x", without).split())


@rule
def is_short_enough_for_one_sitting(chapter: Chapter) -> Iterator[str]:
    if (found := words(chapter)) > WORDS:
        yield f"has {found:,} words outside its exercises; cut to {WORDS:,}, or move an idea to a chapter or lab of its own"
    folded = {"solution", "hide-input"}
    cells = [c for c in chapter.code if not folded & tags(c) and "exercise" not in c.metadata]
    if (lines := sum(code_lines(cell.source) for cell in cells)) > TEACHING:
        yield f"has {lines} lines of code outside its exercises; cut to {TEACHING}"


@rule
def holds_its_predictions(chapter: Chapter) -> Iterator[str]:
    waiting = None
    for cell in chapter.cells:
        starts = (
            []
            if cell.cell_type == "code"
            else re.findall(r"(?m)^(\*\*Predict\b|\*\*Answer\.\*\*|## )", cell.source)
        )
        for start in starts:
            if start == "**Predict" and "exercise" not in cell.metadata:
                if not cell.source.startswith("**Predict.**") or "\n\n**" in cell.source:
                    yield f"mixes a prediction with other text in {cell.id}; give it a cell of its own: **Predict.** ..."
                waiting = cell.id
            elif start == "**Answer.**":
                waiting = None
            elif start == "## " and waiting:
                yield f"leaves the prediction {waiting} open; begin the text that answers it with **Answer.**"
                waiting = None


@rule
def links_what_it_names(chapter: Chapter) -> Iterator[str]:
    where = links.of_course() | links.targets([chapter])
    for cell in (c for c in chapter.cells if c.cell_type == "markdown"):
        if links.linked(cell.source, where, here=chapter.path.name) != cell.source:
            yield f"has links to sections or chapters that are missing or old in {cell.id}; `make refresh` writes them"
        for nowhere in links.dangling(cell.source, where):
            yield f"speaks of {nowhere} in {cell.id}, which does not exist"
    titles = [*chapter.sections, *(task.title for task in chapter.exercises)]
    for title in titles:
        if not title.isascii() or re.search(r"[$()%\"<>\[\]\\]", title):
            yield f"has a heading that JupyterLab cannot link, {title!r}; use plain letters, no formula, no brackets"


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
