"""Checks of chapter 1, "The linear model"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.verdict import exercise, require
from tms_utils.features import SparseFeatures
from tms_utils.theory import feature_mean, feature_variance, linear_loss, linear_optimum

__all__ = [
    "check_keep_mask",
    "check_linear_loss",
    "check_prediction_sparse",
    "check_sgd_step",
    "check_train_linear",
]


@exercise("1.1")
def check_linear_loss(attempt: Callable) -> str:
    """``attempt(W, b, importance, density)`` against the exact loss, on weights nobody trained."""
    generator = torch.Generator().manual_seed(11)
    W = 0.5 * torch.randn(3, 7, generator=generator)
    b = 0.3 * torch.randn(7, generator=generator)
    importance = 0.8 ** torch.arange(7)
    for density in (1.0, 0.3, 0.02):
        given = torch.as_tensor(attempt(W.clone(), b.clone(), importance.clone(), density))
        require(given.numel() == 1, f"The loss is one number; yours has shape {tuple(given.shape)}.")
        value, right = given.item(), linear_loss(W, b, importance, density).item()
        if abs(value - right) > 1e-4 * right:
            for slip, message in _loss_slips(W, b, importance, density):
                require(abs(value - slip) > 1e-4 * abs(slip), message)
        close = abs(value - right) < 0.05 * right
        require(
            abs(value - right) <= 1e-4 * right,
            f"At density {density} your loss is {value:.5f}; the exact one is {right:.5f}."
            + (" So close: did you average over a sample? Here a formula is wanted." if close else ""),
        )
    return "No sample, no noise: every linear model in this chapter can be judged exactly."


def _loss_slips(W: Tensor, b: Tensor, importance: Tensor, density: float) -> list[tuple[float, str]]:
    """What the likely slips give, and what to say about each."""
    missing = torch.eye(W.shape[1]) - W.T @ W
    mean, variance = feature_mean(density), feature_variance(density)
    spread = missing.square().sum(1)
    offset = (b - mean * missing.sum(1)).square()

    def weighted(per_feature: Tensor) -> float:
        return (importance * per_feature).mean().item()

    return [
        (
            len(b) * weighted(variance * spread + offset),
            "That is the sum over features. In this course the loss is the mean over them: divide by n.",
        ),
        (
            weighted(variance * spread),
            "The spread is right, but the mean of the error is missing: it is not 0 unless b is at its best.",
        ),
        (
            weighted(variance * spread + b.square()),
            "The mean error is not b alone: Wᵀ W x has a mean, too, and so has x.",
        ),
        (
            weighted(variance * spread + (b + mean * missing.sum(1)).square()),
            "Check the sign of b: the error x' - x has mean b_i - E[x]·Σ_j (δ_ij - W_i·W_j).",
        ),
        (
            weighted(density / 3 * spread + offset),
            "You used E[x²] = p/3 as the variance. Subtract the squared mean: v(p) = p/3 - p²/4.",
        ),
        (
            weighted(variance * missing.diagonal().square() + offset),
            "Interference is missing: the sum over j must include j ≠ i, not only (1 - |W_i|²)².",
        ),
        (
            (variance * spread + offset).mean().item(),
            "Importance is missing: that is the plain mean squared error.",
        ),
    ]


_PREDICTIONS = {
    "A": "Neither mean nor variance decides *which* features are kept, only importance does; and a kept feature "
    "that is rare is still copied exactly when it comes, which takes |W_i| = 1. A shorter W_i would be wrong "
    "on the rows that count.",
    "B": "That is what a ReLU model does, and the surprise of chapter 2. A linear model pays for interference "
    "each time the *other* feature is active alone, so sparsity brings no discount.",
    "D": "Each feature is rare, but all are equally rare. Their importances still differ, so the ranking stands. "
    "(At equal importance the subspace is arbitrary, at any sparsity: section 1.8.)",
}


@exercise("1.2")
def check_prediction_sparse(prediction: object) -> str:
    """The letter of the right description of a linear model at S = 0.99: C."""
    letter = str(prediction).strip().strip("().").upper()
    require(letter in ("A", "B", "C", "D"), f"Expected one of the letters A, B, C, D; got {prediction!r}.")
    require(letter == "C", f"Not {letter}. {_PREDICTIONS.get(letter, '')}")
    return "Sparsity scales a linear model's loss by v(p) and its bias by p. It changes nothing about W."


@exercise("1.3")
def check_sgd_step(make_parameters: Callable, sgd_step: Callable) -> str:
    """Two steps of gradient descent on [b, W], against the gradient of autograd."""
    generator = torch.Generator().manual_seed(3)
    parameters = make_parameters(6, 2, torch.Generator().manual_seed(0))
    x, lr = torch.rand(32, 6, generator=generator), 0.1
    require(
        all(parameter.requires_grad for parameter in parameters),
        "backward() has nothing to do: b and W do not ask for gradients. A tensor that PyTorch should "
        "differentiate must say so: requires_grad.",
    )
    require(
        parameters[1].is_leaf,
        "W is no leaf: it was computed from another tensor *after* requires_grad was set.",
    )
    for step in ("first", "second"):
        expected = [parameter.detach().clone() for parameter in parameters]
        for parameter, gradient in zip(expected, _gradients(expected, x), strict=True):
            parameter -= lr * gradient
        before = [parameter.detach().clone() for parameter in parameters]
        try:
            sgd_step(parameters, x, lr)
        except Exception as error:
            moved = [not torch.equal(p.detach(), old) for p, old in zip(parameters, before, strict=True)]
            half = " Half a step was taken: b has moved, W has not." if moved == [True, False] else ""
            require(False, f"The {step} step raised {type(error).__name__}: {error}.{half}")
        _check_step(step, parameters, before, expected)
    return "Follow, clear, repeat: each step uses the gradient of its own batch, for every parameter."


def _gradients(parameters: list[Tensor], x: Tensor) -> tuple[Tensor, ...]:
    b, W = (parameter.detach().clone().requires_grad_() for parameter in parameters)
    with torch.enable_grad():
        loss = (x @ W.T @ W + b - x).square().mean()
    return torch.autograd.grad(loss, (b, W))


def _check_step(step: str, parameters: list[Tensor], before: list[Tensor], expected: list[Tensor]) -> None:
    for name, parameter, old, new in zip("bW", parameters, before, expected, strict=True):
        moved, should = parameter.detach() - old, new - old
        if torch.allclose(moved, should, atol=1e-6):
            continue
        require(
            moved.abs().max() > 0,
            f"After the {step} step {name} has not moved. Either its gradient was cleared before the update, "
            "or a new tensor was made where the old one should change in place.",
        )
        require(
            not torch.allclose(moved, -should, atol=1e-6),
            f"{name} moved uphill: subtract the gradient.",
        )
        require(
            step == "first",
            f"The first step is right; in the second, {name} moves by more than its gradient: the old gradient "
            "is still in .grad, and backward() adds to it.",
        )
        require(False, f"{name} moved, but not by lr times the gradient of the mean squared error.")


@exercise("1.4")
def check_train_linear(train_linear: Callable) -> str:
    """Does training change W, and does W end with the most important features?"""
    importance = 0.7 ** torch.arange(12)
    start = _as_weights(train_linear(importance, steps=0, seed=1), 12)
    try:
        W = _as_weights(train_linear(importance, seed=1), 12)
    except RuntimeError as error:
        require(
            "leaf variables" not in str(error),
            f"RuntimeError: {error} The loss is now computed from W, so it is differentiable already: the line "
            "that switches requires_grad on by hand only ever hid the fault. It can go.",
        )
        raise
    require(
        not torch.equal(W, start),
        "Training ran without complaint, and W is exactly what it was before. Look at W.grad after backward(): "
        "it is None. Nothing leads from the loss back to W, because the loss was computed with gradients off.",
    )
    norms = W.norm(dim=0)
    kept = W.shape[0]
    clean = norms[:kept].min() > 0.9 and norms[kept:].max() < 0.2
    if not clean:
        b = feature_mean(1.0) * (1 - (W.T @ W).sum(1))  # the best bias for this W
        plain = linear_loss(W, b, torch.ones(12), 1.0)
        best = linear_optimum(kept, torch.ones(12), 1.0).loss
        require(
            plain > 1.1 * best,
            "W moves now, and its *unweighted* loss is as low as it can be, but the norms |W_i| are "
            f"{norms.min():.2f} to {norms.max():.2f}, important or not. Which loss is really minimised?",
        )
    require(
        clean,
        f"W moves, but it does not hold the {kept} most important features: their norms are "
        f"{', '.join(f'{v:.2f}' for v in norms[:kept])}. More steps, or another fault?",
    )
    return "A falling loss is not enough: look at whether W moved, and at what it learnt."


def _as_weights(given: object, n_features: int) -> Tensor:
    require(
        isinstance(given, Tensor) and given.ndim == 2 and given.shape[1] == n_features,
        f"train_linear should return W of shape (hidden, {n_features}); got {getattr(given, 'shape', type(given).__name__)}.",
    )
    return given.detach().clone()


@exercise("1.5")
def check_keep_mask(sample_rows: Callable) -> str:
    """Samples at three sparsities against the distribution they should come from."""
    for sparsity in (0.9, 0.3, 0.0):
        x = sample_rows(20_000, 10, sparsity, torch.Generator().manual_seed(4))
        require(
            isinstance(x, Tensor) and x.shape == (20_000, 10),
            f"Expected a tensor of shape (batch, features) = (20000, 10); got {getattr(x, 'shape', type(x).__name__)}.",
        )
        density, on = 1 - sparsity, x != 0
        _check_masks(on)
        share = on.float().mean().item()
        require(
            abs(share - density) < 0.02 or abs(share - sparsity) > 0.02,
            f"At sparsity S = {sparsity}, {share:.0%} of the entries are active; it should be "
            f"1 - S = {density:.0%}. The mask is true where its name says it is not: S and p are swapped.",
        )
        require(
            abs(share - density) < 0.02,
            f"At sparsity S = {sparsity}, {share:.0%} of the entries are active; expected {density:.0%}.",
        )
        values = x[on]
        require(
            values.max() > 0.95 and values.min() < 0.05 and abs(values.mean() - 0.5) < 0.02,
            f"At S = {sparsity} the active values lie between {values.min():.2f} and {values.max():.2f} with mean "
            f"{values.mean():.2f}; they should fill [0, 1). A value that also decides whether it is kept is no "
            "longer uniform: draw the mask from numbers of its own, or rescale.",
        )
        again = sample_rows(20_000, 10, sparsity, torch.Generator().manual_seed(4))
        require(
            torch.equal(x, again), "The same generator gave other rows: some draw does not use `generator`."
        )
        reference = SparseFeatures(10, density).sample(20_000, torch.Generator().manual_seed(5))
        require(
            abs(x.var() - reference.var()) < 0.01,
            "Mean and mask are right, but the variance is not v(p) = p/3 - p²/4.",
        )
    return "A name such as `keep` or `is_zero` is a claim about True. One printed mean would have caught it."


def _check_masks(on: Tensor) -> None:
    """Fail if rows or features share their mask."""
    if on.all():
        return
    require(
        not (on == on[:1]).all(), "Every row has the same active features: the mask needs a draw per row."
    )
    require(
        not (on == on[:, :1]).all(),
        "In each row all features are on or off together: draw a mask per feature.",
    )
