"""The table of contents, and the one module that knows what a chapter is."""

from pathlib import Path

import chapter
import nbformat
import pytest
from chapter import ROOT, Chapter
from checking import CHAPTERS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output


def test_every_entry_of_the_contents_exists() -> None:
    missing = [
        page
        for page in chapter.pages()
        if not any((ROOT / f"{page}{end}").exists() for end in (".md", ".ipynb"))
    ]
    assert not missing, f"_toc.yml names files that do not exist: {missing}"


def test_every_page_and_chapter_is_in_the_contents_once() -> None:
    files = [*(ROOT / "book").glob("*.md"), *CHAPTERS]
    pages = [file.relative_to(ROOT).with_suffix("").as_posix() for file in files]
    assert sorted(pages) == sorted(chapter.pages())


def test_the_contents_follow_the_chapters_numbers(tmp_path: Path) -> None:
    (tmp_path / "_toc.yml").write_text((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    (tmp_path / "notebooks").mkdir()
    for name in ("10_b.ipynb", "02_a.ipynb", "scratch.ipynb", "10_b.partial"):
        (tmp_path / "notebooks" / name).touch()
    found = [page for page in chapter.pages(tmp_path) if page.startswith("notebooks/")]
    assert found == ["notebooks/02_a", "notebooks/10_b"]
    assert [path.name for path in chapter.paths(tmp_path)] == ["02_a.ipynb", "10_b.ipynb"]


def titled(title: str, name: str = "") -> str:
    link = f"\n\n[Colab](https://x/blob/main/notebooks/{name})" if name else ""
    return nbformat.writes(new_notebook(cells=[new_markdown_cell(f"# {title}{link}")]))


def test_scratch_in_the_folder_breaks_and_replaces_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "01_one.ipynb").write_text(titled("1. One"))
    before = chapter.paths(tmp_path)
    (folder / "00_scratch.ipynb").write_text(nbformat.writes(new_notebook(cells=[new_code_cell("")])))
    (folder / "01_empty.ipynb").write_text(nbformat.writes(new_notebook()))
    (folder / "01_one-Copy1.ipynb").write_text(titled("1. One"))
    (folder / "01_folder.ipynb").mkdir()
    assert chapter.paths(tmp_path) == before
    (folder / "01_another.ipynb").write_text(titled("1. One"))
    with pytest.raises(
        ValueError, match=r"01_another.ipynb and 01_one.ipynb both say that they are chapter 1"
    ):
        chapter.paths(tmp_path)
    for name in ("01_one.ipynb", "01_another.ipynb"):  # a copy still opens the original in Colab
        (folder / name).write_text(titled("1. One", "01_one.ipynb"))
    assert chapter.paths(tmp_path) == before


def test_the_table_of_contents_says_what_is_a_chapter(tmp_path: Path) -> None:
    (tmp_path / "notebooks").mkdir()
    for number in (1, 10):
        (tmp_path / "notebooks" / f"{number:02d}_x.ipynb").write_text(titled(f"{number}. X"))
    toc = "root: book/index\nparts:\n  - caption: x\n    chapters:\n      - file: notebooks/10_x\n"
    (tmp_path / "_toc.yml").write_text(toc)
    assert [path.name for path in chapter.paths(tmp_path)] == ["10_x.ipynb"]


LEVEL = "*Difficulty 3/5 · about 10 minutes · find the bug*"


@pytest.fixture
def tenth() -> Chapter:
    words = {"exercise": "10.2", "tags": ["solution"]}
    cells = [
        new_markdown_cell("# 10. The title\n\nText."),
        new_code_cell("install()", metadata={"tags": ["remove-cell", "nbval-skip"]}),
        new_code_cell("SEED = 0"),
        new_markdown_cell("## 10.1 A section\n\n## Exercises"),
        new_markdown_cell(f"### Exercise 10.1: the first\n{LEVEL}\n\nDo it."),
        new_code_cell("f = None", metadata={"exercise": "10.1", "tags": ["exercise"]}),
        new_code_cell("check(f)", metadata={"exercise": "10.1", "tags": ["check"]}),
        new_code_cell("check(1)", metadata={"exercise": "10.1", "tags": ["hide-cell", "solution"]}),
        new_markdown_cell("### Exercise 10.2: the second\n\nSay it."),
        new_markdown_cell("<details><summary>Answer</summary>\n\nSo.\n\n</details>", metadata=words),
    ]
    tms = {"chapter": 10, "reading_minutes": 30, "running_seconds": 5}
    return Chapter(nbformat.from_dict(new_notebook(cells=cells, metadata={"tms": tms})))


def test_a_chapter_is_read(tenth: Chapter) -> None:
    assert (tenth.number, tenth.title, tenth.heading) == (10, "The title", "10. The title")
    assert tenth.sections == ["10.1 A section", "Exercises"]
    assert tenth.setup.source == "SEED = 0"
    assert len(tenth.code) == 4
    assert tenth.time_line == "**Time** about 30 minutes to read, 5 seconds to run on two CPU cores."


def test_its_exercises_are_read(tenth: Chapter) -> None:
    first, second = tenth.exercises
    assert (first.number, first.title, first.kind) == ("10.1", "the first", "find the bug")
    assert (first.difficulty, first.minutes) == (3, 10)
    assert [cell.source for cell in first.stubs] == ["f = None"]
    assert (first.check.source, first.solution.source, first.answer) == ("check(f)", "check(1)", None)
    assert (second.number, second.kind, second.difficulty) == ("10.2", "", None)
    assert (second.stubs, second.check, second.solution) == ((), None, None)
    assert second.answer.source.startswith("<details>")


def test_a_chapter_without_its_metadata_is_known_by_its_headings(tenth: Chapter) -> None:
    del tenth.notebook.metadata["tms"]
    assert (tenth.number, tenth.time_line) == (10, "")
    tenth.cells[0].source = "Text."
    assert Chapter(tenth.notebook).number == 10  # by its exercises
    assert Chapter(new_notebook()).number is None


def test_what_a_cell_shows_is_its_last_output() -> None:
    outputs = [
        new_output("stream", name="stdout", text="before"),
        new_output("execute_result", data={"text/plain": "last"}),
    ]
    assert chapter.shown(new_code_cell(outputs=outputs)) == "last"
    assert chapter.shown(new_code_cell(outputs=outputs[:1])) == "before"
    assert chapter.shown(new_code_cell()) == chapter.shown(new_markdown_cell("a")) == ""
