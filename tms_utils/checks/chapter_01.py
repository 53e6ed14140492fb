"""Exercises of chapter 1, "The linear model"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from tms_utils.checks.chapter_01_training import check_sgd_step
from tms_utils.checks.exercise import Slip, as_tensor, choice, exercise, require
from tms_utils.theory import feature_variance, linear_loss

__all__ = ["check_linear_loss", "check_prediction_sparse", "check_sgd_step"]

# 1.1 ----------------------------------------------------------------------------------------


def _loss(value: Callable) -> Callable:
    """A loss made of ``value(M, b, p, weight)``, where M = 1 - WᵀW is what the model leaves out."""

    def loss(W: Tensor, b: Tensor, *, density: float, importance: Tensor) -> Tensor:
        return value(torch.eye(W.shape[1]) - W.T @ W, b, density, importance)

    return loss


def _spread(M: Tensor, p: float) -> Tensor:
    return feature_variance(p) * M.square().sum(1)


def _offset(M: Tensor, b: Tensor, p: float) -> Tensor:
    return (b - p / 2 * M.sum(1)).square()


def _from_a_sample(W: Tensor, b: Tensor, *, density: float, importance: Tensor) -> Tensor:
    u = torch.rand(50_000, len(b), generator=Generator().manual_seed(1))
    x = ((u - 1 + density) / density).clamp(min=0)
    return (importance * (x @ W.T @ W + b - x).square()).mean()


_SAMPLED = Slip(
    _from_a_sample,
    "At density {density} your loss is {value:.5f}; the exact one is {right:.5f}. So close: did you average "
    "over a sample? Here a formula is wanted.",
)


@exercise(
    "1.1",
    right=linear_loss,
    slips=[
        Slip(
            _loss(lambda M, b, p, weight: (weight * (_spread(M, p) + _offset(M, b, p))).sum()),
            "That is the sum over features. In this course the loss is the mean over them: divide by n.",
        ),
        Slip(
            _loss(lambda M, b, p, weight: weight * (_spread(M, p) + _offset(M, b, p))),
            "The loss is one number, the mean over the features; yours has a number for each.",
        ),
        Slip(
            _loss(lambda M, b, p, weight: (weight * _spread(M, p)).mean()),
            "The spread is right, but the mean of the error is missing: it is not 0 unless b is at its best.",
        ),
        Slip(
            _loss(lambda M, b, p, weight: (weight * (_spread(M, p) + b.square())).mean()),
            "The mean error is not b alone: Wᵀ W x has a mean, too, and so has x.",
        ),
        Slip(
            _loss(lambda M, b, p, weight: (weight * (_spread(M, p) + _offset(M, -b, p))).mean()),
            "Check the sign of b: the error x' - x has mean b_i - E[x]·Σ_j (δ_ij - W_i·W_j).",
        ),
        Slip(
            _loss(lambda M, b, p, weight: (weight * (p / 3 * M.square().sum(1) + _offset(M, b, p))).mean()),
            "You used E[x²] = p/3 as the variance. Subtract the squared mean: v(p) = p/3 - p²/4.",
        ),
        Slip(
            _loss(lambda M, b, p, weight: (weight * (_spread(M.diag().diag(), p) + _offset(M, b, p))).mean()),
            "Interference is missing: the sum over j must include j ≠ i, not only (1 - |W_i|²)².",
        ),
        Slip(
            _loss(lambda M, b, p, weight: (_spread(M, p) + _offset(M, b, p)).mean()),
            "Importance is missing: that is the plain mean squared error.",
        ),
        Slip(
            _loss(lambda M, b, p, weight: (weight.square() * (_spread(M, p) + _offset(M, b, p))).mean()),
            "Importance is inside the square, so it counts twice: weigh the squared error, not the error.",
        ),
        _SAMPLED,
    ],
)
def check_linear_loss(attempt: Callable) -> str:
    """``attempt(W, b, density=, importance=)`` against the exact loss, on weights nobody trained."""
    generator = Generator().manual_seed(11)
    W = 0.5 * torch.randn(3, 7, generator=generator)
    b = 0.3 * torch.randn(7, generator=generator)
    importance = 0.8 ** torch.arange(7)
    for density in (1.0, 0.3, 0.02):

        def look(loss: Callable, p: float = density) -> Tensor:
            value = as_tensor(loss(W.clone(), b.clone(), density=p, importance=importance.clone())).float()
            return value.reshape(()) if value.numel() == 1 else value

        value, is_right = check_linear_loss.compare(attempt, look, rtol=1e-4)
        require(value.ndim == 0, f"The loss is one number; yours has shape {tuple(value.shape)}.")
        fields = {"density": density, "value": value, "right": look(linear_loss)}
        require(is_right or not torch.isclose(value, fields["right"], rtol=0.05), _SAMPLED, **fields)
        require(
            is_right,
            "At density {density} your loss is {value:.5f}; the exact one is {right:.5f}.".format(**fields),
        )
    return "No sample, no noise: every linear model in this chapter can be judged exactly."


# 1.2 ----------------------------------------------------------------------------------------

check_prediction_sparse = choice(
    "1.2",
    right="C",
    slips={
        "A": "Not A. Neither mean nor variance decides *which* features are kept, only importance does; and a kept "
        "feature that is rare is still copied exactly when it comes, which takes |W_i| = 1. A shorter W_i would be "
        "wrong on the rows that count.",
        "B": "Not B. That is what a ReLU model does, and the surprise of chapter 2. A linear model pays for "
        "interference each time the *other* feature is active alone, so sparsity brings no discount.",
        "D": "Not D. Each feature is rare, but all are equally rare. Their importances still differ, so the ranking "
        "stands. (At equal importance the subspace is arbitrary, at any sparsity.)",
        "E": "Not E. A dimension that is left empty helps nobody. A rare feature is worth less, but so is every other "
        "one: dropping costs v(p) times its importance, whatever p.",
    },
    praise="Sparsity scales a linear model's loss by v(p) and its bias by p. It changes nothing about W.",
)
