"""The live figures' manners, each on a page of its own: first picture, keyboard, themes, print, other figures beside."""

import re

import pytest
from browsing import FRAMES, visiting, wait_until

from tms_utils import live


def status(page) -> str:
    return page.locator("[role=status]").first.inner_text()


def unfold(page) -> None:
    """Show what a newcomer need not see at first."""
    page.locator(".more > summary").click()


def hurry(page, on: bool = True) -> None:
    """Without motion a further training is not watched, and quick."""
    page.emulate_media(reduced_motion="reduce" if on else "no-preference")


def wait_for(page, pattern: str) -> str:
    """The figure's spoken line, as soon as it matches."""
    return wait_until(lambda: status(page), pattern)


PAINTED = (
    """() => ["begin", "end", "painted"].map((name) => performance.getEntriesByName(name)[0]?.startTime)"""
)
DRAWN = """
    performance.mark("end");
    const figure = document.querySelector("[class^=tms-live]").shadowRoot;
    const canvas = figure.querySelector("canvas");
    window.atEnd = {
        shapes: figure.querySelectorAll("svg :is(line, polygon, polyline, rect, circle, text)").length,
        inked: canvas ? canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.filter((v) => v > 0).length : 0,
        says: figure.querySelector("[role=status]").textContent,
        frames: window.framesAsked,
    };
    requestAnimationFrame(() => { const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => performance.mark("painted"); port2.postMessage(0); });
"""


@pytest.mark.parametrize("name", live.__all__)
def test_the_first_picture_is_drawn_by_the_script_itself(visit, folder, name):
    """Before any animation frame, any training or any later event. Prints the milliseconds; judges only the order."""
    body = (folder / f"{name}.html").read_text(encoding="utf-8")
    begin = """
    performance.mark("begin");
    window.framesAsked = 0;
    const real = requestAnimationFrame;
    window.requestAnimationFrame = (frame) => { window.framesAsked += 1; return real(frame); };
    """
    body = body.replace('<script type="module">', '<script type="module">' + begin)
    (folder / f"{name}-timed.html").write_text(
        body.replace("</script>", DRAWN + "</script>"), encoding="utf-8"
    )
    page = visit(f"{name}-timed")
    page.wait_for_function("performance.getEntriesByName('painted').length")
    start, end, painted = page.evaluate(PAINTED)
    print(f"{name}: first picture drawn after {end - start:.0f} ms, on screen after {painted - start:.0f} ms")
    drawn = page.evaluate("window.atEnd")
    assert drawn["frames"] == 0
    assert drawn["shapes"] + drawn["inked"] / 1000 > 20, drawn
    untrained = {"playground": "Step 0 of", "many_seeds": "not trained yet", "phase_diagram": "At p",
                 "activation_space": "2 active", "squeeze": "h = (1.17, 0.00)", "memory": "Step 0 of",
                 "read_out": "step 0 of", "staircase": "Step 0 of", "sweep": "step 0 of"}  # fmt: skip
    assert untrained[name] in drawn["says"]


def test_playground_by_keyboard(visit):
    page = visit("playground", scheme="file")
    unfold(page)
    first = float(re.search(r"Loss (\S+)\. ", wait_for(page, r"Step \d"))[1])
    page.get_by_label("Fast").check(force=True)
    last = wait_for(page, r"Step 3,000")
    assert float(re.search(r"Loss (\S+)\. ", last)[1]) < first
    assert "pentagon" in last or "2 digons" in last

    hurry(page)
    sparsity = page.get_by_label("Sparsity S")
    sparsity.focus()
    page.keyboard.press("Home")
    assert sparsity.get_attribute("aria-valuetext") == "0 (density 1)"
    wait_for(page, r"Step 3,000.*2 of 5 features kept: 2 dedicated dimensions")
    # Keeping the weights goes on from where they are: the loss curve shows one part for each sparsity.
    assert page.locator(".playground svg text", has_text=re.compile("^S 0")).count() == 0
    page.get_by_label("Keep weights").check()
    sparsity.focus()
    for _ in range(13):
        page.keyboard.press("ArrowRight")
    assert sparsity.get_attribute("aria-valuetext") == "0.95 (density 0.05)"
    wait_for(page, r"Step 3,000.*[345] of 5 features kept")
    assert page.locator(".playground svg text", has_text=re.compile("^S 0")).count() > 1
    # A fresh start forgets them.
    hurry(page, False)
    page.get_by_role("button", name="Restart").click()
    assert page.locator(".playground svg text", has_text=re.compile("^S 0")).count() == 0
    wait_for(page, r"Step 3,000.*pentagon")


def test_playground_linear_and_other_sizes(visit):
    page = visit("playground")
    unfold(page)
    page.get_by_label("Fast").check(force=True)
    page.get_by_label("Linear").check(force=True)
    wait_for(page, r"Step 3,000.*2 of 5 features kept")
    assert page.get_by_text("exact optimum").count() == 1
    hurry(page)
    page.get_by_label("ReLU").check(force=True)
    page.get_by_label("Features").focus()
    page.keyboard.press("End")
    page.get_by_label("Sparsity S").focus()
    page.keyboard.press("End")
    wait_for(page, r"Step 3,000 .* of 8 features kept")


def test_step_and_pause(visit):
    page = visit("playground", reduced_motion="reduce")
    unfold(page)
    assert re.fullmatch(r"Step 0 of 3,000\. Loss 0\.\d+\. Not trained yet\.", status(page))
    assert page.locator(".name").inner_text() == "Untrained"
    page.get_by_role("button", name="Step", exact=True).click()
    page.get_by_role("button", name="Step", exact=True).click()
    wait_for(page, r"^Step 2 ")
    page.wait_for_timeout(300)
    assert status(page).startswith("Step 2 "), "with reduced motion nothing moves unasked"
    page.get_by_role("button", name="Play").click()
    wait_for(page, r"Step 3,000")


def test_nothing_runs_off_screen_or_in_a_hidden_tab(visit):
    page = visit("far")
    unfold(page)
    page.get_by_label("Slow").check(force=True)

    def step():
        return int(re.search(r"Step ([\d,]+)", page.get_by_role("status").inner_text())[1].replace(",", ""))

    counter = "() => (window.frames_drawn = (window.frames_drawn || 0))"
    page.evaluate(
        "() => { const real = requestAnimationFrame; window.frames_drawn = 0; window.requestAnimationFrame = (f) => { window.frames_drawn += 1; return real(f); }; }"
    )
    page.wait_for_timeout(600)
    assert page.evaluate(counter) > 3, "on screen it runs"
    page.evaluate("scrollTo(0, 3500)")
    page.wait_for_timeout(400)
    before = page.evaluate(counter)
    page.wait_for_timeout(600)
    assert page.evaluate(counter) == before, "off screen it rests"
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(600)
    assert page.evaluate(counter) > before, "back on screen it goes on"
    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', {value: true, configurable: true}); document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.wait_for_timeout(300)
    before = page.evaluate(counter)
    page.wait_for_timeout(600)
    assert page.evaluate(counter) == before, "in a hidden tab it rests"
    page.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')); }")
    page.wait_for_timeout(600)
    assert page.evaluate(counter) > before
    assert step() > 0


def test_many_seeds(visit):
    page = visit("many_seeds")
    text = wait_for(page, r"step 2,000 of 2,000")
    assert sum(map(int, re.findall(r"\((\d+)\)", text))) == 24
    hurry(page)
    page.get_by_label("Sparsity S").focus()
    page.keyboard.press("Home")
    wait_for(page, r"Sparsity 0, step 2,000 of 2,000: 2 dedicated dimensions \(24\)\.")


def test_phase_diagram(visit):
    page = visit("phase_diagram")
    wait_for(page, r"At p 0\.32, r 0\.5\.")
    density = page.get_by_role("slider", name="Density p")
    density.focus()
    page.keyboard.press("Home")
    wait_for(page, r"At p 1, r 0\.5\. True optimum: W = \(1\.00, 0\.00\)")
    page.keyboard.press("End")
    wait_for(page, r"At p 0\.01, r 0\.5\. True optimum: W = \(1\.0\d, −(1\.0|0\.9)\d\)")
    page.get_by_role("button", name="Train here").click()
    trained = wait_for(page, r"Trained: \d of 8")
    assert int(re.search(r"Trained: (\d) of 8", trained)[1]) >= 1
    # Pointing moves, clicking trains.
    box = page.locator("svg.drag").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.7 * box["height"])
    wait_for(page, r"At p 0\.[4-9]")
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.75 * box["height"])
    wait_for(page, r"Training|Trained: \d of 8")
    title = page.locator(".name")
    assert title.inner_text() == "Ignore the extra feature"
    page.get_by_label("True optimum").check(force=True)
    assert title.inner_text() == "Ignore the extra feature"


def test_activation_space_rotates(visit):
    page = visit("activation_space", has_touch=True)
    assert "28 parallelograms" in wait_for(page, "2 active")
    page.get_by_role("button", name="Rotate left").click()
    seen = {status(page)}
    view = page.get_by_role("application")
    view.focus()
    for key in ("ArrowRight", "ArrowUp"):
        for _ in range(8):
            page.keyboard.press(key)
        seen.add(status(page))
    box = view.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 160, steps=5)
    page.mouse.up()
    seen.add(status(page))
    assert len(seen) == 4, seen
    page.get_by_label("3", exact=True).check(force=True)
    wait_for(page, "56 parallelepipeds")
    page.get_by_label("1", exact=True).check(force=True)
    wait_for(page, "8 rays")
    page.get_by_label("Thomson minimiser").check()
    wait_for(page, r"Thomson energy 19\.6753")


def test_squeeze_by_keyboard(visit):
    page = visit("squeeze", scheme="file")
    assert "Read back: 0 as 1.09. Ghosts that stay: 1 at 0.14, 4 at 0.14. The ReLU deletes 2." in status(page)
    page.get_by_role("button", name="Feature 2").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("button", name="Feature 2").get_attribute("aria-pressed") == "true"
    assert "Read back: 0 as 0.00, 2 as 0.00. Ghosts that stay: 1 at 0.56." in status(page)
    page.get_by_label("ReLU").uncheck()
    assert "deletes" not in status(page)
    page.get_by_label("two, apart").check(force=True)
    assert "Read back: 0 as 1.00, 2 as 0.00. Ghosts that stay: none." in status(page)
    for name in ("Feature 0", "Feature 2"):
        page.get_by_role("button", name=name).click()
    assert status(page) == "All off: nothing goes in, and nothing comes out."
    page.get_by_role("button", name="Random input").click()
    assert "Read back" in wait_for(page, r"h = \(|All off")


def test_any_number_of_figures_on_a_page(visit):
    page = visit("all")
    assert page.locator(".app").count() == 2 * len(live.__all__)
    assert page.evaluate(
        "[...document.querySelectorAll('[class^=tms-live]')].every((slot) => slot.shadowRoot)"
    )
    # Nothing has leaked: the page has the same global names as an empty one.
    names = "() => Object.getOwnPropertyNames(window).filter((name) => !/^\\d+$/.test(name))"
    assert set(page.evaluate(names)) == set(visit("blank").evaluate(names))
    page.evaluate("scrollTo(0, 1e6)")
    page.wait_for_timeout(300)


@pytest.fixture(scope="module", params=live.__all__)
def unfolded(request, tabs, folder, server):
    """Each figure in turn, opened and unfolded once for all tests that look at it."""
    with visiting(tabs, folder, server) as opened:
        page = opened(request.param)
        unfold(page)
        yield page


BOXES = "(all) => all.map((one) => { const {x, width, height} = one.getBoundingClientRect(); return [x, width, height]; })"


def test_figures_fit_the_page(unfolded):
    page = unfolded
    for width in (320, 360, 1280):
        page.set_viewport_size({"width": width, "height": 740})
        page.evaluate(FRAMES)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # No control is wider than the page, and all are tall enough to touch (24 px, WCAG 2.2 AA).
        for x, wide, tall in page.locator("button, input").evaluate_all(BOXES):
            assert x >= 0
            assert x + wide <= width
            assert wide * tall > 0, "a control that does not show"
        assert min(tall for _, _, tall in page.locator("button").evaluate_all(BOXES)) >= 24


def test_every_control_has_a_name(unfolded):
    tree = unfolded.locator(".app").aria_snapshot()
    controls = re.findall(r"- (slider|button|checkbox|radio|spinbutton|img|application)\b(.*)", tree)
    assert len(controls) >= 5
    assert all(rest.strip().startswith('"') for _, rest in controls), tree


@pytest.mark.parametrize("system", ["light", "dark"])
def test_themes_are_followed_live(visit, system):
    page = visit("playground", color_scheme=system, reduced_motion="reduce")
    ground = "getComputedStyle(document.querySelector('[class^=tms-live]').shadowRoot.querySelector('.app')).backgroundColor"
    white, black = "rgb(255, 255, 255)", "rgb(22, 27, 34)"
    assert page.evaluate(ground) == (black if system == "dark" else white)
    for change, colour in [
        ("document.body.dataset.jpThemeLight = 'false'", black),  # JupyterLab
        ("document.body.dataset.jpThemeLight = 'true'", white),
        ("document.documentElement.setAttribute('theme', 'dark')", black),  # Colab
        ("document.documentElement.dataset.theme = 'light'", white),  # the book
        ("document.documentElement.dataset.theme = 'dark'", black),
    ]:
        page.evaluate(change)
        page.wait_for_timeout(50)
        assert page.evaluate(ground) == colour, change


def test_still_picture_without_scripts_and_in_print(visit):
    page = visit("all", java_script_enabled=False)
    assert page.get_by_role("img").count() == 2 * len(live.__all__)
    assert all(picture.bounding_box()["width"] > 200 for picture in page.get_by_role("img").all())
    page = visit("playground")
    picture = page.locator("img")
    assert not picture.is_visible()
    page.emulate_media(media="print")
    assert picture.is_visible()
    assert not page.locator(".app").is_visible()


def test_keys_stay_in_the_figure(visit):
    page = visit("playground")
    page.evaluate(
        "() => { window.heard = 0; document.addEventListener('keydown', () => (window.heard += 1)); }"
    )
    page.get_by_label("Sparsity S").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.heard") == 0
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.heard") == 1
