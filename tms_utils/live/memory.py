"""A table of few or many rows, trained on in the page: what is stored, rows or features?"""

from __future__ import annotations

import math

from tms_utils.live.figure import LiveFigure, Still, chosen
from tms_utils.palette import PALETTE
from tms_utils.validate import WholeNumber

ROWS = (3, 5, 8, 12, 20, 40, 80, 160, 320, 640)
DECAYS = (0.01, 0.1, 1)
SEEDS = range(10000)


def memory(*, rows: WholeNumber = 5, decay: float | int = 0.01, seed: WholeNumber = 0) -> LiveFigure:
    """Train one model in the plane on a table of rows of length 1 (Henighan et al. 2023).

    There are 100 features, each active in 3 % of the rows before empty rows are left out.

    Args:
        rows: how many rows the table has at the start, one of ``ROWS``.
        decay: weight decay, one of ``DECAYS``.
        seed: seed of the table and of the first weights, 0 to 9999.

    In the address: ``rows``, ``decay``, ``seed``, ``more``. Parts to ``hide``: these, and play, presets, share, link.

    Raises:
        ValueError: if a value is not one of those offered, or there is no such seed.
    """
    config = {
        "n": 100,
        "density": 0.03,
        "rows": chosen("rows", rows, ROWS),
        "decay": chosen("decay", decay, DECAYS),
        "seed": chosen("seed", seed, SEEDS),
        "choices": {"rows": ROWS, "decay": DECAYS},
    }
    picture = Still(420, 200, 70, centre=(110, 90))
    for centre, words, first in ((0, "features", 0), (200 / 70, "rows", 1)):
        picture.circle(centre, 0, 1, dash="3 4")
        for k in range(5):
            angle = 2 * math.pi * k / 5
            part = 1 if first else 0.3 + 0.14 * k
            picture.arrow(centre + part * math.cos(angle), part * math.sin(angle), PALETTE[first], centre, 0)
        picture.text(centre, -1.3, words)
    return LiveFigure(
        "memory",
        "rows or features",
        picture.svg(),
        "Left, features of different lengths in five bunches; right, the five rows as a regular pentagon.",
        config,
    )
