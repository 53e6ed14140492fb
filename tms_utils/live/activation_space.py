"""Activation space in three dimensions: the directions, and where h = W x goes with k features active."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tms_utils.live.figure import PALETTE, LiveFigure, Still

# The best of 24 models with n = 8, m = 3, S = 0.95, equal importance and a bias (all 24 came out alike).
TRAINED_W = (
    (0.874, -0.264, -1.058, -0.591, -0.018, -0.425, 0.777, 0.704),
    (0.403, -0.550, -0.356, 0.759, -0.612, 0.713, -0.804, 0.439),
    (0.578, -0.944, 0.124, -0.577, 0.944, 0.757, -0.126, -0.757),
)


def activation_space(W: Any = None, *, k: int = 2) -> LiveFigure:
    """Rotate three-dimensional activation space, with the minimiser of the Thomson problem laid over the trained directions.

    Args:
        W: weights of shape (3, features), 2 to 12 features: a tensor, an array or nested lists. A trained model with eight if None.
        k: number of active features at the start: 1, 2, 3, or 0 for random sparse features.

    Raises:
        ValueError: if W has another shape, a zero column or an entry that is not finite; or if k is not 0, 1, 2 or 3.
    """
    if hasattr(W, "detach"):
        W = W.detach().cpu()
    array = np.asarray(TRAINED_W if W is None else W, dtype=float)
    if array.ndim != 2 or array.shape[0] != 3 or not 2 <= array.shape[1] <= 12:
        raise ValueError(f"expected W of shape (3, features) with 2 to 12 features; got {array.shape}")
    if not np.isfinite(array).all() or not np.linalg.norm(array, axis=0).all():
        raise ValueError("expected every column of W to be finite and not zero; got one that is not")
    if k not in (0, 1, 2, 3):
        raise ValueError(f"expected k to be 0, 1, 2 or 3; got {k!r}")
    rows = [[round(float(value), 4) for value in row] for row in array]
    count = array.shape[1]
    return LiveFigure(
        "activation_space",
        "activation space",
        _still(array),
        f"{count} feature directions in three dimensions, drawn as numbered arrows from the origin; "
        "thin lines join those that both take part in a pair of neighbours.",
        {"W": rows, "k": k},
    )


def _still(W: np.ndarray) -> str:
    """The directions seen from a little above; the nearer ones darker, neighbours joined."""
    across, up = np.array([0.83, 0.0, -0.56]), np.array([-0.24, 0.9, -0.36])
    points = [(float(across @ column), float(up @ column)) for column in W.T]
    units = W / np.linalg.norm(W, axis=0)
    reach = max(np.hypot(x, y) for x, y in points)
    picture = Still(320, 320, 125 / reach)
    for i, j in itertools.combinations(range(W.shape[1]), 2):
        if units[:, i] @ units[:, j] > 0.15:
            picture.line(*points[i], *points[j], "#b8c0cb")
    for i, (x, y) in enumerate(points):
        picture.arrow(x, y, PALETTE[i % len(PALETTE)])
        picture.text(1.12 * x, 1.12 * y, str(i))
    return picture.svg()
