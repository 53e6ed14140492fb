"""Exercises of chapter 4, "Superposition as a phase change"."""

from __future__ import annotations

from collections.abc import Callable

import torch

from tms_utils.checks.chapter_04_hysteresis import check_hysteresis
from tms_utils.checks.draws import sparse_sampler
from tms_utils.checks.exercise import Slip, as_number, choice, exercise, require
from tms_utils.theory import competing_boundary, feature_variance

__all__ = [
    "check_average_prediction",
    "check_boundary",
    "check_hysteresis",
    "check_onset",
    "check_sample_pairs",
]

# 4.1 ----------------------------------------------------------------------------------------


def _symmetric(border: Callable[[float], float]) -> Callable[[float], float]:
    """The same border where the first feature is the one to ignore: r and 1/r change places."""
    return lambda r: border(min(r, 1 / r))


_NO_DENSITY = Slip(
    lambda r: (2 + 5 * r) / (4 * r),
    "At r = {r:g} you return {given:g}; a density lies in (0, 1]. Is it upside down?",
)


@exercise(
    "4.1",
    right=competing_boundary,
    slips=[
        Slip(
            _symmetric(lambda r: 2 * r / (1 + r)),
            "You compared with r·p/3, the mean of x². An ignored feature is answered by its mean p/2, which leaves the "
            "variance v(p) = p/3 - p²/4.",
        ),
        Slip(
            _symmetric(lambda r: 4 * r / (2 + 3 * r)),
            "You counted an error of the pair only once: when both features are on, *each* output is wrong, so the pair "
            "costs (1 + r) p²/6.",
        ),
        Slip(_symmetric(lambda r: 4 * r / (4 + 7 * r)), "E[min(x_0, x_1)²] is 1/6, not 1/3: that is E[x²]."),
        Slip(
            lambda r: 4 * r / (2 + 5 * r),
            "Right up to r = 1. Beyond, the *first* feature is the one to ignore: the competitor costs v(p), not "
            "r·v(p).",
        ),
        Slip(
            lambda r: 4 / (5 + 2 * r),
            'That is the boundary with "ignore first". Below r = 1 the extra feature is the cheap one to ignore.',
        ),
        _NO_DENSITY,
    ],
)
def check_boundary(boundary: Callable) -> str:
    """``boundary(r)`` for two features, first up to r = 1, then beyond."""
    for ratios in ([0.1, 0.3, 0.5, 1.0], [2.0, 10.0]):

        def look(border: Callable, ratios: list[float] = ratios) -> list[float]:
            return [as_number(border(r), f"the border at r = {r:g}") for r in ratios]

        given, is_right = check_boundary.compare(boundary, look, rtol=0.0, atol=1e-4)
        for r, p, right in zip(ratios, given, look(competing_boundary), strict=True):
            require(0 < p <= 1, _NO_DENSITY, r=r, given=p)
            require(
                is_right or abs(p - right) < 1e-4,
                f"At r = {r:g} you return {p:.4f}, where the two losses differ; expected {right:.4f}.",
            )
    return "Both branches meet at r = 1, p = 4/7: the corner where three solutions cost the same."


# 4.2 ----------------------------------------------------------------------------------------

check_average_prediction = choice(
    "4.2",
    right="C",
    slips={
        "A": "Not A. Each model has |w_0| near 1, but W and -W are the same model: half of the ten should have w_0 near "
        "-1.",
        "B": "Not B: too large. Ten signs must agree about as often as 7.5 to 2.5 for that.",
        "D": "Not D. Exactly 0 needs five against five; that happens in a quarter of the cases (252 of 1024), not "
        "always.",
    },
    praise="The mean of |sum of ten signs|/10 is 0.246. Averaging W over models erases the very thing it should show.",
)

# 4.3 ----------------------------------------------------------------------------------------

check_sample_pairs = sparse_sampler(
    "4.3",
    came="020b12e2a50ff1cf",
    offer=lambda draw: (
        lambda batch_size, density, generator: draw(
            (len(density), batch_size, 2), density[:, None, None], generator
        )
    ),
    ask=lambda sample_pairs, rows, p, generator: sample_pairs(rows, torch.tensor([p, p, 0.4]), generator),
    shape=lambda rows: {"models": 3, "batch": rows, "features": 2},
    praise="P(both on) = p² is one number, printed in a moment: worth a look before any model is trained.",
)


# 4.6 ----------------------------------------------------------------------------------------


def _onset(
    stretched: float = 0.25, leak: float = 1.0, biases: int = 2001, gain: float = 1.0, uniform: float = 1 / 3
) -> Callable[[float], float]:
    """r*(p), the smallest cost / gain over B; the other numbers than these are slips."""

    def ratio(p: float) -> float:
        B, v = torch.linspace(0, 1, biases, dtype=torch.float64)[: max(1, biases)], feature_variance(p)
        on = v + stretched * (p / 2 - B) ** 2
        off = (1 - p) * B**2 + uniform * p * B**3
        return ((p * on + leak * (1 - p) * off) / (gain * v)).min().item()

    return ratio


_MISSED = Slip(
    lambda p: 0.9 * _onset()(p),
    "At p = {p:g} you return {given:.4f}; expected {right:.4f}. Print the cost over the gain at a few values of B.",
)


@exercise(
    "4.6",
    right=_onset(),
    slips=[
        Slip(
            _onset(biases=1),
            "That is the cost at B = 0. The bias is free: take the smallest cost over B from 0 to 1.",
        ),
        Slip(
            _onset(leak=0.0),
            "You left out the rows where x_0 is off: a lifted bias then lets ReLU(B - x_1) through. Without that cost B = "
            "p/2 would be free, and r* would be p.",
        ),
        Slip(
            lambda p: _onset()(p) * feature_variance(p),
            "That is the cost alone. Leaning pays where r·v(p), the gain, exceeds it: divide by v(p).",
        ),
        Slip(
            _onset(gain=2.0),
            "You counted the gain twice: of 2 v(p), one v(p) is lost again to the noise from x_0.",
        ),
        Slip(
            _onset(stretched=1.0),
            "If x_0 is on, w_0 stretches too, and takes three quarters of (p/2 - B)² away: a quarter is left.",
        ),
        Slip(
            _onset(uniform=1.0),
            "The mean of ReLU(B - x_1)² is (1 - p) B² + p B³/3: for a uniform x_1 it is the integral of (B - x)² up to B.",
        ),
        _MISSED,
    ],
)
def check_onset(onset_ratio: Callable) -> str:
    """``onset_ratio(p)`` at four densities."""
    densities = (0.3, 0.56, 0.8, 0.95)

    def look(onset: Callable) -> list[float]:
        return [as_number(onset(p), f"the onset at p = {p:g}") for p in densities]

    given, is_right = check_onset.compare(onset_ratio, look, rtol=5e-4, atol=0.0)
    for p, value, right in zip(densities, given, look(check_onset.right), strict=True):
        require(is_right or abs(value - right) < 5e-4, _MISSED, p=p, given=value, right=right)
    return "At p = 0.56 leaning begins at r = 0.62: sparser data lean at lower importance, until the jump overtakes it."
