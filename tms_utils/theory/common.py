"""What the rooms of ``theory`` share: the record of a solution, and what they ask of their arguments."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from tms_utils.geometry import as_weights
from tms_utils.validate import Numbers, as_numbers

__all__ = ["Solution", "as_model", "broadcast", "non_negative", "probability"]


@dataclass(frozen=True)
class Solution:
    """A model's weights, bias and exact loss."""

    W: Float[Tensor, "hidden features"]
    b: Float[Tensor, " features"]
    loss: float


def probability(name: str, value: Numbers, *, like: Tensor | None = None, zero: bool = False) -> Tensor:
    """``value`` as a tensor of numbers in (0, 1], or [0, 1] if ``zero``; float64, or as ``like`` is."""
    p = _numbers(name, value, like)
    outside = p[~((p >= 0 if zero else p > 0) & (p <= 1))]
    if len(outside):
        raise ValueError(f"expected {name} in {'[' if zero else '('}0, 1]; got {outside[0].item():g}")
    return p


def non_negative(name: str, value: Numbers, *, like: Tensor | None = None, zero: bool = True) -> Tensor:
    """``value`` as a tensor of numbers >= 0, or > 0 if not ``zero``; float64, or as ``like`` is."""
    number = _numbers(name, value, like)
    outside = number[~(number >= 0 if zero else number > 0)]
    if len(outside):
        raise ValueError(f"expected {name} {'>=' if zero else '>'} 0; got {outside[0].item():g}")
    return number


def broadcast(shape: tuple[int, ...] = (), **given: Tensor) -> torch.Size:
    """The shape that ``shape`` and all that is given share; named in the ValueError if there is none."""
    try:
        return torch.broadcast_shapes(shape, *(value.shape for value in given.values()))
    except RuntimeError:
        shapes = ", ".join(f"{name} {tuple(value.shape)}" for name, value in given.items())
        raise ValueError(f"expected shapes that broadcast against {tuple(shape)}; got {shapes}") from None


def as_model(
    W: Float[Tensor, "*batch hidden features"], b: Float[Tensor, "*batch features"], *, one: bool = False
) -> tuple[Float[Tensor, "*batch hidden features"], Float[Tensor, "*batch features"]]:
    """W and b, gradients and all, if they fit each other; a single model if ``one``."""
    W = as_weights(W, one=one)
    as_numbers("b", b)
    b, fitting = torch.as_tensor(b).to(W), W.shape[:-2] + W.shape[-1:]
    if b.shape != fitting:
        raise ValueError(f"expected b of shape {tuple(fitting)}, as W has; got {tuple(b.shape)}")
    return W, b


def _numbers(name: str, value: Numbers, like: Tensor | None) -> Tensor:
    as_numbers(name, value)
    if like is None:
        return torch.as_tensor(value, dtype=torch.float64).detach()
    return torch.as_tensor(value, dtype=like.dtype, device=like.device).detach()
