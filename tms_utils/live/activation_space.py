"""Activation space in three dimensions: the directions, and where h = W x goes with k features active."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch

from tms_utils.live.figure import LiveFigure, Still, chosen
from tms_utils.minimise import minimise
from tms_utils.palette import PALETTE
from tms_utils.shapes import thomson_energy
from tms_utils.validate import Numbers, WholeNumber, as_numbers

# The best of 24 models with n = 8, m = 3, S = 0.95, equal importance and a bias (all 24 came out alike).
TRAINED_W = (
    (0.874, -0.264, -1.058, -0.591, -0.018, -0.425, 0.777, 0.704),
    (0.403, -0.550, -0.356, 0.759, -0.612, 0.713, -0.804, 0.439),
    (0.578, -0.944, 0.124, -0.577, 0.944, 0.757, -0.126, -0.757),
)


def activation_space(W: Numbers | None = None, *, k: WholeNumber = 2) -> LiveFigure:
    """Rotate three-dimensional activation space, with the minimiser of the Thomson problem laid over the trained directions.

    Args:
        W: weights of shape (3, features), 2 to 12 features: a tensor, an array or nested lists. A trained model with eight if None.
        k: number of active features at the start: 1, 2, 3, or 0 for random sparse features.

    In the address: ``k``, ``only`` (samples with this feature), ``samples``, ``trained``, ``thomson`` (each 0 or 1),
    ``view`` (six numbers: the axes to the right and towards the reader), ``more``.
    Parts to ``hide``: these, and spin, share, link.

    Raises:
        ValueError: if W has another shape, a zero column or an entry that is no finite number, or if k is not 0, 1, 2 or 3.
    """
    array = as_numbers("W", TRAINED_W if W is None else W).double().cpu().numpy()
    if array.ndim != 2 or array.shape[0] != 3 or not 2 <= array.shape[1] <= 12:
        raise ValueError(f"expected W of shape (3, features) with 2 to 12 features; got {array.shape}")
    if not np.linalg.norm(array, axis=0).all():
        raise ValueError("expected no column of W to be zero; got one that is")
    k = chosen("k", k, (0, 1, 2, 3))
    count = array.shape[1]
    directions = array / np.linalg.norm(array, axis=0)
    return LiveFigure(
        "activation_space",
        "activation space",
        _still(array),
        f"{count} feature directions in three dimensions, drawn as numbered arrows from the origin; "
        "thin lines join neighbours.",
        {
            "W": array.round(4).tolist(),
            "k": k,
            "edges": hull_edges(directions),
            "thomson": _thomson(directions),
        },
    )


def _thomson(directions: np.ndarray) -> dict[str, Any]:
    """The minimiser beside these directions: its points, edges and energy, and the widest angle between the two."""
    sphere = thomson_beside(directions)
    angles = np.degrees(np.arccos(np.clip((sphere * directions).sum(0), -1, 1)))
    return {
        "points": sphere.T.round(3).tolist(),
        "edges": hull_edges(sphere),
        "energy": round(thomson_energy(torch.tensor(sphere)).item(), 4),
        "widest": round(angles.max()),
    }


def thomson_beside(directions: np.ndarray) -> np.ndarray:
    """Let charges on the unit sphere repel each other from the given directions on, ``(3, features)``.

    Downhill they turn no more than they must, so that the minimiser lies beside the directions. They are
    first nudged a little: a cube, say, is in balance, but not at a minimum.
    """

    def energy(points: torch.Tensor) -> torch.Tensor:
        return thomson_energy(torch.nn.functional.normalize(points, dim=0))

    nudge = np.random.default_rng(0).normal(0, 1e-3, directions.shape)
    (points,) = minimise(energy, torch.tensor(directions + nudge))
    return torch.nn.functional.normalize(points, dim=0).numpy()


def hull_edges(points: np.ndarray) -> list[list[int]]:
    """Pairs (i, j) of columns joined by an edge of the convex hull; none if the points lie in one plane.

    The hull comes as triangles; where two lie in one plane, the side they share is no edge.
    """
    from scipy.spatial import ConvexHull, QhullError  # here, for the other figures do without

    try:
        hull = ConvexHull(points.T)
    except (QhullError, ValueError):
        return []
    edges = set()
    for k, (triangle, neighbours) in enumerate(zip(hull.simplices, hull.neighbors, strict=True)):
        for corner, other in enumerate(neighbours):  # the neighbour across from a corner
            if hull.equations[k, :3] @ hull.equations[other, :3] < 0.999:
                edges.add(tuple(sorted(np.delete(triangle, corner).tolist())))
    return [list(edge) for edge in sorted(edges)]


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
