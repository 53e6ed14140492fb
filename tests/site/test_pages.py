"""The built site, opened from disk in a headless browser that may talk to nobody else."""

import functools
import gzip
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import chapter
import pytest
import yaml
from browsing import PAGES, ROOT, SITE, require_site

AXE = (ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
CHAPTERS = [p for p in PAGES if p.startswith("notebooks/")]
SHOWN = """const shown = (one) => { const { width, height } = one.getBoundingClientRect();
    return width * height > 0 && one.checkVisibility({ visibilityProperty: true }); };"""
FOLDED = """const lines = Map.groupBy(document.querySelectorAll(".highlight pre *"), (one) => one.textContent.trim());
    return titles.map((title) => (lines.get(title) ?? []).map(shown));"""
HELD = """return [...document.querySelectorAll("details.held:not([open])")].map((fold) => {
    const said = [...fold.querySelectorAll("p")].findLast((one) => one.textContent.includes("Answer."));
    return [shown(said), (fold.querySelector("summary").click(), shown(said))]; });"""
COLOURS = ["color-contrast", "link-in-text-block"]  # axe-core's rules for them: the slow ones
LIMIT = 900_000  # bytes that a page may load in all, compressed as GitHub Pages sends them

# What axe-core finds in the theme and in extensions, not in the course: (rule, part of the element).
THEME_EXCEPTIONS = (
    # The buttons show "Search Ctrl+K", or three icons of which one is visible, and are named by a single word.
    ("label-content-name-mismatch", "search-button"),
    ("label-content-name-mismatch", "theme-switch-button"),
    # sphinxcontrib-bibtex builds its list without list items.
    ("aria-required-children", 'class="citation-list"'),
)


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    require_site()


class Links(HTMLParser):
    """Collects where a page leads, what it loads, and the anchors that it offers."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = {"", "top"}
        self.images: list[dict[str, str | None]] = []
        self.meta: dict[str, str] = {}
        # Of elements: tag, classes, whether it has a style of its own.
        self.kinds: set[tuple[str, str, bool]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        classes = re.sub(r"-[0-9a-f]{8}\b", "", attributes.get("class") or "")  # without a figure's digest
        self.kinds.add((tag, classes, "style" in attributes))
        if anchor := attributes.get("id"):
            self.anchors.add(anchor)
        for name in ("href", "src"):
            if attributes.get(name):
                self.links.append(attributes[name])
        if tag == "img":
            self.images.append(attributes)
        if tag == "meta":
            key = attributes.get("property") or attributes.get("name")
            if key:
                self.meta[key] = attributes.get("content") or ""


@functools.cache
def read(page: str) -> Links:
    links = Links()
    links.feed((SITE / page).read_text(encoding="utf-8"))
    return links


@functools.cache
def cells(page: str) -> list[dict]:
    """The cells of a chapter; of another page, none."""
    source = (ROOT / page).with_suffix(".ipynb")
    return json.loads(source.read_text(encoding="utf-8"))["cells"] if page in CHAPTERS else []


@functools.cache
def weight(path: Path) -> int:
    """Bytes of a file on its way to the reader: a web server compresses text."""
    content = path.read_bytes()
    compressed = path.suffix in {".html", ".js", ".css", ".svg", ".json"}
    return len(gzip.compress(content, 6)) if compressed else len(content)


@pytest.fixture(scope="module")
def open_page(tabs) -> Iterator:
    """Open a page; collect what it asks of outside hosts, its errors, and what it weighs."""
    opened = []

    def open_page(page: str, *, width: int = 1280, scheme: str = "light"):
        tab = tabs.open("file://", viewport={"width": width, "height": 900}, color_scheme=scheme)
        opened.append(tab)
        tab.outside, tab.errors, tab.weight = [], [], 0

        def request(route) -> None:
            url = route.request.url
            if url.startswith(("data:", "blob:")):
                return route.continue_()
            if not url.startswith("file:"):
                tab.outside.append(url)
                return route.abort()
            path = Path(unquote(urlsplit(url).path))
            if path.is_file():
                tab.weight += weight(path)
            return route.continue_()

        tab.route("**/*", request)
        tab.on("pageerror", lambda error: tab.errors.append(str(error)))
        tab.on("requestfailed", lambda r: tab.errors.append(f"not loaded: {r.url}"))
        path, _, query = page.partition("?")
        tab.goto((SITE / path).as_uri() + (f"?{query}" if query else ""))
        tab.evaluate("window.MathJax?.startup?.promise?.then(() => true)")
        return tab

    yield open_page
    for tab in opened:
        tabs.close(tab)


@pytest.fixture(scope="module", params=PAGES)
def loaded(request, open_page) -> Iterator:
    """Each page in turn, opened once for all tests that look at it: its name and the tab."""
    tab = open_page(request.param)
    yield request.param, tab
    tab.close()


def test_every_page_of_the_contents_is_built() -> None:
    assert sorted(f"{page}.html" for page in chapter.pages(ROOT)) == PAGES


def test_a_page_reads_offline(loaded) -> None:
    _, tab = loaded
    assert tab.outside == [], "the page asks other hosts"
    assert tab.errors == []
    assert tab.weight < LIMIT, f"the page loads {tab.weight / 1e6:.1f} MB"
    missing = tab.evaluate("[...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)")
    assert missing == [], "pictures that do not show"
    assert tab.locator("mjx-merror, .MathJax_Error").count() == 0, "a formula that MathJax cannot read"
    formulas = tab.locator("span.math, div.math").count()
    assert tab.locator("mjx-container").count() >= formulas, "formulas that stayed raw"


def test_a_page_fits_a_phone(loaded) -> None:
    _, tab = loaded
    for width in (360, 320):
        tab.set_viewport_size({"width": width, "height": 900})
        tab.evaluate("new Promise(requestAnimationFrame)")
        wide = tab.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"the page is {wide} pixels too wide at {width}"
    tab.set_viewport_size({"width": 1280, "height": 900})


def test_a_page_hides_the_bootstrap_cell_and_folds_its_solutions(loaded) -> None:
    page, tab = loaded
    assert not tab.evaluate("document.documentElement.outerHTML.includes('TMS_FORCE_COLAB')")
    titles = [
        "".join(cell["source"]).splitlines()[0]
        for cell in cells(page)
        if cell["cell_type"] == "code" and "solution" in cell["metadata"].get("tags", [])
    ]
    for title, shown in zip(titles, tab.evaluate(f"(titles) => {{ {SHOWN} {FOLDED} }}", titles), strict=True):
        assert shown, f"{title} is not on the page"
        assert not any(shown), f"{title} is not folded"


def test_a_page_holds_each_prediction_until_it_is_asked_for(loaded) -> None:
    page, tab = loaded
    text = ["".join(cell["source"]) for cell in cells(page) if cell["cell_type"] == "markdown"]
    held = tab.locator("details.held")
    assert held.count() == sum(source.startswith("**Answer.**") for source in text)
    if held.count():  # one as a reader does it, the others at once
        answer = held.first.locator("p", has_text="Answer.").last
        assert not answer.is_visible()
        held.first.locator("summary").first.click()
        assert answer.is_visible()
        assert tab.evaluate(f"() => {{ {SHOWN} {HELD} }}") == [[False, True]] * (held.count() - 1)
    after = [f"details.held + {more}" for more in ("ul", "ol", "div.math")]
    assert not tab.locator(", ".join(after)).count()  # an answer's list or formula is held with it


@functools.cache
def pages_for_colours() -> list[str]:
    """A few pages that hold every kind of element. (The live figures' colours are test_live_screens.py's.)"""
    left = {page: {kind for kind in read(page).kinds if "tms-live" not in kind[1]} for page in PAGES}
    chosen = []
    while any(left.values()):
        chosen.append(max(left, key=lambda page: len(left[page])))
        left = {page: kinds - left[chosen[-1]] for page, kinds in left.items()}
    return chosen


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_is_accessible(scheme: str, loaded) -> None:
    page, tab = loaded
    colours = page in pages_for_colours()  # elsewhere they are the same, and the slowest to look at
    if scheme == "dark" and not colours:
        return  # only the colours are others
    tab.emulate_media(color_scheme=scheme)
    tab.wait_for_function("(wanted) => document.documentElement.dataset.theme === wanted", arg=scheme)
    if not tab.evaluate("window.axe?.version"):
        tab.add_style_tag(content="* { transition: none !important }")  # a colour half way is nobody's choice
        tab.evaluate(
            "document.querySelectorAll('mjx-container').forEach((formula) => formula.replaceChildren())"
        )
        if not colours:
            tab.evaluate(
                "document.querySelectorAll('.highlight pre').forEach((code) => code.textContent = code.textContent)"
            )
        tab.evaluate(AXE)
    options = {"resultTypes": ["violations"], "preload": False}
    if scheme == "dark":
        options["runOnly"] = {"type": "rule", "values": COLOURS}
    elif not colours:
        options["rules"] = {rule: {"enabled": False} for rule in COLOURS}
    results = tab.evaluate("(options) => axe.run(document, options)", options)
    faults = []
    for violation in results["violations"]:
        if violation["impact"] not in ("serious", "critical"):
            continue
        for node in violation["nodes"]:
            if not any(violation["id"] == rule and part in node["html"] for rule, part in THEME_EXCEPTIONS):
                faults.append(f"{violation['id']}: {node['html'][:200]} {node['failureSummary'][:300]}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("page", PAGES)
def test_every_link_inside_leads_somewhere(page: str) -> None:
    broken = []
    for link in read(page).links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (SITE / page).parent / unquote(parts.path) if parts.path else SITE / page
        if not target.exists():
            broken.append(link)
        elif parts.fragment and target.suffix == ".html":
            relative = target.resolve().relative_to(SITE.resolve()).as_posix()
            moves_a_figure = re.match(r"[a-z-]+\d*\?\w+=", parts.fragment)  # test_live_site.py tries these
            if not moves_a_figure and unquote(parts.fragment) not in read(relative).anchors:
                broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES)
def test_no_formula_is_left_in_its_source(page: str) -> None:
    html = (SITE / page).read_text(encoding="utf-8")
    code = r"(?s)<(script|style|pre|code)\b.*?</\1>"
    formula = r'(?s)<(span|div)[^>]*\bclass="[^"]*\bmath\b[^"]*"[^>]*>.*?</\1>'
    text = re.sub(r"(?s)<[^>]*>", "", re.sub(formula, "", re.sub(code, "", html)))
    assert re.findall(r".{0,40}\$.{0,40}", text) == []


@pytest.mark.parametrize("page", PAGES)
def test_every_picture_is_described(page: str) -> None:
    for image in read(page).images:
        alt = image.get("alt")
        decorative = "logo" in (image.get("class") or "")
        assert decorative or (alt and not re.search(r"\.(png|svg)$|^\S*/\S*$", alt)), image


@pytest.mark.parametrize("page", PAGES)
def test_a_page_can_be_shared(page: str) -> None:
    meta = read(page).meta
    base = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"]["baseurl"]
    assert meta["og:title"]
    assert len(meta["og:description"]) > 40
    assert not meta["og:description"].startswith(("Open this", "Claim"))
    assert meta["description"][:100] == meta["og:description"][:100]
    assert "not set" not in meta["og:site_name"]
    assert meta["og:url"] == base + page
    assert meta["og:image"].startswith(base)
    assert (SITE / meta["og:image"].removeprefix(base)).is_file()


@pytest.mark.parametrize("page", CHAPTERS)
def test_a_chapter_opens_in_colab(page: str) -> None:
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]
    repository = config["url"].removeprefix("https://github.com/")
    wanted = (
        f"https://colab.research.google.com/github/{repository}/blob/main/{page.removesuffix('.html')}.ipynb"
    )
    links = {link for link in read(page).links if "colab.research" in link}
    assert links == {wanted}


def test_a_link_to_a_section_lands_on_it(open_page) -> None:
    one = chapter.all_chapters()[5]
    tab = open_page(f"notebooks/{one.path.stem}.html")
    for title in one.sections[1:]:
        heading = tab.get_by_role("heading", name=title.split(" ", 1)[-1]).first
        tab.goto(tab.url.partition("#")[0] + "#" + heading.evaluate("(h) => h.closest('section').id"))
        tab.wait_for_function("MathJax.startup.promise.then(() => true)")
        below = tab.evaluate("document.documentElement.scrollHeight - scrollY - innerHeight")
        assert 0 <= heading.bounding_box()["y"] < 200 or below < 2, title


def test_claims_show_their_verdict_on_a_phone(open_page) -> None:
    tab = open_page(CHAPTERS[1], width=390)
    cells = tab.locator("table.claims td:last-child").all()
    assert len(cells) >= 3
    for cell in cells:
        box = cell.bounding_box()
        assert box["x"] + box["width"] <= 390
        assert cell.evaluate("(td) => td.dataset.label") == "Verdict"


def test_a_formula_keeps_the_mark_after_it_on_its_line(open_page) -> None:
    tab = open_page(CHAPTERS[1], width=390)
    lines = tab.evaluate("""[...document.querySelectorAll(".together")].map((both) => {
        const mark = document.createRange();
        mark.selectNode(both.lastChild);
        return mark.getBoundingClientRect().top < both.firstElementChild.getBoundingClientRect().bottom; })""")
    assert len(lines) > 5
    assert all(lines)


def test_a_tables_first_column_stays_on_a_phone(open_page) -> None:
    tab = open_page(CHAPTERS[5], width=390)
    moved = tab.evaluate("""[...document.querySelectorAll("table.results")].map((table) => {
        let box = table;
        while (box && box.scrollWidth <= box.clientWidth + 20) box = box.parentElement;
        if (!box || box === document.documentElement) return null; // it fits
        const name = table.querySelector("tbody tr :first-child");
        const before = name.getBoundingClientRect().left;
        box.scrollLeft = 20;
        return Math.abs(name.getBoundingClientRect().left - before); })""")
    wide = [by for by in moved if by is not None]
    assert wide
    assert max(wide) < 20


def test_a_dark_page_is_printed_in_dark_ink(open_page) -> None:
    tab = open_page(CHAPTERS[1], scheme="dark")
    tab.emulate_media(media="print", color_scheme="dark")
    for part in ("p", "h2", "pre span.k", "table.claims td"):
        colour = tab.locator(f".bd-article {part}").first.evaluate("(e) => getComputedStyle(e).color")
        assert max(map(int, re.findall(r"\d+", colour)[:3])) < 130, (part, colour)


@pytest.mark.parametrize("word", ["superposition", "polysemantic", "privileged basis", "digon"])
def test_search_finds_the_fields_words(word: str, open_page) -> None:
    tab = open_page(f"search.html?q={word}")
    tab.wait_for_selector("#search-results li a", timeout=10_000)
    assert tab.outside == []
    first = tab.locator("#search-results li a").first
    assert "notation" in first.get_attribute("href"), "the glossary comes first"


def test_a_missing_page_has_a_page(open_page) -> None:
    tab = open_page("404.html")
    assert tab.outside == []
    assert tab.get_by_role("link", name="Go to the start of the course").is_visible()
