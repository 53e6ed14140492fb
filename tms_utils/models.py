"""The toy models, many instances trained as one (paper: "Experiment Setup").

An *instance* is one independent model. Stacking instances on a leading axis trains, say, ten sparsities
or a hundred seeds in a single run: instance k never sees instance j's weights, data or gradient.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tms_utils.validate import Numbers, Seed, WholeNumber, as_generator, as_numbers, positive_int

__all__ = ["ToyModel"]


class ToyModel(nn.Module):
    """x' = ReLU(Wᵀ W x + b): squeeze n features into m hidden dimensions and read them back out.

    Args:
        n_features: n, at least 1.
        n_hidden: m, at least 1 (it may exceed n).
        n_instances: number of independent models.
        tied: decode with Wᵀ, as in the paper. If False, a second matrix V decodes: x' = ReLU(Vᵀ W x + b).
        relu: if False, the model is linear: x' = Wᵀ W x + b.
        bias: if False, b is fixed at 0.
        generator: source of the initial weights, a torch.Generator (the model is then on its device) or an
            int seed; PyTorch's global one if None.

    Attributes:
        W: ``(instances, hidden, features)``; column i is the direction of feature i.
        V: the decoder, of the same shape; None if the weights are tied.
        b: ``(instances, features)``.
        has_relu, has_bias: whether there is a ReLU, and whether b is trained.

    Weights start as normal numbers of half the Xavier scale √(2 / (n + m)) of *one* model. (Handing the
    three-dimensional tensor to ``nn.init.xavier_normal_`` gives a scale that changes with n_instances.)
    Half the scale is a choice, not an optimum: with five features in the plane at density 0.37, two digons
    are reached from it by two thirds of the seeds, from the full scale by more, and from a tenth of it by a
    third; a larger start needs more steps (exercise 2.7).

    Raises:
        ValueError: if a size is not a whole number >= 1.
    """

    def __init__(
        self,
        n_features: WholeNumber,
        n_hidden: WholeNumber,
        n_instances: WholeNumber = 1,
        *,
        tied: bool = True,
        relu: bool = True,
        bias: bool = True,
        generator: Seed = None,
    ):
        super().__init__()
        n = positive_int("n_features", n_features)
        m = positive_int("n_hidden", n_hidden)
        instances = positive_int("n_instances", n_instances)
        self.tied, self.has_relu, self.has_bias = tied, relu, bias

        generator = as_generator(generator)
        device = generator.device if generator is not None else None
        scale = 0.5 * (2 / (n + m)) ** 0.5

        def initial_weights() -> nn.Parameter:
            return nn.Parameter(scale * torch.randn(instances, m, n, generator=generator, device=device))

        self.W = initial_weights()
        self.V = None if tied else initial_weights()
        self.b = nn.Parameter(torch.zeros(instances, n, device=device), requires_grad=bias)

    @classmethod
    def with_weights(
        cls, W: Numbers, b: Numbers | None = None, *, V: Numbers | None = None, relu: bool = True
    ) -> ToyModel:
        """A model with these weights (copied), in their dtype and on their device.

        Args:
            W: ``(hidden, features)`` for one instance, or ``(instances, hidden, features)``.
            b: ``(features,)`` for every instance, or ``(instances, features)``; 0 if None.
            V: the decoder, of W's shape; None ties it to W.
            relu: as above.

        Raises:
            ValueError: on other shapes, and on weights that are not finite numbers.
        """
        weights = {"W": as_numbers("W", W)}
        shape = weights["W"].shape
        if len(shape) not in (2, 3) or 0 in shape:
            raise ValueError(
                f"expected W of shape (hidden, features) or (instances, hidden, features); got {tuple(shape)}"
            )
        instances, m, n = (1, *shape)[-3:]
        weights["b"] = as_numbers("b", torch.zeros(n) if b is None else b)
        if tuple(weights["b"].shape) not in ((n,), (1, n), (instances, n)):
            raise ValueError(
                f"expected b of shape (features,) = ({n},) or (instances, features) = ({instances}, {n}); "
                f"got {tuple(weights['b'].shape)}"
            )
        if V is not None:
            weights["V"] = as_numbers("V", V)
            if weights["V"].shape != shape:
                raise ValueError(f"expected V of W's shape {tuple(shape)}; got {tuple(weights['V'].shape)}")
        model = cls(n, m, instances, tied=V is None, relu=relu, generator=0).to(weights["W"])
        with torch.no_grad():
            for name, value in weights.items():
                getattr(model, name).copy_(value)
        return model

    @property
    def n_instances(self) -> int:
        return self.W.shape[0]

    @property
    def n_hidden(self) -> int:
        return self.W.shape[1]

    @property
    def n_features(self) -> int:
        return self.W.shape[2]

    @property
    def decoder(self) -> Float[Tensor, "instances hidden features"]:
        """V, or W itself if the weights are tied."""
        return self.W if self.V is None else self.V

    def hidden(self, x: Float[Tensor, "instances batch features"]) -> Float[Tensor, "instances batch hidden"]:
        """h = W x for every row x."""
        return torch.bmm(self._fitting("x", x, "features", self.n_features), self.W.mT)

    def decode(self, h: Float[Tensor, "instances batch hidden"]) -> Float[Tensor, "instances batch features"]:
        """x' = ReLU(Wᵀ h + b) (with V for W if untied, without the ReLU if linear)."""
        h = self._fitting("h", h, "hidden", self.n_hidden)
        out = torch.baddbmm(self.b[:, None], h, self.decoder)
        return out.relu() if self.has_relu else out

    def forward(
        self, x: Float[Tensor, "instances batch features"]
    ) -> Float[Tensor, "instances batch features"]:
        return self.decode(self.hidden(x))

    @torch.no_grad()
    def set_gradients(
        self,
        x: Float[Tensor, "instances batch features"],
        cost: Float[Tensor, "#instances #batch #features"],
    ) -> Float[Tensor, " instances"]:
        """Set ``W.grad``, ``V.grad`` and ``b.grad`` for the loss Σ cost · (x' - x)²; return it per instance.

        This is backpropagation written out (chapter 1 derives it); the tests hold it against autograd, which
        takes up to four times as long. The batch stands last within, so that products and sums run along many rows
        and not along few features: that alone is 1.1 to 3 times sooner. With δ = ∂loss / ∂(Vᵀ h + b):
        ∂b = Σ δ,  ∂V = Σ h δᵀ,  ∂W = Σ (V δ) xᵀ, sums over the batch; tied weights get both terms.

        Raises:
            ValueError: if ``x`` does not fit the model, or ``cost`` does not broadcast against ``x``.
        """
        try:
            cost = cost.expand_as(x)
        except RuntimeError:
            raise ValueError(
                f"expected cost to broadcast against x of shape {tuple(x.shape)}; got {tuple(cost.shape)}"
            ) from None
        x = self._fitting("x", x, "features", self.n_features).mT.contiguous()  # batch last, see below
        h = torch.bmm(self.W, x)
        out = torch.baddbmm(self.b[..., None], self.decoder.mT, h)
        if self.has_relu:
            out.relu_()
        error = out - x
        weighted = error * cost.mT
        loss = error.mul_(weighted).sum((1, 2))  # in place: new tables cost more than the arithmetic

        delta = weighted.mul_(2)
        if self.has_relu:
            delta.mul_(out.sign_())  # 1 where the ReLU is on, else 0; quicker than out > 0
        db = delta.sum(2)
        dV = torch.bmm(h, delta.mT)
        dW = torch.bmm(torch.bmm(self.decoder, delta), x.mT)
        if self.tied:
            self.W.grad = dW + dV
        else:
            self.W.grad, self.V.grad = dW, dV
        if self.has_bias:
            self.b.grad = db
        return loss

    def _fitting(self, name: str, rows: Tensor, axis: str, size: int) -> Tensor:
        """``rows``, which must have the weights' instances, dtype and device, and ``size`` numbers a row."""
        if rows.ndim != 3 or rows.shape[0] != self.n_instances or rows.shape[2] != size:
            raise ValueError(
                f"expected {name} of shape (instances, batch, {axis}) = ({self.n_instances}, batch, "
                f"{size}); got {tuple(rows.shape)}"
            )
        if rows.dtype != self.W.dtype or rows.device != self.W.device:
            raise ValueError(
                f"expected {name} to be {self.W.dtype} on {self.W.device}, as the weights are; "
                f"got {rows.dtype} on {rows.device}"
            )
        return rows
