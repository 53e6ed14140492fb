"""Checks of chapter 5, "The geometry of features"."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tms_utils.checks.verdict import exercise, require
from tms_utils.geometry import dimensionality, leverage
from tms_utils.polytopes import polytope

__all__ = ["check_base_density", "check_leverage", "check_line_detector", "check_packing"]


@exercise("5.1")
def check_leverage(attempt: Callable) -> str:
    """``attempt(W)`` on a random W, one of lower rank, and orthogonal polytopes of several sizes."""
    generator = torch.Generator().manual_seed(12)
    wide = torch.randn(4, 9, generator=generator, dtype=torch.float64)
    flat = wide.clone()
    flat[3] = flat[0] - 2 * flat[1]  # four rows, but only three dimensions
    blocks = torch.block_diag(2.0 * polytope("pentagon"), 0.5 * polytope("tetrahedron"))
    for W in (wide, blocks, flat):
        try:
            scores = attempt(W.clone())
        except torch.linalg.LinAlgError:
            scores = None
        if W is flat:
            agree = scores is not None and torch.allclose(scores.double(), leverage(W), atol=1e-6)
            require(
                agree,
                "Right as long as W Wᵀ can be inverted. Here the features span fewer dimensions than there are: "
                "use the pseudo-inverse, torch.linalg.pinv.",
            )
        else:
            _compare_scores(scores, W)
    return "Add them up and you get the rank of W, always; that is what bounds the sum of the D_i."


def _compare_scores(scores: Any, W: Tensor) -> None:
    require(isinstance(scores, Tensor), f"Expected a tensor; got {type(scores).__name__}.")
    n = W.shape[1]
    require(
        scores.shape != (n, n),
        "That is the whole matrix Wᵀ(W Wᵀ)⁺W. The scores are its diagonal, one for each feature.",
    )
    require(scores.shape == (n,), f"Expected one score a feature, shape ({n},); got {tuple(scores.shape)}.")
    right, scores = leverage(W), scores.to(W)
    if not torch.allclose(scores, right, atol=1e-6):
        projector = W.mT @ W
        slips = [
            (dimensionality(W), "Those are the D_i themselves. The score has the inverse of W Wᵀ in it."),
            (torch.diagonal(projector), "Those are the squared lengths |W_i|²: where is the inverse?"),
            (
                torch.diagonal(W.mT @ W @ W.mT @ W),
                "That is W_iᵀ (W Wᵀ) W_i. The score has the inverse of W Wᵀ in the middle.",
            ),
            (right.sqrt(), "Those are the square roots of the scores."),
        ]
        for slip, message in slips:
            require(not torch.allclose(scores, slip, atol=1e-6), message)
    require(
        torch.allclose(scores, right, atol=1e-6),
        f"Your scores add up to {scores.sum().item():.3f}; they must add up to the rank of W, {right.sum().item():.0f}.",
    )


@exercise("5.2")
def check_packing(attempt: float) -> str:
    """D* of a tetrahedron, three pentagons and digons in m = 12 dimensions, all features of length 1."""
    value = float(attempt)
    misconceptions = [
        (25, "25 is the number of features. D* is hidden dimensions per feature."),
        (25 / 12, "That is features per dimension; D* is the other way round."),
        (0.5, "1/2 would be right if all were digons. Count the features of each part."),
        (
            (3 / 4 + 2 / 5 + 1 / 2) / 3,
            "That is the mean over the three kinds of part. But there are 4 features in the tetrahedron, 15 in "
            "the pentagons: weigh each kind by its features.",
        ),
        (
            (3 / 4 + 3 * 2 / 5 + 3 * 1 / 2) / 7,
            "That is the mean over the seven parts. Take it over features: a pentagon has five, a digon two.",
        ),
        (
            12 / 31,
            "With 31 features you have put a digon into each of six dimensions. Three are left: 12 - 3 - 3 · 2.",
        ),
    ]
    for wrong, message in misconceptions:
        require(abs(value - wrong) > 0.002, message)
    require(
        abs(value - 12 / 25) <= 0.002,
        "How many dimensions does each part fill, and how many features has it? D* = m / ‖W‖² is then m over the "
        "number of features.",
    )
    return "12/25: with the D_i adding up to m, D* is their mean, so a curve of D* can stick only where all parts agree."


@exercise("5.3")
def check_line_detector(attempt: Callable) -> str:
    """``attempt(D, at)`` on lines, on too few features, and on controls that have no line."""
    generator = torch.Generator().manual_seed(13)

    def near(at: float, count: int) -> Tensor:
        return at + 0.004 * (2 * torch.rand(count, generator=generator) - 1)

    def says(*parts: Tensor, at: float = 0.5) -> bool:
        return bool(attempt(torch.cat(parts), at))

    require(
        says(near(0.5, 60)),
        "It misses 60 features within 0.004 of 1/2, with nothing else around. Print the counts on the line and "
        "beside it: which features does each comparison let in?",
    )
    require(
        says(near(0.4, 40), near(0.5, 60)),
        "It misses the line at 1/2 once there is another one at 2/5: something far below is being counted.",
    )
    require(
        says(near(0.4, 40), near(0.5, 60), at=0.4),
        "It misses the line at 2/5 once there is another one at 1/2: something far above is being counted.",
    )
    require(not says(near(0.5, 9)), "It sees a line of 9 features; ten are asked for.")
    require(
        not says(torch.rand(4000, generator=generator)),
        "It sees a line among 4,000 features spread evenly over [0, 1]. What must happen beside the line?",
    )
    for side in (0.4875, 0.5125):
        require(
            not says(near(0.5, 20), near(side, 15)),
            f"It sees a line of 20 beside 15 features around {side}: look on both sides, and take the fuller one.",
        )
    require(
        says(near(0.5, 20), near(0.4875, 8), near(0.5125, 8)),
        "It misses 20 features with 8 beside them on either side: compare with the fuller side, not with the sum.",
    )
    return "A detector that is never shown what it must refuse would have passed with any of these faults."


@exercise("5.4")
def check_base_density(attempt: float) -> str:
    """The base density at which the exact losses of pentagon and digons cross at 2.5 times."""
    p = float(attempt)
    require(
        math.isfinite(p) and 0 < p <= 1,
        f"A density lies between 0 and 1; {p:g} does not. (2.5 is the ratio.)",
    )
    require(abs(p - 0.05) > 0.002, "At 0.05 the losses cross at 3.7, as the table says; look for 2.5.")
    require(
        p > 0.087,
        f"At {p:g} the losses cross further out than 2.5: the sparser, the longer the pentagon lasts.",
    )
    require(p < 0.099, f"At {p:g} they cross before 2.5. Denser features end the pentagon sooner.")
    return "Near p = 0.093: almost twice the 0.05 that replications use. The ratio means little without its base."
