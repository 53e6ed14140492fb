"""Exercises that are answered in the page: the check's words, what is kept, and a browser that keeps nothing."""

import json
import re
from html import unescape

import answers
import chapter
import pytest
from browsing import SITE, require_site
from playwright.sync_api import Page, expect

PAGE = "notebooks/06_activation_space.html"
BLOCKED = 'Object.defineProperty(window, "localStorage", { get() { throw new Error("blocked"); } });'


@pytest.fixture
def page(browser, site):
    context = browser.new_context()
    # Formulas are another test's business.
    context.route("**/*mathjax*/**", lambda route: route.fulfill(body="", content_type="text/javascript"))
    context.route("**/tex-*.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("one", chapter.all_chapters(), ids=lambda one: one.path.stem)
def test_the_page_says_what_the_check_says(one):
    require_site()
    html = (SITE / "notebooks" / f"{one.path.stem}.html").read_text(encoding="utf-8")
    forms = {
        number: json.loads(unescape(said))
        for number, said in re.findall(r'data-exercise="([\d.]+)"[^>]*data-said="([^"]*)"', html)
    }
    offered = {check.number: check for check in answers.choices(one).values()}
    assert forms.keys() == offered.keys()
    for number, said in forms.items():
        assert said == {choice: offered[number](choice).message for choice in offered[number].choices}


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
    expect(page.locator(".progress-said")).to_contain_text("1 of 2 right")
    page.reload()
    expect(form.get_by_role("button", name="b", exact=True)).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="Forget my answers").click()
    expect(form.get_by_role("status")).to_be_empty()
    page.reload()
    expect(page.locator(".progress-said")).to_contain_text("0 of 2 right")


def test_where_the_browser_keeps_nothing_it_works_while_the_page_is_open(page, site):
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(BLOCKED)
    page.goto(f"{site}/{PAGE}")
    answer(page, "6.2", "b")
    expect(page.locator(".progress-said")).to_contain_text("1 of 2 right")
    assert complaints == []
