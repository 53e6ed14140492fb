"""What makes ``train`` quick, beside the batches (``batches.py``): gradients written out, Adam, and how many threads.

Nothing here changes the loss that is minimised. Batches come batch last, and all weights lie in one tensor, so that
Adam is six calls.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tms_utils.batches import Batch, batches, round_of
from tms_utils.models import ToyModel

__all__ = ["Adam", "Batch", "ByAutograd", "WrittenOut", "batches", "round_of", "threads_for"]

WORK_FOR_THREADS = 2**22  # multiplications in a product of matrices from which a second thread pays


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
        self.out = self.cost = None  # the tables wait for the first batch's size

    def set(self, batch: Batch) -> None:
        """δ = 2 cost · (x' - x), 0 where the ReLU is off; ∂V = h δᵀ, ∂W = (V δ) xᵀ, ∂b = Σ δ."""
        x, cost, empty = batch
        if self.out is None or self.out.shape != x.shape:
            self.out, self.delta = torch.empty_like(x), torch.empty_like(x)
            self.h, self.back = (x.new_empty(len(x), self.W.shape[1], x.shape[2]) for _ in range(2))
        if cost is not self.cost:
            self.cost, self.twice = cost, 2 * cost
        torch.bmm(self.W, x, out=self.h)
        torch.bmm(self.V.mT, self.h, out=self.out)
        self.out.add_(self.b)
        if self.has_relu:
            self.out.relu_()
        torch.sub(self.out, x, out=self.delta).mul_(self.twice)
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
