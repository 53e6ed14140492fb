"""Five features squeezed into two dimensions and read back, without any training."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tms_utils.live.figure import LiveFigure, Still, chosen
from tms_utils.palette import PALETTE
from tms_utils.shapes import polygon
from tms_utils.theory import polygon_optimum
from tms_utils.validate import WholeNumber

FEATURES = range(5)
NUDGES = (0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1)


def squeeze(*, on: Sequence[WholeNumber] = (0,), attack: float | int | None = None) -> LiveFigure:
    """Switch features on, see where the plane puts them, and what is read back (paper: "Demonstrating Superposition").

    Two models can be compared: one that stores two features at right angles and drops the rest, and the best
    pentagon for very sparse features.

    Args:
        on: the features that are on at the start, each of 0 to 4.
        attack: if given, the reader can nudge the input by a vector of this length at the start, one of ``NUDGES``,
            in the direction that moves h furthest towards where they drag it (paper: "Relationship to Adversarial
            Robustness").

    In the address: ``on`` (0,2 or none), ``stored`` (five, two), ``relu`` (0, 1), ``nudge``, ``direction``, ``more``. Parts to
    ``hide``: these, and presets, share, link.

    Raises:
        ValueError: if one of ``on`` is no feature, or ``attack`` is not one of the slider's.
    """
    best = polygon_optimum(5)
    two = torch.zeros(5, 2)
    two[0, 1] = two[1, 0] = 1
    five = best.norm * polygon(5).mT
    rounded = [[round(v, 4) for v in w] for w in five.tolist()]
    models = [
        {"key": "five", "name": "five, as a pentagon", "W": rounded, "b": [round(best.b, 4)] * 5},
        {"key": "two", "name": "two, apart", "W": two.tolist(), "b": [0] * 5},
    ]
    config = {"models": models, "on": [chosen("on", i, FEATURES) for i in on]}
    if attack is not None:
        config["attack"] = chosen("attack", attack, NUDGES)
    return LiveFigure(
        "squeeze",
        "squeezed and read back",
        _still(five),
        "Five arrows to the corners of a pentagon; where only feature 0 is on, the input arrives at the tip of arrow 0, "
        "as the point h.",
        config,
    )


def _still(directions: torch.Tensor) -> str:
    picture = Still(320, 320, 110)
    picture.circle(0, 0, 1, dash="3 4")
    for i, (x, y) in enumerate(directions.tolist()):
        picture.arrow(x, y, PALETTE[i])
        picture.text(1.12 * x, 1.12 * y, str(i))
    x, y = directions[0].tolist()
    picture.circle(x, y, 0.06, fill="#1c2430")
    picture.text(x + 0.16, y, "h")
    return picture.svg()
