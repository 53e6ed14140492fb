"""Exercises 1.3 and 1.4 of chapter 1, "The linear model": a step of gradient descent, and a training loop."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from tms_utils.checks.exercise import Slip, as_tensor, exercise, require

__all__ = ["check_sgd_step", "check_train_linear"]

# 1.3 ----------------------------------------------------------------------------------------


def _parameters(asking: str = "bW", scale: float = 1.0) -> Callable:
    """Makes b and W, of which only those named ask for gradients; a scale of W comes afterwards."""

    def make(n: int, m: int, generator: Generator) -> list[Tensor]:
        b, W = torch.zeros(n), torch.randn(m, n, generator=generator)
        b, W = b.requires_grad_("b" in asking), W.requires_grad_("W" in asking)
        return [b, W if scale == 1 else scale * W]

    return make


def _descend(
    follow: Callable, before: Callable = lambda grad: None, after: Callable = torch.zero_
) -> Callable:
    """A step that does these things to each parameter, or to its gradient."""

    def sgd_step(parameters: list[Tensor], x: Tensor, lr: float) -> None:
        b, W = parameters
        (x @ W.T @ W + b - x).square().mean().backward()
        for parameter in parameters:
            before(parameter.grad)
            follow(parameter.data, lr * parameter.grad)
            after(parameter.grad)

    return sgd_step


_STEP = _descend(Tensor.sub_)
_SILENT = Slip(
    (_parameters(asking=""), _STEP),
    "backward() has nothing to do: b and W do not ask for gradients. A tensor that PyTorch should differentiate "
    "must say so: requires_grad.",
)
_ONE_SILENT = Slip(
    (_parameters(asking="b"), _STEP),
    "{name} does not ask for a gradient, the other one does. Each tensor must say so: requires_grad.",
)
_NO_LEAF = Slip(
    (_parameters(scale=0.3), _STEP),
    "{name} is no leaf: it was computed from another tensor *after* requires_grad was set.",
)
_HALF_A_STEP = Slip(
    (_parameters(), _descend(Tensor.sub_, after=lambda grad: grad.zero())),
    "The {step} step raised {error}. Half a step was taken: b has moved, W has not.",
)
_CLEARED = Slip(
    (_parameters(), _descend(Tensor.sub_, before=torch.zero_)),
    "After the {step} step {name} has not moved, and its gradient is 0: it was cleared before the update.",
)
_REBOUND = Slip(
    (_parameters(), _descend(Tensor.sub, after=lambda grad: None)),
    "After the {step} step {name} has not moved, though it has a gradient. Was a new tensor made where the old one "
    "should change in place, or was {name} left out?",
)
_UPHILL = Slip((_parameters(), _descend(Tensor.add_)), "{name} moved uphill: subtract the gradient.")
_MULTIPLE = Slip(
    (_parameters(), _descend(lambda data, move: data.sub_(192 * move))),
    "{name} moved along its gradient, but by {factor:.3g} times lr. Is the loss a mean or a sum, and is lr used once?",
)
_ADDED_UP = Slip(
    (_parameters(), _descend(Tensor.sub_, after=lambda grad: None)),
    "The first step is right; in the second, {name} moves by more than its gradient: the old gradient is still in "
    ".grad, and backward() adds to it.",
)


@exercise(
    "1.3",
    right=(_parameters(), _STEP),
    slips=[_SILENT, _ONE_SILENT, _NO_LEAF, _HALF_A_STEP, _CLEARED, _REBOUND, _UPHILL, _MULTIPLE, _ADDED_UP],
)
def check_sgd_step(make_parameters: Callable, sgd_step: Callable) -> str:
    """Two steps of gradient descent on [b, W], against the gradient of autograd."""
    parameters = make_parameters(6, 2, Generator().manual_seed(0))
    shapes = (
        [tuple(getattr(p, "shape", ())) for p in parameters] if isinstance(parameters, list | tuple) else None
    )
    require(
        shapes == [(6,), (2, 6)],
        "make_parameters should return [b, W], of shapes (features,) and (hidden, features).",
    )
    x, lr = torch.rand(32, 6, generator=Generator().manual_seed(3)), 0.1
    require(any(parameter.requires_grad for parameter in parameters), _SILENT)
    for name, parameter in zip("bW", parameters, strict=True):
        require(parameter.requires_grad, _ONE_SILENT, name=name)
        require(parameter.is_leaf, _NO_LEAF, name=name)
    for step in ("first", "second"):
        before = [parameter.detach().clone() for parameter in parameters]
        try:
            sgd_step(parameters, x, lr)
        except Exception as error:
            moved = [not torch.equal(p.detach(), old) for p, old in zip(parameters, before, strict=True)]
            error = f"{type(error).__name__}: {error}"
            require(moved != [True, False], _HALF_A_STEP, step=step, error=error)
            require(False, f"The {step} step raised {error}.")
        gradients = _gradients(before, x)
        for name, parameter, old, gradient in zip("bW", parameters, before, gradients, strict=True):
            _judge_move(name, step, parameter, (parameter.detach() - old) / -lr, gradient)
    return "Follow, clear, repeat: each step uses the gradient of its own batch, for every parameter."


def _gradients(parameters: list[Tensor], x: Tensor) -> tuple[Tensor, ...]:
    b, W = (parameter.clone().requires_grad_() for parameter in parameters)
    return torch.autograd.grad((x @ W.T @ W + b - x).square().mean(), (b, W))


def _judge_move(name: str, step: str, parameter: Tensor, followed: Tensor, gradient: Tensor) -> None:
    """Whether what the step followed, its move / -lr, is the gradient."""
    if torch.allclose(followed, gradient, atol=1e-5):
        return
    if not followed.any():
        cleared = parameter.grad is None or not parameter.grad.any()
        require(False, _CLEARED if cleared else _REBOUND, name=name, step=step)
    require(not torch.allclose(followed, -gradient, atol=1e-5), _UPHILL, name=name)
    factor = ((followed * gradient).sum() / gradient.square().sum()).item()
    require(step == "first", _ADDED_UP, name=name)
    require(
        not torch.allclose(followed, factor * gradient, rtol=1e-3, atol=1e-5),
        _MULTIPLE,
        name=name,
        factor=factor,
    )
    require(False, f"{name} moved, but not along the gradient of the mean squared error.")


# 1.4 ----------------------------------------------------------------------------------------


def _trainer(
    loss: Callable = lambda weight, error: (weight * error.square()).mean(),
    *,
    optimiser: Callable = lambda parameters: torch.optim.Adam(parameters, lr=0.1),
    gradients: bool = True,
    flag: bool | None = None,
) -> Callable:
    """A trainer with or without the chapter's faults."""

    def train_linear(importance: Tensor, steps: int = 200, seed: int = 0) -> Tensor:
        generator = Generator().manual_seed(seed)
        W = (0.1 * torch.randn(5, len(importance), generator=generator)).requires_grad_()
        b = torch.zeros(len(importance), requires_grad=True)
        descent = optimiser([W, b])
        for _ in range(steps):
            x = torch.rand(64, len(importance), generator=generator)
            with torch.set_grad_enabled(gradients):
                value = loss(importance, x @ W.T @ W + b - x)
            if flag is not None:
                value.requires_grad = flag
            descent.zero_grad()
            value.backward()
            descent.step()
        return W.detach()

    return train_linear


_FROZEN = Slip(
    _trainer(gradients=False, flag=True),
    "Training ran without complaint, and W is exactly what it was before. Look at W.grad after backward(): it is "
    "None. Nothing leads from the loss back to W, because the loss was computed with gradients off.",
)
_STILL_OFF = Slip(
    _trainer(gradients=False),
    "Now backward() complains, and rightly: the loss was computed with gradients off, so it does not know W. The line "
    "that silenced this is gone; its cause is not.",
)
_FLAG_LEFT = Slip(
    _trainer(flag=False),
    "{error} The loss is now computed from W, so it is differentiable already: the line that switches requires_grad "
    "by hand only ever hid the fault. It can go.",
)
_UNWEIGHTED = Slip(
    _trainer(lambda weight, error: error.square().mean()),
    "W moves now, but it would move in the same way if the importances were in another order. Which loss is really "
    "minimised?",
)
_INSIDE = Slip(
    _trainer(lambda weight, error: (weight * error).square().mean()),
    "W moves, and importance counts, but twice: it is inside the square. Weigh the squared error, not the error.",
)
_UPSIDE_DOWN = Slip(
    _trainer(lambda weight, error: (error.square() / weight).mean()),
    "W moves, but it keeps the *least* important features.",
)
_TOO_SLOW = Slip(
    _trainer(optimiser=lambda parameters: torch.optim.SGD(parameters, lr=0.1)),
    "W moves, and importance counts, but after all steps W does not hold the {kept} most important features: "
    "their norms are {norms}. Are the steps large enough, and enough of them?",
)


@exercise(
    "1.4",
    right=_trainer(),
    slips=[_FROZEN, _STILL_OFF, _FLAG_LEFT, _UNWEIGHTED, _INSIDE, _UPSIDE_DOWN, _TOO_SLOW],
)
def check_train_linear(train_linear: Callable) -> str:
    """Does training change W, does importance count, once, and does W end with the most important features?"""
    importance = 0.7 ** torch.arange(12)

    def train(importance: Tensor, **how: int) -> Tensor:
        W = as_tensor(train_linear(importance.clone(), seed=1, **how), what="W")
        require(
            W.ndim == 2 and W.shape[1] == 12,
            f"train_linear should return W of shape (hidden, 12); got {tuple(W.shape)}.",
        )
        return W.clone()

    start = train(importance, steps=0)
    try:
        few = train(importance, steps=5)
    except RuntimeError as error:
        require("does not require grad" not in str(error), _STILL_OFF)
        require("leaf variables" not in str(error), _FLAG_LEFT, error=error)
        raise
    require(not torch.equal(few, start), _FROZEN)
    require(not torch.equal(few, train(importance.flip(0), steps=5)), _UNWEIGHTED)
    with contextlib.suppress(ValueError):  # an answer may refuse importances below 0; that is no fault
        # A right loss is then followed the other way; squared, they are as good as above 0.
        require(not torch.equal(train(importance, steps=1), train(-importance, steps=1)), _INSIDE)
    W = train(importance)
    norms, kept = W.norm(dim=0), len(W)
    require(norms[:kept].mean() > norms[-kept:].mean(), _UPSIDE_DOWN)
    clean = norms[:kept].min() > 0.9 and norms[kept:].max() < 0.2
    told = ", ".join(f"{norm:.2f}" for norm in norms[:kept])
    require(clean, _TOO_SLOW, kept=kept, norms=told)
    return "A falling loss is not enough: look at whether W moved, and at what it learnt."
