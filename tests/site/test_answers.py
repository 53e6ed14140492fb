"""Exercises that are answered in the page: the check's words, what is kept, and a browser that keeps nothing."""

import json
import re
from html import unescape

import answers
import chapter
import pytest
from browsing import ROOT, SITE, require_site
from playwright.sync_api import Page, expect

PAGE = "notebooks/06_activation_space.html"
BLOCKED = 'Object.defineProperty(window, "localStorage", { get() { throw new Error("blocked"); } });'


@pytest.fixture
def page(tabs, site):
    tab = tabs.open(site)
    # Formulas are another test's business.
    tab.route("**/*mathjax*/**", lambda route: route.fulfill(body="", content_type="text/javascript"))
    yield tab
    tabs.close(tab)


def forms(one: chapter.Chapter, kind: str) -> dict[str, dict]:
    """The number of an exercise -> what its form on the page says of that kind: data-said or data-number."""
    require_site()
    html = (SITE / "notebooks" / f"{one.path.stem}.html").read_text(encoding="utf-8")
    found = re.findall(rf'data-exercise="([\d.]+)"[^>]*{kind}="([^"]*)"', html)
    return {number: json.loads(unescape(said)) for number, said in found}


@pytest.mark.parametrize("one", chapter.all_chapters(), ids=lambda one: one.path.stem)
def test_the_page_says_what_the_check_says(one):
    offered = {check.number: check for check in answers.answerable(one).values() if not check.range}
    said = forms(one, "data-said")
    assert said.keys() == offered.keys()
    for number, words in said.items():
        assert words == {choice: offered[number](choice).message for choice in offered[number].choices}


def test_the_page_judges_numbers_as_the_checks_do(page):
    page.add_script_tag(path=ROOT / "book" / "assets" / "answers.js")
    tried = 0
    for one in chapter.all_chapters():
        offered = {check.number: check for check in answers.answerable(one).values() if check.range}
        data = forms(one, "data-number")
        assert data.keys() == offered.keys()
        for number, check in offered.items():
            low, high, tolerance, _ = check.range
            exact = float(check.right)
            near, outside = (exact + part * tolerance for part in (0.9, -1.1))
            slips = [float(slip.answer) for slip in check.slips]
            for value in (exact, near, outside, *slips, 0.123456789, -7.5, 98765.4321, low - 1, high + 1):
                if abs(value) < float("inf"):
                    said = check(value)
                    judged = page.evaluate("([data, text]) => judge(data, text)", [data[number], repr(value)])
                    assert judged == [said.status == "passed", said.message], (number, value)
                    tried += 1
    assert tried > 100


@pytest.mark.parametrize(
    ("text", "value"),
    [("0.38", 0.38), (" 0,38 ", 0.38), ("3/8", 0.375), ("2e-3", 0.002), ("\u22121", -1), ("-1/2", -0.5)]
    + [(text, None) for text in ("", "one", "1/2/3", "1/0", "1.2.3", "1,000,000")],
)
def test_a_number_may_be_written_in_several_ways(page, text, value):
    page.add_script_tag(path=ROOT / "book" / "assets" / "answers.js")
    found = page.evaluate(
        "(text) => { const x = asNumber(text); return Number.isFinite(x) ? x : null; }", text
    )
    assert found == value


def answer(page: Page, exercise: str, choice: str) -> None:
    page.locator(f'[data-exercise="{exercise}"]').get_by_role("button", name=choice, exact=True).press(
        "Enter"
    )


def test_an_answer_gets_its_message_and_is_kept_until_it_is_forgotten(page, site):
    page.goto(f"{site}/{PAGE}")
    form = page.locator('[data-exercise="6.2"]')
    answer(page, "6.2", "a")
    expect(form.get_by_role("status")).to_contain_text("Not yet. Two planes")
    answer(page, "6.2", "b")
    expect(form.get_by_role("status")).to_contain_text("Right.")
    expect(page.locator(".progress-said")).to_contain_text("1 of 4 right")
    page.reload()
    expect(form.get_by_role("button", name="b", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Forget my answers").click()
    expect(form.get_by_role("status")).to_be_empty()
    page.reload()
    expect(page.locator(".progress-said")).to_contain_text("0 of 4 right")


def test_a_number_is_answered_and_kept(page, site):
    page.goto(f"{site}/{PAGE}")
    field = page.get_by_role("textbox", name="Your answer to exercise 6.8, a number")
    form = page.locator('[data-exercise="6.8"]')
    field.fill("many")
    field.press("Enter")
    expect(form.get_by_role("status")).to_have_text("Not yet. Expected a number; got 'many'.")
    right = json.loads(form.get_attribute("data-number"))["right"]
    field.fill(str(right))
    form.get_by_role("button", name="Check").click()
    expect(form.get_by_role("status")).to_contain_text("Right.")
    expect(page.locator(".progress-said")).to_contain_text("1 of 4 right")
    page.reload()
    expect(field).to_have_value(str(right))
    assert "?" not in page.url, "a form that is sent would load the page anew"


def test_where_the_browser_keeps_nothing_it_works_while_the_page_is_open(page, site):
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(BLOCKED)
    page.goto(f"{site}/{PAGE}")
    answer(page, "6.2", "b")
    expect(page.locator(".progress-said")).to_contain_text("1 of 4 right")
    assert complaints == []
