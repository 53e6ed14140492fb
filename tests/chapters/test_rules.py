"""The rules that all chapters keep: each is seen to pass a good chapter, and to notice a broken one."""

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import rules
from chapter import Chapter, is_bootstrap
from linting import RULES
from linting.opening import BOOTSTRAP_TEXT, repository
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

NAME = "01_example.ipynb"


SETUP = (
    "from tms_utils.checks.chapter_01 import check\n\nclaims = Claims()\nSEED = 0  # another?\nLENGTH = 1\n"
)


def verdict(text: str) -> NotebookNode:
    return new_output("stream", name="stdout", text=f"Exercise 1.1: {text}")


def good_chapter() -> NotebookNode:
    """The smallest chapter that keeps every rule."""
    address = f"https://colab.research.google.com/github/{repository()}/blob/main/notebooks/{NAME}"
    table = [new_output("execute_result", data={"text/plain": "Claim:  It is so.\nVerdict:  agrees"})]
    cells = [
        new_markdown_cell(
            f"# 1. Example\n\n[Open this chapter in Colab]({address})\n\n**Claim.** It is so.\n\n"
            "**After this chapter you can**\n\n- do this\n- do that\n\n**Before you start** nothing.\n\n"
            "**Time** about 30 minutes to read, 5 seconds to run on two CPU cores."
        ),
        new_code_cell(BOOTSTRAP_TEXT, metadata={"tags": ["remove-cell", "nbval-skip"]}),
        new_code_cell(SETUP),
        new_markdown_cell("## 1.1 A section"),
        new_markdown_cell("**Predict.** And then?"),
        new_markdown_cell("**Answer.** Explain. See [the references](../book/references.md)."),
        new_code_cell(
            "plt.plot(x)\nplt.show()",
            metadata={"mystnb": {"image": {"alt": "A line that rises from left to right."}}},
            outputs=[new_output("display_data", data={"image/png": "AAAA", "text/plain": "<Figure>"})],
        ),
        new_markdown_cell("Measure."),
        new_code_cell("f(seed=SEED + 1, steps=2 * LENGTH)\nclaims.add('It is so.')"),
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
                    "tags": ["hide-cell", "solution"],
                    "jupyter": {"source_hidden": True, "outputs_hidden": True},
                    "cellView": "form",
                },
                outputs=[new_output("stream", name="stdout", text=f"Exercise {number}: passed. Well.")],
            ),
        ]
    cells += [
        new_markdown_cell("## What we checked"),
        new_code_cell("claims", outputs=table),
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
    for count, cell in enumerate(Chapter(notebook).code, start=1):
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return notebook


def find(notebook: NotebookNode, text: str) -> NotebookNode:
    """The first cell that holds `text`, the bootstrap cell apart unless only that one does."""
    cells = sorted(notebook.cells, key=is_bootstrap)
    return next(cell for cell in cells if text in cell.source)


def faults(notebook: NotebookNode, rule_name: str) -> list[str]:
    return list(RULES[rule_name](Chapter(notebook, Path(NAME))))


@pytest.mark.parametrize("rule_name", RULES)
def test_a_good_chapter_keeps_every_rule(rule_name: str) -> None:
    assert faults(good_chapter(), rule_name) == []


def _set(part: str, **changes) -> Callable[[NotebookNode], None]:
    return lambda notebook: find(notebook, part).update(changes)


def _replace(old: str, new: str) -> Callable[[NotebookNode], None]:
    def change(notebook: NotebookNode) -> None:
        cell = find(notebook, old)
        cell.source = cell.source.replace(old, new)

    return change


def _output(part: str, output: NotebookNode) -> Callable[[NotebookNode], None]:
    return lambda notebook: find(notebook, part).outputs.append(output)


def _metadata(part: str, **changes) -> Callable[[NotebookNode], None]:
    return lambda notebook: find(notebook, part).metadata.update(changes)


def shown(text: str) -> NotebookNode:
    """What a cell that ends in an expression shows."""
    return new_output("execute_result", {"text/plain": text}, execution_count=1)


BREAKAGES = [
    ("has_the_right_format", lambda n: n.update(nbformat_minor=4)),
    ("has_the_right_format", lambda n: n.metadata.update(language_info={"name": "python", "version": "3.11"})),
    ("has_the_right_format", lambda n: n.metadata.kernelspec.update(name="tms")),
    ("says_what_it_is", _replace("**Claim.**", "Claim:")),
    ("says_what_it_is", _replace("30 minutes to read", "35 minutes to read")),
    ("says_what_it_is", lambda n: n.metadata.pop("tms")),
    ("says_what_it_is", lambda n: n.metadata.tms.update(running_seconds=90)),
    ("says_what_it_is", lambda n: n.metadata.tms.update(chapter=2)),
    ("says_what_it_is", _replace("- do that\n", "")),
    ("opens_in_colab", _replace("/blob/main/notebooks/01", "/blob/main/notebooks/02")),
    ("opens_in_colab", _replace(repository(), "somebody/else")),
    ("starts_with_the_bootstrap_cell", _replace("importlib.invalidate_caches()", "pass")),
    ("starts_with_the_bootstrap_cell", lambda n: n.cells.insert(1, new_code_cell("1"))),
    ("starts_with_the_bootstrap_cell", lambda n: n.cells[1].update(execution_count=1)),
    ("can_be_run_with_other_seeds", _replace("SEED = 0", "SEED = 1")),
    ("can_be_run_with_other_seeds", _replace("LENGTH = 1\n", "")),
    ("ran_from_top_to_bottom", _set("SEED = 0", execution_count=None)),
    ("ran_from_top_to_bottom", _set("SEED = 0", execution_count=7)),
    ("ran_from_top_to_bottom", _metadata("SEED = 0", execution={"iopub.status.busy": "now"})),
    ("shows_no_errors_and_no_noise", _output("SEED = 0", new_output("stream", name="stderr", text="UserWarning"))),
    ("shows_no_errors_and_no_noise", _output("SEED = 0", new_output("error", ename="E", evalue="", traceback=[]))),
    ("shows_no_errors_and_no_noise", _output("SEED = 0", new_output("stream", name="stdout", text="in /home/me/x"))),
    ("shows_no_errors_and_no_noise", _output("SEED = 0", new_output("stream", name="stdout", text="9 [00:01, 8it/s]"))),
    ("shows_no_errors_and_no_noise", _output("SEED = 0", shown("TrainingRecord(step=tensor([0, 20]))"))),
    ("shows_no_errors_and_no_noise", _output("SEED = 0", shown("'a sentence'"))),
    ("shows_no_errors_and_no_noise", _output("SEED = 0", shown("<matplotlib.image.AxesImage>"))),
    ("ends_no_cell_with_a_semicolon", _replace("LENGTH = 1", "plt.plot(x);")),
    ("describes_each_figure", _metadata("plt.plot", mystnb={})),
    ("describes_each_figure", _metadata("plt.plot", mystnb={"image": {"alt": "output_of_the_cell_12_0.png"}})),
    ("describes_each_figure", _replace("\nplt.show()", "")),
    ("describes_each_figure", _replace("Explain.", "![](picture.png)")),
    ("describes_each_figure", _replace("Explain.", "![a badge](https://example.org/badge.svg)")),
    ("is_light", _output("SEED = 0", new_output("stream", name="stdout", text="x" * 2_000_001))),
    ("has_short_cells_between_prose", _replace("SEED = 0", "x = 1\n" * 41)),
    ("has_short_cells_between_prose", lambda n: n.cells.extend(new_code_cell("x = 1") for _ in range(40))),
    ("has_short_cells_between_prose", lambda n: n.cells.extend(new_code_cell("x = 1\n" * 9) for _ in range(40))),
    ("fits_the_page", _replace("SEED = 0", "SEED = 0" + " " * 40 + "# " + "x" * 40)),
    ("has_headings_in_order", _replace("## 1.1 A section", "### 1.1 A section")),
    ("has_headings_in_order", _replace("## 1.1 A section", "## 1.2 A section")),
    ("has_headings_in_order", _replace("## What we checked", "## What they checked")),
    ("has_headings_in_order", _replace("Explain.", "\n\n# Explained")),
    ("uses_markdown_that_colab_shows", _replace("Explain.", "As {ref}`above`")),
    ("uses_markdown_that_colab_shows", _replace("Explain.", ":::{note}\nThis.\n:::")),
    ("uses_markdown_that_colab_shows", _replace("</summary>\n\n", "</summary>\n")),
    ("uses_markdown_that_colab_shows", _replace("</details>", "")),
    ("uses_markdown_that_colab_shows", _replace("Explain.", "$W^\top W$")),
    ("is_short_enough_for_one_sitting", _replace("Explain.", "so " * 2501)),
    ("is_short_enough_for_one_sitting", _replace("SEED = 0", "x = 1\n" * 226)),
    ("holds_its_predictions", _replace("**Predict.** And", "**Predict** And")),
    ("holds_its_predictions", _replace("**Answer.**", "Answer.")),
    ("holds_its_predictions", _replace("**Predict.** And", "First this.\n\n**Predict.** And")),
    ("links_what_it_names", _replace("Explain.", "Explain section 1.1.")),
    ("links_what_it_names", _replace("Explain.", "See [section 1.1](#1.1-An-old-name).")),
    ("links_what_it_names", _replace("Explain.", "See section 1.9.")),
    ("links_what_it_names", _replace("1.1 A section", "1.1 A section of $x$")),
    ("has_links_that_lead_somewhere", _replace("../book/references.md", "../book/nowhere.md")),
    ("leaves_globals_alone", _replace("SEED = 0", "torch.manual_seed(0)")),
    ("leaves_globals_alone", _replace("SEED = 0", "from tqdm.auto import tqdm")),
    ("counts_seeds_and_steps_from_the_top", _replace("seed=SEED + 1", "seed=1")),
    ("counts_seeds_and_steps_from_the_top", _replace("seed=SEED + 1", "generator=torch.Generator().manual_seed(1)")),
    ("counts_seeds_and_steps_from_the_top", _replace("2 * LENGTH", "2_000")),
    ("names_nothing_internal", _replace("SEED = 0", 'open("/home/me/data")')),
    ("has_exercises_of_three_kinds", _replace("### Exercise 1.3", "### Exercise 1.4")),
    ("has_exercises_of_three_kinds", _replace("· find the bug*", "· implement*")),
    ("has_exercises_of_three_kinds", _replace("*Difficulty 2/5", "*Difficulty 7/5")),
    ("checks_each_exercise", _metadata("check(prediction)", tags=[])),
    ("checks_each_exercise", _set("check(prediction)", outputs=[])),
    ("checks_each_exercise", _set("# @title Solution to exercise 1.2", outputs=[])),
    ("checks_each_exercise", _metadata("prediction = None", tags=[])),
    ("checks_each_exercise", _metadata("# @title Solution to exercise 1.2", tags=["hide-cell"])),
    ("checks_each_exercise", _set("check(prediction)", outputs=[verdict("passed. Well.")])),
    ("folds_each_solution", _metadata("# @title Solution", tags=["solution"])),
    ("folds_each_solution", _metadata("# @title Solution", tags=["solution", "hide-cell", "hide-input"])),
    ("folds_each_solution", _metadata("# @title Solution", exercise=None)),
    ("folds_each_solution", _metadata("# @title Solution", jupyter={"source_hidden": True})),
    ("folds_each_solution", _metadata("# @title Solution", cellView=None)),
    ("folds_each_solution", _replace("# @title Solution", "# Solution")),
    ("folds_each_solution", lambda n: n.cells.append(new_markdown_cell("So.", metadata={"tags": ["solution"]}))),
    ("imports_its_own_checks", _replace("chapter_01", "chapter_02")),
    ("ends_with_a_table_of_claims", lambda n: n.cells[-3].update(source="print(claims)")),
    ("ends_with_a_table_of_claims", lambda n: n.cells[-3].update(outputs=[])),
    ("ends_with_a_table_of_claims", _replace("claims.add(", "print(")),
    ("ends_with_a_table_of_claims", _replace("Claims()", "[]")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule_name", "breakage"), BREAKAGES, ids=[f"{i}-{b[0]}" for i, b in enumerate(BREAKAGES)]
)
def test_a_broken_chapter_is_noticed(rule_name: str, breakage: Callable[[NotebookNode], None]) -> None:
    notebook = good_chapter()
    breakage(notebook)
    assert faults(notebook, rule_name), f"{rule_name} did not notice"


def test_every_rule_is_seen_to_fail() -> None:
    assert {name for name, _ in BREAKAGES} == set(RULES)


def test_a_fixed_seed_may_stand_where_it_says_why() -> None:
    notebook = good_chapter()
    _replace("SEED + 1", "1")(notebook)
    _replace("claims.add", "# fixed: the figure shows this one\nclaims.add")(notebook)
    assert faults(notebook, "counts_seeds_and_steps_from_the_top")
    _replace("LENGTH)", "LENGTH)  # fixed: the figure shows this one")(notebook)
    assert faults(notebook, "counts_seeds_and_steps_from_the_top") == []


# The command --------------------------------------------------------------------------------


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / NAME
    nbformat.write(good_chapter(), path)
    return path


def test_a_good_file_has_no_faults(written: Path, capsys) -> None:
    assert rules.main([str(written)]) == 0
    assert capsys.readouterr().err == ""


def test_a_fault_is_told_with_the_files_name(written: Path, capsys) -> None:
    notebook = good_chapter()
    _replace("SEED = 0", "SEED = 7")(notebook)
    nbformat.write(notebook, written)
    assert rules.main([str(written)]) == 1
    assert f"notebooks/{NAME} needs the line `SEED = 0` in its set-up cell" in capsys.readouterr().err


def test_what_is_no_notebook_is_told_in_words(written: Path) -> None:
    for content in (
        "{",
        "[]",
        "{}",
        json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": []}),
    ):
        written.write_text(content)
        (message,) = rules.faults(written)
        assert "cannot be read" in message or "has format 3" in message
    assert "cannot be read" in rules.faults(written.with_name("02_missing.ipynb"))[0]


def test_a_notebook_of_another_name_is_no_chapter(written: Path) -> None:
    for name in ("1_example.ipynb", "01-example.ipynb", "01_Example.ipynb", "scratch.ipynb"):
        assert "NN_slug.ipynb" in rules.faults(written.rename(written.with_name(name)))[0]
        written.with_name(name).rename(written)


def test_the_courses_own_faults(tmp_path: Path) -> None:
    for folder in ("notebooks", "tms_utils/checks"):
        (tmp_path / folder).mkdir(parents=True)
    for name in ("00_a.ipynb", "10_b.ipynb", "91_c.ipynb", "scratch.ipynb"):
        (tmp_path / "notebooks" / name).touch()
    for number in ("00", "91"):
        (tmp_path / f"tms_utils/checks/chapter_{number}.py").touch()
    gap, missing = rules.course_faults(tmp_path)
    assert "[0, 10]" in gap
    assert missing.startswith("tms_utils/checks/chapter_10.py is missing")
    (tmp_path / "notebooks" / "10_b.ipynb").rename(tmp_path / "notebooks" / "01_B.ipynb")
    (misnamed,) = rules.course_faults(tmp_path)
    assert misnamed.startswith("notebooks/01_B.ipynb is no chapter's name")
    (tmp_path / "notebooks" / "01_B.ipynb").unlink()
    assert list(rules.course_faults(tmp_path)) == []
    (tmp_path / "notebooks" / "91_c.ipynb").rename(tmp_path / "notebooks" / "92_c.ipynb")
    gap, missing = rules.course_faults(tmp_path)
    assert "the labs [92]" in gap
    assert "chapter_92.py" in missing
