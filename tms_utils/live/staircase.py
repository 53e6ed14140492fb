"""A linear model learns one feature after another: its loss is a staircase, from a small start."""

from __future__ import annotations

from tms_utils.live.figure import LiveFigure, Still, chosen
from tms_utils.palette import PALETTE
from tms_utils.validate import WholeNumber

# What the controls offer.
SCALES = (1, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001)
IMPORTANCES = (0.5, 0.6, 0.7, 0.8, 0.9, 1)
OPTIMISERS = ("descent", "adam")
SEEDS = range(10000)


def staircase(
    *,
    scale: float | int = 0.0001,
    importance: float | int = 0.7,
    optimiser: str = "descent",
    seed: WholeNumber = 0,
) -> LiveFigure:
    """Watch a linear model learn eight features in four dimensions, without samples or noise (paper: "Learning Dynamics").

    Args:
        scale: size of the first weights at the start, one of ``SCALES``.
        importance: importance of feature i is ``importance ** i``, one of ``IMPORTANCES``.
        optimiser: "descent" (learning rate 1) or "adam" (0.001).
        seed: seed of the first weights, 0 to 9999.

    In the address: ``scale``, ``optimiser``, ``importance``, ``seed``, ``more``. Parts to ``hide``: these, and play, presets,
    time, share, link.

    Raises:
        ValueError: if a value is not one of those offered, or there is no such seed.
    """
    return LiveFigure(
        "staircase",
        "a staircase",
        _still(),
        "A loss that falls in four steps, with a level stretch after each: features 0, 1, 2 and 3 are learned in turn.",
        {
            "scale": chosen("scale", scale, SCALES),
            "importance": chosen("importance", importance, IMPORTANCES),
            "optimiser": chosen("optimiser", optimiser, OPTIMISERS),
            "seed": chosen("seed", seed, SEEDS),
            "choices": {"scale": SCALES, "importance": IMPORTANCES},
        },
    )


def _still() -> str:
    """Treads at the levels of importance 0.7 ** i, and the feature that is learned at the end of each."""
    picture = Still(420, 200, 1, centre=(40, 170))
    picture.line(0, 0, 360, 0, "#77808d")
    levels = [sum(0.7**i for i in range(k, 8)) * 45 for k in range(5)]
    ends = [0, 60, 120, 200, 310, 360]
    for k, level in enumerate(levels):
        picture.line(ends[k], level, ends[k + 1], level, "#1f5fbf", 2.5)
        if k < 4:
            picture.line(ends[k + 1], level, ends[k + 1], levels[k + 1], PALETTE[k], 2.5)
            picture.text(ends[k + 1] + 10, (level + levels[k + 1]) / 2, str(k))
    picture.text(180, -16, "step")
    picture.text(-16, 150, "loss")
    return picture.svg()
