"""A sparse autoencoder that looks for the pentagon's directions, trained in the page."""

from __future__ import annotations

from tms_utils.live.figure import LiveFigure, Still, chosen
from tms_utils.palette import PALETTE
from tms_utils.shapes import polygon
from tms_utils.theory import polygon_optimum
from tms_utils.validate import WholeNumber

PENALTIES = (0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7)
LATENTS = (3, 4, 5, 6, 8, 10)
SEEDS = range(10000)
DENSITY = 0.02


def read_out(*, penalty: float | int = 0.4, latents: WholeNumber = 5, seed: WholeNumber = 0) -> LiveFigure:
    """Train a sparse autoencoder on the hidden vectors of the best pentagon (paper: "The Strategic Picture of Superposition").

    Args:
        penalty: the penalty on the latents at the start, one of ``PENALTIES``; 0 keeps the largest latent only.
        latents: how many latents, one of ``LATENTS``.
        seed: seed of the autoencoder and of its rows, 0 to 9999.

    In the address: ``penalty``, ``latents``, ``seed``, ``more``. Parts to ``hide``: these, and play, share, link.

    Raises:
        ValueError: if a value is not one of the slider's, or there is no such seed.
    """
    best = polygon_optimum(5)
    W = best.norm * polygon(5).mT
    config = {
        "W": [[round(v, 4) for v in w] for w in W.tolist()],
        "density": DENSITY,
        "lambda": chosen("penalty", penalty, PENALTIES),
        "latents": chosen("latents", latents, LATENTS),
        "seed": chosen("seed", seed, SEEDS),
        "choices": {"lambda": PENALTIES, "latents": LATENTS},
    }
    picture = Still(320, 320, 110)
    for i, (x, y) in enumerate(W.tolist()):
        picture.arrow(x, y, PALETTE[i])
        picture.line(0, 0, 0.9 * x + 0.03 * y, 0.9 * y - 0.03 * x, "#1c2430", 2, "5 4")
        picture.text(1.16 * x, 1.16 * y, str(i))
    return LiveFigure(
        "read_out",
        "an autoencoder that looks for the pentagon",
        picture.svg(),
        "The five directions of the pentagon, and beside each the direction that an autoencoder has found.",
        config,
    )
