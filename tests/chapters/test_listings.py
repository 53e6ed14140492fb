"""The lists of chapters and exercises that the book's pages are given when it is built."""

import re
from pathlib import Path
from types import SimpleNamespace

import book_extension
import chapter
import listings
import nbformat
import pytest
from chapter import Chapter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

INSTRUCTORS = (chapter.ROOT / "book" / "instructors.md").read_text(encoding="utf-8")


@pytest.fixture
def tenth() -> Chapter:
    """A chapter beyond the ninth, with an exercise that is checked and one that is answered in words."""
    passed = new_output("stream", name="stdout", text="Exercise 10.1: passed. The cost is |W|² or $2:\n  so.")
    level = "*Difficulty 2/5 · about 10 minutes · implement*"
    cells = [
        new_markdown_cell("# 10. Example\n\nText."),
        new_markdown_cell(f"### Exercise 10.1: first\n{level}"),
        new_code_cell("check(f)", metadata={"exercise": "10.1", "tags": ["check"]}),
        new_code_cell("check(g)", metadata={"exercise": "10.1", "tags": ["solution"]}, outputs=[passed]),
        new_markdown_cell("### Exercise 10.2: second\n*Difficulty 3/5 · about 1 minute · explain*"),
        new_markdown_cell("<details>", metadata={"exercise": "10.2", "tags": ["solution"]}),
    ]
    tms = {"chapter": 10, "reading_minutes": 41, "running_seconds": 15, "paper_sections": ["A", "B"]}
    notebook = new_notebook(cells=cells, metadata={"tms": tms})
    return Chapter(nbformat.from_dict(notebook), Path("10_example.ipynb"))


def test_a_chapters_row_is_read_from_its_metadata(tenth: Chapter) -> None:
    row = listings.chapters([tenth]).splitlines()[-1]
    assert row == "| [10. Example](../notebooks/10_example.ipynb) | 41\u00a0min | 15\u00a0s | *A*, *B* |"


def test_an_exercises_row_says_what_its_check_says(tenth: Chapter) -> None:
    *_, first, second = listings.exercises([tenth]).splitlines()
    assert first == r"| 10.1 | first | implement | 2 of 5 | 10 | The cost is \|W\|² or \$2: so. |"
    assert second == f"| 10.2 | second | explain | 3 of 5 | 1 | {listings.IN_WORDS} |"


def test_every_exercise_and_chapter_is_listed() -> None:
    found = chapter.all_chapters()
    numbers = [exercise.number for one in found for exercise in one.exercises]
    assert re.findall(r"^\| (\d+\.\d+) \|", listings.exercises(found), re.MULTILINE) == numbers
    assert listings.chapters(found).count("\n| [") == len(found)


def test_each_part_lists_its_own_chapters() -> None:
    found = [one.number for caption in chapter.parts() for one in listings.of_part(caption)]
    assert found == [one.number for one in chapter.all_chapters()]
    assert [one.number for one in listings.of_part("The core")] == list(range(7))


def test_a_pages_markers_are_filled_in_and_nothing_else(monkeypatch) -> None:
    monkeypatch.setitem(listings.LISTS, "<!-- list of chapters: A part -->", lambda: "A TABLE")
    page = "Before.\n\n<!-- list of chapters: A part -->\n\nAfter `<!-- list of chapters: A part -->`.\n"
    assert listings.fill(page) == "Before.\n\nA TABLE\n\nAfter `<!-- list of chapters: A part -->`.\n"


def test_every_list_stands_on_one_page() -> None:
    lines = [
        line
        for page in listings.pages()
        for line in (chapter.ROOT / f"{page}.md").read_text(encoding="utf-8").split("\n")
    ]
    assert sorted(line for line in lines if line in listings.LISTS) == sorted(listings.LISTS)


def test_the_playground_is_fenced_so_that_nothing_in_it_ends_the_fence(monkeypatch) -> None:
    figure = SimpleNamespace(_repr_html_=lambda: "<p>````</p>")
    monkeypatch.setattr("tms_utils.live.playground", lambda: figure)
    assert listings.playground() == '`````{raw} html\n<div class="first-figure">\n<p>````</p></div>\n`````\n'


# In the build -------------------------------------------------------------------------------


@pytest.fixture
def course(tmp_path: Path, monkeypatch) -> SimpleNamespace:
    """A folder with one page that asks for a list, as Sphinx would hand it over."""
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "list.md").write_text("<!-- list of chapters: A part -->\n")
    (tmp_path / "book" / "plain.md").write_text("Nothing.\n")
    monkeypatch.setitem(listings.LISTS, "<!-- list of chapters: A part -->", lambda: "FIRST")
    return SimpleNamespace(srcdir=str(tmp_path))


def test_a_page_is_parsed_with_its_list(course: SimpleNamespace) -> None:
    for page, text in (("book/list", "FIRST\n"), ("notebooks/a", "<!-- list of chapters: A part -->\n")):
        source = ["<!-- list of chapters: A part -->\n"]
        book_extension.with_lists(course, page, source)
        assert source == [text]


def test_a_page_is_read_again_when_its_list_has_changed(course: SimpleNamespace, monkeypatch) -> None:
    env = SimpleNamespace(found_docs={"book/list", "book/plain"})

    def outdated() -> list[str]:
        return book_extension.pages_of_changed_lists(course, env, set(), set(), set())

    assert outdated() == ["book/list"]
    assert outdated() == []
    monkeypatch.setitem(listings.LISTS, "<!-- list of chapters: A part -->", lambda: "SECOND")
    assert outdated() == ["book/list"]
    assert outdated() == []


# What the pages say by hand -----------------------------------------------------------------


def test_the_instructors_page_names_what_exists() -> None:
    found = chapter.all_chapters()
    exist = {exercise.number for one in found for exercise in one.exercises}
    exist |= {section.split()[0] for one in found for section in one.sections}
    spoken = re.sub(r"(?s)```.*?```|`[^`\n]*`", "", INSTRUCTORS)  # versions stand in code
    spoken = re.sub(r"CC BY 4\.0", "", spoken)
    named = set(re.findall(r"(?<![\d.])([1-9]\d*\.\d+)(?!\.?\d)", spoken))
    assert len(named) > 20
    assert named <= exist, f"book/instructors.md names {sorted(named - exist)}"
