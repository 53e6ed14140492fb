"""Exercises of chapter 2, "ReLU and superposition"."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tms_utils.checks.chapter_02_figure import check_figure
from tms_utils.checks.exercise import Slip, as_number, as_tensor, exercise, number, require
from tms_utils.geometry import dimensionality
from tms_utils.theory import polygon_one_sparse_loss

__all__ = [
    "check_bias_signs",
    "check_figure",
    "check_norm_given_bias",
    "check_polygon_limit",
    "check_shares",
]

# 2.1 ----------------------------------------------------------------------------------------


def _shares(share: Callable) -> Callable:
    """D_i made of ``share(squared norm, sum over j of (W_i · W_j)²)``."""

    def dimension_shares(W: Tensor) -> Tensor:
        squared = W.square().sum(-2)
        return share(squared, (W.mT @ W).square().sum(-1))

    return dimension_shares


_NAN = Slip(
    _shares(lambda squared, heard: squared**2 / heard),
    "A feature with W_i = 0 gives nan (0 / 0). It takes no dimension: return 0 for it.",
)
_ABSENT = Slip(
    _shares(lambda squared, heard: (squared**2 / heard).nan_to_num(1.0)),
    "A feature with W_i = 0 takes no dimension: return 0 for it, not {value:.2f}.",
)
_OF_HIDDEN = Slip(
    lambda W: dimensionality(W.mT),
    "For W of shape (instances, hidden, features) = {shape} you return {got}; one number a feature is expected. "
    "Features are the last axis of W, hidden the one before.",
)


@exercise(
    "2.1",
    right=dimensionality,
    slips=[
        Slip(
            _shares(lambda squared, heard: squared / heard),
            "You projected on W_i itself. Project on Ŵ_i, of length one: divide by |W_i| first.",
        ),
        Slip(
            _shares(lambda squared, heard: squared**2 / (heard - squared**2)),
            "The sum over j must include j = i, or a feature alone would divide by zero.",
        ),
        Slip(
            _shares(lambda squared, heard: squared**1.5 / heard),
            "You forgot the square of the numerator |W_i|².",
        ),
        Slip(
            _shares(lambda squared, heard: heard / squared - squared),
            "That is the superposition measure. D_i divides |W_i|² by it, with j = i included.",
        ),
        Slip(
            lambda W: W.square().sum(-2) / (W.mT @ (W / W.norm(dim=-2, keepdim=True))).square().sum(-1),
            "The hat is on the wrong vector: hear every W_j along Ŵ_i, as i is the feature whose share you want.",
        ),
        _OF_HIDDEN,
        _NAN,
        _ABSENT,
    ],
)
def check_shares(dimension_shares: Callable) -> str:
    """``dimension_shares(W)`` on a random W of several instances, on one alone, and with a feature that is absent."""
    several = torch.randn(4, 3, 7, generator=torch.Generator().manual_seed(2))
    for W in (several, several[0]):
        shape = tuple(W.shape)

        def look(shares: Callable, W: Tensor = W) -> Tensor:
            return as_tensor(shares(W.clone()), what="your shares")

        shares, is_right = check_shares.compare(dimension_shares, look)
        got, wanted = tuple(shares.shape), look(dimensionality)
        require(got != W.mT.shape[:-2] + W.shape[-2:-1], _OF_HIDDEN, shape=shape, got=got)
        require(
            got == tuple(wanted.shape), f"For W of shape {shape} expected {tuple(wanted.shape)}; got {got}."
        )
        require(
            is_right,
            f"Not quite: on a random W yours runs from {shares.min():.2f} to {shares.max():.2f}, D_i from "
            f"{wanted.min():.2f} to {wanted.max():.2f}.",
        )
    several[:, :, 3] = 0
    absent = as_tensor(dimension_shares(several), (4, 7), "your shares")[:, 3]
    require(not absent.isnan().any(), _NAN)
    require(not absent.any(), _ABSENT, value=absent.abs().max())
    return "D_i adds up to at most m, so it really is a share of the hidden dimensions."


# 2.2 ----------------------------------------------------------------------------------------

_SIGNS = {"dropped": "positive", "pentagon": "negative", "triangle": "zero"}
_WRONG_SIGNS = {
    ("dropped", "zero"): Slip(
        _SIGNS | {"dropped": "zero"},
        "dropped: nothing arrives from W, so the output is ReLU(b). A bias of 0 answers 0 always; which constant has "
        "the smallest mean squared error?",
    ),
    ("dropped", "negative"): Slip(
        _SIGNS | {"dropped": "negative"},
        "dropped: a negative bias helps against interference, but a feature with W_i = 0 receives none. What constant "
        "should it answer?",
    ),
    ("pentagon", "positive"): Slip(
        _SIGNS | {"pentagon": "positive"},
        "pentagon: E[x_i] is positive, but a represented feature need not guess. When a neighbour is on, this output "
        "hears |W_i|² cos 72° > 0 of it. What bias silences that?",
    ),
    ("pentagon", "zero"): Slip(
        _SIGNS | {"pentagon": "zero"},
        "pentagon: with b = 0 the two neighbours, 72° away, are heard at full interference.",
    ),
    ("triangle", "negative"): Slip(
        _SIGNS | {"triangle": "negative"},
        "triangle: the others are 120° away, so their overlap is negative: the ReLU alone removes it. What is left for "
        "the bias to do when one feature is on?",
    ),
    ("triangle", "positive"): Slip(
        _SIGNS | {"triangle": "positive"},
        "triangle: a positive bias makes the output of a feature that is off positive when nothing is on. Which bias "
        "lets a feature that is on through as it is?",
    ),
}


@exercise("2.2", right=_SIGNS, slips=list(_WRONG_SIGNS.values()), choices=["negative", "zero", "positive"])
def check_bias_signs(prediction: Any) -> str:
    """A sign for each kind of feature, in a dictionary."""
    require(
        isinstance(prediction, dict) and set(prediction) == set(_SIGNS),
        f"Expected a dictionary with the keys {', '.join(_SIGNS)}.",
    )
    for role, right in _SIGNS.items():
        sign = str(prediction[role]).strip().casefold()
        require(
            sign in _SIGNS.values(),
            f"{role}: expected negative, zero or positive; got {prediction[role]!r:.60}.",
        )
        require(sign == right, _WRONG_SIGNS.get((role, sign), ""))
    return "A bias is a guess for a dropped feature, a filter for a crowded one, and idle otherwise."


# 2.4 ----------------------------------------------------------------------------------------

check_polygon_limit = number(
    "2.4",
    right=7,
    slips={
        4: "Four cost nothing at all, but a fifth costs less than dropping it: 5 × 0.0158 < 1/3.",
        5: "The pentagon is what training finds most often, not what is best: compare 6 ℓ(6) with 5 ℓ(5) + 1/3.",
        6: "One more pays: seven features in a heptagon cost less than six in a hexagon and one dropped.",
        8: "Too many: eight in an octagon cost more than seven in a heptagon and one dropped.",
        10: "Compare totals, k ℓ(k), with (k - 1) ℓ(k - 1) + 1/3; not ℓ(k) itself with 1/3 or 1/6.",
    },
    otherwise="Not {value:g}. A whole number k is wanted: the largest for which k ℓ(k) < (k - 1) ℓ(k - 1) + 1/3.",
    praise="In the limit a heptagon is the largest regular polygon that pays. Training most often stops at five: the "
    "best arrangement and the one that is found are two questions.",
)

# 2.5 ----------------------------------------------------------------------------------------


@functools.cache
def _best_norm(b: float) -> float:
    """By ternary search: the one-feature loss of a pentagon with bias b falls and then rises with the norm."""
    low, high = 0.9, 1.6
    while high - low > 1e-3:
        left, right = low + (high - low) / 3, high - (high - low) / 3
        if polygon_one_sparse_loss(5, left, b) < polygon_one_sparse_loss(5, right, b):
            high = right
        else:
            low = left
    return (low + high) / 2


@exercise(
    "2.5",
    right=_best_norm,
    slips=[
        Slip(
            lambda b: 1 / (1 - b),
            "That is 1 / (1 - b): below 1 for a negative bias, so the output would fall short twice.",
        ),
        Slip(
            lambda b: 1 / (1 + b),
            "That is 1 / (1 + b), the other sign: the output overshoots, and so does the interference.",
        ),
        Slip(
            lambda b: (1 - b) ** 0.5,
            "That makes |W|² + b = 1, exact for x = 1 only. Smaller x matter, too: minimise the mean.",
        ),
        Slip(
            lambda b: (1 - 1.5 * b) ** 0.5,
            "That fits the feature's own output alone. A longer W also makes more interference: minimise the whole "
            "loss.",
        ),
        Slip(lambda b: _best_norm(b) ** 2, "That looks like |W|². The question is about |W|."),
        Slip(
            lambda b: 1.0, "A norm of 1 whatever the bias? A bias below 0 takes something off every answer."
        ),
        Slip(
            lambda b: _best_norm(-0.2823),
            "That is the norm at the *best* bias. Here the bias is held where it is, and only the norm adjusts.",
        ),
    ],
)
def check_norm_given_bias(norm_given_bias: Callable) -> str:
    """``norm_given_bias(b)`` at three biases."""
    biases = (-0.1, -0.2823, -0.5)

    def look(norm: Callable) -> list[float]:
        return [as_number(norm(b), f"the norm at b = {b}") for b in biases]

    norms, is_right = check_norm_given_bias.compare(norm_given_bias, look, rtol=0.0, atol=4e-3)
    for b, norm in zip(biases, norms, strict=True):
        best = _best_norm(b)
        require(
            is_right or abs(norm - best) < 4e-3,
            f"For b = {b} the best norm is {best:.3f}; yours is {norm:.3f}. Is your grid fine enough, and does it reach "
            "from 1 to 1.5?",
        )
    return "At the best bias this gives 1.170, where 1 / (1 - b) gives 0.780 and 1 / (1 + b) gives 1.393."
