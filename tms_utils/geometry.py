"""Norms, interference, dimensionality: pure functions of W, the columns of which are feature directions.

Every function takes W of shape ``(..., hidden, features)`` and works on any number of leading axes.
Ŵ_i is column i scaled to length one; a column of length zero has no direction and counts as absent.
A W that is no such table of finite numbers is a ValueError: a model that diverged has no geometry.
"""

from __future__ import annotations

import torch
from fancy_einsum import einsum
from jaxtyping import Bool, Float
from torch import Tensor

from tms_utils.validate import WholeNumber, as_numbers, positive_int, positive_number

__all__ = [
    "as_weights",
    "dimensionality",
    "dimensions_per_feature",
    "feature_norms",
    "gram",
    "has_line",
    "leverage",
    "line_counts",
    "represented",
    "superposition",
]


def as_weights(
    W: Float[Tensor, "*batch hidden features"], *, hidden: int | None = None, one: bool = False
) -> Float[Tensor, "*batch hidden features"]:
    """W itself, gradient and all, if it is finite and of shape ``(..., hidden, features)``.

    ``hidden`` asks for that many dimensions, ``one`` for a single matrix. Whole numbers become floating.

    Raises:
        ValueError: if it is not.
    """
    as_numbers("W", W)
    W = torch.as_tensor(W)
    W = W if W.is_floating_point() else W.to(torch.get_default_dtype())
    fits = (W.ndim == 2 or (W.ndim > 2 and not one)) and 0 not in W.shape[-2:]
    if not fits or hidden not in (None, W.shape[-2]):
        wanted = f"({'' if one else '..., '}{hidden or 'hidden'}, features)"
        raise ValueError(f"expected W of shape {wanted}; got {tuple(W.shape)}")
    return W


def gram(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch features features2"]:
    """WᵀW: entry (i, j) is W_i · W_j. What the linear model multiplies x with."""
    W = as_weights(W)
    return einsum("... hidden features, ... hidden features2 -> ... features features2", W, W)


def feature_norms(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch features"]:
    """|W_i|: about 1 if feature i is represented, about 0 if not (paper: "Basic Results")."""
    return _lengths(as_weights(W))


def represented(
    W: Float[Tensor, "*batch hidden features"], threshold: float = 0.5
) -> Bool[Tensor, "*batch features"]:
    """Which features have |W_i| > threshold: True for those that the model represents.

    ``represented(W).sum(-1)`` counts them. The lengths are hardly ever near 1/2 in a trained model.

    Raises:
        ValueError: if the threshold is not a finite number > 0.
    """
    return feature_norms(W) > positive_number("threshold", threshold)


def superposition(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch features"]:
    """Σ_{j≠i} (Ŵ_i · W_j)²: how much of the other features is seen along feature i (paper: "Basic Results").

    0 if feature i has a dimension to itself, 1 or more if others fill it. An absent feature has 0.
    """
    projections = _projections(as_weights(W))
    own = torch.diagonal(projections, dim1=-2, dim2=-1)
    return projections.square().sum(-1) - own.square()


def dimensionality(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch features"]:
    """D_i = |W_i|² / Σ_j (Ŵ_i · W_j)²: feature i's share of a dimension (paper: "Geometry of Superposition").

    Between 0 and 1; 0 for an absent feature.
    """
    W = as_weights(W)
    shared = _projections(W).square().sum(-1)
    return torch.where(shared > 0, _lengths(W).square() / shared.clamp(min=_tiny(W)), 0.0)


def dimensions_per_feature(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch"]:
    """D* = m / ‖W‖_F²: hidden dimensions for each feature learned (paper: "Geometry of Superposition").

    Infinite if W is zero.
    """
    W = as_weights(W)
    return W.shape[-2] / W.square().sum((-2, -1))


def leverage(W: Float[Tensor, "*batch hidden features"]) -> Float[Tensor, "*batch features"]:
    """ℓ_i = W_iᵀ (W Wᵀ)⁺ W_i, the leverage score: an upper bound of D_i.

    The scores lie in [0, 1] and add up to rank(W), so Σ D_i <= rank(W) <= m; equality holds exactly if
    the features fall into mutually orthogonal groups, each spread evenly over the space it spans.
    """
    W = as_weights(W)
    _, singular, right = torch.linalg.svd(W, full_matrices=False)
    nonzero = singular > singular.amax(-1, keepdim=True) * max(W.shape[-2:]) * torch.finfo(W.dtype).eps
    return (right.square() * nonzero[..., None]).sum(-2)


def line_counts(
    D: Float[Tensor, "*features"], at: float, *, half_width: float = 0.005, offset: float = 0.0125
) -> tuple[int, int]:
    """How many D_i lie within ``half_width`` of ``at``, and how many in the fuller of two windows beside it.

    The windows beside have the same width, and their centres are ``offset`` below and above.

    Raises:
        ValueError: if there is no D_i or one is not finite, or a number is not finite and > 0.
    """
    D = as_numbers("D", D)
    if D.numel() == 0:
        raise ValueError("expected at least one D_i; got none")
    half_width, offset = positive_number("half_width", half_width), positive_number("offset", offset)
    at = positive_number("at", at)
    on, below, above = (int(((D - c).abs() <= half_width).sum()) for c in (at, at - offset, at + offset))
    return on, max(below, above)


def has_line(D: Float[Tensor, "*features"], at: float, *, at_least: WholeNumber = 10) -> bool:
    """Whether the D_i of one model form a line at ``at``: enough of them on it, and twice as many as beside it.

    Raises:
        ValueError: as ``line_counts``, or if ``at_least`` is not a whole number >= 1.
    """
    on, beside = line_counts(D, at)
    return on >= positive_int("at_least", at_least) and on >= 2 * beside


def _lengths(W: Tensor) -> Float[Tensor, "*batch features"]:
    return torch.linalg.vector_norm(W, dim=-2)


def _projections(W: Tensor) -> Float[Tensor, "*batch features features2"]:
    """Ŵ_i · W_j at (i, j)."""
    directions = W / _lengths(W).clamp(min=_tiny(W))[..., None, :]
    return einsum("... hidden features, ... hidden features2 -> ... features features2", directions, W)


def _tiny(W: Tensor) -> float:
    return torch.finfo(W.dtype).tiny
