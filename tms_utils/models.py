"""The toy models, many instances trained as one (paper: "Experiment Setup").

An *instance* is one independent model. Stacking instances on a leading axis trains, say, ten sparsities
or a hundred seeds in a single run: instance k never sees instance j's weights, data or gradient.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from tms_utils.features import _positive_int

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
        generator: source of the initial weights; PyTorch's global one if None.

    Attributes:
        W: ``(instances, hidden, features)``; column i is the direction of feature i.
        V: the decoder, of the same shape; None if the weights are tied.
        b: ``(instances, features)``.

    Weights start as normal numbers of half the Xavier scale √(2 / (n + m)) of *one* model. (Handing the
    three-dimensional tensor to ``nn.init.xavier_normal_`` gives a scale that changes with n_instances.)
    Half and full scale do about equally well. A far smaller start leaves more models stuck with too few
    features, a far larger one scatters them (chapter 2 shows both).

    Raises:
        ValueError: if a size is not a whole number >= 1.
    """

    def __init__(
        self,
        n_features: int,
        n_hidden: int,
        n_instances: int = 1,
        *,
        tied: bool = True,
        relu: bool = True,
        bias: bool = True,
        generator: torch.Generator | None = None,
    ):
        super().__init__()
        n = _positive_int("n_features", n_features)
        m = _positive_int("n_hidden", n_hidden)
        instances = _positive_int("n_instances", n_instances)
        self.tied, self.relu, self.bias = tied, relu, bias

        device = generator.device if generator is not None else None
        scale = 0.5 * (2 / (n + m)) ** 0.5

        def initial_weights() -> nn.Parameter:
            return nn.Parameter(scale * torch.randn(instances, m, n, generator=generator, device=device))

        self.W = initial_weights()
        self.V = None if tied else initial_weights()
        self.b = nn.Parameter(torch.zeros(instances, n, device=device), requires_grad=bias)

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
        return torch.bmm(self._matching(x), self.W.mT)

    def decode(self, h: Float[Tensor, "instances batch hidden"]) -> Float[Tensor, "instances batch features"]:
        """x' = ReLU(Wᵀ h + b) (with V for W if untied, without the ReLU if linear)."""
        out = torch.baddbmm(self.b[:, None], h, self.decoder)
        return out.relu() if self.relu else out

    def forward(
        self, x: Float[Tensor, "instances batch features"]
    ) -> Float[Tensor, "instances batch features"]:
        return self.decode(self.hidden(x))

    @torch.no_grad()
    def set_gradients(
        self,
        x: Float[Tensor, "instances batch features"],
        cost: Float[Tensor, "instances batch features"],
    ) -> Float[Tensor, " instances"]:
        """Set ``W.grad``, ``V.grad`` and ``b.grad`` for the loss Σ cost · (x' - x)²; return it per instance.

        This is backpropagation written out (chapter 1 derives it). It is about twice as fast as
        autograd, which the tests hold it against. With δ = ∂loss / ∂(Vᵀ h + b):
        ∂b = Σ δ,  ∂V = Σ h δᵀ,  ∂W = Σ (V δ) xᵀ, sums over the batch; tied weights get both terms.
        """
        h = self.hidden(x)
        out = self.decode(h)
        error = out - x
        weighted = cost * error
        loss = (weighted * error).sum((1, 2))

        delta = weighted.mul_(2)
        if self.relu:
            delta.mul_(out.sign_())  # 1 where the ReLU is on, else 0; quicker than out > 0
        encoder_grad = torch.bmm(torch.bmm(self.decoder, delta.mT), x)
        if self.V is None:
            self.W.grad = encoder_grad.baddbmm_(h.mT, delta)
        else:
            self.W.grad, self.V.grad = encoder_grad, torch.bmm(h.mT, delta)
        if self.bias:
            self.b.grad = delta.sum(1)
        return loss

    def _matching(self, x: Tensor) -> Tensor:
        if x.ndim != 3 or x.shape[0] != self.n_instances or x.shape[2] != self.n_features:
            raise ValueError(
                f"expected x of shape (instances, batch, features) = ({self.n_instances}, batch, "
                f"{self.n_features}); got {tuple(x.shape)}"
            )
        return x
