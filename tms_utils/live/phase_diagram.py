"""The phase diagram of two features in one dimension, by pointing at it."""

from __future__ import annotations

import json
import math

from tms_utils.live.figure import LiveFigure, Still, source
from tms_utils.palette import PALETTE
from tms_utils.validate import positive_number


def phase_diagram(*, density: float | int = 0.3, r: float | int = 0.5) -> LiveFigure:
    """Compare the solutions that compete for n = 2, m = 1 (paper: "Superposition as a Phase Change").

    Args:
        density: p = 1 - S at the start, 0.01 to 1.
        r: importance of the second feature relative to the first at the start, 0.1 to 10.

    In the address: ``p``, ``r``, ``map`` (closed, true), ``more``. Parts to ``hide``: these, and presets, share, link.

    Raises:
        ValueError: if either lies outside the map.
    """
    for name, value, low, high in (("density", density, 0.01, 1), ("r", r, 0.1, 10)):
        if not low <= positive_number(name, value) <= high:
            raise ValueError(f"expected {name} between {low} and {high}; got {value}")
    return LiveFigure(
        "phase_diagram",
        "phase diagram",
        _still(),
        "A map of density, sparser to the right, against relative importance. Dense: the less important of two features is ignored. "
        "Sparse: both are kept, as an antipodal pair. The three regions meet at r = 1, p = 4/7.",
        {"density": float(density), "r": float(r), **json.loads(source("two_features.json"))},
    )


def _still() -> str:
    """The three regions and the closed-form boundaries between them."""
    picture = Still(340, 340, 1, centre=(50, 290))
    side = 260

    def at(p: float | int, r: float | int) -> tuple[str, str]:
        return picture.point(side * math.log10(1 / p) / 2, side * (1 + math.log10(r)) / 2)

    ratios = [10 ** (k / 10) for k in range(-10, 11)]
    lower = [at(4 * r / (2 + 5 * r), r) for r in ratios if r <= 1]
    upper = [at(4 / (5 + 2 * r), r) for r in ratios if r >= 1]
    regions = (
        ([at(1, 0.1), *lower, at(1, 1)], PALETTE[0]),
        ([at(1, 1), *upper, at(1, 10)], PALETTE[1]),
        ([*lower, *upper, at(0.01, 10), at(0.01, 0.1)], PALETTE[2]),
    )
    for corners, colour in regions:
        points = " ".join(",".join(corner) for corner in corners)
        picture.parts.append(
            f'<polygon points="{points}" fill="{colour}" fill-opacity="0.36" stroke="#1c2430" stroke-dasharray="5 3"/>'
        )
    picture.text(62, 38, "ignore extra")
    picture.text(62, 222, "ignore first")
    picture.text(175, 130, "antipodal pair")
    for k, label in enumerate(("1", "0.1", "0.01")):
        picture.text(side * k / 2, -14, label, 12)
    for k, label in enumerate(("0.1", "1", "10")):
        picture.text(-8, side * k / 2, label, 12, "end")
    picture.text(side / 2, -34, "density p")
    picture.text(0, side + 14, "relative importance r", 13, "start")
    return picture.svg()
