"""Exercises of chapter 5, "The geometry of features"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from tms_utils.checks.exercise import Slip, as_number, as_tensor, exercise, number, require
from tms_utils.geometry import dimensionality, leverage
from tms_utils.shapes import polytope

__all__ = ["check_base_density", "check_leverage", "check_line_detector", "check_packing"]

_NO_PSEUDO_INVERSE = Slip(
    lambda W: torch.diagonal(W.mT @ torch.linalg.inv(W @ W.mT) @ W),
    "Right as long as W Wᵀ can be inverted. Here the features span fewer dimensions than there are: use the "
    "pseudo-inverse, torch.linalg.pinv.",
)


@exercise(
    "5.1",
    right=leverage,
    slips=[
        Slip(dimensionality, "Those are the D_i themselves. The score has the inverse of W Wᵀ in it."),
        Slip(
            lambda W: W.mT @ torch.linalg.pinv(W @ W.mT) @ W,
            "That is the whole matrix Wᵀ(W Wᵀ)⁺W. The scores are its diagonal, one for each feature.",
        ),
        Slip(
            lambda W: torch.diagonal(W.mT @ W @ W.mT @ W),
            "That is W_iᵀ (W Wᵀ) W_i. The score has the inverse of W Wᵀ in the middle.",
        ),
        Slip(
            lambda W: W.square().sum(0), "Those are the squared lengths |W_i|²: where is the inverse of W Wᵀ?"
        ),
        Slip(lambda W: leverage(W).sqrt(), "Those are the square roots of the scores."),
        Slip(
            lambda W: leverage(W) / W.square().sum(0),
            "Those are the scores divided by |W_i|². W_i goes in as it is, not scaled to length 1.",
        ),
        Slip(
            lambda W: leverage(W.mT),
            "Those are scores of the rows of W, the hidden dimensions. Features are its columns.",
        ),
        _NO_PSEUDO_INVERSE,
    ],
)
def check_leverage(attempt: Callable) -> str:
    """``attempt(W)`` on a random W, on orthogonal polytopes of several sizes, and on a W of lower rank."""
    wide = torch.randn(4, 9, generator=torch.Generator().manual_seed(12), dtype=torch.float64)
    flat = wide.clone()
    flat[3] = flat[0] - 2 * flat[1]  # four rows, but only three dimensions
    blocks = torch.block_diag(2.0 * polytope("pentagon"), 0.5 * polytope("tetrahedron"))
    for W in (wide, blocks):
        scores, right = check_leverage.compare(attempt, lambda f, W=W: as_tensor(f(W.clone()), what="scores"))
        if not right:
            wanted = leverage(W)
            scores = as_tensor(scores, tuple(wanted.shape), "your scores")
            worst = int((scores - wanted).abs().nan_to_num(nan=torch.inf).argmax())
            total = float(scores.sum())
            off = abs(total - float(wanted.sum())) > 1e-3  # a right sum is no hint
            hint = f" (Yours add up to {total:.3f}; the scores add up to the rank of W, {wanted.sum():.0f}.)"
            require(
                False,
                f"For a W of shape {tuple(W.shape)} the score of feature {worst} is {wanted[worst]:.3f}; you return "
                f"{scores[worst]:.3f}.{hint if off else ''}",
            )
    try:
        scores = attempt(flat.clone())
    except torch.linalg.LinAlgError:
        require(False, _NO_PSEUDO_INVERSE)
    scores = as_tensor(scores, (9,), "your scores").double()
    require(torch.allclose(scores, leverage(flat), atol=1e-4), _NO_PSEUDO_INVERSE)
    return "Add them up and you get the rank of W, always; that is what bounds the sum of the D_i."


check_packing = number(
    "5.2",
    right=12 / 25,
    tolerance=0.002,
    slips={
        25.0: "25 is the number of features. D* is hidden dimensions per feature.",
        25 / 12: "That is features per dimension; D* is the other way round.",
        0.5: "1/2 would be right if all were digons. Count the features of each part.",
        (3 / 4 + 2 / 5 + 1 / 2)
        / 3: "That is the mean over the three kinds of part. But there are 4 features in the "
        "tetrahedron, 15 in the pentagons: weigh each kind by its features.",
        (3 / 4 + 3 * 2 / 5 + 3 * 1 / 2)
        / 7: "That is the mean over the seven parts. Take it over features: a "
        "pentagon has five, a digon two.",
        12
        / 31: "With 31 features you have put a digon into each of six dimensions. Three are left: 12 - 3 - 3 · 2.",
    },
    otherwise="Not {value:g}. How many dimensions does each part fill, and how many features has it? "
    "D* = m / ‖W‖² is then m over the number of features.",
    praise="12/25: with all lengths 1 and no dimension left over, D* is the mean of the D_i, so a value of D* alone "
    "does not tell one packing from a mixture of others.",
)


def _detector(
    D: Tensor,
    at: float,
    *,
    half_width: float = 0.005,
    fuller: Callable = max,
    at_least: int = 10,
    factor: float = 2.0,
    sides: tuple[float, ...] = (-0.0125, 0.0125),
) -> bool:
    """Whether at least ten features are within 0.005 of ``at``, and twice as many as beside it."""

    def count(centre: float) -> int:
        return int(((D - centre).abs() <= half_width).sum())

    on = count(at)
    return on >= at_least and on >= factor * fuller(count(at + side) for side in sides)


def _without_absolute_values(D: Tensor, at: float) -> bool:
    """The detector of the exercise, as the reader finds it."""
    on, *beside = (int((D - at - side <= 0.005).sum()) for side in (0.0, -0.0125, 0.0125))
    return on >= 10 and on >= 2 * max(beside)


def _counts_all_below(D: Tensor, at: float) -> bool:
    on, below = int(((D - at).abs() <= 0.005).sum()), int((D - (at - 0.0125) <= 0.005).sum())
    return on >= 10 and on >= 2 * below


def _counts_all_above(D: Tensor, at: float) -> bool:
    on, above = int(((D - at).abs() <= 0.005).sum()), int((D - (at + 0.0125) >= -0.005).sum())
    return on >= 10 and on >= 2 * above


def _near(at: float, count: int) -> Tensor:
    """``count`` features within 0.004 of ``at``."""
    return at + 0.004 * torch.linspace(-1, 1, count)


_TWO_LINES = torch.cat([_near(0.4, 40), _near(0.5, 60)])
# What a detector is shown, where it looks, and what it should say; each is what the slip of the same place gets wrong.
_SHOWN = [
    (_near(0.5, 60), 0.5, True),
    (_TWO_LINES, 0.5, True),
    (_TWO_LINES, 0.4, True),
    (_near(0.5, 9), 0.5, False),
    (_near(0.5, 10), 0.5, True),
    (torch.linspace(0, 1, 4001), 0.5, False),
    (torch.cat([_near(0.5, 20), _near(0.4875, 15)]), 0.5, False),
    (torch.cat([_near(0.5, 20), _near(0.5125, 15)]), 0.5, False),
    (torch.cat([_near(0.5, 20), _near(0.4875, 8), _near(0.5125, 8)]), 0.5, True),
    (torch.cat([_near(0.5, 20), _near(0.5125, 11)]), 0.5, False),
    (torch.cat([_near(0.5, 20), _near(0.5125, 10)]), 0.5, True),
    (torch.cat([_near(0.5, 9), torch.full((4,), 0.5065)]), 0.5, False),
]


@exercise(
    "5.3",
    came="2df5fe19259b83b9",
    right=_detector,
    slips=[
        Slip(
            _without_absolute_values,
            "It misses 60 features within 0.004 of 1/2, with nothing else around. Print the counts on the line and "
            "beside it: which features does each comparison let in?",
        ),
        Slip(
            _counts_all_below,
            "It misses the line at 1/2 once there is another one at 2/5: something far below is being counted.",
        ),
        Slip(
            _counts_all_above,
            "It misses the line at 2/5 once there is another one at 1/2: something far above is being counted.",
        ),
        Slip(partial(_detector, at_least=5), "It sees a line of 9 features; ten are asked for."),
        Slip(partial(_detector, at_least=11), "It misses a line of exactly 10 features; ten will do."),
        Slip(
            partial(_detector, factor=0.0),
            "It sees a line among 4,000 features spread evenly over [0, 1]. What must happen beside the line?",
        ),
        Slip(
            partial(_detector, fuller=min),
            "It sees a line of 20 beside 15 features around 0.4875: look on both sides, and take the fuller one.",
        ),
        Slip(
            partial(_detector, sides=(-0.0125,)),
            "It sees a line of 20 beside 15 features around 0.5125: look above the line, too.",
        ),
        Slip(
            partial(_detector, fuller=sum),
            "It misses 20 features with 8 on either side: compare with the fuller side, not with the sum.",
        ),
        Slip(
            partial(_detector, factor=1.4),
            "It sees a line of 20 beside 11 features around 0.5125: there must be *twice* as many on the line.",
        ),
        Slip(
            partial(_detector, factor=2.2),
            "It misses 20 features with 10 beside them on one side: twice as many will do.",
        ),
        Slip(
            partial(_detector, half_width=0.0075),
            "It sees a line of ten where 9 are within 0.005 of 1/2; the other 4 lie at 0.5065, too far away.",
        ),
    ],
)
def check_line_detector(attempt: Callable) -> str:
    """``attempt(D, at)`` on lines, on too few features, and on controls that have no line."""
    for (D, at, is_line), slip in zip(_SHOWN, check_line_detector.slips, strict=True):
        said = as_tensor(attempt(D.clone(), at), what="the detector's answer")
        require(said.numel() == 1, f"Expected True or False; got {said.tolist()!r:.60}.")
        require(bool(said) == is_line, slip)
    return "And a detector that sees nothing would pass every control without a line: show it what it must see, too."


_NO_DENSITY = Slip(2.5, "A density lies between 0 and 1; {p:g} does not. (2.5 is the ratio.)")
_BASELINE = Slip(0.05, "At 0.05 the losses cross at 3.7, as the table says; look for 2.5.")
_TOO_SPARSE = Slip(
    0.07, "At {p:g} the losses cross further out than 2.5: the sparser, the longer the pentagon lasts."
)
_TOO_DENSE = Slip(0.12, "At {p:g} they cross before 2.5. Denser features end the pentagon sooner.")


@exercise("5.4", right=0.093, slips=[_NO_DENSITY, _BASELINE, _TOO_SPARSE, _TOO_DENSE])
def check_base_density(attempt: Any) -> str:
    """The base density at which the exact losses of pentagon and digons cross at 2.5 times, to two digits."""
    require(not isinstance(attempt, str | bool), f"Expected a number; got {attempt!r:.60}.")
    p = as_number(attempt)
    require(0 < p <= 1, _NO_DENSITY, p=p)
    require(abs(p - 0.05) > 0.002, _BASELINE)
    require(p > 0.087, _TOO_SPARSE, p=p)
    require(p < 0.099, _TOO_DENSE, p=p)
    return "Near p = 0.093: almost twice the paper's own 0.05. The ratio means little without its base."
