"""The sweep of chapter 3 in a browser: what it counts, and what its models keep."""

import re

import chapter
import pytest
import torch
from browsing import wait_until

from tms_utils import feature_norms
from tms_utils.geometry import dimensionality
from tms_utils.live.sweep import DENSITIES, KEPT

DONE = "step 1,000 of 1,000"


def test_the_still_picture_shows_what_the_chapter_measures():
    (three,) = (one for one in chapter.all_chapters() if one.number == 3)
    shown = "\n".join(chapter.shown(cell) for cell in three.code)
    table = re.search(r"(?m)^density  features kept.*\n((?:[\d.]+ +\d+ to \d+ .*\n?)+)", shown)[1]
    rows = [re.match(r"([\d.]+) +(\d+) to (\d+)", line).groups() for line in table.splitlines()]
    assert [(float(p), (int(low), int(high))) for p, low, high in rows] == list(
        zip(DENSITIES, KEPT, strict=True)
    )


def test_what_is_counted_is_the_packages(compute):
    W = torch.randn(5, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    W *= torch.linspace(0.05, 0.5, 20)
    counts = compute("(W) => tms.countsOf({n: 20, m: 5, W: Float64Array.from(W)})", W.T.flatten().tolist())
    assert counts["kept"] == int((feature_norms(W) > 0.5).sum()) not in (0, 20)
    assert counts["shares"] == pytest.approx(dimensionality(W).sum().item())


def test_dense_models_keep_the_first_five_and_sparse_ones_more(visit):
    page = visit("sweep", reduced_motion="reduce")
    says = page.locator(".status").inner_text
    page.get_by_role("button", name="always on").click()
    assert ": 5 of 20 features kept; their shares of a dimension add up to 5.0" in wait_until(says, DONE)
    over = page.locator(".plane rect[fill='var(--accent)']")
    assert over.evaluate_all("(bars) => bars.map((bar) => +bar.getAttribute('y'))") == [7, 18, 29, 40, 51]
    page.get_by_label("Density p").focus()
    page.keyboard.press("End")
    wait_until(says, f"Density 0.001.*{DONE}: 1[0-7] of 20 features kept")


def test_series_leave_a_dot_for_each_run_and_can_be_stopped(visit):
    page = visit("sweep", reduced_motion="reduce")
    says, dots = page.locator(".status").inner_text, page.locator(".columns > .stack circle")
    page.get_by_role("button", name="All densities").click()
    wait_until(says, f"Density 0.001.*{DONE}")
    assert dots.count() == 7
    assert len(set(dots.evaluate_all("(dots) => dots.map((dot) => dot.getAttribute('cy'))"))) > 3
    page.get_by_role("button", name="Eight seeds").click()
    page.get_by_role("button", name="Pause").click()
    assert 7 <= dots.count() < 15
    page.get_by_role("button", name="Eight seeds").click()
    # Eight more, from the seed in sight.
    wait_until(lambda: f"{dots.count()} dots", r"^(1[5-9]|[2-9]\d) dots$")
