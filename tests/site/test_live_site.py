"""The live figures in the built site: each is found on its page, and driven by its kind as a reader would."""

import json
import re

import pytest
from browsing import PAGES, SITE, live_kinds, require_site, wait_until

from tms_utils import live

ON_PAGES = [page for page in PAGES if live_kinds(page)]


def drive_playground(page, figure, line, config):
    figure.locator(".more > summary").click()
    figure.get_by_label("Fast").check(force=True)
    figure.get_by_role("button", name="Restart").click()
    started = float(re.search(r"Loss (\S+)\. ", line(r"Step \d"))[1])
    line(r"Step [1-9]")
    page.emulate_media(
        reduced_motion="reduce"
    )  # it moves; what comes now nobody need watch, and then it is quick
    n, sparsities = config["features"], config["choices"]["sparsity"]
    if "together" in config:
        assert figure.get_by_label("Linear").count() == 0
        figure.get_by_label("Together c").focus()
        page.keyboard.press("End")
        line(rf"Step 3,000.*{n} of {n} features kept: {n // 2} digons, partners at right angles")
        names = figure.locator("#plane text").all_text_contents()
        assert {str(i) for i in range(n)} <= set(names)
        figure.get_by_label("Sparsity S").focus()
        for _ in range(sparsities.index(config["sparsity"]) - sparsities.index(0.7)):
            page.keyboard.press("ArrowLeft")
        line(rf"Step 3,000.*{n // 2} merged pairs")
        return
    figure.get_by_label("Sparsity S").focus()
    page.keyboard.press("Home")
    line(rf"Step 3,000.*2 of {n} features kept: 2 dedicated dimensions")
    for _ in range(sparsities.index(0.95)):
        page.keyboard.press("ArrowRight")
    ended = float(re.search(r"Loss (\S+)\. ", line(rf"Step 3,000.*{n} of {n} features kept"))[1])
    assert ended < started


def drive_many_seeds(page, figure, line, config):
    figure.get_by_label("Sparsity S").focus()
    page.keyboard.press("Home")
    line(r"Sparsity 0, step .*2 dedicated dimensions \([12]\d\)")


def drive_phase_diagram(page, figure, line, config):
    figure.get_by_role("slider", name="Density p").focus()
    page.keyboard.press("End")
    line(r"At p 0\.01, r [\d.]+\. True optimum: W = \(1\.0\d, −(1\.0|0\.9)\d\)")
    figure.get_by_role("button", name="Train here").click()
    line(r"Trained: \d of 8")


def drive_activation_space(page, figure, line, config):
    figure.get_by_role("button", name="Rotate left").click()
    before = line("View from")
    figure.get_by_role("application").focus()
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    assert line("View from") != before
    figure.get_by_label("2", exact=True).check(force=True)
    n = len(config["W"][0])
    line(rf"^2 active: {n * (n - 1) // 2} parallelograms")


def drive_squeeze(page, figure, line, config):
    if "attack" in config:
        started = line(r"Output 0 goes from 1\.09 to 1\.74")
        figure.get_by_label("Nudge, direction").focus()
        page.keyboard.press("ArrowRight")
        assert line("squared error") != started
        return
    figure.get_by_label("two, apart").check(force=True)
    figure.get_by_role("button", name="Feature 1").click()
    line(r"Read back: .*1 as 1\.00\. Ghosts that stay: none")


def drive_memory(page, figure, line, config):
    figure.get_by_role("button", name="five rows").click()
    line(r"Step 2,000 of 2,000: [45] of 5 rows stored")


def drive_read_out(page, figure, line, config):
    figure.get_by_label("Penalty").focus()
    page.keyboard.press("ArrowLeft")
    line(r"step 600 of 600: \d of 5 directions found")


def drive_staircase(page, figure, line, config):
    figure.get_by_role("button", name="with Adam").click()
    line(r"Step 2,499 of 2,499.*Half learned: 0 at \d+, 1 at \d+")


def drive_sweep(page, figure, line, config):
    figure.get_by_role("button", name="one in a thousand").click()
    line(r"Density 0\.001.*step 1,000 of 1,000: 1\d of 20 features kept")


DRIVERS = {
    "activation_space": drive_activation_space,
    "many_seeds": drive_many_seeds,
    "memory": drive_memory,
    "phase_diagram": drive_phase_diagram,
    "playground": drive_playground,
    "read_out": drive_read_out,
    "squeeze": drive_squeeze,
    "staircase": drive_staircase,
    "sweep": drive_sweep,
}


def test_every_kind_of_figure_is_on_some_page():
    require_site()
    assert {kind for page in ON_PAGES for kind in live_kinds(page)} == set(live.__all__) == set(DRIVERS)


@pytest.mark.parametrize("path", ON_PAGES)
def test_figures_run_in_the_built_site_over_http(tabs, site, path):
    drive_page(tabs, site, path, 1280, "light")


def test_figures_run_in_the_built_site_from_the_disk(tabs):
    drive_page(tabs, SITE.as_uri(), "book/index.html", 360, "dark")


@pytest.mark.parametrize("path", ON_PAGES)
def test_a_pages_figures_add_less_than_150_kB(path):
    html = (SITE / path).read_text(encoding="utf-8")
    figures = re.findall(r'(?s)<div class="tms-live-.*?</script>', html)
    assert len(figures) == len(live_kinds(path))
    assert sum(len(figure.encode()) for figure in figures) < 150_000


def settings_of(kind: str) -> set[str]:
    """The names that a figure's settings have in the address, as its docstring lists them."""
    listed = getattr(live, kind).__doc__.split("In the address:")[1].split("Parts to")[0]
    return set(re.findall(r"``(\w+)``", listed)) | {"hide", "embed"}


@pytest.mark.parametrize("path", PAGES)
def test_links_that_move_a_figure_name_one_on_its_page_and_its_settings(path):
    html = (SITE / path).read_text(encoding="utf-8")
    for page, name, query in re.findall(r'href="([^"#]*)#([a-z]+(?:-[a-z0-9]+)*)\?([^"#]*)"', html):
        there = live_kinds(
            ((SITE / path).parent / page).resolve().relative_to(SITE).as_posix() if page else path
        )
        kind, number = re.fullmatch(r"([a-z-]+?)(?:-(\d+))?", name).groups()
        kind = kind.replace("-", "_")
        assert there.count(kind) >= int(number or 1), f"{name}: no such figure"
        said = {setting.split("=")[0] for setting in query.replace("&amp;", "&").split("&")}
        assert said <= settings_of(kind), query


def drive_page(tabs, start, path, width, theme):
    """Over http on a wide light page, from the disk on a narrow dark one; every other host is out of reach."""
    complaints = []
    origin = "file://" if start.startswith("file:") else start
    page = tabs.open(origin, viewport={"width": width, "height": 800}, color_scheme=theme)

    def guard(route):
        if route.request.url.startswith((start, "data:", "blob:")):
            if (
                "mathjax" in route.request.url
            ):  # formulas are test_pages' business, and take as long as a figure
                return route.fulfill(body="", content_type="text/javascript")
            return route.continue_()
        complaints.append(f"request to {route.request.url}")
        return route.abort()

    page.route("**/*", guard)
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{start}/{path}")
    slots = page.locator("[class^=tms-live]")
    assert slots.count() == len(live_kinds(path))
    for figure, kind in zip(slots.all(), live_kinds(path), strict=True):
        figure.scroll_into_view_if_needed()
        ground = figure.locator(".app").evaluate("(app) => getComputedStyle(app).backgroundColor")
        assert ground == ("rgb(22, 27, 34)" if theme == "dark" else "rgb(255, 255, 255)")
        box = figure.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        says = figure.get_by_role("status").inner_text
        config = json.loads(figure.get_attribute("data-config"))
        page.emulate_media(reduced_motion="no-preference")
        DRIVERS[kind](page, figure, lambda pattern, says=says: wait_until(says, pattern), config)
    tabs.close(page)
    # The theme complains of itself on a reader's first visit.
    assert [said for said in complaints if "invalid theme mode" not in said] == []
