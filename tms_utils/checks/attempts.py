"""What a check does with an attempt: reads numbers out of it, and says in words why it is wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Slip", "WrongAnswer", "as_number", "as_tensor", "require"]


@dataclass(frozen=True)
class Slip:
    """A plausible wrong ``answer`` (a tuple: of several arguments), and the message, with ``{fields}`` for ``require``."""

    answer: Any
    message: str


class WrongAnswer(Exception):
    """Raised by ``require`` inside a check; its message tells the reader what is wrong and why."""

    def __init__(self, message: str, slip: Slip | None = None):
        super().__init__(message)
        self.slip = slip


def require(condition: Any, message: str | Slip, **fields: Any) -> None:
    """Fail the exercise unless ``condition`` holds: with a text, or with a slip's, its ``{fields}`` filled in."""
    if condition:
        return
    if isinstance(message, Slip):
        raise WrongAnswer(message.message.format(**fields) if fields else message.message, message)
    raise WrongAnswer(message)


def as_tensor(value: Any, shape: tuple[int, ...] | None = None, what: str = "your answer") -> Tensor:
    """``value`` (numbers, or lists or arrays of them) as a tensor without gradient, real ones as float32, of ``shape``."""
    require(value is not None, f"{what[0].upper()}{what[1:]} is None. Is a `return` missing at the end?")
    try:
        if isinstance(value, list | tuple) and value and all(isinstance(part, Tensor) for part in value):
            value = torch.stack(list(value))
        elif hasattr(value, "__array__") and not isinstance(value, Tensor):
            value = np.array(value)  # a copy: PyTorch warns of arrays that cannot be written to
        tensor = torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError):
        require(False, f"Expected a tensor as {what}; got {type(value).__name__}.")
    require(not tensor.is_complex(), f"Expected real numbers as {what}; got complex ones.")
    require(
        shape is None or tuple(tensor.shape) == tuple(shape),
        f"Expected {what} to have shape {shape}; got {tuple(tensor.shape)}.",
    )
    return tensor.to("cpu", torch.float32) if tensor.is_floating_point() else tensor.cpu()


def as_number(value: Any, what: str = "your answer") -> float:
    """``value`` as a finite float; else the exercise fails and says so."""
    require(value is not None, f"{what[0].upper()}{what[1:]} is None. Is a `return` missing at the end?")
    shape = tuple(getattr(value, "shape", ()))
    require(math.prod(shape) == 1, f"Expected one number as {what}; got an array of shape {shape}.")
    try:
        result = float(value.item() if shape else value)  # an array of one number is a number
    except (TypeError, ValueError, RuntimeError, OverflowError):
        require(False, f"Expected a number as {what}; got {value!r:.60}.")
    require(math.isfinite(result), f"Expected a finite number as {what}; got {result}.")
    return result
