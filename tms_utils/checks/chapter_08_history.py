"""Exercise 8.3 of chapter 8, "How features are learned": the weights of every step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.exercise import Slip, as_tensor, exercise, require

__all__ = ["check_history"]


def _history(W: Tensor, gradient: Callable[[Tensor], Tensor], lr: float, steps: int) -> list[Tensor]:
    kept = []
    for _ in range(steps):
        kept.append(W)
        W = W - lr * gradient(W)
    return kept


def _one_tensor(W: Tensor, gradient: Callable[[Tensor], Tensor], lr: float, steps: int) -> list[Tensor]:
    """The function of the exercise, as the reader finds it."""
    kept = []
    for _ in range(steps):
        kept.append(W)
        W -= lr * gradient(W)
    return kept


def _writes_into_the_callers(
    W: Tensor, gradient: Callable[[Tensor], Tensor], lr: float, steps: int
) -> list[Tensor]:
    kept = []
    for _ in range(steps):
        kept.append(W.clone())
        W -= lr * gradient(W)
    return kept


_KEPT = {
    "count": Slip(
        lambda W, gradient, lr, steps: _history(W, gradient, lr, steps + 1),
        "Expected one entry for each of the {steps} steps; got {count}.",
    ),
    "one tensor": Slip(
        _one_tensor,
        "Still the same numbers in every entry. A list keeps the tensor, not what was in it at the time: all entries "
        "are one and the same tensor, and it goes on changing.",
    ),
    "after": Slip(
        lambda W, gradient, lr, steps: _history(W, gradient, lr, steps + 1)[1:],
        "The entries are copies now, but taken *after* the step. The first should hold the weights before any step.",
    ),
    "straight": Slip(
        lambda W, gradient, lr, steps: [W - k * lr * gradient(W) for k in range(steps)],
        "Each entry moves on by the same amount: take the gradient anew at every step, at the weights of the time.",
    ),
    "entry": Slip(
        lambda W, gradient, lr, steps: _history(W, gradient, 2 * lr, steps),
        "Entry {k} is {kept}; expected {wanted}.",
    ),
    "callers": Slip(
        _writes_into_the_callers,
        "The history is right, but the caller's W has changed as well: `-=` writes into the tensor that was handed "
        "in. A second run would start where the first one ended.",
    ),
}


@exercise("8.3", came="a38784190eb93a5b", right=_history, slips=[*_KEPT.values()])
def check_history(attempt: Callable) -> str:
    """``attempt(W, gradient, lr, steps)``: the weights before each step, a list of tensors."""
    W = torch.tensor([[1.0, -2.0], [0.5, 4.0]])  # the loss is |W|² / 2, whose gradient is W
    handed_in = W.clone()
    given = attempt(handed_in, lambda weights: weights.clone(), 0.2, 4)
    require(given is not None, "Your function returns None. Is a `return` missing at its end?")
    try:
        entries = list(given)
    except TypeError:
        require(False, f"Expected a list of tensors; got {type(given).__name__}.")
    require(len(entries) == 4, _KEPT["count"], steps=4, count=len(entries))
    entries = [as_tensor(kept, (2, 2), f"entry {k}") for k, kept in enumerate(entries)]
    require(not all(torch.equal(kept, entries[-1]) for kept in entries), _KEPT["one tensor"])
    require(not _close(entries[0], 0.8 * W), _KEPT["after"])
    require(not all(_close(kept, (1 - 0.2 * k) * W) for k, kept in enumerate(entries)), _KEPT["straight"])
    for k, kept in enumerate(entries):
        wanted = 0.8**k * W
        shown = [entry.double().round(decimals=3).tolist() for entry in (kept, wanted)]
        require(_close(kept, wanted), _KEPT["entry"], k=k, kept=shown[0], wanted=shown[1])
    require(torch.equal(handed_in, W), _KEPT["callers"])
    return "Copies in the list, and the caller's weights as they were."


def _close(a: Tensor, b: Tensor) -> bool:
    return torch.allclose(a.float(), b, rtol=1e-4, atol=1e-6)
