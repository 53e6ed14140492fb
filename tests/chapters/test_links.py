"""Mentions of sections, exercises and chapters become links, in chapters and on the book's pages."""

from pathlib import Path
from types import SimpleNamespace

import book_extension
import chapter
import links
import nbformat
import pytest
from chapter import Chapter
from docutils import nodes
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

WHERE = {
    ("chapter", "2"): ("02_b.ipynb", ""),
    ("chapter", "3"): ("03_c.ipynb", ""),
    ("section", "2.1"): ("02_b.ipynb", "#2.1-Why-so?"),
    ("section", "3.4"): ("03_c.ipynb", "#3.4-That"),
    ("exercise", "2.1"): ("02_b.ipynb", "#Exercise-2.1:-do-it"),
}


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        ("Section 2.1 says", "[Section 2.1](#2.1-Why-so?) says"),
        ("see section 3.4.", "see [section 3.4](03_c.ipynb#3.4-That)."),
        ("exercise 2.1, chapter 3", "[exercise 2.1](#Exercise-2.1:-do-it), [chapter 3](03_c.ipynb)"),
        ("sections 2.1 and 3.4", "[sections 2.1](#2.1-Why-so?) and [3.4](03_c.ipynb#3.4-That)"),
        ("chapter 2 is here", "chapter 2 is here"),
        ("chapter 9 is missing", "chapter 9 is missing"),
        ("the paper's section on geometry", "the paper's section on geometry"),
        ("### Exercise 2.1: do it", "### Exercise 2.1: do it"),
        ("`section 2.1` and $chapter 3$", "`section 2.1` and $chapter 3$"),
        ("<summary>As in section 2.1</summary>", "<summary>As in section 2.1</summary>"),
        ("[what section 2.1 says](x.md)", "[what section 2.1 says](x.md)"),
        ("[section 2.1](#an-old-name)", "[section 2.1](#2.1-Why-so?)"),
        ("[Chapter 3](02_old.ipynb)", "[Chapter 3](03_c.ipynb)"),
    ],
)
def test_a_mention_is_linked(text: str, linked: str) -> None:
    assert links.linked(text, WHERE, here="02_b.ipynb") == linked
    assert links.linked(linked, WHERE, here="02_b.ipynb") == linked, "a second time changes nothing"


def test_from_another_folder_a_link_has_the_folder() -> None:
    assert links.linked("section 2.1", WHERE, folder="../n/") == "[section 2.1](../n/02_b.ipynb#2.1-Why-so?)"


def test_what_does_not_exist_is_named() -> None:
    assert list(links.dangling("sections 2.1 and 2.7, chapter 3, `chapter 8`", WHERE)) == ["section 2.7"]


def test_targets_are_read_from_headings() -> None:
    cells = [
        new_markdown_cell("# 2. B\n\n## 2.1 Why so?"),
        new_code_cell("1"),
        new_markdown_cell("### Exercise 2.1: do it"),
    ]
    notebook = nbformat.from_dict(new_notebook(cells=cells, metadata={"tms": {"chapter": 2}}))
    found = links.targets([Chapter(notebook, Path("02_b.ipynb"))])
    assert found == {key: WHERE[key] for key in found}
    assert len(found) == 3
    notebook.cells[0].source += "\n\nAs exercise 2.1 asks."
    links.refresh(notebook, "02_b.ipynb")
    assert notebook.cells[0].source.endswith("As [exercise 2.1](#Exercise-2.1:-do-it) asks.")


def test_every_heading_has_its_own_name() -> None:
    names = [place for one in chapter.all_chapters() for place in links.targets([one]).values()]
    assert len(set(names)) == len(names)


def test_pages_of_the_book_are_linked_when_they_are_read() -> None:
    first = chapter.all_chapters()[1]
    for page, linked in (("book/index", True), (f"notebooks/{first.path.stem}", False)):
        source = ["See chapter 1."]
        book_extension.with_links(SimpleNamespace(srcdir=str(chapter.ROOT)), page, source)
        assert (f"](../notebooks/{first.path.name})" in source[0]) == linked


# Predictions --------------------------------------------------------------------------------


def page(*words: str) -> tuple[SimpleNamespace, nodes.section]:
    """A page of paragraphs, as MyST makes them; a word that ends in a dot is bold."""
    section = nodes.section()
    for word in words:
        inline = nodes.strong(text=word) if word.endswith(".") else nodes.Text(word)
        section += nodes.paragraph("", "", nodes.Text(""), inline)
    document = nodes.document(None, None)
    document += section
    return document, section


def order(section: nodes.section) -> list[str]:
    return [child.astext() for child in section.children]


def test_what_follows_a_prediction_is_folded_up_to_its_answer() -> None:
    document, section = page("before", "Predict.", "picture", "Answer.", "after")
    book_extension.hold_predictions(None, document)
    assert order(section) == [
        "before", "Predict.", book_extension.HELD, "picture", "Answer.", "</details>", "after",
    ]  # fmt: skip


def test_each_prediction_has_a_fold_of_its_own_and_none_without_an_answer() -> None:
    document, section = page("Predict.", "a", "Answer.", "Predict.", "b", "Answer.")
    book_extension.hold_predictions(None, document)
    assert order(section).count("</details>") == 2
    for words in (("Predict.", "a"), ("Predict.", "a", "Predict.", "b"), ("a", "Answer.")):
        document, section = page(*words)
        book_extension.hold_predictions(None, document)
        assert order(section) == list(words)
