"""What a reader does to the playground by hand: take an arrow, point at one, go back in time, compare, copy the run."""

import math
import re

import pytest
import torch
from browsing import wait_until

from tms_utils import live

LOSS = re.compile(r"Loss (\S+?)\.( |$)")


def says(page) -> str:
    return page.locator(".status").first.inner_text()


def loss_of(page) -> float:
    return float(LOSS.search(says(page))[1].replace("−", "-"))


def tip(page, i: int):
    return page.get_by_role("slider", name=f"Arrow of feature {i}")


def length(page, i: int) -> float:
    return float(tip(page, i).get_attribute("aria-valuenow"))


def angle(page, i: int) -> float:
    return float(re.search(r"at (−?\d+)°", tip(page, i).get_attribute("aria-valuetext"))[1].replace("−", "-"))


@pytest.fixture
def trained(visit):
    """The playground, trained to the end, with everything unfolded."""

    def open_page(**options):
        page = visit(
            "playground", viewport={"width": 1100, "height": 1400}, reduced_motion="reduce", **options
        )
        page.locator(".more > summary").click()
        page.get_by_role("button", name="one in twenty").click()
        wait_until(lambda: says(page), "Step 3,000")
        return page

    return open_page


def test_an_arrow_is_dragged_and_training_goes_on_from_there(trained):
    page = trained()
    box = page.locator("#plane").bounding_box()
    before, ended = tip(page, 2).get_attribute("aria-valuetext"), loss_of(page)
    at = tip(page, 2).locator("circle").bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.55 * box["width"], box["y"] + 0.5 * box["height"], steps=4)
    held = says(page)
    assert re.match(r"Arrow 2: length 0\.\d\d at .*dimensionality D 0\.\d\d\. Loss ", held)
    while_held = loss_of(page)
    assert while_held > 1.2 * ended
    assert tip(page, 2).get_attribute("aria-valuetext") != before
    page.mouse.up()
    wait_until(lambda: says(page), r"Step 3,000")
    assert loss_of(page) < while_held
    assert page.locator("svg text", has_text="moved").count() == 1


def test_an_arrow_follows_a_finger(trained):
    page = trained(has_touch=True)
    at = tip(page, 0).locator("circle").bounding_box()
    centre = page.locator("#plane").bounding_box()
    send = page.context.new_cdp_session(page).send

    def touch(kind, *points):
        send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    touch("touchStart", (at["x"] + at["width"] / 2, at["y"] + at["height"] / 2))
    scrolled = page.evaluate("scrollY")
    for part in (0.45, 0.5, 0.55):
        touch("touchMove", (centre["x"] + part * centre["width"], centre["y"] + part * centre["height"]))
    assert page.evaluate("scrollY") == scrolled, "the page does not scroll under the finger"
    assert length(page, 0) < 0.4
    touch("touchEnd")
    wait_until(lambda: says(page), "Step 3,000")


def test_an_arrow_is_moved_with_the_keyboard(trained):
    page = trained()
    arrow = tip(page, 1)
    arrow.focus()
    was, turned = length(page, 1), angle(page, 1)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert (angle(page, 1) - turned) % 360 == pytest.approx(10, abs=1.1)
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    assert length(page, 1) == pytest.approx(was - 0.2, abs=0.011)
    assert "Arrow 1" in says(page)
    page.keyboard.press("Escape")  # puts it back
    assert (length(page, 1), angle(page, 1)) == (was, turned)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")  # lets it go
    wait_until(lambda: says(page), r"Step 3,000")
    assert arrow.evaluate("(node) => node.getRootNode().activeElement === node"), "the focus stays"
    # A feature at the origin can be pulled out.
    for _ in range(60):
        page.keyboard.press("ArrowDown")
    assert length(page, 1) == 0
    page.keyboard.press("ArrowUp")
    assert length(page, 1) == 0.05


def test_pointing_at_an_arrow_lights_its_bar_row_and_bias(trained):
    page = trained()
    assert page.locator(".lit").count() == 0
    tip(page, 3).hover()
    lit = page.locator(".lit")
    assert lit.count() == 1 + 5 + 1, "its bar, its row of W^T W, its bias"
    page.mouse.move(1, 1)
    assert lit.count() == 0
    tip(page, 4).focus()
    assert lit.count() == 7
    assert lit.first.locator("text").all_text_contents()[0] == "4"


def test_time_can_be_turned_back(trained):
    page = trained()
    time = page.get_by_label("Time", exact=True)
    ended = loss_of(page)
    time.focus()
    page.keyboard.press("Home")
    assert time.get_attribute("aria-valuetext") == "step 0"
    assert says(page).startswith("Step 0 of 3,000")
    start = [length(page, i) for i in range(5)]
    assert loss_of(page) > 2 * ended
    assert max(start) < 1.2
    page.keyboard.press("ArrowRight")
    assert re.match(r"Step [1-9]", says(page))
    page.keyboard.press("End")
    assert loss_of(page) == ended
    assert [length(page, i) for i in range(5)] != start


def test_the_moments_kept_are_bounded(compute):
    kept = compute(
        """() => { const session = tms.trainingSession();
        const setting = {n: 2, relu: true, importance: new Float64Array(2).fill(1), seed: 0};
        session.fresh(setting, [0.99]);
        for (let k = 0; k < 7; k++) {
            while (session.advance(5));
            session.goOn(setting, 0.99);
        }
        const {points} = session.phases[1];
        return [session.phases.length, Math.max(...session.phases.map(({points}) => points.length)), points[0].step, points.at(-1).step]; }"""
    )
    assert kept[0] == 6
    assert 100 < kept[1] <= 300
    assert kept[2:] == [0, 3000]


def test_two_runs_can_be_compared(trained):
    page = trained()
    assert page.locator(".ghost").count() == 0
    page.get_by_label("Compare with the last run").check()
    page.get_by_role("button", name="always on").click()
    wait_until(lambda: says(page), "Step 3,000.*2 dedicated")
    assert page.locator("#plane line.ghost").count() == 5
    assert page.locator("polyline.ghost").count() == 1


def test_fast_can_be_watched(visit):
    """3,000 steps take two seconds or more, however quick the machine is."""
    page = visit("playground")
    page.locator(".more > summary").click()
    page.get_by_label("Fast").check(force=True)
    begin = page.evaluate(
        "() => { document.querySelector('[class^=tms-live]').shadowRoot.querySelector('.preset').click(); return performance.now(); }"
    )
    wait_until(lambda: says(page), "Step 3,000")
    assert page.evaluate("performance.now()") - begin > 1500


def copied(page) -> str:
    page.get_by_role("button", name="Copy as Python").click()
    return page.get_by_label("Copied as Python").input_value()


def test_the_playgrounds_run_is_copied_as_python(trained, capsys):
    page = trained()
    code = copied(page)
    found: dict = {}
    exec(code.replace("steps=3000", "steps=3000, progress=False"), found)
    said = capsys.readouterr().out
    assert "pentagon" in said
    loss = float(re.search(r"loss (\S+)", said)[1])
    assert loss == pytest.approx(loss_of(page), rel=0.5), "its last batch is a small sample"
    assert found["features"].density.flatten().tolist() == pytest.approx([0.05] * 5)
    assert found["importance"].tolist() == pytest.approx([0.9**i for i in range(5)])
    # It begins where the page's run began.
    page.get_by_label("Time", exact=True).focus()
    page.keyboard.press("Home")
    for i in range(5):
        x, y = found["W"][:, i].tolist()
        assert math.hypot(x, y) == pytest.approx(length(page, i), abs=0.006)
        if math.hypot(x, y) > 0.1:
            assert abs((math.degrees(math.atan2(y, x)) - angle(page, i) + 180) % 360 - 180) < 1.5


def test_copied_python_knows_hysteresis_linear_models_and_pairs(visit, folder):
    page = visit("playground", reduced_motion="reduce")
    page.locator(".more > summary").click()
    page.get_by_role("button", name="hysteresis").click()
    wait_until(lambda: says(page), "Step 3,000 of 3,000 at S 0.8")
    assert "for density in [0.05, 0.2]:" in copied(page)
    page.get_by_label("Linear").check(force=True)
    assert "relu=False" in copied(page)
    body = live.playground(features=4, together=0.5)._repr_html_()
    (folder / "pairs.html").write_text(f"<!doctype html><meta charset=utf-8><link rel=icon href=data:,>{body}", encoding="utf-8")  # fmt: skip
    page = visit("pairs", reduced_motion="reduce")
    page.locator(".more > summary").click()
    found: dict = {}
    exec(copied(page).replace("steps=3000", "steps=2, progress=False"), found)
    assert found["features"].together.flatten().tolist() == pytest.approx([0.5] * 4)


@pytest.mark.parametrize(
    "name", [name for name in live.__all__ if name not in ("playground", "memory", "read_out")]
)
def test_other_figures_are_copied_as_python(visit, monkeypatch, capsys, name):
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: None)
    page = visit(name, reduced_motion="reduce")
    page.locator(".more > summary").click()
    found: dict = {}
    exec(re.sub(r"steps=(\d\d)\d\d", r"steps=\1, progress=False", copied(page)), found)
    out = capsys.readouterr().out
    if name == "many_seeds":
        assert found["features"].density.flatten().tolist() == pytest.approx([0.1] * 5)
        assert found["model"].n_instances == 24
    if name == "phase_diagram":
        shown = page.get_by_role("status").inner_text()
        assert f"At p {found['p']:.2g}, r {found['r']:.2g}" in shown
        best = re.search(r"W = \((\S+), (\S+)\)", shown)
        assert found["found"].w.tolist() == pytest.approx([float(v.replace("−", "-")) for v in best.groups()], abs=0.006)  # fmt: skip
    if name == "squeeze":
        assert "h [1.17" in out
        assert float(re.search(r"read back \[([\d.]+)", out)[1]) == pytest.approx(1.09, abs=0.005)
    if name == "staircase":
        shown = [
            int(step.replace(",", ""))
            for step in re.findall(r"\d at ([\d,]+)", page.get_by_role("status").inner_text())
        ]
        assert len(shown) == 4
        assert "half learned at steps" in out
    if name == "sweep":
        assert found["features"].density.flatten().tolist() == pytest.approx([0.1] * 20)
        assert "features kept: " in out
    if name == "activation_space":
        assert torch.equal(found["W"], torch.tensor(live.activation_space().config["W"]))
        assert found["h"].shape == (3000, 3)
