"""Pages as they come: what they weigh, what moves while they load, and what they do in odd browsers and on small screens."""

import re
from collections.abc import Callable, Iterator

import pytest
from browsing import PAGES, SITE

CHAPTER = "notebooks/01_linear_model.html"  # long, with wide formulas
SHORT = "notebooks/92_initialisation_trap.html"  # has what any chapter has, and comes soon
WATCH = """window.shifted = 0;
new PerformanceObserver((seen) => seen.getEntries().forEach((e) => e.hadRecentInput || (shifted += e.value)))
  .observe({ type: "layout-shift", buffered: true });"""
NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"]) Object.defineProperty(window, name,
  { configurable: true, get() { throw new DOMException("denied", "SecurityError"); } });"""


@pytest.fixture
def visit(tabs, site) -> Iterator[Callable]:
    """Open a page of the site as a reader would; collect what its console says."""
    visited = []

    def visit(page: str, *, script: str = "", formulas: bool = True, **options):
        tab = tabs.open(site, **({"viewport": {"width": 1280, "height": 900}} | options))
        visited.append(tab)
        tab.add_init_script(script)
        if not formulas:  # they are other tests' business, and take long
            empty = {"body": "", "content_type": "text/javascript"}
            tab.route(re.compile("mathjax"), lambda route: route.fulfill(**empty))
        tab.said = []
        tab.on("console", lambda message: message.type == "log" or tab.said.append(message.text))
        tab.on("pageerror", lambda error: tab.said.append(str(error)))
        tab.goto(f"{site}/{page}")
        if options.get("java_script_enabled", True):
            tab.evaluate("window.MathJax?.startup?.promise?.then(() => true)")
        return tab

    yield visit
    for tab in visited:
        tabs.close(tab)


@pytest.mark.parametrize("page", PAGES)
def test_pictures_have_sizes_and_come_when_they_are_wanted(page: str) -> None:
    text = (SITE / page).read_text(encoding="utf-8")
    for tag in re.findall(r"<img\b[^>]*_images/[^>]*>", text):
        assert re.search(r'width="\d+" height="\d+" loading="lazy"', tag), tag
        if "only-" not in tag:
            source = re.search(r'src="([^"]+)"', tag)[1]
            assert f'<a class="picture" href="{source}"' in text, "no way to see it large"


@pytest.mark.parametrize("page", PAGES)
def test_folds_are_called_what_they_show(page: str) -> None:
    text = (SITE / page).read_text(encoding="utf-8")
    assert "Toggle hidden content" not in text
    for shown, hidden in re.findall(
        r'collapsed admonition-title">([^<]+)</p>\s*<p class="exp[^>]*>([^<]+)<', text
    ):
        assert shown.removeprefix("Show") == hidden.removeprefix("Hide")


@pytest.mark.parametrize("page", PAGES)
def test_only_pages_with_formulas_load_mathjax(page: str) -> None:
    text = (SITE / page).read_text(encoding="utf-8")
    assert ('<span class="math' in text or '<div class="math' in text) == ("mathjax/startup.js" in text)


def test_the_icons_of_the_site_are_few() -> None:
    fonts = [path for path in (SITE / "_static" / "vendor").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in fonts) < 30_000
    assert {path.suffix for path in fonts} == {".woff"}


def test_the_index_holds_the_glossary() -> None:
    text = (SITE / "genindex.html").read_text(encoding="utf-8")
    assert 'href="book/notation.html#term-Superposition"' in text
    assert text.count("book/notation.html#term-") > 25


@pytest.mark.parametrize(
    ("page", "width", "slower", "most"),
    [("book/index.html", 390, 4, 0.03), ("book/index.html", 1280, 1, 0.03), (SHORT, 390, 1, 0.1)],
)
def test_little_moves_while_a_page_loads(page, width, slower, most, visit, site) -> None:
    size = {"width": width, "height": 900}
    tab = visit("404.html", script=WATCH, viewport=size, apart=True)  # with an empty cache
    tab.context.new_cdp_session(tab).send("Emulation.setCPUThrottlingRate", {"rate": slower})  # 4: a phone
    tab.goto(f"{site}/{page}")
    tab.wait_for_function("!window.MathJax || MathJax.startup.promise.then(() => true)")
    tab.wait_for_timeout(500)
    assert tab.evaluate("shifted") < most


@pytest.mark.parametrize("page", ["book/index.html", SHORT, "search.html"])
def test_a_first_visit_leaves_the_console_empty(page: str, visit) -> None:
    assert visit(page).said == []


def test_the_search_works_where_the_browser_keeps_nothing(visit) -> None:
    tab = visit("search.html?q=digon", script=NO_STORAGE)
    tab.wait_for_selector("#search-results li a")
    assert tab.said == []


def test_a_picture_opens_in_full_size(visit) -> None:
    tab = visit(
        CHAPTER, formulas=False, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    picture = tab.locator("a.picture img").first
    picture.evaluate("(picture) => picture.scrollIntoView({ block: 'center', behavior: 'instant' })")
    picture.evaluate("(picture) => picture.decode()")
    shown = picture.bounding_box()["width"]
    picture.tap()
    full = tab.locator("dialog.picture img")
    full.evaluate("(picture) => picture.decode()")  # before that it has no size of its own
    assert full.bounding_box()["width"] > 2 * shown
    tab.get_by_role("button", name="Close").tap()
    assert full.count() == 0
    assert tab.locator("dialog[open]").count() == 0


def test_without_scripts_a_picture_is_a_link_to_itself(visit) -> None:
    tab = visit(SHORT, java_script_enabled=False)
    link = tab.locator("a.picture").first.get_attribute("href")
    assert ((SITE / SHORT).parent / link).is_file()


def test_formulas_are_set_in_pieces_and_wide_ones_say_that_there_is_more(visit) -> None:
    """In pieces, so that no task holds the page up."""
    count = """addEventListener("DOMContentLoaded", () => { const wait = setInterval(() => {
      if (!window.MathJax?.typesetPromise) return;
      clearInterval(wait);
      const whole = MathJax.typesetPromise; window.pieces = [];
      MathJax.typesetPromise = (some) => (pieces.push(some?.length ?? Infinity), whole(some));
    }, 0); });"""
    tab = visit(CHAPTER, script=count, viewport={"width": 390, "height": 844})
    pieces = tab.evaluate("pieces")
    assert len(pieces) > 5
    assert max(pieces) < 30
    assert tab.locator("span.math, div.math").count() == tab.locator(".math > mjx-container").count()
    wide = tab.locator("mjx-container[display='true']").evaluate_all(
        """(all) => all.filter((f) => f.scrollWidth > f.clientWidth + 1)
          .map((f) => [getComputedStyle(f).backgroundImage, f.getAttribute("tabindex")])"""
    )
    assert wide
    for ground, stop in wide:
        assert "gradient" in ground
        assert stop == "0"


@pytest.mark.parametrize(
    "page", [SHORT, "book/how-to-use.html", "book/notation.html", "book/troubleshooting.html"]
)
def test_previous_and_next_are_whole_on_a_phone(page: str, visit) -> None:
    tab = visit(page, formulas=False, viewport={"width": 360, "height": 800})
    links = tab.locator(".prev-next-area a").evaluate_all(
        """(links) => links.map((a) => { const {left, right} = a.getBoundingClientRect();
          const cut = [...a.querySelectorAll("*")].some((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth);
          return [left, right, cut, a.innerText]; })"""
    )
    assert links
    for left, right, cut, said in links:
        assert left >= 0
        assert right <= 360
        assert not cut, said


def test_whoever_walks_by_keyboard_sees_where(visit) -> None:
    tab = visit(SHORT, formulas=False)
    buttons = tab.locator(
        ".bd-header-article button:visible, .bd-header-article a:visible, .bd-header-article label:visible"
    )
    assert buttons.count() >= 4
    tab.keyboard.press("Tab")
    for button in buttons.all():
        button.focus()
        if button.evaluate("(b) => b === document.activeElement"):
            style = button.evaluate(
                "(b) => [getComputedStyle(b).outlineStyle, getComputedStyle(b).outlineWidth]"
            )
            assert style[0] != "none", button.evaluate("(b) => b.outerHTML")
            assert float(style[1].removesuffix("px")) >= 2


def test_a_missing_page_leads_home_wherever_the_book_is(visit) -> None:
    tab = visit("404.html")
    tab.wait_for_function("!document.getElementById('home').href.includes('github.io')")
    assert tab.evaluate("document.getElementById('home').pathname") == "/"


@pytest.mark.parametrize("page", ["book/index.html", SHORT])
def test_forced_colours_keep_folds_and_buttons(page: str, visit) -> None:
    tab = visit(page, formulas=False, forced_colors="active")
    assert tab.said == []
    icon = tab.locator(".bd-header-article .fa-bars, .bd-header .fa-bars").first
    assert icon.evaluate("(i) => getComputedStyle(i, '::before').content") not in ("none", "normal")


@pytest.mark.parametrize("page", ["book/instructors.html", "book/notation.html", "book/api.html"])
def test_tables_of_sentences_can_be_read_on_a_phone(page: str, visit) -> None:
    tab = visit(page, formulas=False, viewport={"width": 390, "height": 844})
    shown = tab.locator(".bd-article table.cards td").evaluate_all(
        """(cells) => cells.filter((td) => td.checkVisibility({ visibilityProperty: true }))
          .map((td) => td.getBoundingClientRect()).map(({ left, right }) => [left, right])"""
    )
    assert shown
    for left, right in shown:
        assert left >= 0
        assert right <= 390
        assert right - left > 250


@pytest.mark.parametrize("page", [CHAPTER, "book/instructors.html"])
def test_on_paper_no_empty_frame_is_left_at_a_pages_end(page: str, visit) -> None:
    tab = visit(page, formulas=False)
    tab.emulate_media(media="print")
    torn = tab.evaluate(
        """[...document.querySelectorAll(".bd-article pre")].flatMap((pre) => {
          const found = [];
          for (let box = pre; !box.matches(".cell, details, section"); box = box.parentElement) {
            const style = getComputedStyle(box);
            const framed = parseFloat(style.borderTopWidth) > 0 || style.backgroundColor !== "rgba(0, 0, 0, 0)";
            if (framed && style.breakInside !== "avoid") found.push(box.className);
          }
          return found;
        })"""
    )
    assert torn == []
