"""Many seeds at once: how often each geometry is reached, as sparsity slides."""

from __future__ import annotations

import math

from tms_utils.live.figure import LiveFigure, Still, chosen
from tms_utils.palette import PALETTE
from tms_utils.validate import WholeNumber

# What the sliders offer.
SPARSITIES = (0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
DECAYS = (0.7, 0.8, 0.9, 0.95, 1)
SEEDS = range(10000)


def many_seeds(*, sparsity: float | int = 0.9, decay: float | int = 0.9, seed: WholeNumber = 0) -> LiveFigure:
    """Train 24 models with n = 5, m = 2 side by side and count the geometries they reach.

    Args:
        sparsity: S at the start, one of ``SPARSITIES``.
        decay: importance of feature i is ``decay ** i``; one of ``DECAYS``.
        seed: seed of the first model, 0 to 9999; the others follow on.

    In the address: ``S``, ``importance``, ``seed``, ``more``. Parts to ``hide``: these, and play, sweep, presets, share, link.

    Raises:
        ValueError: if a value is not one of the slider's, or there is no such seed.
    """
    choices = {"sparsity": SPARSITIES, "decay": DECAYS}
    return LiveFigure(
        "many_seeds",
        "many seeds",
        _still(),
        "Six small pictures of models trained from different seeds. As features grow sparser, two features at right angles "
        "give way to digons and then to pentagons.",
        {
            "sparsity": chosen("sparsity", sparsity, SPARSITIES),
            "decay": chosen("decay", decay, DECAYS),
            "seed": chosen("seed", seed, SEEDS),
            "choices": choices,
        },
    )


def _still() -> str:
    """Two features alone, a digon and one, two digons, and three pentagons."""
    turn = 2 * math.pi
    quarter = [0, 0.25]
    star = [i / 5 for i in range(5)]
    drawings = [
        quarter,
        [0.1, 0.6, 0.35],
        [0.05, 0.55, 0.3, 0.8],
        star,
        [a + 0.04 for a in star],
        [a + 0.09 for a in star],
    ]
    names = ["1 + 1", "digon + 1", "2 digons", "pentagon", "pentagon", "pentagon"]
    picture = Still(420, 100, 26, centre=(35, 42))
    for k, (angles, name) in enumerate(zip(drawings, names, strict=True)):
        x0 = 70 * k / 26
        picture.circle(x0, 0, 1)
        for i, a in enumerate(angles):
            norm = 1.15 if len(angles) == 5 else 1
            picture.arrow(x0 + norm * math.cos(turn * a), norm * math.sin(turn * a), PALETTE[i], x0, 0)
        picture.text(x0, -1.75, name, 12)
    return picture.svg()
