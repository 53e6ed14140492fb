"""Two features in one dimension: the exact loss, and its minima (paper: "Superposition as a Phase Change")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from tms_utils.theory.common import broadcast, non_negative, probability
from tms_utils.validate import Numbers, WholeNumber, as_numbers, positive_int

__all__ = [
    "TwoFeatureSolution",
    "two_feature_loss",
    "two_feature_minimum",
    "two_feature_optimum",
]


# The exact loss ---------------------------------------------------------------------------------


def two_feature_loss(
    w: Float[Tensor, "*batch 2"],
    b: Float[Tensor, "*batch 2"],
    *,
    density: Numbers,
    r: Numbers,
    together: Numbers | None = None,
) -> Float[Tensor, "*batch"]:
    """The exact loss ½ Σ_i I_i E[(x_i - ReLU(w_i h + b_i))²] with h = w_1 x_1 + w_2 x_2 and I = (1, r).

    The mean runs over the four on/off patterns of the two features. The integral over one feature is a
    closed form, and that over the other one of a cubic on each side of where a ReLU begins to bend:
    Gauss' rule with two points is exact for those, so the only error is rounding.
    (``exact_loss`` takes any model of up to 8 features, one at a time, with a quadrature's error.)

    ``together`` is the probability that a feature is on given that the other one is (chapter 7); None is
    ``density``: independent features. ``density``, ``r`` and ``together`` broadcast against ``*batch``.

    Raises:
        ValueError: on shapes that do not fit, a density or ``together`` outside [0, 1], a negative r, or if
            no two features can be on together so seldom.
    """
    w, b = _as_pairs(w, b)
    p, r = probability("density", density, like=w, zero=True), non_negative("r", r, like=w)
    return _loss(w, b, *_data(w.shape[:-1], p, r, together))


def _as_pairs(w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """w and b, gradients and all, if they fit each other."""
    for name, value in (("w", w), ("b", b)):
        as_numbers(name, value)
    w, b = (torch.as_tensor(value) for value in (w, b))
    w, b = (value if value.is_floating_point() else value.to(torch.get_default_dtype()) for value in (w, b))
    if w.shape[-1:] != (2,) or b.shape != w.shape:
        raise ValueError(f"expected w and b of shape (..., 2); got {tuple(w.shape)} and {tuple(b.shape)}")
    return w, b


def _data(shape: tuple[int, ...], p: Tensor, r: Tensor, together: Numbers | None) -> list[Tensor]:
    """Density, r and ``together``, all of the shape that they and ``shape`` broadcast to."""
    c = p if together is None else probability("together", together, like=p, zero=True)
    shape = broadcast(shape, density=p, r=r, together=c)
    if together is not None and (p * (2 - c) > 1 + 1e-6).any():  # P(either) = p (2 - c)
        raise ValueError("expected together to be at least 2 - 1 / density: both are on at least so often")
    return [v.expand(shape) for v in (p, r, c)]


def _loss(w: Tensor, b: Tensor, p: Tensor, r: Tensor, if_on: Tensor) -> Tensor:
    if_off = p * (1 - if_on) / (1 - p).clamp(min=1e-12)  # so that x is on with probability p in all
    (w1, w2), (b1, b2) = w.unbind(-1), b.unbind(-1)
    first = _output_loss(w1**2, w1 * w2, b1, p, if_on, if_off)
    return (first + r * _output_loss(w2**2, w1 * w2, b2, p, if_on, if_off)) / 2


def _output_loss(a: Tensor, c: Tensor, b: Tensor, p: Tensor, if_on: Tensor, if_off: Tensor) -> Tensor:
    """E[(x - ReLU(a x + c y + b))²] for sparse x and y, with a >= 0.

    y is on with probability p; x with probability ``if_on`` if y is on, with ``if_off`` if it is off.
    """
    y, weight = _gauss_nodes(_zero_of(c, b), _zero_of(c, a + b))
    error = _error_over_x(a[..., None], c[..., None] * y + b[..., None], if_on[..., None])
    return (1 - p) * _error_over_x(a, b, if_off) + p * (weight * error).sum(-1)


def _error_over_x(a: Tensor, rest: Tensor, on: Tensor) -> Tensor:
    """E[(x - ReLU(a x + rest))²] for x in [0, 1) with probability ``on``, else 0; a >= 0. A closed form."""
    low = torch.where(a < 1e-12, (rest <= 0).to(rest), _zero_of(a, rest))  # the ReLU is on for x > low
    u = 1 - a
    mean = (low**3 + u**2 * (1 - low**3)) / 3 - u * rest * (1 - low**2) + rest**2 * (1 - low)
    return (1 - on) * rest.relu().square() + on * mean


def _gauss_nodes(*kinks: Tensor) -> tuple[Tensor, Tensor]:
    """Points and weights in [0, 1], two for each piece between the kinks: exact for piecewise cubics."""
    start = torch.zeros_like(kinks[0])
    edges = torch.stack([start, *kinks, start + 1], -1).sort(-1).values
    length = edges.diff(dim=-1)[..., None]
    x = edges[..., :-1, None] + length * (0.5 + torch.tensor([-0.5, 0.5]).to(edges) / 3**0.5)
    return x.flatten(-2), (length / 2).expand_as(x).flatten(-2)


def _zero_of(slope: Tensor, intercept: Tensor) -> Tensor:
    """Where slope · x + intercept = 0, moved into [0, 1] (0 if the slope is 0: any point will do)."""
    flat = slope.abs() < 1e-12
    return (-intercept / slope.masked_fill(flat, 1.0)).masked_fill(flat, 0.0).clamp(0, 1)


# Its minima -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TwoFeatureSolution:
    """Weights, biases and exact loss of n = 2, m = 1 models."""

    w: Float[Tensor, "*batch 2"]
    b: Float[Tensor, "*batch 2"]
    loss: Float[Tensor, "*batch"]


def two_feature_minimum(
    w: Float[Tensor, "*#batch 2"],
    b: Float[Tensor, "*#batch 2"],
    *,
    density: Numbers,
    r: Numbers,
    together: Numbers | None = None,
    hold_w2: bool = False,
    steps: WholeNumber = 25,
) -> TwoFeatureSolution:
    """The local minimum of ``two_feature_loss`` downhill of (w, b), by damped Newton steps in float64.

    Every element of the batch is a problem of its own, all solved together. A step is taken only if it
    lowers the loss. With ``hold_w2`` the second weight stays where it is and the rest adjusts.

    Raises:
        ValueError: as ``two_feature_loss``.
    """
    w, b = (v.detach().double() for v in _as_pairs(w, b))
    p, r = probability("density", density, like=w, zero=True), non_negative("r", r, like=w)
    p, r, c = _data(w.shape[:-1], p, r, together)
    shape = p.shape
    theta = torch.cat([w, b], -1).expand(*shape, 4).reshape(-1, 4)
    p, r, c = (v.reshape(-1) for v in (p, r, c))
    free = torch.tensor([1, 0 if hold_w2 else 1, 1, 1]).to(theta)

    def loss_at(theta: Tensor) -> Tensor:
        return _loss(theta[..., :2], theta[..., 2:], p, r, c)

    loss, damping = loss_at(theta), torch.full_like(p, 1e-2)
    for _ in range(positive_int("steps", steps)):
        gradient, hessian = _gradient_and_hessian(loss_at, theta)
        candidate = theta + _newton_step(free * gradient, free * free[:, None] * hessian, damping)
        candidate_loss = loss_at(candidate)
        lower = candidate_loss < loss
        theta = torch.where(lower[:, None], candidate, theta)
        loss = torch.where(lower, candidate_loss, loss)
        damping = torch.where(lower, damping / 5, damping * 8).clamp(1e-10, 1e3)
    theta = theta.reshape(*shape, 4)
    return TwoFeatureSolution(theta[..., :2], theta[..., 2:], loss.reshape(shape))


def _gradient_and_hessian(f: Callable[[Tensor], Tensor], theta: Tensor) -> tuple[Tensor, Tensor]:
    """Of each element's f: the gradient by autograd, the Hessian by differences of gradients.

    (The Hessian by ``torch.func`` takes twice as long and leads to the same minima, to 15 digits.)
    """
    shift, d = 1e-6, theta.shape[-1]
    moves = torch.cat([torch.zeros(1, d), shift * torch.eye(d)])[:, None].to(
        theta
    )  # none, then along each axis
    with torch.enable_grad():
        nearby = (theta + moves).requires_grad_()
        (gradients,) = torch.autograd.grad(f(nearby).sum(), nearby)
    hessian = ((gradients[1:] - gradients[0]) / shift).movedim(0, 1)
    return gradients[0], (hessian + hessian.mT) / 2


def _newton_step(gradient: Tensor, hessian: Tensor, damping: Tensor) -> Tensor:
    """Downhill along each axis of the Hessian by slope / (|curvature| + damping), at most 0.3 in all."""
    curvature, axes = torch.linalg.eigh(hessian)
    slope = (axes.mT @ gradient[..., None])[..., 0]
    step = -(axes @ (slope / (curvature.abs() + damping[:, None]))[..., None])[..., 0]
    return step * (0.3 / step.norm(dim=-1, keepdim=True).clamp(min=0.3))


# Where the search for the optimum starts, (w, b): near "ignore extra", half way, near the antipodal pair,
# and (only if the features are not independent) near the merged pair.
_STARTS = [[1, -0.1, 0.02, 0.3], [1, -0.5, 0.1, 0.3], [1, -0.9, 0.05, 0.1], [0.8, 0.5, 0, 0.1]]


def two_feature_optimum(
    *, density: Numbers, r: Numbers = 1.0, together: Numbers | None = None
) -> TwoFeatureSolution:
    """The best w and b for n = 2, m = 1, to about ten digits of the loss, with w_1 >= 0.

    The lowest of the minima reached from ``_STARTS``. (Random starts have never found a lower one; the
    tests try.) For r > 1 the two features swap roles. At r = 1 an optimum and its mirror image can tie; one
    of them is returned. Where w_1 is 0 (to rounding) w_2 is positive.

    Raises:
        ValueError: if a density lies outside (0, 1], an r is not positive, or no two features can be on
            together so seldom (or so often): p (2 - together) <= 1 and 0 <= together <= 1.
    """
    p, r = probability("density", density), non_negative("r", r, zero=False)
    p, r, c = _data((), p, r, together)
    swap = r > 1
    start = torch.tensor(_STARTS[: 3 if together is None else 4]).to(p)
    start = start.reshape(-1, *[1] * p.ndim, 4)
    found = two_feature_minimum(
        start[..., :2],
        start[..., 2:],
        density=p,
        r=torch.where(swap, 1 / r, r),
        together=c,
        steps=16,
    )
    best = found.loss.argmin(0)[None, ..., None].expand(1, *p.shape, 2)
    w, b = found.w.gather(0, best)[0], found.b.gather(0, best)[0]
    w, b = (torch.where(swap[..., None], v.flip(-1), v) for v in (w, b))
    leading = torch.where(w[..., :1].abs() < 1e-6, w[..., 1:], w[..., :1])
    w = w * torch.where(leading < 0, -1.0, 1.0)
    return TwoFeatureSolution(w, b, found.loss.amin(0) * torch.where(swap, r, 1.0))
