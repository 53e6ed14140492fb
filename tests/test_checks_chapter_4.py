"""Chapter 4's checks: an untouched stub, right answers, and wrong ones with a message each."""

import pytest
import torch
from checking import expect_failures, stub

from tms_utils.checks import (
    check_average_prediction,
    check_boundary,
    check_hysteresis,
    check_sample_pairs,
)
from tms_utils.theory import two_feature_minimum, two_feature_optimum


@pytest.mark.parametrize(
    ("check", "untouched"),
    [
        (check_boundary, stub),
        (check_average_prediction, None),
        (check_sample_pairs, stub),
        (check_hysteresis, stub),
    ],
)
def test_untouched_stubs_are_not_attempted(check, untouched):
    assert check(untouched).status == "not attempted"


# 4.1


def test_boundary():
    assert check_boundary(lambda r: 4 * min(r, 1 / r) / (2 + 5 * min(r, 1 / r))).status == "passed"
    expect_failures(
        check_boundary,
        [
            (lambda r: 4 * r / (2 + 5 * r), "Right up to r = 1"),
            (lambda r: 4 / (5 + 2 * r), "ignore first"),
            (lambda r: 2 * min(r, 1 / r) / (1 + min(r, 1 / r)), "variance"),
            (lambda r: 4 * r / (4 + 7 * r), "1/6, not 1/3"),
            (lambda r: 4 * r / (2 + 3 * r), "only once"),
            (lambda r: 0.5, "expected 0.16"),
            (lambda r: -1.0, "lies in (0, 1]"),
        ],
    )


# 4.2


def test_average_prediction():
    assert check_average_prediction("c").status == "passed"
    expect_failures(
        check_average_prediction,
        [("A", "same model"), ("B", "Too large"), ("D", "five against five"), ("0.3", "one of the letters")],
    )


def test_the_stated_mean_is_right():
    signs = 2 * torch.arange(11) - 10
    ways = torch.tensor([1, 10, 45, 120, 210, 252, 210, 120, 45, 10, 1])
    assert ((signs.abs() * ways).sum() / 1024 / 10).item() == pytest.approx(0.246, abs=5e-4)


# 4.3


def by_masks(values_shape, mask_shape):
    def sample(batch, density, generator):
        k = len(density)
        shapes = {"k": k, "b": batch, "2": 2, "1": 1}
        values = torch.rand([shapes[s] for s in values_shape], generator=generator)
        on = torch.rand([shapes[s] for s in mask_shape], generator=generator) < density[:, None, None]
        return values * on

    return sample


def faulty_sampler(batch, density, generator):
    values = torch.rand(batch, len(density), 2, 1, generator=generator)
    on = torch.rand(len(density), 1, 2, generator=generator) < density[:, None, None]
    return (values * on)[..., 0].movedim(0, 1)


def column_repair(batch, density, generator):
    values = torch.rand(batch, len(density), 2, 1, generator=generator)
    on = torch.rand(batch, len(density), 2, 1, generator=generator) < density[:, None, None]
    return (values * on)[..., 0].movedim(0, 1)


def one_draw_repair(batch, density, generator):
    u, p = torch.rand(len(density), batch, 2, generator=generator), density[:, None, None]
    return ((u - (1 - p)) / p).clamp(min=0)


@pytest.mark.parametrize("repair", [by_masks("kb2", "kb2"), column_repair, one_draw_repair])
def test_any_right_repair_passes(repair):
    assert check_sample_pairs(repair).status == "passed"


def test_sample_pairs():
    right = by_masks("kb2", "kb2")
    expect_failures(
        check_sample_pairs,
        [
            (faulty_sampler, "P(both on) = P(one on)"),
            (by_masks("kb2", "kb1"), "share their mask"),
            (by_masks("kb1", "kb2"), "*values* of a row"),
            (lambda b, d, g: right(b, 1 - d + 1e-3, g), "Is the density"),
            (lambda b, d, g: right(b, d, g).movedim(0, 1), "Expected x of shape"),
            (lambda b, d, g: right(b, d, None), "does not use `generator`"),
            (lambda b, d, g: 0.5 * right(b, d, g), "fill [0, 1)"),
        ],
    )


# 4.4


def hysteresis(r, densities, keep=True, steps=12):
    def sweep(w2, ps):
        w, b = torch.tensor([1.0, w2]).double(), torch.tensor([0.02, 0.2]).double()
        path = []
        for p in ps:
            w = w + torch.tensor([0, -0.01]).double()
            found = two_feature_minimum(w, b, p, r, steps=steps)
            w, b = (found.w, found.b) if keep else (w, b)
            path.append(found.w[1].abs().item())
        return path

    down, up = densities, densities.flip(0)
    first = next(i for i, v in enumerate(sweep(-0.01, down)) if v > 0.5)
    last = next(i for i, v in enumerate(sweep(-1.0, up)) if v < 0.5)
    return down[first].item(), up[last].item()


def by_optimum(r, densities):
    pair = two_feature_optimum(densities, r).w.abs().amin(-1) > 0.58
    jump = densities[pair][0].item()
    return jump, jump + 0.01


def test_hysteresis():
    right = hysteresis(0.3, torch.arange(0.46, 0.21, -0.02, dtype=torch.float64))
    assert check_hysteresis(lambda *_: right).status == "passed", right
    expect_failures(
        check_hysteresis,
        [
            (by_optimum, "You found the *optimum*"),
            (lambda *_: right[::-1], "swapped?"),
            (lambda *_: (None, 0.38), "stuck on the ridge"),
            (lambda *_: (0.33, 0.38), 'leave "ignore extra"'),
            (lambda *_: (0.28, 0.45), "lose the pair"),
        ],
    )
