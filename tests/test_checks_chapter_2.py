"""Chapter 2's checks: untouched stubs, right answers, and plausible wrong ones with messages of their own."""

import matplotlib.pyplot as plt
import pytest
import torch
from checking import messages, stub

from tms_utils.checks import (
    check_bias_signs,
    check_figure,
    check_norm_given_bias,
    check_polygon_limit,
    check_shares,
)
from tms_utils.theory import polygon_one_sparse_loss


@pytest.mark.parametrize(
    ("check", "attempt"),
    [
        (check_shares, stub),
        (check_bias_signs, {"dropped": None, "pentagon": None, "triangle": None}),
        (check_figure, stub),
        (check_polygon_limit, None),
        (check_norm_given_bias, stub),
    ],
)
def test_untouched_stubs_are_not_attempted(check, attempt):
    assert check(attempt).status == "not attempted"


# 2.1 ----------------------------------------------------------------------------------------


def shares(W):
    overlaps = W.mT @ W
    squared = overlaps.diagonal(dim1=-2, dim2=-1)
    return (squared**2 / overlaps.square().sum(-1)).nan_to_num(0.0)


def shares_by_hand(W):
    """Another right way: unit vectors first."""
    norms = W.norm(dim=-2)
    unit = torch.where(norms[..., None, :] > 0, W / norms[..., None, :], 0.0)
    heard = (unit.mT @ W).square().sum(-1)
    return torch.where(norms > 0, norms**2 / heard, 0.0)


def test_shares():
    assert check_shares(shares).status == "passed"
    assert check_shares(shares_by_hand).status == "passed"


def test_wrong_shares():
    def without_hat(W):
        overlaps = W.mT @ W
        return overlaps.diagonal(dim1=-2, dim2=-1) / overlaps.square().sum(-1)

    def without_itself(W):
        overlaps = W.mT @ W
        squared = overlaps.diagonal(dim1=-2, dim2=-1)
        return squared**2 / (overlaps.square().sum(-1) - squared**2)

    def superposition(W):
        overlaps = W.mT @ W
        squared = overlaps.diagonal(dim1=-2, dim2=-1)
        return (overlaps.square().sum(-1) - squared**2) / squared

    def of_hidden(W):
        return shares(W.mT)

    def with_nan(W):
        overlaps = W.mT @ W
        return overlaps.diagonal(dim1=-2, dim2=-1) ** 2 / overlaps.square().sum(-1)

    found = messages(check_shares, [without_hat, without_itself, superposition, of_hidden, with_nan])
    for text, part in zip(found, ["Ŵ_i", "j = i", "superposition measure", "last axis", "nan"], strict=True):
        assert part in text


# 2.2 ----------------------------------------------------------------------------------------


def test_bias_signs():
    right = {"dropped": "positive", "pentagon": "negative", "triangle": "zero"}
    assert check_bias_signs(right).status == "passed"
    wrong = [
        right | {"dropped": "zero"},
        right | {"dropped": "negative"},
        right | {"pentagon": "positive"},
        right | {"pentagon": "zero"},
        right | {"triangle": "negative"},
        right | {"triangle": "minus"},
        {"dropped": "positive"},
    ]
    messages(check_bias_signs, wrong)
    assert check_bias_signs(right | {"triangle": None}).status == "not attempted"


# 2.3 ----------------------------------------------------------------------------------------


def drawing(turn, *, key=True, order=1, widths=1.0):
    """A figure function of which everything about the axes can be got wrong."""

    def draw(norms, shared):
        fig, (ax, key_ax) = plt.subplots(1, 2)
        ax.barh(range(len(norms))[::order], norms * widths)
        if key:
            fig.colorbar(plt.cm.ScalarMappable(plt.Normalize(0, 2), "viridis"), cax=key_ax)
        turn(ax, key_ax)
        return fig

    return draw


def test_figure():
    before = plt.get_fignums()
    assert check_figure(drawing(lambda ax, key: ax.invert_yaxis())).status == "passed"
    assert check_figure(drawing(lambda ax, key: ax.set_ylim(5, -1))).status == "passed"
    assert check_figure(drawing(lambda ax, key: None, order=-1)).status == "passed"
    assert plt.get_fignums() == before, "the check leaves figures open, which a notebook would show"


def test_wrong_figures():
    def both(ax, key):
        ax.invert_yaxis()
        key.invert_yaxis()

    wrong = [
        drawing(lambda ax, key: key.invert_yaxis()),
        drawing(lambda ax, key: None),
        drawing(both),
        drawing(lambda ax, key: ax.invert_yaxis(), key=False),
        drawing(lambda ax, key: ax.invert_yaxis(), widths=2.0),
        lambda norms, shared: None,
    ]
    messages(check_figure, wrong)
    plt.close("all")


# 2.4 ----------------------------------------------------------------------------------------


def test_polygon_limit():
    assert check_polygon_limit(7).status == "passed"
    messages(check_polygon_limit, [4, 5, 6, 8, 10, 7.5])


# 2.5 ----------------------------------------------------------------------------------------


def best_norm(b):
    grid = torch.linspace(1.0, 1.5, 501).tolist()
    return min(grid, key=lambda norm: polygon_one_sparse_loss(5, norm, b).item())


def test_norm_given_bias():
    assert check_norm_given_bias(best_norm).status == "passed"


def test_wrong_norms():
    wrong = [
        lambda b: 1 / (1 - b),
        lambda b: 1 / (1 + b),
        lambda b: (1 - b) ** 0.5,
        lambda b: (1 - 1.5 * b) ** 0.5,
        lambda b: best_norm(b) ** 2,
        lambda b: 1.0,
        lambda b: float("nan"),
    ]
    messages(check_norm_given_bias, wrong)
