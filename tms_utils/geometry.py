"""Norms, interference, dimensionality: pure functions of W, the columns of which are feature directions.

Every function takes W of shape ``(..., hidden, features)`` and works on any number of leading axes.
Ŵ_i is column i scaled to length one; a column of length zero has no direction and counts as absent.
"""

from __future__ import annotations

import torch
from fancy_einsum import einsum
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = [
    "count_represented",
    "dimensionality",
    "dimensions_per_feature",
    "feature_norms",
    "geometry_groups",
    "geometry_name",
    "gram",
    "leverage",
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


def geometry_groups(W: Float[Tensor, "hidden features"], threshold: float = 0.5, overlap: float = 0.1) -> list[list[int]]:
    """Represented features (|W_i| > threshold) in groups that interfere: |cos angle| > overlap links two.

    Each group is a connected component, in order of its first feature; an isolated feature is a group of one.
    """
    if W.ndim != 2:
        raise ValueError(f"expected one W of shape (hidden, features); got shape {tuple(W.shape)}")
    norms = feature_norms(W)
    cosine = gram(W / norms.clamp(min=_tiny(W)))
    linked: Bool[Tensor, "features features2"] = cosine.abs() > overlap
    unseen = [i for i in range(W.shape[1]) if norms[i] > threshold]
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


def geometry_name(W: Float[Tensor, "hidden features"]) -> str:
    """The arrangement of the represented features in words: "2 single", "digon + 1 single", "pentagon", ...

    A group is named by how many features it has and how many dimensions it spans, if it is regular
    enough (its D_i within 0.05 of that shape's); else "irregular group of k".
    """
    names = [_group_name(W[:, group]) for group in geometry_groups(W)]
    if not names:
        return "nothing"
    order = sorted(set(names), key=lambda name: (name == "single", -names.count(name), name))
    return " + ".join(_count(names.count(name), name) for name in order)


# (features, dimensions spanned) -> name of the regular arrangement
_SHAPES = {
    (1, 1): "single",
    (2, 1): "digon",
    (3, 2): "triangle",
    (5, 2): "pentagon",
    (6, 2): "hexagon",
    (7, 2): "heptagon",
    (8, 2): "octagon",
    (4, 3): "tetrahedron",
    (8, 3): "square antiprism or cube",
    (5, 4): "5-cell",
}


def _group_name(W: Tensor) -> str:
    k = W.shape[1]
    singular = torch.linalg.svdvals(W)
    rank = int((singular > 0.1 * singular[0]).sum())
    regular = (dimensionality(W) - rank / k).abs().max() < 0.05
    if regular and (k, rank) in _SHAPES:
        return _SHAPES[k, rank]
    return f"irregular group of {k}"


def _count(count: int, name: str) -> str:
    if name == "single" or name.startswith("irregular"):
        return f"{count} {name}" if name == "single" or count > 1 else name
    return name if count == 1 else f"{count} {name}s"


def _projections(W: Tensor) -> Float[Tensor, "*batch features features2"]:
    """Ŵ_i · W_j at (i, j)."""
    directions = W / feature_norms(W).clamp(min=_tiny(W))[..., None, :]
    return einsum("... hidden features, ... hidden features2 -> ... features features2", directions, W)


def _tiny(W: Tensor) -> float:
    return torch.finfo(W.dtype).tiny
