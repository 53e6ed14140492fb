"""Closed forms and exact losses to hold experiments against.

Losses are means over the n features, as everywhere in this package: (1/n) Σ_i I_i E[(x_i - x'_i)²].
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["LinearOptimum", "feature_mean", "feature_variance", "linear_optimum"]


def feature_mean(density: float | Tensor) -> float | Tensor:
    """E[x_i] = p/2 of a sparse feature: uniform in [0, 1) with probability p, else 0."""
    return density / 2


def feature_variance(density: float | Tensor) -> float | Tensor:
    """v(p) = Var[x_i] = p/3 - p²/4: what a model loses by always answering the mean."""
    return density / 3 - density**2 / 4


@dataclass(frozen=True)
class LinearOptimum:
    """The best linear model: which features it keeps, its bias, and its loss."""

    kept: Float[Tensor, " features"]  # 1 for a feature that is kept, 0 for one that is dropped
    b: Float[Tensor, " features"]
    loss: float


def linear_optimum(
    n_hidden: int, importance: Float[Tensor, " features"], density: float
) -> LinearOptimum:
    """The optimum of x' = Wᵀ W x + b on independent sparse features (paper: "Linear Model").

    WᵀW keeps the m most important features exactly and drops the rest; the bias answers E[x_i] = p/2 for
    those. The loss is (1/n) Σ_{i dropped} I_i v(p). If importances tie at the border, this is one of many
    optima with the same loss.

    Raises:
        ValueError: if density lies outside (0, 1] or an importance is negative.
    """
    if not 0 < density <= 1:
        raise ValueError(f"expected density in (0, 1]; got {density:g}")
    if importance.ndim != 1 or (importance < 0).any():
        raise ValueError(f"expected importance of shape (features,), all >= 0; got {importance}")
    kept = torch.zeros_like(importance)
    kept[importance.argsort(descending=True, stable=True)[:n_hidden]] = 1
    dropped = 1 - kept
    loss = (importance * dropped).mean() * feature_variance(density)
    return LinearOptimum(kept, dropped * feature_mean(density), float(loss))
