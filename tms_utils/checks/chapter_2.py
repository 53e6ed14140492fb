"""Checks of chapter 2: ReLU and superposition."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from tms_utils.checks.verdict import exercise, require
from tms_utils.geometry import dimensionality, feature_norms
from tms_utils.theory import polygon_one_sparse_loss, polygon_optimum

__all__ = [
    "check_bias_signs",
    "check_figure",
    "check_norm_given_bias",
    "check_polygon_limit",
    "check_shares",
]


@exercise("2.1")
def check_shares(dimension_shares) -> str:
    W = torch.randn(4, 3, 7, generator=torch.Generator().manual_seed(2))
    attempt = dimension_shares(W)
    require(isinstance(attempt, Tensor), f"Expected a tensor; got {type(attempt).__name__}.")
    require(
        attempt.shape == (4, 7),
        f"For W of shape (instances, hidden, features) = (4, 3, 7) expected (4, 7), one number a "
        f"feature; got {tuple(attempt.shape)}. Features are the last axis of W, hidden the one before.",
    )
    right = dimensionality(W)
    norms = feature_norms(W)
    overlaps = (W.mT @ W).square()
    others = overlaps.sum(-1) - norms**4
    wrong = {
        "You projected on W_i itself. Project on Ŵ_i, of length one: divide by |W_i| first.": norms**2
        / overlaps.sum(-1),
        "The sum over j must include j = i, or a feature alone would divide by zero.": norms**4 / others,
        "You forgot the square of the numerator |W_i|².": norms**3 / overlaps.sum(-1),
        "That is the superposition measure. D_i divides |W_i|² by it, with j = i included.": others
        / norms**2,
    }
    for message, value in wrong.items():
        require(not _close(attempt, value), message)
    require(
        _close(attempt, right),
        f"Not quite: on a random W yours runs from {attempt.min():.2f} to {attempt.max():.2f}, "
        f"D_i from {right.min():.2f} to {right.max():.2f}.",
    )
    W[:, :, 3] = 0
    absent = dimension_shares(W)[:, 3]
    require(
        not absent.isnan().any(),
        "A feature with W_i = 0 gives nan (0 / 0). It takes no dimension: return 0 for it.",
    )
    require((absent == 0).all(), "A feature with W_i = 0 takes no dimension: return 0 for it.")
    return "D_i adds up to at most m, so it really is a share of the hidden dimensions."


@exercise("2.2")
def check_bias_signs(prediction) -> str:
    roles = {"dropped", "pentagon", "triangle"}
    signs = {"negative", "zero", "positive"}
    require(
        isinstance(prediction, dict) and set(prediction) == roles,
        f"Expected a dictionary with the keys {', '.join(sorted(roles))}.",
    )
    if any(sign is None for sign in prediction.values()):
        raise NotImplementedError
    for role, sign in prediction.items():
        require(sign in signs, f"{role}: expected one of {', '.join(sorted(signs))}; got {sign!r}.")
    dropped, pentagon, triangle = (prediction[role] for role in ("dropped", "pentagon", "triangle"))
    require(
        dropped != "zero",
        "dropped: nothing arrives from W, so the output is ReLU(b). A bias of 0 answers 0 always; "
        "which constant has the smallest mean squared error?",
    )
    require(
        dropped == "positive",
        "dropped: a negative bias helps against interference, but a feature with W_i = 0 receives none. "
        "What constant should it answer?",
    )
    require(
        pentagon != "positive",
        "pentagon: E[x_i] is positive, but a represented feature need not guess. When a neighbour is on, "
        "this output hears |W_i|² cos 72° > 0 of it. What bias silences that?",
    )
    require(
        pentagon == "negative",
        "pentagon: with b = 0 the two neighbours, 72° away, are heard at full interference.",
    )
    require(
        triangle == "zero",
        "triangle: the others are 120° away, so their overlap is negative: the ReLU alone removes it. What "
        "is left for the bias to do when one feature is on?",
    )
    return "A bias is a guess for a dropped feature, a filter for a crowded one, and idle otherwise."


@exercise("2.3")
def check_figure(draw_norms) -> str:
    norms = torch.tensor([1.2, 1.1, 0.9, 0.6, 0.1])
    shared = torch.tensor([0.0, 0.2, 0.9, 1.5, 2.0])
    figure = draw_norms(norms.numpy(), shared.numpy())
    require(isinstance(figure, Figure), f"Expected the figure back; got {type(figure).__name__}.")
    plt.close(figure)
    bars, key = _bars_and_key(figure)
    require(bars is not None, "Expected five horizontal bars, one a feature; found none.")
    require(key is not None, "The colour key is gone. It must stay, the right way up.")
    upside_down = key.yaxis_inverted()
    top = _feature_on_top(bars)
    if upside_down and top != 0:
        require(
            False,
            "The least important feature is on top, and the key runs from large at the bottom to small at "
            "the top. The line meant to turn the bars has turned something else: which Axes is current?",
        )
    require(not upside_down, "The bars are right, but the colour key is still upside down.")
    require(top == 0, "The key is right, but feature 0, the most important, is not on top.")
    widths = sorted((p.get_width() for p in bars.patches), reverse=True)
    require(
        _close(torch.tensor(widths), norms),
        "The lengths of the bars are no longer the norms.",
    )
    return "The current Axes is whichever was made last. Name the Axes you mean: ax.invert_yaxis()."


@exercise("2.4")
def check_polygon_limit(most_features) -> str:
    require(
        isinstance(most_features, int) and most_features >= 2,
        f"Expected a whole number of features; got {most_features!r}.",
    )
    require(
        most_features != 4,
        "Four cost nothing at all, but a fifth costs less than dropping it: 5 × 0.0158 < 1/3.",
    )
    require(
        most_features != 5,
        "The pentagon is what training finds most often, not what is best: compare 6 ℓ(6) with 5 ℓ(5) + 1/3.",
    )
    require(
        most_features != 10,
        "Compare totals, k ℓ(k), with (k - 1) ℓ(k - 1) + 1/3; not ℓ(k) itself with 1/3 or 1/6.",
    )
    best = max(k for k in range(5, 10) if _worth_keeping(k))
    require(
        most_features >= best,
        f"One more pays: {most_features + 1} features in a polygon cost less than {most_features} and one dropped.",
    )
    require(
        most_features <= best,
        f"Too many: a polygon of {most_features} costs more than one of {most_features - 1} and a dropped feature.",
    )
    return (
        "In the limit a heptagon is the largest regular polygon that pays. Training most often stops at "
        "five: the best arrangement and the one that is found are two questions."
    )


@exercise("2.5")
def check_norm_given_bias(norm_given_bias) -> str:
    for b in (-0.1, -0.2823, -0.5):
        attempt = float(norm_given_bias(b))
        require(math.isfinite(attempt), f"For b = {b} yours gives {attempt}.")
        best = _best_norm(b)
        formulas = {
            "That is 1 / (1 - b): below 1 for a negative bias, so the output would fall short twice.": 1
            / (1 - b),
            "That is 1 / (1 + b), the other sign: the output overshoots, and so does the interference.": 1
            / (1 + b),
            "That makes |W|² + b = 1, exact for x = 1 only. Smaller x matter, too: minimise the mean.": (
                1 - b
            )
            ** 0.5,
            "That fits the feature's own output alone. A longer W also makes more interference: "
            "minimise the whole loss.": (1 - 1.5 * b) ** 0.5,
            "That looks like |W|². The question is about |W|.": best**2,
        }
        for message, value in formulas.items():
            require(abs(attempt - value) > 2e-3 or abs(best - value) < 4e-3, message)
        require(
            abs(attempt - best) < 5e-3,
            f"For b = {b} the best norm is {best:.3f}; yours is {attempt:.3f}. Is your grid fine enough, and "
            "does it reach from 1 to 1.5?",
        )
    return "At the best bias this gives 1.170, where 1 / (1 - b) gives 0.780 and 1 / (1 + b) gives 1.393."


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a.float(), b.float(), rtol=1e-3, atol=1e-4)


def _bars_and_key(figure: Figure) -> tuple[Axes | None, Axes | None]:
    """The Axes with the bars, and the Axes of the colour bar."""
    keys = [ax for ax in figure.axes if hasattr(ax, "_colorbar")]
    bars = [ax for ax in figure.axes if ax not in keys and len(ax.patches) == 5]
    return (bars or [None])[0], (keys or [None])[0]


def _feature_on_top(bars: Axes) -> int:
    """Which feature's bar is drawn highest: told by its length, as the test's norms all differ."""
    lengths = [patch.get_width() for patch in bars.patches]
    middles = [(0, patch.get_y() + patch.get_height() / 2) for patch in bars.patches]
    highest = bars.transData.transform(middles)[:, 1].argmax()
    return sorted(lengths, reverse=True).index(lengths[highest])


def _worth_keeping(k: int) -> bool:
    """Whether k features in a polygon cost less than k - 1 in one and a dropped feature, at 1/3."""
    return k * polygon_optimum(k).loss < (k - 1) * polygon_optimum(k - 1).loss + 1 / 3


def _best_norm(b: float) -> float:
    """By ternary search: the loss falls and then rises with the norm."""
    low, high = 0.9, 1.6
    while high - low > 1e-4:
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if polygon_one_sparse_loss(5, left, b) < polygon_one_sparse_loss(5, right, b):
            high = right
        else:
            low = left
    return (low + high) / 2
