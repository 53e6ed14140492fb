"""The one descent of the package: to the bottom of a smooth function, in double precision."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.validate import WholeNumber, as_numbers, positive_int, positive_number

__all__ = ["minimise"]


def minimise(
    f: Callable[..., Tensor], *start: Tensor, steps: WholeNumber = 1000, tolerance: float = 1e-10
) -> tuple[Tensor, ...]:
    """The local minimum of ``f(*start)`` downhill of ``start``, by L-BFGS: one tensor for each of ``start``.

    Args:
        f: takes tensors of ``start``'s shapes, in float64, and returns one number.
        start: where to begin; left as it is.
        steps: at most so many.
        tolerance: it stops where no entry of the gradient is larger, or when a step changes f by less than
            a ten-thousandth of it. Scale f to about 1.

    Raises:
        ValueError: if there is no start, it is not finite, or f there is not one finite number.
    """
    if not start:
        raise ValueError("expected at least one tensor to start from; got none")
    steps, tolerance = positive_int("steps", steps), positive_number("tolerance", tolerance)
    for s in start:
        as_numbers("the start", s)
    free = [torch.as_tensor(s).detach().double().clone().requires_grad_() for s in start]
    value = f(*free)
    if not isinstance(value, Tensor) or value.numel() != 1 or not torch.isfinite(value):
        raise ValueError(f"expected f to be one finite number at the start; got {value}")

    optimiser = torch.optim.LBFGS(
        free,
        max_iter=steps,
        tolerance_grad=tolerance,
        tolerance_change=1e-4 * tolerance,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimiser.zero_grad()
        value = f(*free)
        value.backward()
        return value

    optimiser.step(closure)
    return tuple(x.detach() for x in free)
