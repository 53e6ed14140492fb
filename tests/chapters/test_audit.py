"""The paper, claim by claim: the page says what the chapters say, all of it, and where."""

import re
from pathlib import Path

import audit
import chapter
import nbformat
import pytest
import yaml
from chapter import Chapter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

FOUND = chapter.all_chapters()
PAGE = audit.page(FOUND)

ADD = """
paper = "Basic Results"
claims.add("It is so", expected="yes", measured="yes", seeds=3, holds=True, section=paper)
claims.add(f"At p = {p}", expected="a|b", measured="$1", seeds=3, holds=low > 2, section="Related Work")
claims.add("Ours", expected="", measured="", seeds=1, holds=True)
"""
TABLE = "\n\n".join(
    f"Claim:           {claim}\nPaper or theory: a|b\nMeasured here:   $1\nSeeds:           3\nVerdict:         {verdict}"
    for claim, verdict in (("It is so", "agrees"), ("At p = 0.5", "differs"), ("Ours", "agrees"))
)


@pytest.fixture
def tenth() -> Chapter:
    shown = [new_output("execute_result", data={"text/plain": TABLE})]
    cells = [
        new_markdown_cell("# 10. Example"),
        new_code_cell(ADD, id="measured"),
        new_code_cell("claims", outputs=shown),
    ]
    notebook = nbformat.from_dict(new_notebook(cells=cells, metadata={"tms": {"chapter": 10}}))
    return Chapter(notebook, Path("10_example.ipynb"))


def test_rows_are_the_chapters_table_joined_with_what_its_cells_say(tenth: Chapter) -> None:
    rows = list(audit.rows([tenth]))
    assert [(row.claim, row.verdict, row.section) for row in rows] == [
        ("It is so", "agrees", "Basic Results"),
        ("At p = 0.5", "differs", "Related Work"),
        ("Ours", "agrees", ""),
    ]
    assert {row.link for row in rows} == {"../notebooks/10_example.ipynb#cell-measured"}


def test_a_claim_that_no_cell_adds_is_an_error(tenth: Chapter) -> None:
    tenth.cells[1].source = ADD.replace("It is so", "It is not so")
    with pytest.raises(ValueError, match="shows the claim 'It is so', which no cell adds"):
        list(audit.rows([tenth]))


def test_the_page_has_the_papers_claims_under_its_sections_and_in_plain_text(tenth: Chapter) -> None:
    page = audit.page([tenth])
    assert "**2 claims are measured: 1 agree, 1 differ, and 0 agree in part.**" in page
    assert "Ours" not in page
    row = r"| [At p = 0.5](../notebooks/10_example.ipynb#cell-measured) | a\|b | \$1 | 3 | differs |"
    assert row in page.partition("## Related Work")[2]


def test_a_claim_that_goes_on_from_the_one_above_is_told_whole(tenth: Chapter) -> None:
    for cell in (tenth.cells[1], tenth.cells[2].outputs[0].data):
        key = "source" if "source" in cell else "text/plain"
        cell[key] = cell[key].replace("Ours", "... but not there")
    assert [row.claim for row in audit.rows([tenth])][-1] == "At p = 0.5 ... but not there"


def test_a_section_that_the_paper_does_not_have_is_an_error(tenth: Chapter) -> None:
    tenth.cells[1].source = ADD.replace("Related Work", "Unrelated Work")
    with pytest.raises(ValueError, match="'Unrelated Work' is no section of the paper"):
        audit.page([tenth])


def test_a_section_may_be_named_in_a_cell_above(tenth: Chapter) -> None:
    paper, rest = ADD.strip().split("\n", 1)
    tenth.cells[1].source = rest
    tenth.cells.insert(1, nbformat.from_dict(new_code_cell(paper, id="above")))
    assert [row.section for row in audit.rows([tenth])] == ["Basic Results", "Related Work", ""]


def test_a_section_that_cannot_be_read_is_an_error(tenth: Chapter) -> None:
    tenth.cells[1].source = ADD.replace("section=paper", "section=name_of(paper)")
    with pytest.raises(ValueError, match=r"chapter 10: a claim's section is no text: name_of\(paper\)"):
        list(audit.rows([tenth]))
    tenth.cells[1].source = ADD.replace("section=paper", "section=title")
    with pytest.raises(ValueError, match="a claim's section is no text: title"):
        list(audit.rows([tenth]))


def test_every_claim_of_every_chapter_can_be_traced() -> None:
    for one in FOUND:
        claims = audit.table(one)
        assert claims, f"chapter {one.number} shows no claims"
        assert len(claims) == len(list(audit.rows([one])))


def test_the_page_has_every_claim_on_the_paper_and_at_least_sixty() -> None:
    wanted = [row for row in audit.rows(FOUND) if row.section]
    assert len(wanted) >= 60
    for row in wanted:
        assert f"({row.link})" in PAGE
    assert len(re.findall(r"(?m)^\| \[", PAGE)) == len(wanted)


def test_what_is_open_says_why_and_what_is_known_says_where() -> None:
    known = yaml.safe_load(audit.OPEN.read_text(encoding="utf-8"))
    sections = {title.split()[0] for one in FOUND for title in one.sections}
    assert all(len(gap["reason"]) > 20 for gap in known["open"])
    assert {gap["here"] for gap in known["elsewhere"]} <= sections | {""}
    assert {gap["section"] for gap in known["open"]} <= known["sections"].keys()
