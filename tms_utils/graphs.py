"""The graph of features that interfere (paper: the feature geometry graphs of "Geometry of Superposition")."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes

from tms_utils.axes import as_axes
from tms_utils.geometry import as_weights, feature_norms, gram
from tms_utils.palette import PALETTE
from tms_utils.shapes import feature_groups
from tms_utils.validate import positive_number

__all__ = ["plot_feature_graph"]


def plot_feature_graph(
    W: Float[Tensor, "hidden features"],
    *,
    ax: Axes | None = None,
    threshold: float = 0.5,
    overlap: float = 0.2,
    width: float = 1.0,
) -> Axes:
    """Features as dots, and a line between two that interfere: |cos| of their angle > ``overlap``.

    Solid lines are positive cosines, dashed ones negative. The connected parts, ``feature_groups``, stand in
    rows, the largest first; a part's features stand on a circle in the order of their angles in the plane
    that they use most. Colour tells sizes up to seven apart. ``width`` is that of the rows over their height.

    Raises:
        ValueError: unless W is one finite matrix, ``threshold``, ``overlap`` and ``width`` are finite numbers
            > 0, and ``ax`` is an Axes.
    """
    width, overlap = positive_number("width", width), positive_number("overlap", overlap)
    ax, W = as_axes(ax), as_weights(W, one=True).detach().cpu()
    cosine = gram(W / feature_norms(W).clamp(min=1e-12)).numpy()
    groups = sorted(feature_groups(W, threshold, overlap), key=len, reverse=True)
    for group, (centre, radius) in zip(groups, _shelves([len(g) for g in groups], width), strict=True):
        place = dict(zip(group, centre + radius * _around_circle(W[:, group]), strict=True))
        for i, j in itertools.combinations(group, 2):
            if abs(cosine[i, j]) > overlap:
                style = "-" if cosine[i, j] > 0 else "--"
                ax.plot(*np.stack([place[i], place[j]]).T, style, color="0.45", linewidth=0.7, zorder=1)
        ax.scatter(*np.stack(list(place.values())).T, s=16, color=PALETTE[min(len(group), 7)], zorder=2)
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax


def _shelves(sizes: list[int], width: float) -> list[tuple[np.ndarray, float]]:
    """A centre and a radius for each circle of ``size`` dots, in rows from the top left."""
    radii = [0.0 if size == 1 else max(0.4, 0.12 * size) for size in sizes]
    cells = [2 * radius + 0.7 for radius in radii]
    limit = max([(width * sum(c * c for c in cells)) ** 0.5, *cells[:1]])
    placed, x, y, height = [], 0.0, 0.0, 0.0
    for radius, cell in zip(radii, cells, strict=True):
        if x + cell > 1.001 * limit:
            x, y, height = 0.0, y - height, 0.0
        placed.append((np.array([x + cell / 2, y - cell / 2]), radius))
        x, height = x + cell, max(height, cell)
    return placed


def _around_circle(W: Float[Tensor, "hidden features"]) -> Float[np.ndarray, "features 2"]:
    """Points on the unit circle, evenly spaced, in the order of the features' angles in their main plane."""
    padded = torch.nn.functional.pad(W, (0, 1, 0, 1))  # so that there are two axes, whatever the shape
    plane = torch.linalg.svd(padded).U[:-1, :2]
    x, y = (plane.T @ W).numpy()
    rank = np.argsort(np.argsort(np.arctan2(y, x)))
    angle = 2 * np.pi * rank / len(rank)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)
