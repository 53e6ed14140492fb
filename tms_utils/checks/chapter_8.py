"""Checks of chapter 8, "How features are learned"."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.verdict import exercise, require
from tms_utils.theory import feature_variance

__all__ = [
    "check_best_polygon",
    "check_history",
    "check_smaller_start",
    "check_steps_until",
]


def _steps(level: float, start: float, importance: float, density: float, n: int, lr: float) -> float:
    """Steps in which a squared length that grows alone gets from ``start`` to ``level``."""
    logits = math.log(level / (1 - level)) - math.log(start / (1 - start))
    return logits * n / (8 * feature_variance(density) * importance * lr)


# A wrong answer to exercise 8.1, and what to say to it.
_WRONG_STEPS: list[tuple[Callable[..., float], str]] = [
    (
        lambda *case: -_steps(*case),
        "The size is right and the sign is not: growing takes a positive number of steps.",
    ),
    (
        lambda level, *rest: _steps(0.5, *rest),
        "You answer with the time to one half, whatever `level` is.",
    ),
    (
        lambda *case: 2 * _steps(*case),
        "Twice too long. Is your rate that of the length? Its square grows at 8 v I / n.",
    ),
    (
        lambda *case: _steps(*case) / 2,
        "Half as long as it should be: the squared length grows at 8 v I / n, not at twice that.",
    ),
    (
        lambda level, start, *rest: _steps(level, start**2, *rest),
        "You squared `start`; it is a squared length already.",
    ),
    (
        lambda a, s, i, p, n, lr: _steps(a, s, i, p, n, lr) * feature_variance(p) / p,
        "You used the density p where the variance v(p) of a feature belongs.",
    ),
    (
        lambda a, s, i, p, n, lr: _steps(a, s, i, p, n, 1.0) * lr,
        "You multiplied by `lr`. The larger the steps, the fewer are needed: divide.",
    ),
    (
        lambda a, s, i, p, n, lr: _steps(a, s, i, p, n, 1.0),
        "Right for a learning rate of 1. With `lr`, each step advances time by `lr`.",
    ),
    (
        lambda a, s, i, p, n, lr: _steps(a, s, 1.0, p, n, lr),
        "The importance is missing: unimportant features take longer.",
    ),
    (
        lambda a, s, i, p, n, lr: _steps(a, s, i, p, 1, lr),
        "The number of features is missing: the loss is a mean over all n, so each one pulls with 1/n.",
    ),
    (
        lambda a, s, i, p, n, lr: math.log(a / s) * n / (8 * feature_variance(p) * i * lr),
        "That is exponential growth, ln(level / start). Near 1 it slows down: use ln(a / (1 - a)).",
    ),
]


@exercise("8.1")
def check_steps_until(steps_until: Callable) -> str:
    """``steps_until(level, start, importance, density, n, lr)``: steps from one squared length to another."""
    cases = [(0.5, 1e-4, 1.0, 0.2, 8, 1.0), (0.99, 1e-4, 0.7, 0.2, 8, 1.0), (0.9, 0.3, 0.49, 0.05, 20, 0.5)]
    given = [steps_until(*case) for case in cases]
    require(
        all(value is not None for value in given),
        "Your function returns None. Is a `return` missing at its end?",
    )
    given = [float(value) for value in given]
    require(all(map(math.isfinite, given)), f"Not every answer is a finite number: {given}.")

    for wrong, message in _WRONG_STEPS:
        same = [math.isclose(g, wrong(*case), rel_tol=1e-3) for g, case in zip(given, cases, strict=True)]
        require(not all(same), message)
    for case, value in zip(cases, given, strict=True):
        wanted = _steps(*case)
        require(
            math.isclose(value, wanted, rel_tol=1e-3),
            f"For (level, start, importance, density, n, lr) = {case} you return {value:.1f}; expected {wanted:.1f}. "
            "The time is the difference of two ln(a / (1 - a)), at `level` and at `start`, over the rate.",
        )
    return "As long from 1 % to one half as from one half to 99 %: the curve is symmetric."


@exercise("8.2")
def check_smaller_start(answer) -> str:
    """``answer`` is "A", "B" or "C"."""
    require(isinstance(answer, str), f'Expected "A", "B" or "C"; got {answer!r}.')
    answer = answer.strip().upper()
    require(answer in {"A", "B", "C"}, f'Expected "A", "B" or "C"; got {answer!r}.')
    require(
        answer != "A",
        "Not A. Growth is exponential: from 0.001 to 0.01 takes as long as from 0.01 to 0.1, not ten times as long.",
    )
    require(
        answer != "B",
        "Not B. All features have the same factor of 100 to make up for in squared length, but at rates of their own.",
    )
    return (
        "ln(100) / r_i more steps each, so the stairs move apart: a smaller start makes a cleaner staircase."
    )


@exercise("8.3")
def check_history(history: Callable) -> str:
    """``history(W, gradient, lr, steps)``: the weights before each step, a list of tensors."""
    W = torch.tensor([[1.0, -2.0], [0.5, 4.0]])
    wanted = [W * 0.8**k for k in range(4)]  # the loss |W|² / 2, whose gradient is W
    handed_in = W.clone()
    given = history(handed_in, lambda weights: weights.clone(), 0.2, 4)
    require(given is not None, "Your function returns None. Is a `return` missing at its end?")
    given = list(given)
    require(len(given) == 4, f"Expected one entry for each of the 4 steps; got {len(given)}.")
    require(
        all(isinstance(kept, Tensor) and kept.shape == W.shape for kept in given),
        "Every entry should be a tensor of the shape of W.",
    )
    require(
        not all(torch.equal(kept, given[-1]) for kept in given),
        "Still the same numbers in every entry. A list keeps the tensor, not what was in it at the time: all entries "
        "are one and the same tensor, and it goes on changing.",
    )
    require(
        not torch.allclose(given[0], wanted[1]),
        "The entries are copies now, but taken *after* the step. The first should hold the weights before any step.",
    )
    for k, (kept, right) in enumerate(zip(given, wanted, strict=True)):
        require(torch.allclose(kept, right), f"Entry {k} is {kept.tolist()}; expected {right.tolist()}.")
    require(
        torch.equal(handed_in, W),
        "The history is right, but the caller's W has changed as well: `-=` writes into the tensor that was handed "
        "in. A second run would start where the first one ended.",
    )
    return "Copies in the list, and the caller's weights as they were."


@exercise("8.4")
def check_best_polygon(k) -> str:
    """``k``, the number of eight features to keep in the plane."""
    try:
        whole = int(k) == k and not isinstance(k, bool | str)
    except (TypeError, ValueError):
        whole = False
    require(whole and 3 <= k <= 8, f"Expected a whole number from 3 to 8; got {k!r}.")
    require(
        k != 8,
        "Not 8. All eight fit, but in an octagon each costs 0.1155; in a heptagon 0.0833, which is worth dropping one.",
    )
    require(
        k != 6,
        "Close, but not 6. A seventh makes the other six dearer, and yet the total falls, from 0.1117 to 0.1106.",
    )
    require(
        k == 7,
        f"Not {int(k)}: a dropped feature costs 1/3 - 1/32 = 0.302, one in a hexagon 0.048.",
    )
    return "A heptagon and one dropped feature, 0.1106, a little better than six and two, 0.1117."
