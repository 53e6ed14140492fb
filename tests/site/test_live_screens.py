"""Live figures on small screens, without motion, and for those who hear them."""

import re

import pytest
from browsing import FRAMES, ROOT, visiting, wait_until
from playwright.sync_api import expect

from tms_utils import live

AXE = (ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
HEADER = 56  # pixels of the book's bar at the top
# What moves each figure, and must be seen together with its picture.
MOVERS = {
    "activation_space": ["button:text-is('Spin'), button:text-is('Stop')", ".choice"],
    "many_seeds": ["input[aria-label='Sparsity S']", "button.main"],
    "phase_diagram": ["input[aria-label='Density p']", "button.main"],
    "playground": ["input[aria-label='Sparsity S']", "button.main"],
    "memory": ["input[aria-label='Rows in the table']", "button.main"],
    "read_out": ["input[aria-label='Penalty \u03bb']", "button.main"],
    "staircase": ["input[aria-label='Size of the first weights']", "button.main"],
    "sweep": ["input[aria-label='Density p']", "button.main"],
    "squeeze": [".switch >> nth=0", ".switch >> nth=4"],
}
FAULTS = """async (rules) => {
    const options = {resultTypes: ["violations"], preload: false, ...(rules && {runOnly: {type: "rule", values: rules}})};
    const {violations} = await axe.run(document.querySelector("[class^=tms-live]"), options);
    return violations.filter(({impact}) => impact === "serious" || impact === "critical")
        .map(({id, nodes}) => [id, nodes[0].html.slice(0, 200)]);
}"""
COLOURS = {
    "light": None,
    "dark": ["color-contrast", "link-in-text-block"],
}  # in the dark only the colours are others
PICTURE = ".plane > svg, .view > canvas, .columns > div:first-child > svg"


SIZES = [(844, 390), (740, 360), (720, 450)]  # a phone on its side, a small one, a screen at 200 %


@pytest.fixture(scope="module", params=live.__all__)
def still(request, tabs, folder, server):
    """Each figure in turn, without motion, opened once for all tests that look at it: its name and the tab."""
    with visiting(tabs, folder, server) as opened:
        yield request.param, opened(request.param, reduced_motion="reduce")


def test_picture_and_controls_are_on_screen_together(still):
    name, page = still
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(FRAMES)
        boxes = [page.locator(what).first.bounding_box() for what in [PICTURE, *MOVERS[name]]]
        top, bottom = min(box["y"] for box in boxes), max(box["y"] + box["height"] for box in boxes)
        assert bottom - top <= height - HEADER, (width, boxes)
        assert boxes[0]["height"] >= 160, (width, boxes)


def test_a_figure_is_a_named_group_without_headings_that_change(still):
    name, page = still
    kind = name.replace("_", " ")
    assert page.get_by_role("group", name=f"Live figure: {kind}", exact=True).count() == 1
    assert page.get_by_role("heading").count() == 0


def test_figures_are_accessible(still):
    _, page = still
    page.set_viewport_size({"width": 1280, "height": 720})
    page.locator(".more > summary").click()
    for button in page.get_by_role("button", name="Copy as Python").all():
        button.click()
    page.evaluate(AXE)
    for scheme, rules in COLOURS.items():
        page.emulate_media(color_scheme=scheme)
        page.locator(".app.dark" if scheme == "dark" else ".app:not(.dark)").wait_for()
        found = page.evaluate(FAULTS, rules)
        assert found == [], scheme


def test_on_a_phone_the_arrows_the_slider_and_play_fit_a_screen(visit):
    page = visit("playground", viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    play = page.locator("button.main").bounding_box()
    assert play["y"] + play["height"] - page.locator(".plane").bounding_box()["y"] < 844 - HEADER - 100


def test_a_newcomer_meets_arrows_one_slider_and_play(visit):
    page = visit("playground")
    shown = [slider for slider in page.locator("input").all() if slider.is_visible()]
    assert [slider.get_attribute("aria-label") for slider in shown] == ["Sparsity S", "Time"]
    assert page.locator("button.main").is_visible()
    assert not page.get_by_label("Features").is_visible()


def test_without_motion_a_slider_keeps_the_picture_until_the_new_one_is_done(visit):
    for name, done in (("playground", "Step 3,000"), ("many_seeds", "step 2,000 of")):
        page = visit(name, reduced_motion="reduce")
        page.get_by_role("button", name=re.compile("^(Play|Train)$")).click()
        says = page.locator(".status").first.inner_text
        wait_until(says, done)
        page.evaluate(
            """() => { window.seen = []; const line = document.querySelector("[class^=tms-live]").shadowRoot.querySelector(".status");
            new MutationObserver(() => seen.push(line.textContent)).observe(line, {childList: true, characterData: true, subtree: true}); }"""
        )
        page.get_by_label("Sparsity S").focus()
        page.keyboard.press("Home")
        wait_until(says, f"{done}.*2 dedicated")
        assert all(done in text for text in page.evaluate("seen")), page.evaluate("seen")


def test_spinning_ends_after_a_turn(visit):
    """The clock runs ahead, so that the turn is over soon."""
    page = visit("activation_space")
    page.get_by_role("button", name="Stop").wait_for()
    page.evaluate(
        "() => { const real = performance.now.bind(performance); let extra = 0; performance.now = () => real() + (extra += 100); }"
    )
    page.get_by_role("button", name="Spin", exact=True).wait_for()
    page.evaluate(
        "() => { const real = requestAnimationFrame; window.asked = 0; window.requestAnimationFrame = (f) => { asked += 1; return real(f); }; }"
    )
    page.wait_for_timeout(300)
    assert page.evaluate("asked") == 0, "nothing runs any more"
    assert "View from" in page.locator(".status").inner_text()


def test_who_only_scrolls_past_hears_nothing(visit):
    page = visit("far")
    line = page.get_by_role("status")
    assert line.get_attribute("aria-live") == "off"
    wait_until(line.inner_text, "Step [1-9]")
    assert line.get_attribute("aria-live") == "off"
    page.get_by_label("Sparsity S").focus()
    assert line.get_attribute("aria-live") == "polite"
    page.evaluate("scrollTo(0, 3500)")
    page.wait_for_function(
        "document.querySelector('[class^=tms-live]').shadowRoot.querySelector('[role=status]').ariaLive === 'off'"
    )


@pytest.mark.parametrize("name", ["playground", "many_seeds"])
def test_importance_is_said_in_words(visit, name):
    page = visit(name)
    page.locator(".more > summary").click()
    slider = page.get_by_label("Importance")
    assert slider.get_attribute("aria-valuetext") == "0.9 to the power of i"
    slider.focus()
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "all equal")


def test_back_to_top_does_not_cover_a_figure_on_a_phone(visit, folder):
    body = (folder / "far.html").read_text(encoding="utf-8")
    top = "<button id='pst-back-to-top' style='position:fixed;bottom:0'>Back to top</button></body>"
    (folder / "top.html").write_text(body.replace("</body>", top), encoding="utf-8")
    page = visit("top", viewport={"width": 390, "height": 700})
    button = page.locator("#pst-back-to-top")
    button.wait_for(state="hidden")
    page.evaluate("scrollTo(0, 3500)")
    button.wait_for(state="visible")
