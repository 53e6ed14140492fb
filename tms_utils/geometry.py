"""Norms, interference, dimensionality: pure functions of W, the columns of which are feature directions.

Every function takes W of shape ``(..., hidden, features)`` and works on any number of leading axes.
Ŵ_i is column i scaled to length one; a column of length zero has no direction and counts as absent.
"""

from __future__ import annotations

import torch
from fancy_einsum import einsum
from jaxtyping import Bool, Float
from torch import Tensor

from tms_utils.polytopes import polytope

__all__ = [
    "count_represented",
    "dimensionality",
    "dimensions_per_feature",
    "feature_norms",
    "geometry_groups",
    "geometry_name",
    "gram",
    "has_line",
    "leverage",
    "line_counts",
    "superposition",
]


def gram(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch features features2"]:
    """WᵀW: entry (i, j) is W_i · W_j. What the linear model multiplies x with."""
    return einsum("... hidden features, ... hidden features2 -> ... features features2", W, W)


def feature_norms(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch features"]:
    """|W_i|: about 1 if feature i is represented, about 0 if not (paper: "Basic Results")."""
    return torch.linalg.vector_norm(W, dim=-2)


def count_represented(
    W: Float[Tensor, "*batch hidden features"], threshold: float = 0.5
) -> Float[Tensor, "*batch"]:
    """How many features have |W_i| > threshold."""
    return (feature_norms(W) > threshold).sum(-1).to(W.dtype)


def superposition(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch features"]:
    """Σ_{j≠i} (Ŵ_i · W_j)²: how much of the other features is seen along feature i (paper: "Basic Results").

    0 if feature i has a dimension to itself, 1 or more if others fill it. An absent feature has 0.
    """
    projections = _projections(W)
    own = torch.diagonal(projections, dim1=-2, dim2=-1)
    return projections.square().sum(-1) - own.square()


def dimensionality(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch features"]:
    """D_i = |W_i|² / Σ_j (Ŵ_i · W_j)²: feature i's share of a dimension (paper: "Geometry of Superposition").

    Between 0 and 1; 0 for an absent feature.
    """
    shared = _projections(W).square().sum(-1)
    return torch.where(shared > 0, feature_norms(W).square() / shared.clamp(min=_tiny(W)), 0.0)


def dimensions_per_feature(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch"]:
    """D* = m / ‖W‖_F²: hidden dimensions for each feature learned (paper: "Geometry of Superposition").

    Infinite if W is zero.
    """
    return W.shape[-2] / W.square().sum((-2, -1))


def leverage(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch features"]:
    """ℓ_i = W_iᵀ (W Wᵀ)⁺ W_i, the leverage score: an upper bound of D_i.

    The scores lie in [0, 1] and add up to rank(W), so Σ D_i <= rank(W) <= m; equality holds exactly if
    the features fall into mutually orthogonal groups, each spread evenly over the space it spans.
    """
    _, singular, right = torch.linalg.svd(W, full_matrices=False)
    nonzero = singular > singular.amax(-1, keepdim=True) * max(W.shape[-2:]) * torch.finfo(W.dtype).eps
    return (right.square() * nonzero[..., None]).sum(-2)


def line_counts(
    D: Float[Tensor, "*features"], at: float, *, half_width: float = 0.005, offset: float = 0.0125
) -> tuple[int, int]:
    """How many D_i lie within ``half_width`` of ``at``, and how many in the fuller of two windows beside it.

    The windows beside have the same width, and their centres are ``offset`` below and above.
    """
    on, below, above = (int(((D - c).abs() <= half_width).sum()) for c in (at, at - offset, at + offset))
    return on, max(below, above)


def has_line(D: Float[Tensor, "*features"], at: float, *, at_least: int = 10) -> bool:
    """Whether the D_i of one model form a line at ``at``: enough of them on it, and twice as many as beside it."""
    on, beside = line_counts(D, at)
    return on >= at_least and on >= 2 * beside


def geometry_groups(
    W: Float[Tensor, "hidden features"], threshold: float = 0.5, overlap: float = 0.2
) -> list[list[int]]:
    """Represented features (|W_i| > threshold), grouped so that different groups are orthogonal.

    Two features are linked if |cos| of the angle between them exceeds ``overlap``. (A trained right angle is
    rarely more than eight degrees out, which is |cos| = 0.14; the least overlap inside a shape of
    ``geometry_name`` that has to link is the 5-cell's, 0.25.) Each group is a connected component, in order
    of its first feature; a feature linked to no other is a group of one.

    Raises:
        ValueError: unless W is one matrix.
    """
    if W.ndim != 2:
        raise ValueError(f"expected one W of shape (hidden, features); got shape {tuple(W.shape)}")
    linked: Bool[Tensor, "features features2"] = _cosines(W).abs() > overlap
    unseen = [i for i, norm in enumerate(feature_norms(W)) if norm > threshold]
    groups = []
    while unseen:
        group, frontier = [], [unseen.pop(0)]
        while frontier:
            i = frontier.pop()
            group.append(i)
            frontier += (near := [j for j in unseen if linked[i, j]])
            unseen = [j for j in unseen if j not in near]
        groups.append(sorted(group))
    return groups


def geometry_name(W: Float[Tensor, "hidden features"], tolerance: float = 0.25) -> str:
    """The arrangement of the represented features in words: "digon + dedicated dimension", "pentagon", ...

    Each group of ``geometry_groups`` is named by its angles alone, for lengths differ with importance: it has
    a shape's name if its cosines, sorted, are those of the regular shape within ``tolerance`` (at a
    pentagon's corner, about fifteen degrees). Otherwise it is an "irregular group of k".

    Raises:
        ValueError: unless W is one matrix.
    """
    names = [_group_name(W[:, group], tolerance) for group in geometry_groups(W)]
    if not names:
        return "nothing"
    order = sorted(set(names), key=lambda name: (name == _ALONE, -names.count(name), name))
    return " + ".join(_count(names.count(name), name) for name in order)


_ALONE = "dedicated dimension"  # a feature that shares with none (the paper's words)


# Octahedron, square and bipyramids are not here: they fall apart into orthogonal digons and polygons.
_SHAPES = {
    name: polytope(name)
    for name in (
        "digon",
        "triangle",
        "pentagon",
        "hexagon",
        "heptagon",
        "octagon",
        "tetrahedron",
        "5-cell",
        "square antiprism",
        "cube",
    )
}


def _group_name(W: Float[Tensor, "hidden features"], tolerance: float) -> str:
    k = W.shape[1]
    if k == 1:
        return _ALONE
    for name, shape in _SHAPES.items():
        if shape.shape[1] == k:
            error = _pair_cosines(W) - _pair_cosines(shape).to(W)
            if error.abs().max() < tolerance:
                return name
    return f"irregular group of {k}"


def _pair_cosines(W: Float[Tensor, "hidden features"]) -> Float[Tensor, " pairs"]:
    """The cosine of the angle between each two columns, in ascending order."""
    first, second = torch.triu_indices(W.shape[1], W.shape[1], offset=1)
    return _cosines(W)[first, second].sort().values


def _cosines(W: Float[Tensor, "hidden features"]) -> Float[Tensor, "features features2"]:
    return gram(W / feature_norms(W).clamp(min=_tiny(W)))


def _count(count: int, name: str) -> str:
    if count == 1:
        return name
    plural = name.replace("group", "groups") if name.startswith("irregular") else f"{name}s"
    return f"{count} {plural}"


def _projections(W: Tensor) -> Float[Tensor, "*batch features features2"]:
    """Ŵ_i · W_j at (i, j)."""
    directions = W / feature_norms(W).clamp(min=_tiny(W))[..., None, :]
    return einsum("... hidden features, ... hidden features2 -> ... features features2", directions, W)


def _tiny(W: Tensor) -> float:
    return torch.finfo(W.dtype).tiny
