"""What a function does beside its answer: how often it calls PyTorch, and what its random numbers depend on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor
from torch.overrides import TorchFunctionMode

__all__ = ["ignores_generator", "torch_calls"]


class _Counter(TorchFunctionMode):
    calls = 0

    def __torch_function__(self, function: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += 1
        return function(*args, **(kwargs or {}))


def torch_calls(run: Callable[[], object]) -> int:
    """How many functions of PyTorch ``run()`` calls, operators of tensors included.

    A loop over rows shows in it, and unlike time it does not depend on the machine.
    """
    with _Counter() as counter:
        run()
    return counter.calls


def ignores_generator(draw: Callable[[Generator], Tensor]) -> bool:
    """Whether what is drawn depends on something else than the generator, or not on the generator."""
    first, again, other = (draw(Generator().manual_seed(seed)) for seed in (4, 4, 5))
    return not torch.equal(first, again) or torch.equal(first, other)
