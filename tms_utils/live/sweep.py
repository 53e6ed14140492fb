"""Twenty features in five dimensions, from dense to sparse: how many does a model keep?"""

from __future__ import annotations

from tms_utils.live.figure import LiveFigure, Still, chosen
from tms_utils.palette import PALETTE
from tms_utils.validate import WholeNumber

# What the sliders offer.
DENSITIES = (1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001)
IMPORTANCES = (0.6, 0.7, 0.8, 0.9, 1)
SEEDS = range(10000)
# The least and the most of 20 features that eight seeds keep, at each density: as chapter 3 measures it.
KEPT = ((5, 5), (6, 8), (9, 10), (10, 11), (10, 12), (12, 13), (12, 16))


def sweep(*, density: float | int = 0.1, importance: float | int = 0.7, seed: WholeNumber = 0) -> LiveFigure:
    """Train models with n = 20, m = 5 and see WᵀW, b and the norms change, and what each keeps (paper: "Basic Results").

    Args:
        density: p at the start, one of ``DENSITIES``.
        importance: importance of feature i is ``importance ** i``, one of ``IMPORTANCES``.
        seed: seed of the first weights and of the samples, 0 to 9999.

    In the address: ``p``, ``importance``, ``seed``, ``more``. Parts to ``hide``: these, and play, series, presets, share, link.

    Raises:
        ValueError: if a value is not one of those offered, or there is no such seed.
    """
    return LiveFigure(
        "sweep",
        "one density after another",
        _still(),
        "Features kept against density: five of twenty where features are always on, and up to sixteen where they are rare.",
        {
            "density": chosen("density", density, DENSITIES),
            "importance": chosen("importance", importance, IMPORTANCES),
            "seed": chosen("seed", seed, SEEDS),
            "choices": {"density": DENSITIES, "importance": IMPORTANCES},
        },
    )


def _still() -> str:
    """The least and the most that eight seeds keep."""
    picture = Still(420, 200, 1, centre=(50, 165))
    picture.line(0, 0, 350, 0, "#77808d")
    picture.line(0, 35, 350, 35, "#77808d", dash="2 4")
    for k, (p, ends) in enumerate(zip(DENSITIES, KEPT, strict=True)):
        for count in ends:
            picture.circle(25 + 50 * k, 7 * count, 5, PALETTE[0], "none")
        picture.text(25 + 50 * k, -12, f"{p:g}", 12)
    picture.text(-14, 35, "5")
    picture.text(-14, 105, "15")
    picture.text(180, -28, "density p, sparser to the right", 12)
    picture.text(180, 148, "features kept of 20: the least and the most of eight seeds", 12)
    return picture.svg()
