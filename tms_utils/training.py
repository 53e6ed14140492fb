"""One training loop for every experiment, and its record.

The published replications train 10,000 steps of 1,024 rows at a constant learning rate. ``train`` reaches
the same losses with a fraction of the work, by five plain means, none of which changes the loss:

1. rows without an active feature are not drawn: their share of the loss is exact (``sample_weighted``);
2. one random number an entry is both the mask and the value (``SparseFeatures.sample``);
3. all instances share each batched matrix product, and the gradient is written out (``set_gradients``);
4. the learning rate warms up, peaks high, and falls to zero along a cosine, so that fewer steps do;
5. Adam's ε is far below the gradients, which are tiny for sparse, unimportant features (with the usual
   1e-8 those features learn late or never), and its memory is shorter: β₂ = 0.99.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from tqdm import tqdm

from tms_utils.features import Features, _positive_int
from tms_utils.models import ToyModel

__all__ = ["TrainingRecord", "estimate_loss", "learning_rate", "train"]


@dataclass(frozen=True)
class TrainingRecord:
    """What ``train`` saw: the loss on each recorded step's batch, and the weights if they were asked for."""

    step: Int[Tensor, " records"]
    loss: Float[Tensor, "records instances"]
    W: Float[Tensor, "records instances hidden features"] | None = None
    b: Float[Tensor, "records instances features"] | None = None


def learning_rate(step: int, steps: int, peak: float, warm_up: float = 0.1) -> float:
    """The schedule: up to ``peak`` along a line for a tenth of the steps, then down to 0 along a cosine."""
    ramp = max(1, round(warm_up * steps))
    if step < ramp:
        return peak * (step + 1) / ramp
    return peak * 0.5 * (1 + math.cos(math.pi * (step - ramp + 1) / (steps - ramp + 1)))


def train(
    model: nn.Module,
    features: Features,
    importance: Tensor | float | None = None,
    *,
    steps: int = 2000,
    batch_size: int = 128,
    lr: float = 0.02,
    seed: int = 0,
    record_every: int | None = None,
    record_weights: bool = False,
    device: str | torch.device | None = None,
    progress: bool = True,
) -> TrainingRecord:
    """Train every instance of ``model`` in place on fresh samples of ``features``.

    An instance's loss is the mean over rows and features of importance · (x' - x)² (paper: "The Loss").

    Args:
        model: a ``ToyModel``, or any module that maps ``(instances, batch, features)`` to the same shape
            and keeps its instances apart (it is then differentiated by autograd).
        features: its distribution, with one instance or as many as the model.
        importance: I, at least 0, broadcast against ``(instances, features)``; None is 1 throughout.
        steps, batch_size, lr: the recipe; ``lr`` is the peak of the schedule.
        seed: of the data. (The initial weights belong to the model.)
        record_every: steps between records; about 100 records if None.
        record_weights: keep W and b at each record, too.
        device: where to train, "cpu" or "cuda"; model and features move there. None: where the model is.
        progress: show a bar once training has taken two seconds.

    Raises:
        ValueError: on sizes, shapes or importances that do not fit.
        FloatingPointError: as soon as a loss is no longer finite.
    """
    _positive_int("steps", steps)
    if not lr > 0:
        raise ValueError(f"expected lr > 0; got {lr}")
    device = torch.device(device) if device is not None else next(model.parameters()).device
    model.to(device)
    n_instances = getattr(model, "n_instances", features.n_instances)
    features = features.expand(n_instances).to(device)
    importance = _as_importance(importance, features)
    generator = torch.Generator(device).manual_seed(seed)
    # A learning rate held in a tensor can change every step without a new launch on a GPU.
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.Adam(parameters, lr=lr, betas=(0.9, 0.99), eps=1e-12, fused=True)

    every = record_every or max(1, steps // 100)
    records = []
    quiet = {} if progress else {"disable": True}  # left out, so that TQDM_DISABLE=1 is heard
    # On stdout: what a bar leaves behind on stderr, JupyterLab shows as an empty red strip.
    for step in tqdm(range(steps), desc="training", delay=2, leave=False, file=sys.stdout, **quiet):
        optimiser.param_groups[0]["lr"] = learning_rate(step, steps, lr)
        x, weight = features.sample_weighted(batch_size, generator)
        cost = weight[..., None] * (importance / features.n_features)
        loss = _set_gradients(model, x, cost)
        if step % every == 0 or step == steps - 1:
            _check_finite(loss, step, lr)
            kept = (model.W, model.b) if record_weights else ()
            records.append((step, loss, *(p.detach().clone() for p in kept)))
        optimiser.step()

    step, loss, *weights = zip(*records, strict=True)
    return TrainingRecord(torch.tensor(step), torch.stack(loss), *(torch.stack(w) for w in weights))


@torch.no_grad()
def estimate_loss(
    model: nn.Module,
    features: Features,
    importance: Tensor | float | None = None,
    *,
    batch_size: int = 2**16,
    seed: int = 0,
) -> Float[Tensor, " instances"]:
    """Each instance's loss on ``batch_size`` fresh rows: the number to compare models by.

    The same ``seed`` gives every model the same rows. Large batches are drawn in pieces, so memory stays
    below about 100 MB.
    """
    features = features.expand(getattr(model, "n_instances", features.n_instances))
    importance = _as_importance(importance, features)
    generator = torch.Generator(features.device).manual_seed(seed)
    piece = max(2, min(batch_size, 2**22 // features.density.numel()))
    n_pieces = math.ceil(batch_size / piece)
    total = 0.0
    for _ in range(n_pieces):
        x, weight = features.sample_weighted(piece, generator)
        squared = importance * (model(x) - x).square()
        total = total + (weight * squared.mean(-1)).sum(-1)
    return total / n_pieces


def _set_gradients(model: nn.Module, x: Tensor, cost: Tensor) -> Float[Tensor, " instances"]:
    """Gradients of every instance's loss Σ cost · (x' - x)²: written out for a ToyModel, else by autograd."""
    if type(model) is ToyModel:
        return model.set_gradients(x, cost)
    model.zero_grad()
    loss = (cost * (model(x) - x).square()).sum((1, 2))
    loss.sum().backward()
    return loss.detach()


def _as_importance(importance: Tensor | float | None, features: Features) -> Tensor:
    """Importance as ``(instances, 1, features)``, checked."""
    shape = (features.n_instances, features.n_features)
    importance = torch.as_tensor(1.0 if importance is None else importance).to(features.density)
    try:
        importance = importance.expand(shape)
    except RuntimeError:
        raise ValueError(
            f"expected importance to broadcast against (instances, features) = {shape}; "
            f"got shape {tuple(importance.shape)}"
        ) from None
    if not (torch.isfinite(importance) & (importance >= 0)).all():
        raise ValueError(
            "expected every importance to be a finite number >= 0; got NaN, infinite or negative"
        )
    return importance[:, None]


def _check_finite(loss: Tensor, step: int, lr: float) -> None:
    if not torch.isfinite(loss).all():
        instance = int((~torch.isfinite(loss)).nonzero()[0])
        raise FloatingPointError(
            f"the loss of instance {instance} is {loss[instance].item()} at step {step}: training diverged. "
            f"Try a smaller lr (it was {lr:g})."
        )
