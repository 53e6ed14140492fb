"""What makes ``train`` quick. Nothing here changes the loss that is minimised or the distribution of a batch.

The tricks, and what each brings (measured on one thread, in the README's settings):

* the batch stands last, ``(instances, features, batch)``: products and sums run along 128 rows, not 5 features;
  a product of small matrices then takes a quarter of the time;
* one table of random numbers serves ``USES`` batches, each time turned by a fresh random angle (``turned``):
  without it a training takes 1.2 to 1.9 times as long;
* several batches are made in one call where they are small (``AT_ONCE`` numbers): 1.1 to 1.2 times;
* the empty row is not drawn: its loss and its gradient, which only b has, are written down (``Batch.empty``);
* all weights lie in one tensor, so that Adam is six calls, and few calls make a new table (``out=``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tms_utils.features import Features, SparseFeatures, given_first
from tms_utils.models import ToyModel

__all__ = ["Adam", "Batch", "ByAutograd", "WrittenOut", "batches", "threads_for"]

USES = 8  # batches made of one table of random numbers
AT_ONCE = 2**18  # numbers that are made in one call, at most: they stay in the processor's cache
RARELY_EMPTY = 0.01  # below this share of empty rows, they are drawn like any other
WORK_FOR_THREADS = 2**22  # multiplications in a product of matrices from which a second thread pays


class Batch(NamedTuple):
    """Rows to learn from. An instance's loss is Σ cost · (x' - x)² + Σ empty · x'(0)²."""

    x: Float[Tensor, "instances features batch"]
    cost: Float[Tensor, "instances features #batch"]
    empty: Float[Tensor, "instances features 1"] | None = None  # None: empty rows are among the others


def batches(
    features: Features,
    importance: Float[Tensor, "instances features"],
    batch_size: int,
    generator: torch.Generator,
) -> Iterator[Batch]:
    """Batches without end; the loss of each is an unbiased estimate of the true one."""
    share = importance[..., None] / features.n_features
    if type(features) is not SparseFeatures:
        while True:
            x, weight = features.sample_weighted(batch_size, generator)
            yield Batch(x.mT.contiguous(), share * weight[:, None])
    some = features.some_active[:, None, None]
    if (some > 1 - RARELY_EMPTY).all():
        cost, empty, first_cdf = share / batch_size, None, None
    else:
        cost, empty, first_cdf = share * some / batch_size, share * (1 - some), features.first_cdf
    for x in _sparse_columns(features.density, first_cdf, batch_size, generator):
        yield Batch(x, cost, empty)


def _sparse_columns(
    density: Float[Tensor, "instances features"],
    first_cdf: Float[Tensor, "instances features"] | None,
    batch_size: int,
    generator: torch.Generator,
) -> Iterator[Float[Tensor, "instances features batch"]]:
    """Batches of sparse features, given that some feature is active unless ``first_cdf`` is None.

    As ``SparseFeatures.sample_weighted``, which explains the first active feature, but batch last.
    """
    p = density[..., None].contiguous()
    at_once = max(1, min(USES, AT_ONCE // (p.numel() * batch_size)))
    rows = torch.arange(batch_size, device=p.device) / batch_size
    while True:
        u = torch.rand(*density.shape, batch_size, generator=generator, device=p.device, dtype=p.dtype)
        for _ in range(0, USES, at_once):
            x = turned(u, at_once, generator)
            if first_cdf is None:
                x = x.sub_(1 - p).mul_(1 / p).relu_()
            else:
                start = torch.rand(at_once, len(p), 1, generator=generator, device=p.device, dtype=p.dtype)
                cdf = first_cdf.expand(at_once, -1, -1).contiguous()
                first = torch.searchsorted(cdf, rows + start / batch_size).clamp_(max=density.shape[1] - 1)
                x = given_first(x, first, density)
            yield from x


def turned(
    u: Float[Tensor, "instances features batch"], times: int, generator: torch.Generator
) -> Float[Tensor, "times instances features batch"]:
    """``times`` new tables of uniform numbers from one: each is u + c modulo 1, with one random c a feature.

    The rows of a table are as independent as those of u. A row and the row of another table that it was
    turned into are independent as well, as c is new each time; only three and more of them are not.
    """
    angle = torch.rand(times, *u.shape[:2], 1, generator=generator, device=u.device, dtype=u.dtype)
    return (u + angle).frac_()


class WrittenOut:
    """The gradient of a ``ToyModel`` as ``ToyModel.set_gradients`` writes it out, batch last, in kept tables.

    ``weights`` and ``gradients`` hold one row each: of W, V (if untied) and b. The model gets its weights
    back by ``write_back``.
    """

    def __init__(self, model: ToyModel):
        self.has_relu = model.has_relu
        self.own = [p for p in (model.W, model.V, model.b) if p is not None]
        weights = torch.cat([p.detach().flatten() for p in self.own])
        self.weights, self.gradients = [weights], [torch.zeros_like(weights)]
        self.parts, (dW, *dV, db) = (self._parts(row[0]) for row in (self.weights, self.gradients))
        W, *V, b = self.parts
        self.W, self.V, self.b = W, V[0] if V else W, b[..., None]
        self.dW, self.dV, self.db = dW, dV[0] if dV else None, db[..., None]
        self.frozen = [d for d, p in zip((dW, *dV, db), self.own, strict=True) if not p.requires_grad]
        self.out = None  # the tables wait for the first batch's size

    def set(self, batch: Batch) -> None:
        """δ = 2 cost · (x' - x), 0 where the ReLU is off; ∂V = h δᵀ, ∂W = (V δ) xᵀ, ∂b = Σ δ."""
        x, cost, empty = batch
        if self.out is None or self.out.shape != x.shape:
            self.out, self.delta = torch.empty_like(x), torch.empty_like(x)
            self.h, self.back = (x.new_empty(len(x), self.W.shape[1], x.shape[2]) for _ in range(2))
        torch.bmm(self.W, x, out=self.h)
        torch.bmm(self.V.mT, self.h, out=self.out)
        self.out.add_(self.b)
        if self.has_relu:
            self.out.relu_()
        torch.sub(self.out, x, out=self.delta).mul_(2 * cost)
        if self.has_relu:
            self.delta.mul_(self.out.sign_())  # 1 where the ReLU is on, else 0
        torch.bmm(self.V, self.delta, out=self.back)
        if self.dV is None:
            torch.bmm(self.h, self.delta.mT, out=self.dW)
            self.dW.baddbmm_(self.back, x.mT)
        else:
            torch.bmm(self.h, self.delta.mT, out=self.dV)
            torch.bmm(self.back, x.mT, out=self.dW)
        torch.sum(self.delta, -1, keepdim=True, out=self.db)
        if empty is not None:
            self.db.addcmul_(empty, self._answer_to_nothing(), value=2)
        for gradient in self.frozen:
            gradient.zero_()

    def loss(self, batch: Batch) -> Float[Tensor, " instances"]:
        """Each instance's loss on a batch."""
        x, cost, empty = batch
        out = self.V.mT @ (self.W @ x) + self.b
        loss = (cost * ((out.relu() if self.has_relu else out) - x).square()).sum((1, 2))
        return loss if empty is None else loss + (empty * self._answer_to_nothing().square()).sum((1, 2))

    def write_back(self) -> None:
        """Put the weights into the model."""
        for parameter, value in zip(self.own, self.parts, strict=True):
            parameter.data.copy_(value)

    def _answer_to_nothing(self) -> Float[Tensor, "instances features 1"]:
        return self.b.relu() if self.has_relu else self.b

    def _parts(self, row: Float[Tensor, " numbers"]) -> list[Tensor]:
        pieces = row.split([p.numel() for p in self.own])
        return [piece.view_as(p) for piece, p in zip(pieces, self.own, strict=True)]


class ByAutograd:
    """The gradient of any other module that keeps its instances apart."""

    def __init__(self, model: nn.Module):
        self.model = model
        parameters = [p for p in model.parameters() if p.requires_grad]
        for p in parameters:
            p.grad = torch.zeros_like(p)
        self.weights = [p.data for p in parameters]
        self.gradients = [p.grad for p in parameters]

    def set(self, batch: Batch) -> None:
        for gradient in self.gradients:
            gradient.zero_()
        with torch.enable_grad():
            self.loss(batch).sum().backward()

    def loss(self, batch: Batch) -> Float[Tensor, " instances"]:
        """Each instance's loss on a batch."""
        x, cost, empty = batch
        loss = (cost * (self.model(x.mT).mT - x).square()).sum((1, 2))
        if empty is not None:
            nothing = self.model(torch.zeros_like(x.mT[:, :1])).mT
            loss = loss + (empty * nothing.square()).sum((1, 2))
        return loss

    def write_back(self) -> None:
        """Nothing to do: these are the model's own weights."""


class Adam:
    """Adam (Kingma and Ba, 2015): steps along the mean of recent gradients, each over its usual size."""

    def __init__(
        self, weights: list[Tensor], gradients: list[Tensor], betas: tuple[float, float], eps: float = 1e-12
    ):
        self.betas, self.eps, self.steps = betas, eps, 0
        self.tables = [
            (w, g, torch.zeros_like(w), torch.zeros_like(w), torch.empty_like(w))
            for w, g in zip(weights, gradients, strict=True)
        ]

    def step(self, lr: float) -> None:
        """One step, of length about ``lr`` in every weight."""
        self.steps += 1
        mean_lag, square_lag = (1 - beta**self.steps for beta in self.betas)  # both means start at 0
        length, eps = lr * square_lag**0.5 / mean_lag, self.eps * square_lag**0.5
        for weights, gradient, mean, square, size in self.tables:
            mean.lerp_(gradient, 1 - self.betas[0])
            square.mul_(self.betas[1]).addcmul_(gradient, gradient, value=1 - self.betas[1])
            torch.sqrt(square, out=size).add_(eps)
            weights.addcdiv_(mean, size, value=-length)


@contextlib.contextmanager
def threads_for(multiplications: int) -> Iterator[None]:
    """One thread unless a product of matrices has work for more; afterwards as many as before.

    Threads that wait for each other cost more than they bring where tensors are small, and most of all on a
    busy machine.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(before if multiplications >= WORK_FOR_THREADS else 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
