"""The printed book: its first page and one chapter, in both editions."""

import re
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pdf
import pytest
import repository
from browsing import require_site
from pypdf import PageObject, PdfReader

CHAPTER = "00_why_superposition"
FOOT, LARGE = 50, 15  # points: where a page's number stands, and the least size of a heading


@pytest.fixture(scope="module")
def printed(chromium, tmp_path_factory) -> dict[str, PdfReader]:
    require_site()
    folder = tmp_path_factory.mktemp("printed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pdf, "BUILD", folder)
        with ThreadPoolExecutor() as apart:  # another browser may be under way in this thread
            assert apart.submit(pdf.main, ["index", CHAPTER]).result() == 0
    with_answers, without = (PdfReader(folder / f"{name}.pdf") for name in pdf.EDITIONS)
    return {"with": with_answers, "without": without}


@pytest.fixture(params=["with", "without"])
def book(request, printed) -> PdfReader:
    return printed[request.param]


def text(book: PdfReader) -> str:
    return "\n".join(page.extract_text() for page in book.pages)


def test_answers_stand_at_the_end_of_one_edition_only(printed) -> None:
    for edition, there in (("with", True), ("without", False)):
        said = text(printed[edition])
        assert ("Solution to exercise 0.1" in said) == there
        assert bool(re.search(r"(?m)^Answers$", said)) == there
        assert re.search(r"(?m)^Hints$", said)
    said = text(printed["with"])
    assert said.index("Further reading") < said.index("Solution to exercise")
    assert len(printed["without"].pages) < len(printed["with"].pages)


def test_every_page_but_the_contents_has_its_number(book) -> None:
    for number, page in enumerate(book.pages[1:], 1):
        assert re.search(rf"(?m)^{number}$|[Ss]uperposition\??\s*{number}$", page.extract_text()), number
    assert book.page_labels[0] == "i"
    assert book.page_labels[1] == "1"


def ends_with_a_heading(page: PageObject) -> bool:
    """Whether the lowest text above the page's number is larger than text and formulas are."""
    lines = defaultdict(list)  # points above the page's foot -> sizes of the type

    def seen(text: str, cm: list[float], tm: list[float], _: object, size: float) -> None:
        if text.strip():
            lines[round(cm[3] * tm[5] + cm[5])].append(abs(size * tm[3] * cm[3]))

    page.extract_text(visitor_text=seen)
    return max(lines[min(place for place in lines if place > FOOT)]) > LARGE


def test_no_heading_is_left_behind_at_the_foot_of_a_page(book) -> None:
    assert [number for number, page in enumerate(book.pages) if ends_with_a_heading(page)] == []


def test_links_lead_to_the_published_book_and_none_into_this_machine(book) -> None:
    found = [
        str(note.get_object()["/A"]["/URI"])
        for page in book.pages
        for note in page.get("/Annots", [])
        if "/URI" in note.get_object().get("/A", {})
    ]
    assert any(link.startswith(repository.site()) for link in found)
    assert not [link for link in found if link.startswith("file:")]


def test_nothing_is_blank_or_called_a_fold(book) -> None:
    said = text(book)
    for word in ("Hide the", "Show the", "Details", "Have you written it down", "not attempted"):
        assert word not in said, word
    for number, page in enumerate(book.pages):
        assert len(page.extract_text()) > 60 or page.images, f"page {number} is blank"


def test_a_word_that_no_page_has_is_told(capsys) -> None:
    assert pdf.main(["no such page"]) == 2
    assert "No page's name holds no such page." in capsys.readouterr().err


def test_the_styles_of_paper_stop_animations() -> None:
    style = (Path(pdf.ROOT) / "book" / "assets" / "course.css").read_text(encoding="utf-8")
    assert re.search(r"@media print \{\s*\*, \*::before, \*::after \{ animation: none !important", style)
