"""The linear model x' = Wᵀ W x + b on independent sparse features (paper: "Linear Model")."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from tms_utils.theory.common import Solution, as_model, broadcast, non_negative, probability
from tms_utils.validate import Numbers, WholeNumber, positive_int

__all__ = ["feature_mean", "feature_variance", "linear_loss", "linear_optimum"]


def feature_mean(density: Numbers) -> float | Tensor:
    """E[x_i] = p/2 of a sparse feature: uniform in [0, 1) with probability p, else 0.

    Raises:
        ValueError: if a density lies outside [0, 1].
    """
    return _density(density) / 2


def feature_variance(density: Numbers) -> float | Tensor:
    """v(p) = Var[x_i] = p/3 - p²/4: what a model loses by always answering the mean.

    Raises:
        ValueError: if a density lies outside [0, 1].
    """
    p = _density(density)
    return p / 3 - p**2 / 4


def linear_loss(
    W: Float[Tensor, "*batch hidden features"],
    b: Float[Tensor, "*batch features"],
    *,
    density: Numbers,
    importance: Numbers = 1.0,
) -> Float[Tensor, "*batch"]:
    """The exact loss of x' = Wᵀ W x + b on independent sparse features: no sample, no noise.

    (1/n) Σ_i I_i [ v(p) Σ_j (δ_ij - W_i·W_j)² + (E[x'_i] - E[x_i])² ]. Only the mean and the variance of
    the features enter.

    Args:
        density: P(x_i > 0), in [0, 1]: one number, or one per instance (it broadcasts against ``*batch``).
        importance: one number, or one per feature (it broadcasts against ``(*batch, features)``).

    Raises:
        ValueError: on shapes, densities or importances that do not fit.
    """
    W, b = as_model(W, b)
    p = probability("density", density, like=W, zero=True)
    importance = non_negative("importance", importance, like=W)
    broadcast(b.shape[:-1], density=p)
    broadcast(b.shape, importance=importance)
    missing = torch.eye(W.shape[-1], dtype=W.dtype, device=W.device) - W.mT @ W
    spread = feature_variance(p)[..., None] * missing.square().sum(-1)
    offset = b - feature_mean(p)[..., None] * missing.sum(-1)
    return (importance * (spread + offset.square())).mean(-1)


def linear_optimum(
    n_hidden: WholeNumber, *, density: float, importance: Float[Tensor, " features"]
) -> Solution:
    """The optimum of x' = Wᵀ W x + b on independent sparse features, one of many rotations of it.

    WᵀW keeps the m most important features exactly and drops the rest: row k of W selects the k-th most
    important one. The bias answers E[x_i] = p/2 for those dropped. The loss is (1/n) Σ_{i dropped} I_i v(p).
    If importances tie at the border, this is one of many optima with the same loss.

    Raises:
        ValueError: if density lies outside (0, 1], n_hidden is below 1, or an importance is negative or NaN.
    """
    m = positive_int("n_hidden", n_hidden)
    p, importance = probability("density", density), non_negative("importance", importance)
    if p.ndim != 0:
        raise ValueError(f"expected one density; got shape {tuple(p.shape)}")
    if importance.ndim != 1 or len(importance) == 0:
        raise ValueError(f"expected importance of shape (features,); got {tuple(importance.shape)}")
    kept = importance.argsort(descending=True, stable=True)[:m]
    W = torch.zeros(m, len(importance), dtype=torch.float64, device=importance.device)
    W[torch.arange(len(kept)), kept] = 1
    dropped = 1 - W.sum(0)
    loss = (importance * dropped).mean() * feature_variance(p)
    return Solution(W, dropped * feature_mean(p), loss.item())


def _density(density: Numbers) -> float | Tensor:
    """A density as it came if one can reckon with it, else as a tensor; checked."""
    p = probability("density", density, zero=True)
    return density if isinstance(density, (int, float, Tensor)) else p
