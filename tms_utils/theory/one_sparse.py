"""One active feature at a time, the limit of extreme sparsity, and regular polygons in it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from tms_utils.minimise import minimise
from tms_utils.shapes import polygon
from tms_utils.theory.common import as_model
from tms_utils.validate import WholeNumber, as_numbers, whole_number

__all__ = ["PolygonOptimum", "one_sparse_loss", "polygon_one_sparse_loss", "polygon_optimum"]


def one_sparse_loss(
    W: Float[Tensor, "hidden features"], b: Float[Tensor, " features"]
) -> Float[Tensor, "active output"]:
    """E[(x_j - x'_j)²] at output j if feature i alone is active, at (i, j), for x' = ReLU(Wᵀ W x + b).

    With c = W_i · W_j and x uniform in [0, 1), output j is ReLU(c x + b_j), so the means are integrals of
    polynomials: exact, for any W and any sign of b (paper: the L_1 of "Mathematical Understanding").

    Raises:
        ValueError: unless W is one finite matrix, and b fits it.
    """
    W, b = as_model(W, b, one=True)
    c = W.mT @ W
    kink = torch.where(c == 0, 0.0, -b / torch.where(c == 0, 1.0, c)).clamp(0, 1)  # where c x + b = 0
    rises = (c > 0) | ((c == 0) & (b > 0))
    low = torch.where(rises, kink, 0.0)  # the output is positive for low < x < high
    high = torch.where(rises, 1.0, kink)
    square = c**2 * (high**3 - low**3) / 3 + c * b * (high**2 - low**2) + b**2 * (high - low)  # ∫ (c x + b)²
    own = 1 / 3 - 2 * (c * (high**3 - low**3) / 3 + b * (high**2 - low**2) / 2)  # ∫ x² - 2 x (c x + b)
    return square + torch.diag(torch.diagonal(own))


def polygon_one_sparse_loss(k: WholeNumber, norm: float | Tensor, b: float | Tensor) -> Float[Tensor, ""]:
    """What an active feature costs, summed over all outputs, if k features form a regular polygon.

    Every feature has length ``norm`` and bias ``b``, and exactly one is active (the limit of extreme
    sparsity). This is what turns a pentagon's features longer than 1 and their bias negative.

    Raises:
        ValueError: if k < 2 (two features form a digon), or norm or b is not one finite number.
    """
    k = whole_number("k", k, 2)
    for name, value in (("norm", norm), ("b", b)):
        if (shape := as_numbers(name, value).shape) != ():
            raise ValueError(f"expected {name} to be one number; got shape {tuple(shape)}")
    norm, b = (torch.as_tensor(value, dtype=torch.float64) for value in (norm, b))
    return one_sparse_loss(norm * polygon(k).to(norm.device), b.expand(k))[0].sum()


@dataclass(frozen=True)
class PolygonOptimum:
    """The best regular polygon of k features in the limit of extreme sparsity."""

    norm: float
    b: float
    loss: float  # what one active feature costs, summed over all outputs


def polygon_optimum(k: WholeNumber) -> PolygonOptimum:
    """The length and bias that minimise ``polygon_one_sparse_loss``, to about seven digits.

    Up to k = 4 no two features point the same way even in part, so |W_i| = 1 and b = 0 lose nothing.

    Raises:
        ValueError: if k < 2.
    """
    k = whole_number("k", k, 2)
    if k <= 4:
        return PolygonOptimum(1.0, 0.0, 0.0)
    start = torch.tensor(1.0), torch.tensor(-0.5)
    norm, b = minimise(lambda norm, b: polygon_one_sparse_loss(k, norm, b), *start)
    return PolygonOptimum(norm.item(), b.item(), polygon_one_sparse_loss(k, norm, b).item())
