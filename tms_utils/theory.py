"""Closed forms and exact losses to hold experiments against.

Losses are means over the n features, as everywhere in this package: (1/n) Σ_i I_i E[(x_i - x'_i)²].
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = [
    "LinearOptimum",
    "PolygonOptimum",
    "feature_mean",
    "feature_variance",
    "linear_loss",
    "linear_optimum",
    "one_sparse_loss",
    "polygon_one_sparse_loss",
    "polygon_optimum",
]


def feature_mean(density: float | Tensor) -> float | Tensor:
    """E[x_i] = p/2 of a sparse feature: uniform in [0, 1) with probability p, else 0."""
    return density / 2


def feature_variance(density: float | Tensor) -> float | Tensor:
    """v(p) = Var[x_i] = p/3 - p²/4: what a model loses by always answering the mean."""
    return density / 3 - density**2 / 4


def linear_loss(
    W: Float[Tensor, "*batch hidden features"],
    b: Float[Tensor, "*batch features"],
    importance: Float[Tensor, "*#batch features"],
    density: float | Tensor,
) -> Float[Tensor, "*batch"]:
    """The exact loss of x' = Wᵀ W x + b on independent sparse features: no sample, no noise.

    (1/n) Σ_i I_i [ v(p) Σ_j (δ_ij - W_i·W_j)² + (E[x'_i] - E[x_i])² ]. Only the mean and the variance of
    the features enter. ``density`` is one number, or one per instance: it broadcasts against ``*batch``.
    """
    n = W.shape[-1]
    missing = torch.eye(n, dtype=W.dtype, device=W.device) - W.mT @ W
    density = torch.as_tensor(density, dtype=W.dtype, device=W.device)[..., None]
    spread = feature_variance(density) * missing.square().sum(-1)
    offset = b - feature_mean(density) * missing.sum(-1)
    return (importance * (spread + offset.square())).mean(-1)


@dataclass(frozen=True)
class LinearOptimum:
    """The best linear model: which features it keeps, its bias, and its loss."""

    kept: Float[Tensor, " features"]  # 1 for a feature that is kept, 0 for one that is dropped
    b: Float[Tensor, " features"]
    loss: float


def linear_optimum(n_hidden: int, importance: Float[Tensor, " features"], density: float) -> LinearOptimum:
    """The optimum of x' = Wᵀ W x + b on independent sparse features (paper: "Linear Model").

    WᵀW keeps the m most important features exactly and drops the rest; the bias answers E[x_i] = p/2 for
    those. The loss is (1/n) Σ_{i dropped} I_i v(p). If importances tie at the border, this is one of many
    optima with the same loss.

    Raises:
        ValueError: if density lies outside (0, 1], n_hidden is below 1, or an importance is negative or NaN.
    """
    if not 0 < density <= 1:
        raise ValueError(f"expected density in (0, 1]; got {density:g}")
    if n_hidden < 1:
        raise ValueError(f"expected n_hidden >= 1; got {n_hidden}")
    if importance.ndim != 1 or not (importance >= 0).all():
        raise ValueError(f"expected importance of shape (features,), all >= 0; got {importance}")
    kept = torch.zeros_like(importance)
    kept[importance.argsort(descending=True, stable=True)[:n_hidden]] = 1
    dropped = 1 - kept
    loss = (importance * dropped).mean() * feature_variance(density)
    return LinearOptimum(kept, dropped * feature_mean(density), float(loss))


def one_sparse_loss(
    W: Float[Tensor, "hidden features"], b: Float[Tensor, " features"]
) -> Float[Tensor, "active output"]:
    """E[(x_j - x'_j)²] at output j if feature i alone is active, at (i, j), for x' = ReLU(Wᵀ W x + b).

    With c = W_i · W_j and x uniform in [0, 1), output j is ReLU(c x + b_j), so the means are integrals of
    polynomials: exact, for any W and any sign of b (paper: the L_1 of "Mathematical Understanding").
    """
    c = W.mT @ W
    kink = torch.where(c == 0, 0.0, -b / torch.where(c == 0, 1.0, c)).clamp(0, 1)  # where c x + b = 0
    rises = (c > 0) | ((c == 0) & (b > 0))
    low = torch.where(rises, kink, 0.0)  # the output is positive for low < x < high
    high = torch.where(rises, 1.0, kink)
    square = c**2 * (high**3 - low**3) / 3 + c * b * (high**2 - low**2) + b**2 * (high - low)  # ∫ (c x + b)²
    own = 1 / 3 - 2 * (c * (high**3 - low**3) / 3 + b * (high**2 - low**2) / 2)  # ∫ x² - 2 x (c x + b)
    return square + torch.diag(torch.diagonal(own))


def polygon_one_sparse_loss(k: int, norm: float | Tensor, b: float | Tensor) -> Float[Tensor, ""]:
    """What an active feature costs, summed over all outputs, if k features form a regular polygon.

    Every feature has length ``norm`` and bias ``b``, and exactly one is active (the limit of extreme
    sparsity). This is what turns a pentagon's features longer than 1 and their bias negative.

    Raises:
        ValueError: if k < 2. (Two features form a digon.)
    """
    if k < 2:
        raise ValueError(f"expected a polygon of k >= 2 features; got k = {k}")
    norm, b = torch.as_tensor(norm).double(), torch.as_tensor(b).double()
    angle = 2 * math.pi * torch.arange(k, dtype=torch.float64) / k
    W = norm * torch.stack([angle.cos(), angle.sin()])
    return one_sparse_loss(W, b.expand(k))[0].sum()


@dataclass(frozen=True)
class PolygonOptimum:
    """The best regular polygon of k features in the limit of extreme sparsity."""

    norm: float
    b: float
    loss: float  # what one active feature costs, summed over all outputs


def polygon_optimum(k: int) -> PolygonOptimum:
    """The length and bias that minimise ``polygon_one_sparse_loss``, to about seven digits.

    Up to k = 4 no two features point the same way even in part, so |W_i| = 1 and b = 0 lose nothing.
    """
    if 2 <= k <= 4:
        return PolygonOptimum(1.0, 0.0, 0.0)
    norm_and_bias = torch.tensor([1.0, -0.5], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [norm_and_bias],
        max_iter=500,
        tolerance_grad=1e-10,
        tolerance_change=1e-14,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = polygon_one_sparse_loss(k, *norm_and_bias)
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        loss = polygon_one_sparse_loss(k, *norm_and_bias)
    return PolygonOptimum(*norm_and_bias.tolist(), loss.item())
