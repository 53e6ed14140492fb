"""Superposition playground: a toy model with two hidden dimensions, trained while the reader watches."""

from __future__ import annotations

import math

from tms_utils.live.figure import LiveFigure, Still, chosen
from tms_utils.palette import PALETTE
from tms_utils.validate import WholeNumber

# What the sliders offer.
FEATURES = (2, 3, 4, 5, 6, 7, 8)
SPARSITIES = (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99)
DECAYS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1)
TOGETHER = (0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
SEEDS = range(10000)


def playground(
    *,
    features: WholeNumber = 5,
    sparsity: float | int = 0.9,
    decay: float | int = 0.9,
    seed: WholeNumber = 0,
    together: float | int | None = None,
) -> LiveFigure:
    """Train n features in the plane inside the page, with sliders for sparsity and importance (paper: "Demonstrating Superposition").

    Args:
        features: number of features at the start, one of ``FEATURES``.
        sparsity: S at the start, one of ``SPARSITIES``.
        decay: importance of feature i is ``decay ** i``, one of ``DECAYS``.
        seed: seed of the first run, 0 to 9999.
        together: if given, the features come in pairs of equal importance (then their number is even), and
            a slider says how often a feature is on given that its partner is (``CorrelatedFeatures``): at
            the start, this often, one of ``TOGETHER``. 0 stands for "by chance".

    In the address: ``S``, ``features``, ``importance`` (or ``together``), ``output`` (relu, linear), ``seed``, ``from`` (the
    sparsity at which the weights were trained before), ``keep``, ``speed``, ``compare``, ``more``. Parts to ``hide``:
    these, and play, presets, time, loss, buttons, charts, share, link.

    Raises:
        ValueError: if a value is not one of the slider's.
    """
    choices = {"features": FEATURES, "sparsity": SPARSITIES, "decay": DECAYS}
    asked = {"features": features, "sparsity": sparsity, "decay": decay}
    if together is not None:
        choices = {"features": FEATURES[::2], "sparsity": SPARSITIES, "together": TOGETHER}
        asked = {"features": features, "sparsity": sparsity, "together": together}
    config = {name: chosen(name, asked[name], choices[name]) for name in choices}
    return LiveFigure(
        "playground",
        "superposition playground",
        *(_still_pairs() if together is not None else _still()),
        {**config, "seed": chosen("seed", seed, SEEDS), "choices": choices},
    )


def _still() -> tuple[str, str]:
    """A pentagon of norm 1.17, the optimum for very sparse features, and what it shows."""
    return _arrows([1.17] * 5, [*PALETTE[:5]]), (
        "Five arrows from the origin of a plane reach a little beyond the unit circle and form a regular pentagon: "
        "five features represented in two dimensions."
    )


def _still_pairs() -> tuple[str, str]:
    """Two pairs of partners, as they stand if they always come together, and what it shows."""
    return _arrows([1] * 4, [PALETTE[0], PALETTE[0], PALETTE[1], PALETTE[1]]), (
        "Four arrows from the origin of a plane to the unit circle, at right angles, in two colours: features 0 and 1 are "
        "partners, and so are 2 and 3. Each stands at a right angle to its partner, opposite one of the other pair."
    )


def _arrows(norms: list[float | int], colours: list[str]) -> str:
    """Numbered arrows, evenly spread."""
    picture = Still(320, 320, 110)
    picture.line(-1.4, 0, 1.4, 0, "#d8dde4")
    picture.line(0, -1.4, 0, 1.4, "#d8dde4")
    picture.circle(0, 0, 1, dash="3 4")
    for i, (norm, colour) in enumerate(zip(norms, colours, strict=True)):
        angle = math.pi / 2 + 2 * math.pi * i / len(norms)
        x, y = math.cos(angle), math.sin(angle)
        picture.arrow(norm * x, norm * y, colour)
        picture.text((norm + 0.13) * x, (norm + 0.13) * y, str(i))
    return picture.svg()
