"""Exercise 1.3 of chapter 1, "The linear model": a step of gradient descent."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from tms_utils.checks.exercise import Slip, exercise, require

__all__ = ["check_sgd_step"]


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
    came="f59643314d1d3426",
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
