"""Checks of chapter 4, "Superposition as a phase change"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.verdict import exercise, require
from tms_utils.theory import competing_boundary

__all__ = [
    "check_average_prediction",
    "check_boundary",
    "check_hysteresis",
    "check_sample_pairs",
]


@exercise("4.1")
def check_boundary(boundary: Callable) -> str:
    """``boundary(r)`` for two features, on both sides of r = 1."""
    for r in (0.1, 0.3, 0.5, 1.0, 2.0, 10.0):
        given, right = float(boundary(r)), competing_boundary(r).item()
        if abs(given - right) < 1e-4:
            continue
        for slip, message in _boundary_slips(r):
            require(abs(given - slip) > 1e-4, message)
        require(0 < given <= 1, f"At r = {r:g} you return {given:g}; a density lies in (0, 1].")
        require(
            False, f"At r = {r:g} you return {given:.4f}, where the two losses differ; expected {right:.4f}."
        )
    return "Both branches meet at r = 1, p = 4/7: the corner where three solutions cost the same."


def _boundary_slips(r: float) -> list[tuple[float, str]]:
    """What the likely slips give at r, and what to say about each."""
    return [
        (
            2 * r / (1 + r),
            "You compared with r·p/3, the mean of x². An ignored feature is answered by its mean p/2, which "
            "leaves the variance v(p) = p/3 - p²/4.",
        ),
        (
            4 * r / (2 + 3 * r),
            "You counted an error of the pair only once: when both features are on, *each* output is wrong, so "
            "the pair costs (1 + r) p²/6.",
        ),
        (4 * r / (4 + 7 * r), "E[min(x_1, x_2)²] is 1/6, not 1/3: that is E[x²]."),
        (
            4 * r / (2 + 5 * r),
            f"Right up to r = 1. At r = {r:g} the *first* feature is the one to ignore: the competitor costs "
            "v(p), not r·v(p).",
        ),
        (
            4 / (5 + 2 * r),
            f'That is the boundary with "ignore first". At r = {r:g} the extra feature is the cheap one to ignore.',
        ),
    ]


_AVERAGES = {
    "A": "Each model has |w_1| near 1, but W and -W are the same model: half of the ten should have w_1 near -1.",
    "B": "Too large: ten signs must agree about as often as 7.5 to 2.5 for that.",
    "D": "Exactly 0 needs five against five; that happens in a quarter of the cases (252 of 1024), not always.",
}


@exercise("4.2")
def check_average_prediction(prediction: str) -> str:
    """The letter of the mean |average w_1| over ten models with random signs: C."""
    letter = str(prediction).strip().strip("().").upper()
    require(letter in ("A", "B", "C", "D"), f"Expected one of the letters A, B, C, D; got {prediction!r}.")
    require(letter == "C", f"Not {letter}. {_AVERAGES.get(letter, '')}")
    return "The mean of |sum of ten signs|/10 is 0.246. Averaging W over models erases the very thing it should show."


@exercise("4.3")
def check_sample_pairs(sample_pairs: Callable) -> str:
    """Does each entry of each row decide for itself whether it is on?"""
    density = torch.tensor([0.1, 0.5, 1.0])
    x = sample_pairs(20_000, density, torch.Generator().manual_seed(4))
    require(
        isinstance(x, Tensor) and x.shape == (3, 20_000, 2),
        f"Expected x of shape (models, batch, features) = (3, 20000, 2); got {getattr(x, 'shape', type(x).__name__)}.",
    )
    on = x[:2] != 0
    require(
        not (on == on[:, :1]).all(),
        "Within a model every row of the batch has the same features on, and P(both on) = P(one on). "
        "How many random numbers decide about a batch, and along which axes are they repeated?",
    )
    one, both = on.float().mean((1, 2)), on.all(-1).float().mean(1)
    shared = (on[..., 0] == on[..., 1]).all()
    require(
        not shared,
        f"Rows differ now, but the two features of a row share their mask: P(both on) = {both[1]:.2f} at p = 0.5, "
        "as large as P(one on). Independent features have p² = 0.25.",
    )
    for p, share, pair in zip(density[:2].tolist(), one.tolist(), both.tolist(), strict=True):
        require(
            abs(share - p) < 0.02,
            f"At density {p:g} a feature is on in {share:.0%} of the rows. Is the density of model k used for model k?",
        )
        require(
            abs(pair - p * p) < 0.02,
            f"P(both on) is {pair:.3f} at p = {p:g}; independent features have {p * p:.3f}.",
        )
    value = x[2]
    correlation = torch.corrcoef(value.T)[0, 1].abs()
    require(
        correlation < 0.05,
        "The masks are right, but the two *values* of a row are correlated: draw one number per feature.",
    )
    require(
        value.max() > 0.95 and value.min() < 0.05 and abs(value.mean() - 0.5) < 0.02,
        f"Active values lie between {value.min():.2f} and {value.max():.2f}; they should fill [0, 1).",
    )
    again = sample_pairs(20_000, density, torch.Generator().manual_seed(4))
    require(torch.equal(x, again), "The same generator gave other rows: some draw does not use `generator`.")
    return "P(both on) = p² is one number, printed in a moment: worth a look before any model is trained."


@exercise("4.4")
def check_hysteresis(hysteresis: Callable) -> str:
    """``hysteresis(r, densities)`` at r = 0.3: (density of the jump on the way down, on the way up)."""
    densities = torch.arange(0.46, 0.21, -0.02, dtype=torch.float64)
    given = hysteresis(0.3, densities.clone())
    require(
        isinstance(given, (tuple, list)) and len(given) == 2 and None not in given,
        f"Expected two densities (down, up); got {given!r}. If no jump was seen on one way, the model may be "
        "stuck on the ridge w_2 = 0 exactly: nudge w_2 by -0.01 before each descent.",
    )
    down, up = (float(v) for v in given)
    require(
        abs(down - up) > 0.025 or not 0.34 < down < 0.40,
        f"Both jumps are at about {down:.2f}, where the two minima cost the same. You found the *optimum*: start each "
        "descent from the solution of the density before, so that the model stays in its valley.",
    )
    require(
        down < up,
        f"You jump down at {down:.2f} and up at {up:.2f}: swapped? A valley is left late, not early.",
    )
    require(
        0.25 <= down <= 0.30,
        f'On the way down you leave "ignore extra" at {down:.2f}; it stops being a minimum at about 0.28.',
    )
    require(
        0.365 <= up <= 0.41, f"On the way up you lose the pair at {up:.2f}; its valley ends at about 0.38."
    )
    return (
        "Between the two densities both valleys exist, and history decides: that is what first-order means."
    )
