"""A live figure's settings in the page's address; links in the text and presets that move it; what is hidden."""

import re

import pytest
from browsing import wait_until

from tms_utils import live

TEXT = """<h2 id="2.1-Before">Before</h2><p><a id="link" href="#playground?S=0.95&seed=3">set S to 0.95</a>
<a id="more" href="#playground?more=1">its weights</a></p>
<p style="height:1500px">A long page.</p>{figures}<p style="height:1500px"></p><h2 id="2.9-After">After</h2>
<p><a id="section" href="#2.1-Before">to a section</a></p>"""


@pytest.fixture(scope="module")
def page_of(folder):
    """Write a page with text around these figures."""

    def write(name: str, *figures) -> str:
        body = TEXT.format(figures="".join(figure._repr_html_() for figure in figures))
        (folder / f"{name}.html").write_text(
            f'<!doctype html><html lang="en"><meta charset="utf-8"><link rel=icon href=data:,><title>t</title>{body}',
            encoding="utf-8",
        )
        return name

    return write


def settings(figure) -> dict[str, str]:
    """What a figure's sliders say."""
    return {node.get_attribute("aria-label"): node.get_attribute("aria-valuetext") for node in figure.locator("input[type=range]").all()}  # fmt: skip


def address(page) -> str:
    return page.evaluate("location.hash")


def move(page, label: str, key: str, scope=None) -> None:
    (scope or page).get_by_label(label).focus()
    page.keyboard.press(key)


def wait_address(page, pattern: str) -> str:
    return wait_until(lambda: address(page), pattern)


@pytest.mark.parametrize("scheme", ["http", "file"])
def test_what_is_moved_is_in_the_address_and_outlives_a_reload(visit, page_of, scheme):
    page = visit(page_of("one", live.playground()), scheme=scheme, reduced_motion="reduce")
    assert address(page) == "", "nothing is said before anything is moved"
    entries = page.evaluate("history.length")
    for _ in range(3):
        move(page, "Sparsity S", "ArrowRight")
    wait_address(page, "^#playground\\?S=0.97$")
    page.locator(".more > summary").click()
    page.get_by_label("Linear").check(force=True)
    page.get_by_label("Seed", exact=True).fill("4711")
    page.keyboard.press("Enter")
    wait_address(page, "^#playground\\?S=0.97&output=linear&seed=4711&more=1$")
    assert page.evaluate("history.length") == entries
    page.reload()
    assert settings(page)["Sparsity S"] == "0.97 (density 0.03)"
    assert page.get_by_label("Linear").is_checked()
    assert page.get_by_label("Seed", exact=True).input_value() == "4711"


def test_a_link_in_the_text_moves_the_figure_and_brings_it_on_screen(visit, page_of):
    page = visit(page_of("link", live.playground()), reduced_motion="reduce")
    page.locator("#link").click()
    box = page.locator(".plane > svg")
    page.wait_for_function("scrollY > 500")
    assert box.bounding_box()["y"] < page.viewport_size["height"] - 200
    assert settings(page)["Sparsity S"] == "0.95 (density 0.05)"
    wait_until(
        page.get_by_role("status").inner_text, r"Step 3,000"
    )  # asked for, it trains without a further press
    assert page.get_by_role("status").get_attribute("aria-live") == "polite"
    # On to a section: the figure stays as it is, on reload, too. And back.
    page.locator("#section").click()
    page.wait_for_function("scrollY < 100")
    assert address(page) == "#2.1-Before"
    page.reload()
    assert settings(page)["Sparsity S"] == "0.95 (density 0.05)"
    page.go_back()
    wait_address(page, "^#playground\\?S=0.95&seed=3$")
    assert settings(page)["Sparsity S"] == "0.95 (density 0.05)"


def test_a_link_that_only_unfolds_leaves_the_settings(visit, page_of):
    page = visit(page_of("unfold", live.playground()), reduced_motion="reduce")
    move(page, "Sparsity S", "End")
    page.locator("#more").click()
    page.locator(".more[open]").wait_for()
    assert settings(page)["Sparsity S"].startswith("0.99")
    wait_address(page, "^#playground\\?S=0.99&more=1$")


def test_an_address_opens_at_its_figure_and_sections_stay_sections(visit, page_of, server):
    page = visit(page_of("opens", live.playground()), reduced_motion="reduce")
    page.goto("about:blank")
    page.goto(f"{server}/opens.html#playground?S=0.5&from=0.95")
    page.wait_for_function("scrollY > 500")
    assert settings(page)["Sparsity S"] == "0.5 (density 0.5)"
    page.goto("about:blank")
    page.goto(f"{server}/opens.html#2.9-After")
    assert page.evaluate("scrollY") > 1500
    assert settings(page)["Sparsity S"] == "0.9 (density 0.1)"


def test_several_figures_share_an_address(visit, page_of, server):
    page = visit(page_of("several", live.playground(), live.squeeze(), live.playground(together=1, features=4)), reduced_motion="reduce")  # fmt: skip
    first, squeeze, second = page.locator("[class^=tms-live]").all()
    move(page, "Sparsity S", "End", first)
    wait_address(page, "^#playground\\?S=0.99$")
    squeeze.get_by_role("button", name="Feature 2").click()
    wait_address(page, "^#squeeze\\?on=0,2;playground\\?S=0.99$")
    move(page, "Together c", "Home", second)
    link = wait_address(page, "^#playground-2\\?together=0;squeeze\\?on=0,2;playground\\?S=0.99$")
    page.goto("about:blank")
    page.goto(f"{server}/several.html{link}")
    assert settings(first)["Sparsity S"].startswith("0.99")
    assert squeeze.get_by_role("button", name="Feature 2").get_attribute("aria-pressed") == "true"
    assert settings(second)["Together c"] == "by chance"
    assert settings(second)["Sparsity S"].startswith("0.9 ")
    # A link that names one figure leaves the others alone.
    page.locator("#link").click()
    wait_until(lambda: settings(first)["Sparsity S"], "^0.95")
    assert settings(second)["Together c"] == "by chance"


ABSURD = (
    "S=2&seed=1e99&features=-1&k=9&p=0&on=7,8&relu=maybe&from=x&more=yes&speed=&importance=NaN&scale=-1",
    "S&=&&==&seed=<b>&rows=Infinity",
    "S=%E0%A4%A&stored=__proto__&map=constructor&hide=nonsense",
)


@pytest.mark.parametrize("name", live.__all__)
def test_absurd_addresses_change_nothing(visit, server, name):
    page = visit(name, reduced_motion="reduce")
    kind = name.replace("_", "-")
    look = """(all) => all.map((one) => one.outerHTML.replace(/ name="[^"]*"/, ""))"""  # radios' names are random
    before = page.locator("input, button").evaluate_all(look)
    values = "(all) => all.map((one) => one.value)"
    first = page.locator("input").evaluate_all(values)
    for k, said in enumerate(ABSURD):
        page.goto(f"{server}/{name}.html?{k}#{kind}?{said}")  # with another query it is a page of its own
        assert page.locator("input").evaluate_all(values) == first
        assert page.locator("input, button").evaluate_all(look) == before


def test_how_space_is_turned_is_in_the_address(visit, server):
    page = visit("activation_space", reduced_motion="reduce")
    says = page.locator(".status").inner_text
    first = says()
    page.get_by_role("button", name="Rotate left").click()
    page.get_by_role("button", name="Rotate up").click()
    wait_address(page, r"^#activation-space\?view=0\.93,-0\.11,0\.35,-0\.33,0\.17,0\.93$")
    turned = says()
    page.reload()
    assert says() == turned != first
    page.get_by_role("button", name="Spin").click()
    wait_address(page, r"^#activation-space$")
    for nonsense in ("1", "1,0,0,1,0,0", "0,0,0,0,0,0", "a,b,c,d,e,f", "1e999,0,0,0,0,1", "1,0,0,0,0,1,7"):
        page.goto("about:blank")
        page.goto(f"{server}/activation_space.html#activation-space?view={nonsense}")
        assert says() == first, nonsense
    page = visit("activation_space")  # with motion: whoever asks for a view gets it, and no turn
    page.goto("about:blank")
    page.goto(f"{server}/activation_space.html#activation-space?view=1,0,0,0,0,1")
    wait_until(page.locator(".status").inner_text, r"View from \(0\.0, 0\.0, 1\.0\)")


def test_parts_can_be_hidden_and_stay_hidden(visit, server):
    page = visit("playground", reduced_motion="reduce")
    page.goto("about:blank")
    page.goto(f"{server}/playground.html#playground?hide=presets,more,seed&S=0.5")
    assert not page.locator(".presets").is_visible()
    assert not page.locator(".more").is_visible()
    move(page, "Sparsity S", "End")
    wait_address(page, "^#playground\\?S=0.99&hide=presets,more,seed$")
    assert not page.locator(".more").is_visible()
    page.goto("about:blank")
    page.goto(f"{server}/all.html#squeeze?embed=1")
    box = page.locator(".app.embed").bounding_box()
    assert (box["x"], box["y"], box["width"]) == (0, 0, page.viewport_size["width"])


def test_presets_do_what_their_names_say(visit):
    page = visit("playground", reduced_motion="reduce")
    says = page.get_by_role("status").inner_text
    assert page.locator(".preset[aria-pressed=true]").count() == 0
    for name, end in [("always on", "2 of 5 features kept: 2 dedicated dimensions"), ("one in twenty", "5 of 5 .* pentagon"),
                      ("stuck", "(?!.*pentagon)"), ("hysteresis", "at S 0.8.* pentagon")]:  # fmt: skip
        page.get_by_role("button", name=name).click()
        wait_until(says, f"Step 3,000.*{end}" if end[0] != "(" else f"{end}Step 3,000")
        assert page.locator(".preset[aria-pressed=true]").all_inner_texts() == [name]
    wait_address(page, "^#playground\\?S=0.8&from=0.95$")
    move(page, "Sparsity S", "ArrowRight")  # without keeping weights: from new ones
    wait_address(page, "^#playground\\?S=0.85$")
    assert page.locator(".preset[aria-pressed=true]").count() == 0


def test_a_link_can_be_copied(visit, server):
    page = visit("playground", reduced_motion="reduce")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    move(page, "Sparsity S", "End")
    page.locator(".more > summary").click()
    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Copied.").first.wait_for()
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == f"{server}/playground.html#playground?S=0.99&more=1"
    )


def test_without_a_clipboard_the_text_is_shown(visit):
    page = visit("playground", reduced_motion="reduce")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.locator(".more > summary").click()
    page.get_by_role("button", name="Copy link").click()
    shown = page.get_by_label("Copied link")
    assert shown.input_value().endswith("#playground?more=1")
    assert shown.evaluate("(node) => node.selectionEnd") > 10


@pytest.mark.parametrize("sandbox", ["", 'sandbox="allow-scripts"'], ids=["frame", "sandbox"])
def test_where_the_address_is_not_the_readers_nothing_breaks(visit, folder, sandbox):
    """Frames without an address of their own, as in Colab and some editors."""
    inner = live.playground()._repr_html_().replace("&", "&amp;").replace('"', "&quot;")
    (folder / "frame.html").write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><link rel=icon href=data:,><title>t</title>'
        f'<iframe title="f" {sandbox} width="900" height="700" srcdoc="{inner}"></iframe>',
        encoding="utf-8",
    )
    page = visit("frame", reduced_motion="reduce")
    frame = page.frame_locator("iframe")
    slider = frame.get_by_label("Sparsity S")
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_timeout(500)
    assert slider.get_attribute("aria-valuetext").startswith("0.99")
    assert address(page) == ""
    assert frame.get_by_role("button", name="Copy link").count() == 0
    frame.get_by_role("button", name="one in twenty").click()
    assert slider.get_attribute("aria-valuetext").startswith("0.95")


def test_in_jupyterlab_the_address_stays_but_links_work(visit, page_of):
    page = visit(page_of("lab", live.playground()), reduced_motion="reduce")
    page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    move(page, "Sparsity S", "End")
    page.wait_for_timeout(500)
    assert address(page) == ""
    page.locator("#link").click()
    wait_until(lambda: settings(page)["Sparsity S"], "^0.95")


def test_the_form_is_read_as_it_is_written(compute):
    parsed = compute("(hash) => tms.parseAddress(hash)", "#squeeze?on=0,2;playground-2?S=0.9&seed=3")
    assert parsed == [["squeeze", "on=0,2"], ["playground-2", "S=0.9&seed=3"]]
    for section in (
        "#2.2-Train-one-yourself",
        "#Exercise-2.1:-do-it",
        "#2.1-Why-so?",
        "",
        "#cell-c5-1-figure?x=Y;Z",
    ):
        assert all(query == "" or not re.match("[0-9A-Z]", name) for name, query in compute("(hash) => tms.parseAddress(hash)", section))  # fmt: skip
    assert compute("() => tms.queryOf({S: '0.9', on: '0,2'}, {S: '0.8', on: '0'})") == "S=0.9&on=0,2"
