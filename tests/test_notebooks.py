"""The shape that all chapters share. Every message says what the author should do."""

import re
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
import yaml
from checking import CHAPTERS
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parent.parent
BOOTSTRAP = (ROOT / "scripts" / "bootstrap.py").read_text(encoding="utf-8").strip()
BOOTSTRAP_TAGS = {"remove-cell", "nbval-skip"}
KINDS = "implement|predict|explain|find the bug|explore"
MACHINE_PATHS = re.compile(r"(?<![\w/])(/(work|tmp|root|home|Users|opt|usr|private)/|[A-Z]:\\)")

Rule = Callable[[NotebookNode, str], Iterator[str]]
RULES: dict[str, Rule] = {}


def rule(function: Rule) -> Rule:
    """Register a check that yields one message for each fault it finds in a chapter."""
    RULES[function.__name__] = function
    return function


def tags(cell: NotebookNode) -> set[str]:
    return set(cell.metadata.get("tags", []))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """The code cells that are executed: all but the bootstrap cell."""
    return [c for c in notebook.cells if c.cell_type == "code" and not tags(c) >= BOOTSTRAP_TAGS]


def markdown(notebook: NotebookNode) -> list[str]:
    return [c.source for c in notebook.cells if c.cell_type == "markdown"]


def prose(notebook: NotebookNode) -> str:
    """All Markdown, without code spans and blocks."""
    text = "\n\n".join(markdown(notebook))
    return re.sub(r"(?s)```.*?```|`[^`\n]*`", "", text)


def code_lines(source: str) -> int:
    """Lines of code, not counting blank ones, comments and docstrings."""
    source = re.sub(r'(?s)^\s*[rR]?"""(.*?)"""', "", source, flags=re.MULTILINE)
    return sum(1 for line in source.splitlines() if line.strip() and not line.strip().startswith("#"))


def exercises(notebook: NotebookNode) -> list[str]:
    """The numbers of the exercises, from their headings."""
    return re.findall(r"(?m)^### Exercise (\d+\.\d+):", "\n".join(markdown(notebook)))


def text_of(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return output.text
    return output.get("data", {}).get("text/plain", "")


def repository() -> str:
    url = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
    return url.removeprefix("https://github.com/")


# The first cells ----------------------------------------------------------------------------


@rule
def has_the_right_format(notebook, name):
    try:
        nbformat.validate(notebook)
    except nbformat.ValidationError as error:
        yield f"is not a valid notebook: {error.message}"
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        yield f"has format {notebook.nbformat}.{notebook.nbformat_minor}; save it as 4.5, with cell ids"
    kernel = notebook.metadata.get("kernelspec", {})
    if (kernel.get("name"), kernel.get("display_name")) != ("python3", "Python 3 (ipykernel)"):
        yield f"asks for the kernel {kernel}; run `make notebooks` to set the common one"
    if "version" in notebook.metadata.get("language_info", {}):
        yield "stores a Python version; run `make notebooks`, which drops it"
    if extra := set(notebook.metadata) - {"kernelspec", "language_info", "tms"}:
        yield f"has metadata that nobody reads: {sorted(extra)}; remove it"


@rule
def says_what_it_is(notebook, name):
    number = int(name[:2])
    tms = notebook.metadata.get("tms", {})
    if tms.get("chapter") != number:
        yield f"metadata.tms.chapter is {tms.get('chapter')!r}; expected {number}, as in the file's name"
    reading, running = tms.get("reading_minutes"), tms.get("running_seconds")
    if not (isinstance(reading, int) and 20 <= reading <= 90):
        yield f"metadata.tms.reading_minutes is {reading!r}; expected whole minutes, from 20 to 90"
    if not (isinstance(running, int) and 0 < running <= 60):
        yield f"metadata.tms.running_seconds is {running!r}; a chapter runs in at most 60 (scripts/notebooks.py --time)"
    if not tms.get("paper_sections"):
        yield "metadata.tms.paper_sections is empty; name the paper's sections that the chapter covers"
    first = notebook.cells[0].source if notebook.cells else ""
    if not re.match(rf"# {number}\. \S", first):
        yield f"starts with {first[:40]!r}; expected the heading `# {number}. Title`"
    for wanted in ("**Claim.**", "**After this chapter you can**", "**Before you start**", "**Time**"):
        if wanted not in first:
            yield f"its first cell lacks a paragraph that starts with {wanted}"
    if not re.search(r"\*\*After this chapter you can\*\*[^\n]*\n+(- \S.*\n){2,}", first + "\n"):
        yield "needs a list of at least two things that the reader can do afterwards"
    stated = re.search(r"\*\*Time\*\* about (\d+) minutes to read, (?:about )?(\d+) seconds to run", first)
    if stated is None:
        yield "needs `**Time** about N minutes to read, M seconds to run on two CPU cores.`"
    elif (int(stated[1]), int(stated[2])) != (reading, running):
        yield f"states {stated[1]} minutes and {stated[2]} seconds, but its metadata say {reading} and {running}"


@rule
def opens_in_colab(notebook, name):
    address = f"https://colab.research.google.com/github/{repository()}/blob/main/notebooks/{name}"
    if f"]({address})" not in (notebook.cells[0].source if notebook.cells else ""):
        yield f"its first cell must link to {address} (`make repository` sets the address)"


@rule
def starts_with_the_bootstrap_cell(notebook, name):
    cells = [c for c in notebook.cells if tags(c) >= BOOTSTRAP_TAGS]
    if len(cells) != 1 or len(notebook.cells) < 2 or notebook.cells[1] is not cells[0]:
        yield f"its second cell, and no other, must be the bootstrap cell, tagged {sorted(BOOTSTRAP_TAGS)}"
        return
    cell = cells[0]
    if cell.source.strip() != BOOTSTRAP:
        yield "its bootstrap cell differs from scripts/bootstrap.py; copy that file's text into it"
    if cell.execution_count is not None or cell.outputs:
        yield "its bootstrap cell must have neither a count nor outputs; run `make notebooks`"


# Outputs ------------------------------------------------------------------------------------


@rule
def ran_from_top_to_bottom(notebook, name):
    counts = [c.execution_count for c in code_cells(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"its execution counts are {counts}, so nbval would not compare all outputs; run `make notebooks`"
    for cell in notebook.cells:
        if "execution" in cell.metadata:
            yield f"cell {cell.id} stores when it ran; run `make notebooks`"


@rule
def shows_no_errors_and_no_noise(notebook, name):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            text = text_of(output)
            if output.output_type == "error":
                yield f"cell {cell.id} raises {output.ename}: {output.evalue}"
            elif output.get("name") == "stderr":
                yield f"cell {cell.id} writes to stderr, a warning or a progress bar: {text[:80]!r}"
            if "it/s]" in text or "Warning:" in text:
                yield f"cell {cell.id} shows a progress bar or a warning: {text[:80]!r}"
            if match := MACHINE_PATHS.search(text):
                yield f"cell {cell.id} shows a path of somebody's machine: {text[match.start() :][:60]!r}"
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                yield f"cell {cell.id} shows a widget, which is dead on the site; show a picture beside it"


@rule
def ends_no_cell_with_a_semicolon(notebook, name):
    for cell in code_cells(notebook):
        if cell.source.rstrip().endswith(";"):
            yield f"cell {cell.id} ends with `;`, which nbval cannot compare; end it with plt.show()"


@rule
def describes_each_figure(notebook, name):
    for cell in code_cells(notebook):
        images = [o for o in cell.outputs if any(k.startswith("image/") for k in o.get("data", {}))]
        alt = cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
        if images and (len(alt) < 20 or re.search(r"\.(png|svg|jpe?g)$", alt)):
            yield f"cell {cell.id} draws a figure; say what it shows in metadata.mystnb.image.alt (now {alt!r})"
        if images and "plt.show()" not in cell.source:
            yield f"cell {cell.id} draws a figure; it must end with plt.show()"
        if any("text/plain" in o.get("data", {}) and "AxesImage" in text_of(o) for o in cell.outputs):
            yield f"cell {cell.id} prints a Matplotlib object; end it with plt.show()"
    for source in markdown(notebook):
        if re.search(r"!\[\s*\]\(", source):
            yield "has a picture without a description: ![description](address)"
        if re.search(r"!\[[^\]]*\]\(https?:", source):
            yield "loads a picture from the network; the book must read offline"


@rule
def is_light(notebook, name):
    size = len(nbformat.writes(notebook).encode())
    if size > 2_000_000:
        yield f"weighs {size / 1e6:.1f} MB; at most 2 are allowed, so draw fewer or smaller figures"


# The text and the code ----------------------------------------------------------------------


@rule
def has_short_cells_between_prose(notebook, name):
    cells = [c for c in code_cells(notebook) if "solution" not in tags(c)]
    lengths = [code_lines(c.source) for c in cells]
    for cell, length in zip(cells, lengths, strict=True):
        if length > 40:
            yield f"cell {cell.id} has {length} lines of code; split it, the limit is 40"
    if lengths and statistics.median(lengths) > 8:
        yield f"its median code cell has {statistics.median(lengths):g} lines; at most 8 are wanted"
    n_prose = len(markdown(notebook))
    if n_prose <= len(cells):
        yield f"has {n_prose} text cells and {len(cells)} code cells (solutions apart); it needs more text than code cells"


@rule
def has_headings_in_order(notebook, name):
    depth = 0
    for source in markdown(notebook):
        for marks, title in re.findall(r"(?m)^(#{1,6}) (.+)$", re.sub(r"(?s)```.*?```", "", source)):
            if len(marks) > depth + 1:
                yield f"the heading {title!r} jumps from level {depth} to level {len(marks)}"
            if len(marks) == 1 and depth:
                yield f"the heading {title!r} is a second title; use ##"
            depth = len(marks)
    number = int(name[:2])
    sections = re.findall(r"(?m)^## (.+)$", "\n".join(markdown(notebook)))
    numbered = [s for s in sections if re.match(r"\d", s)]
    expected = [f"{number}.{i}" for i in range(1, len(numbered) + 1)]
    if not numbered or [s.split()[0] for s in numbered] != expected:
        yield f"its numbered sections are {numbered}; expected ## {number}.1 Title, ## {number}.2 Title, ..."
    if sections[-3:] != ["Exercises", "What we checked", "Further reading"]:
        yield f"ends with the sections {sections[-3:]}; expected Exercises, What we checked, Further reading"


@rule
def uses_markdown_that_colab_shows(notebook, name):
    for source in markdown(notebook):
        if match := re.search(r"\{(ref|term|cite|cite:t|cite:p|doc|eq|numref)\}`|(?m:^):::|```\{", source):
            yield f"uses {match[0]!r}, which Colab shows raw; use plain Markdown"
        if re.search(r"</summary>[^\n]*\n(?!\s*\n)", source):
            yield "has a <details> without a blank line after </summary>; its Markdown would not be rendered"
        if match := re.search(r"[\x00-\x09\x0b-\x1f]", source):
            yield f"holds the control character {match[0]!r}; a backslash of a formula was probably lost there"
        if source.count("<details>") != source.count("</details>"):
            yield "opens and closes <details> a different number of times in one cell"


@rule
def has_links_that_lead_somewhere(notebook, name):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(notebook)):
        if target.startswith(("http://", "https://", "#", "mailto:")):
            continue
        if not (ROOT / "notebooks" / target.split("#")[0]).exists():
            yield f"links to {target}, which does not exist"


@rule
def leaves_globals_alone(notebook, name):
    for cell in code_cells(notebook):
        for wanted in ("rcParams", "plt.style.use", "manual_seed_all", "np.random.seed", "torch.manual_seed"):
            if wanted in cell.source and "# faulty" not in cell.source:
                yield f"cell {cell.id} uses {wanted}, which changes global state; pass a generator or a seed"
        if re.search(r"tqdm\.auto|clear_output|\binteract\(", cell.source):
            yield f"cell {cell.id} uses something that does not survive nbval (tqdm.auto, clear_output, interact)"


@rule
def names_nothing_internal(notebook, name):
    everything = "\n".join(c.source for c in notebook.cells)
    if match := MACHINE_PATHS.search(everything):
        yield f"names a path of somebody's machine: {everything[match.start() :][:60]!r}"


# Exercises ----------------------------------------------------------------------------------


@rule
def has_exercises_of_three_kinds(notebook, name):
    text = "\n".join(markdown(notebook))
    numbers = exercises(notebook)
    expected = [f"{int(name[:2])}.{i}" for i in range(1, len(numbers) + 1)]
    if len(numbers) < 3:
        yield f"has {len(numbers)} exercises; at least three are wanted"
    if numbers != expected:
        yield f"numbers its exercises {numbers}; expected {expected}"
    kinds = re.findall(rf"(?m)^\*Difficulty [1-5]/5 · about \d+ minutes? · ({KINDS})\*$", text)
    if len(kinds) != len(numbers):
        yield (
            f"has {len(numbers)} exercises but {len(kinds)} lines such as "
            f"`*Difficulty 2/5 · about 10 minutes · implement*` (kinds: {KINDS})"
        )
    for wanted in ({"implement"}, {"predict", "explain"}, {"find the bug", "explore"}):
        if not wanted & set(kinds):
            yield f"has no exercise of the kind {' or '.join(sorted(wanted))}"


@rule
def checks_each_exercise(notebook, name):
    for number in exercises(notebook):
        cells = [c for c in notebook.cells if c.metadata.get("exercise") == number]
        stubs = [c for c in cells if "exercise" in tags(c)]
        checks = [c for c in cells if "check" in tags(c)]
        solutions = [c for c in cells if "solution" in tags(c)]
        written = [c for c in solutions if c.cell_type == "markdown"]
        if not solutions:
            yield f"exercise {number} has no solution (a cell tagged solution with metadata exercise: {number})"
        if written and not stubs and not checks:
            continue  # an answer in words, folded into <details>
        if not stubs:
            yield f"exercise {number} has no stub cell (tagged exercise)"
        if not checks:
            yield f"exercise {number} has no check cell (tagged check)"
        for check in checks:
            shown = " ".join(text_of(o) for o in check.outputs)
            if f"Exercise {number}" not in shown:
                yield f"the check of exercise {number} shows {shown[:60]!r}; expected a verdict"
            if f"Exercise {number}: passed" in shown:
                yield f"the check of exercise {number} passes before the reader has done anything"
        for solution in solutions:
            if solution.cell_type != "code":
                continue
            shown = " ".join(text_of(o) for o in solution.outputs)
            if f"Exercise {number}: passed" not in shown:
                yield f"the solution of exercise {number} does not pass its check: {shown[:80]!r}"


@rule
def folds_each_solution(notebook, name):
    for cell in notebook.cells:
        if "solution" not in tags(cell):
            continue
        if "exercise" not in cell.metadata:
            yield f"the solution {cell.id} does not say which exercise it solves (metadata exercise)"
        if cell.cell_type == "markdown":
            if "<details>" not in cell.source:
                yield f"the written answer {cell.id} is not folded; put it in <details>"
            continue
        if "hide-input" not in tags(cell):
            yield f"the solution {cell.id} needs the tag hide-input, which folds it in the book"
        if cell.metadata.get("jupyter", {}).get("source_hidden") is not True:
            yield f"the solution {cell.id} needs metadata jupyter.source_hidden: true, which folds it in JupyterLab"
        if cell.metadata.get("cellView") != "form":
            yield f"the solution {cell.id} needs metadata cellView: form, which folds it in Colab"
        if not cell.source.startswith(f"# @title Solution to exercise {cell.metadata.get('exercise')}"):
            yield f"the solution {cell.id} must start with `# @title Solution to exercise N.N`"


@rule
def ends_with_a_table_of_claims(notebook, name):
    if not any(
        re.search(r"claims_table\(|ClaimsTable\(", c.source) and c.outputs for c in code_cells(notebook)
    ):
        yield "has no ClaimsTable(...) under What we checked; its verdicts must be computed by code"


# The tests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rule_name", RULES)
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter(path: Path, rule_name: str) -> None:
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    faults = list(RULES[rule_name](notebook, path.name))
    assert not faults, f"{path.name} " + f"\n{path.name} ".join(faults)


def contents() -> list[str]:
    """Every file in the table of contents, as it is written there."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    found = [toc["root"]]
    for part in toc["parts"]:
        for chapter in part["chapters"]:
            found += [chapter["file"], *(s["file"] for s in chapter.get("sections", []))]
    return found


def test_every_entry_of_the_contents_exists() -> None:
    missing = [
        f
        for f in contents()
        if not any((ROOT / f).with_name(Path(f).name + s).exists() for s in (".md", ".ipynb", ""))
    ]
    assert not missing, f"_toc.yml names files that do not exist: {missing}"


def test_every_page_is_in_the_contents() -> None:
    pages = [p.relative_to(ROOT).with_suffix("").as_posix() for p in (ROOT / "book").glob("*.md")]
    pages += [p.relative_to(ROOT).with_suffix("").as_posix() for p in CHAPTERS]
    listed = [re.sub(r"\.(md|ipynb)$", "", entry) for entry in contents()]
    assert sorted(pages) == sorted(listed), "every page, and every chapter, belongs into _toc.yml once"


def test_chapters_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:2]) for path in CHAPTERS]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= 1


# The rules can fail -------------------------------------------------------------------------


def good_chapter() -> NotebookNode:
    """The smallest chapter that keeps every rule."""
    name = "01_example.ipynb"
    address = f"https://colab.research.google.com/github/{repository()}/blob/main/notebooks/{name}"
    verdict = [new_output("execute_result", data={"text/plain": "Exercise 1.1: not attempted yet."})]
    cells = [
        new_markdown_cell(
            f"# 1. Example\n\n[Open this chapter in Colab]({address})\n\n**Claim.** It is so.\n\n"
            "**After this chapter you can**\n\n- do this\n- do that\n\n**Before you start** nothing.\n\n"
            "**Time** about 30 minutes to read, 5 seconds to run on two CPU cores."
        ),
        new_code_cell(BOOTSTRAP, metadata={"tags": ["remove-cell", "nbval-skip"]}),
        new_code_cell("import torch"),
        new_markdown_cell("## 1.1 A section"),
        new_markdown_cell("Predict."),
        new_markdown_cell("Explain. See [the references](../book/references.md)."),
        new_code_cell(
            "plt.plot(x)\nplt.show()",
            metadata={"mystnb": {"image": {"alt": "A line that rises from left to right."}}},
            outputs=[new_output("display_data", data={"image/png": "AAAA", "text/plain": "<Figure>"})],
        ),
        new_markdown_cell("## Exercises"),
    ]
    for number, kind in (("1.1", "implement"), ("1.2", "predict"), ("1.3", "find the bug")):
        metadata = {"exercise": number}
        cells += [
            new_markdown_cell(
                f"### Exercise {number}: do it\n*Difficulty 2/5 · about 10 minutes · {kind}*\n\n"
                "<details><summary>Hint</summary>\n\nThink.\n\n</details>"
            ),
            new_code_cell("prediction = None", metadata={**metadata, "tags": ["exercise"]}),
            new_markdown_cell("Check it."),
            new_code_cell(
                "check(prediction)",
                metadata={**metadata, "tags": ["check"]},
                outputs=[new_output("stream", name="stdout", text=f"Exercise {number}: not attempted yet.")],
            ),
            new_code_cell(
                f"# @title Solution to exercise {number}\ncheck(1)",
                metadata={
                    **metadata,
                    "tags": ["hide-input", "solution"],
                    "jupyter": {"source_hidden": True},
                    "cellView": "form",
                },
                outputs=[new_output("stream", name="stdout", text=f"Exercise {number}: passed. Well.")],
            ),
        ]
    cells += [
        new_markdown_cell("## What we checked"),
        new_code_cell("ClaimsTable(rows)", outputs=verdict),
        new_markdown_cell("## Further reading"),
        new_markdown_cell("The paper."),
    ]
    notebook = new_notebook(
        cells=cells,
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"},
            "tms": {"chapter": 1, "reading_minutes": 30, "running_seconds": 5, "paper_sections": ["Intro"]},
        },
    )
    notebook.nbformat_minor = 5
    for count, cell in enumerate(code_cells(notebook), start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return notebook


def find(notebook: NotebookNode, text: str) -> NotebookNode:
    """The first cell that holds `text`."""
    return next(c for c in notebook.cells if text in c.source)


def test_a_good_chapter_keeps_every_rule() -> None:
    for name, check in RULES.items():
        assert list(check(good_chapter(), "01_example.ipynb")) == [], name


def _set(text: str, **changes) -> Callable[[NotebookNode], None]:
    return lambda notebook: find(notebook, text).update(changes)


def _replace(old: str, new: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cell = find(notebook, old)
        cell.source = cell.source.replace(old, new)

    return change


def _output(text: str, output: NotebookNode) -> Callable[[NotebookNode], None]:
    return lambda notebook: find(notebook, text).outputs.append(output)


def _metadata(text: str, **changes) -> Callable[[NotebookNode], None]:
    return lambda notebook: find(notebook, text).metadata.update(changes)


BREAKAGES = [
    ("has_the_right_format", lambda n: n.update(nbformat_minor=4)),
    ("has_the_right_format", lambda n: n.metadata.update(language_info={"name": "python", "version": "3.11"})),
    ("has_the_right_format", lambda n: n.metadata.kernelspec.update(name="tms")),
    ("says_what_it_is", _replace("**Claim.**", "Claim:")),
    ("says_what_it_is", _replace("30 minutes to read", "35 minutes to read")),
    ("says_what_it_is", lambda n: n.metadata.tms.update(running_seconds=90)),
    ("says_what_it_is", lambda n: n.metadata.tms.update(chapter=2)),
    ("says_what_it_is", _replace("- do that\n", "")),
    ("opens_in_colab", _replace("/blob/main/notebooks/01", "/blob/main/notebooks/02")),
    ("opens_in_colab", _replace(repository(), "somebody/else")),
    ("starts_with_the_bootstrap_cell", _replace("importlib.invalidate_caches()", "pass")),
    ("starts_with_the_bootstrap_cell", lambda n: n.cells.insert(1, new_code_cell("1"))),
    ("starts_with_the_bootstrap_cell", lambda n: n.cells[1].update(execution_count=1)),
    ("ran_from_top_to_bottom", _set("import torch", execution_count=None)),
    ("ran_from_top_to_bottom", _set("import torch", execution_count=7)),
    ("ran_from_top_to_bottom", _metadata("import torch", execution={"iopub.status.busy": "now"})),
    ("shows_no_errors_and_no_noise", _output("import torch", new_output("stream", name="stderr", text="UserWarning"))),
    ("shows_no_errors_and_no_noise", _output("import torch", new_output("error", ename="E", evalue="", traceback=[]))),
    ("shows_no_errors_and_no_noise", _output("import torch", new_output("stream", name="stdout", text="in /home/me/x"))),
    ("shows_no_errors_and_no_noise", _output("import torch", new_output("stream", name="stdout", text="9 [00:01, 8it/s]"))),
    ("ends_no_cell_with_a_semicolon", _replace("import torch", "plt.plot(x);")),
    ("describes_each_figure", _metadata("plt.plot", mystnb={})),
    ("describes_each_figure", _metadata("plt.plot", mystnb={"image": {"alt": "output_of_the_cell_12_0.png"}})),
    ("describes_each_figure", _replace("\nplt.show()", "")),
    ("describes_each_figure", _replace("Explain.", "![](picture.png)")),
    ("describes_each_figure", _replace("Explain.", "![a badge](https://example.org/badge.svg)")),
    ("is_light", _output("import torch", new_output("stream", name="stdout", text="x" * 2_000_001))),
    ("has_short_cells_between_prose", _replace("import torch", "x = 1\n" * 41)),
    ("has_short_cells_between_prose", lambda n: n.cells.extend(new_code_cell("x = 1") for _ in range(40))),
    ("has_short_cells_between_prose", lambda n: n.cells.extend(new_code_cell("x = 1\n" * 9) for _ in range(40))),
    ("has_headings_in_order", _replace("## 1.1 A section", "### 1.1 A section")),
    ("has_headings_in_order", _replace("## 1.1 A section", "## 1.2 A section")),
    ("has_headings_in_order", _replace("## What we checked", "## What they checked")),
    ("has_headings_in_order", _replace("Explain.", "# Explained")),
    ("uses_markdown_that_colab_shows", _replace("Explain.", "As {ref}`above`")),
    ("uses_markdown_that_colab_shows", _replace("Explain.", ":::{note}\nThis.\n:::")),
    ("uses_markdown_that_colab_shows", _replace("</summary>\n\n", "</summary>\n")),
    ("uses_markdown_that_colab_shows", _replace("</details>", "")),
    ("uses_markdown_that_colab_shows", _replace("Explain.", "$W^\top W$")),
    ("has_links_that_lead_somewhere", _replace("../book/references.md", "../book/nowhere.md")),
    ("leaves_globals_alone", _replace("import torch", "torch.manual_seed(0)")),
    ("leaves_globals_alone", _replace("import torch", "from tqdm.auto import tqdm")),
    ("names_nothing_internal", _replace("import torch", 'open("/home/me/data")')),
    ("has_exercises_of_three_kinds", _replace("### Exercise 1.3", "### Exercise 1.4")),
    ("has_exercises_of_three_kinds", _replace("· find the bug*", "· implement*")),
    ("has_exercises_of_three_kinds", _replace("*Difficulty 2/5", "*Difficulty 7/5")),
    ("checks_each_exercise", _metadata("check(prediction)", tags=[])),
    ("checks_each_exercise", _set("check(prediction)", outputs=[])),
    ("checks_each_exercise", _set("# @title Solution to exercise 1.2", outputs=[])),
    ("checks_each_exercise", _metadata("prediction = None", tags=[])),
    ("checks_each_exercise", _metadata("# @title Solution to exercise 1.2", tags=["hide-input"])),
    ("folds_each_solution", _metadata("# @title Solution", tags=["solution"])),
    ("folds_each_solution", _metadata("# @title Solution", jupyter={})),
    ("folds_each_solution", _metadata("# @title Solution", cellView=None)),
    ("folds_each_solution", _replace("# @title Solution", "# Solution")),
    ("ends_with_a_table_of_claims", _replace("ClaimsTable(rows)", "print(rows)")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule_name", "breakage"), BREAKAGES, ids=[f"{i}-{b[0]}" for i, b in enumerate(BREAKAGES)]
)
def test_a_broken_chapter_is_noticed(rule_name: str, breakage: Callable[[NotebookNode], None]) -> None:
    notebook = good_chapter()
    breakage(notebook)
    assert list(RULES[rule_name](notebook, "01_example.ipynb")), f"{rule_name} did not notice"


def test_every_rule_is_seen_to_fail() -> None:
    assert {name for name, _ in BREAKAGES} == set(RULES)
