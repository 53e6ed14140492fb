"""What the package asks of its arguments: what has one clear meaning is taken, all else is a ValueError.

Whole numbers may be Python's, NumPy's or PyTorch's; tables of numbers may be tensors, arrays or lists; an
int seed may stand wherever a generator may. Each message says what was expected and what came.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import SupportsIndex

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

__all__ = [
    "Device",
    "Numbers",
    "Seed",
    "WholeNumber",
    "as_density",
    "as_device",
    "as_generator",
    "as_importance",
    "as_numbers",
    "positive_int",
    "positive_number",
    "whole_number",
]

WholeNumber = SupportsIndex  # int, NumPy's and PyTorch's whole numbers
Seed = torch.Generator | SupportsIndex | None
Device = torch.device | str
Numbers = float | int | np.number | np.ndarray | Sequence | Tensor


def whole_number(name: str, value: object, lowest: int = 0) -> int:
    """``value`` as an int, at least ``lowest``. True and False are no numbers, and neither is 2.0."""
    try:
        number = operator.index(value)
        truth = isinstance(value, bool) or getattr(value, "dtype", None) == torch.bool
    except (TypeError, ValueError, RuntimeError):
        number, truth = None, False
    if number is None or truth or number < lowest:
        raise ValueError(f"expected {name} to be a whole number >= {lowest}; got {_shown(value)}")
    return number


def positive_int(name: str, value: object) -> int:
    """``value`` as an int, at least 1."""
    return whole_number(name, value, 1)


def positive_number(name: str, value: object) -> float:
    """``value`` as a float, finite and above 0."""
    try:
        number = None if isinstance(value, str) else float(value)
    except (TypeError, ValueError, RuntimeError):
        number = None
    if number is None or not 0 < number < float("inf"):
        raise ValueError(f"expected {name} to be a finite number > 0; got {_shown(value)}")
    return number


def as_numbers(name: str, value: object, *, finite: bool = True) -> Tensor:
    """``value`` as a tensor of real numbers without a gradient.

    A floating tensor keeps its dtype; all else takes PyTorch's default. NaN and infinity are refused
    unless ``finite`` is False.
    """
    try:
        tensor = torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError):
        raise ValueError(f"expected {name} to be numbers; got {_shown(value)}") from None
    if tensor.is_complex() or tensor.dtype == torch.bool:
        raise ValueError(f"expected {name} to be real numbers; got {tensor.dtype}")
    if not (isinstance(value, Tensor) and tensor.is_floating_point()):
        tensor = tensor.to(torch.get_default_dtype())
    outside = tensor[~torch.isfinite(tensor)]
    if finite and len(outside):
        raise ValueError(f"expected {name} to be finite numbers; got {outside[0].item():g}")
    return tensor


def as_device(device: object) -> torch.device:
    """``device`` as one that is there and can draw random numbers: "cpu", or "cuda" on a machine with a GPU."""
    try:
        found = torch.device(device)
        torch.Generator(found)
        torch.empty(0, device=found)
    except (AssertionError, NotImplementedError, RuntimeError, TypeError, ValueError):
        have = '"cpu" or "cuda"' if torch.cuda.is_available() else '"cpu" (PyTorch finds no GPU here)'
        raise ValueError(f"expected a device that is there: {have}; got {_shown(device)}") from None
    return found


def as_generator(generator: object, device: Device | None = None) -> torch.Generator | None:
    """A generator on ``device``: the one given, a fresh one if an int seed is given, or None.

    None stands for PyTorch's global source. A function that draws twice calls this once, at its start: the
    same int handed on to both draws would give the same numbers twice.
    """
    if generator is None:
        return None
    if not isinstance(generator, torch.Generator):
        seed = whole_number("a generator or a seed", generator)
        if seed >= 2**63:
            raise ValueError(f"expected a seed below 2**63; got {seed}")
        return torch.Generator(device or "cpu").manual_seed(seed)
    if device is not None and generator.device.type != torch.device(device).type:
        raise ValueError(
            f"expected a generator on {torch.device(device).type}, where the features are; "
            f"got one on {generator.device.type}"
        )
    return generator


def as_density(
    density: object, n_features: int, *, zero: bool = False
) -> Float[Tensor, "instances features"]:
    """``density`` = P(x_i > 0) as a new tensor, from a number, (instances,), (instances, 1) or (instances, features).

    Each must lie in (0, 1], or in [0, 1] if ``zero``.
    """
    given = as_numbers("density", density, finite=False).to(torch.get_default_dtype())
    p = given[None] if given.ndim == 0 else given
    p = p[:, None] if p.ndim == 1 else p
    if p.ndim != 2 or p.shape[0] == 0 or p.shape[1] not in (1, n_features):
        raise ValueError(
            "expected density to be a number, (instances,), (instances, 1) or (instances, features) = "
            f"(instances, {n_features}); got shape {tuple(given.shape)}"
        )
    outside = p[~((p >= 0 if zero else p > 0) & (p <= 1))]
    if len(outside):
        raise ValueError(
            f"expected density = 1 - S in {'[' if zero else '('}0, 1]; got {outside[0].item():g}"
        )
    return p.expand(-1, n_features).clone(memory_format=torch.contiguous_format)


def as_importance(
    importance: object, n_instances: int, n_features: int
) -> Float[Tensor, "instances features"]:
    """``importance`` as (instances, features), each finite and at least 0; None is 1 throughout.

    Takes a number, (features,), (1, features), (instances, 1) or (instances, features).
    """
    shape = (n_instances, n_features)
    given = as_numbers("importance", 1.0 if importance is None else importance, finite=False)
    try:
        table = given.expand(shape)
    except RuntimeError:
        raise ValueError(
            f"expected importance to broadcast against (instances, features) = {shape}; "
            f"got shape {tuple(given.shape)}"
        ) from None
    outside = given[~(torch.isfinite(given) & (given >= 0))]
    if len(outside):
        raise ValueError(f"expected every importance to be a finite number >= 0; got {outside[0].item():g}")
    return table


def _shown(value: object) -> str:
    """``value`` for a message: a tensor that is not one number by its shape, all else as Python writes it."""
    if isinstance(value, (Tensor, np.ndarray)) and value.ndim > 0:
        return f"a table of shape {tuple(value.shape)}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
