"""One training loop for every experiment, and its record.

The published replications train 10,000 steps of 1,024 rows at a constant learning rate. ``train`` reaches
the same losses with a fraction of the work, by plain means, none of which changes the loss:

1. rows without an active feature are not drawn: their share of the loss is exact;
2. one random number an entry is both the mask and the value (``SparseFeatures.sample``);
3. all instances share each product of matrices, and the gradient is written out (``ToyModel.set_gradients``);
4. the learning rate warms up, peaks high, and falls to zero along a cosine, so that fewer steps do;
5. Adam's memory is short, β₂ = 0.99, and its ε far below the gradients.

What else makes a step quick stands apart, in ``engine.py``, and what a GPU needs in ``replay.py``.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from tqdm import tqdm

from tms_utils import engine, replay
from tms_utils.features import Features, SparseFeatures
from tms_utils.models import ToyModel
from tms_utils.validate import (
    Device,
    Numbers,
    WholeNumber,
    as_device,
    as_generator,
    as_importance,
    positive_int,
    positive_number,
    whole_number,
)

__all__ = ["TrainingRecord", "estimate_loss", "learning_rate", "train"]


@dataclass(frozen=True)
class TrainingRecord:
    """What ``train`` saw: the loss on each recorded step's batch, and the weights if they were asked for."""

    step: Int[Tensor, " records"]
    loss: Float[Tensor, "records instances"]
    W: Float[Tensor, "records instances hidden features"] | None = None
    b: Float[Tensor, "records instances features"] | None = None


def learning_rate(step: WholeNumber, steps: WholeNumber, peak: float, warm_up: float = 0.1) -> float:
    """The schedule: up to ``peak`` along a line for a tenth of the steps, then down to 0 along a cosine.

    ``step`` runs from 0 to ``steps - 1``; ``warm_up`` is the part of the steps, from 0 to 1, that goes up.

    Raises:
        ValueError: on numbers outside these ranges.
    """
    steps, step, peak = (
        positive_int("steps", steps),
        whole_number("step", step),
        positive_number("peak", peak),
    )
    if step >= steps or not (isinstance(warm_up, (int, float)) and 0 <= warm_up <= 1):
        raise ValueError(
            f"expected step < steps = {steps} and warm_up from 0 to 1; got step {step}, warm_up {warm_up}"
        )
    ramp = max(1, round(warm_up * steps))
    if step < ramp:
        return peak * (step + 1) / ramp
    return peak * 0.5 * (1 + math.cos(math.pi * (step - ramp + 1) / (steps - ramp + 1)))


def train(
    model: nn.Module,
    features: Features,
    importance: Numbers | None = None,
    *,
    steps: WholeNumber = 2000,
    batch_size: WholeNumber = 128,
    lr: float = 0.02,
    seed: WholeNumber = 0,
    record_every: WholeNumber | None = None,
    record_weights: bool = False,
    device: Device | None = None,
    progress: bool = True,
) -> TrainingRecord:
    """Train every instance of ``model`` in place on fresh samples of ``features``.

    An instance's loss is the mean over rows and features of importance · (x' - x)² (paper: "The Loss").

    Args:
        model: a ``ToyModel``, or any module that maps ``(instances, batch, features)`` to the same shape
            and keeps its instances apart (it is then differentiated by autograd). It may be in float64.
        features: its distribution, with one instance or as many as the model.
        importance: I, at least 0, broadcast against ``(instances, features)``; None is 1 throughout.
        steps, batch_size, lr: the recipe, at least 1, at least 2 and above 0; ``lr`` is the peak of the
            schedule.
        seed: of the data. (The initial weights belong to the model.)
        record_every: steps between records, at least 1; about 100 records if None.
        record_weights: keep the model's W and b at each record, too.
        device: where to train, "cpu" or "cuda": the model moves there. None: where the model is. The
            features are drawn where the model is, and stay as they are themselves.
        progress: show a bar once training has taken two seconds.

    Raises:
        ValueError: on sizes, shapes, importances or devices that do not fit; the model is then untouched.
        FloatingPointError: at the first record whose loss is no longer finite.

    Interrupted (Ctrl-C, the kernel's stop button), it leaves the model as the last step left it.
    """
    steps = positive_int("steps", steps)
    batch_size = whole_number("batch_size", batch_size, 2)
    lr = positive_number("lr", lr)
    every = max(1, steps // 100) if record_every is None else positive_int("record_every", record_every)
    home, dtype = _place(model, features)
    device = home if device is None else as_device(device)
    features = _matching(features, model, device, dtype)
    importance = as_importance(importance, features.n_instances, features.n_features)
    importance = importance.to(device, dtype)
    generator = as_generator(whole_number("seed", seed), device)
    if record_weights and not all(isinstance(getattr(model, name, None), Tensor) for name in ("W", "b")):
        raise ValueError(
            f"expected a model with weights W and b to record; got {type(model).__name__}, which lacks them"
        )
    if not any(p.requires_grad for p in model.parameters()):
        raise ValueError(f"expected a model with weights to train; got {type(model).__name__} without any")
    model.to(device)

    gradient = engine.WrittenOut(model) if has_written_gradient(model) else engine.ByAutograd(model)
    batches = engine.batches(features, importance, batch_size, generator)

    def learn() -> engine.Batch:
        """Draw a batch and set its gradient."""
        batch = next(batches)
        gradient.set(batch)
        return batch

    on_gpu = device.type == "cuda"
    if on_gpu and isinstance(gradient, engine.WrittenOut) and type(features) is SparseFeatures:
        learn = replay.Replayed(learn, device, engine.round_of(features, batch_size), generator)
    optimiser = replay.FusedAdam if on_gpu else engine.Adam
    adam = optimiser(gradient.weights, gradient.gradients, betas=(0.9, 0.99))
    records = []
    quiet = {} if progress else {"disable": True}  # left out, so that TQDM_DISABLE=1 is heard
    # On stdout: what a bar leaves behind on stderr, JupyterLab shows as an empty red strip.
    bar = tqdm(range(steps), desc="training", delay=2, leave=False, file=sys.stdout, **quiet)
    with engine.threads_for(sum(w.numel() for w in gradient.weights) * batch_size):
        try:
            for step in bar:
                batch = learn()
                if step % every == 0 or step == steps - 1:
                    loss = gradient.loss(batch).detach()
                    _check_finite(loss, step, lr)
                    if record_weights:
                        gradient.write_back()
                    kept = (model.W, model.b) if record_weights else ()
                    records.append((step, loss, *(p.detach().clone() for p in kept)))
                adam.step(learning_rate(step, steps, lr))
        finally:
            gradient.write_back()

    step, loss, *weights = zip(*records, strict=True)
    return TrainingRecord(torch.tensor(step), torch.stack(loss), *(torch.stack(w) for w in weights))


@torch.no_grad()
def estimate_loss(
    model: nn.Module,
    features: Features,
    importance: Numbers | None = None,
    *,
    batch_size: WholeNumber = 2**16,
    seed: WholeNumber = 0,
) -> Float[Tensor, " instances"]:
    """Each instance's loss on ``batch_size`` fresh rows: the number to compare models by.

    All instances get the same random numbers, hence the same rows where the density is the same, and so does
    another model with the same ``seed``. Large batches are drawn in pieces (of at least ``batch_size`` rows in
    all), so memory stays below about 100 MB. The features are drawn where the model is, in its dtype.

    Raises:
        ValueError: on sizes, shapes or importances that do not fit.
    """
    batch_size = whole_number("batch_size", batch_size, 2)
    device, dtype = _place(model, features)
    features = _matching(features, model, device, dtype).paired()
    importance = as_importance(importance, features.n_instances, features.n_features)
    importance = importance[:, None].to(device, dtype)
    generator = as_generator(whole_number("seed", seed), device)
    piece = max(2, min(batch_size, 2**22 // (features.n_instances * features.n_features)))
    n_pieces = math.ceil(batch_size / piece)
    total = 0.0
    for _ in range(n_pieces):
        x, weight = features.sample_weighted(piece, generator)
        squared = importance * (model(x) - x).square()
        total = total + (weight * squared.mean(-1)).sum(-1)
    return total / n_pieces


def has_written_gradient(model: nn.Module) -> bool:
    """Whether ``model.set_gradients`` is its gradient: a ToyModel whose answer no subclass or hook has changed.

    A weight that is computed from others (a parametrisation) is no parameter, and needs autograd.
    """
    if not isinstance(model, ToyModel):
        return False
    answer = ("forward", "hidden", "decode", "decoder")
    weights = {"W", "b"} if model.V is None else {"W", "V", "b"}
    unchanged = all(getattr(type(model), name) is getattr(ToyModel, name) for name in answer)
    unchanged = unchanged and not any(name in vars(model) for name in answer)
    unchanged = unchanged and not (model._forward_hooks or model._forward_pre_hooks)
    return unchanged and weights <= {name for name, _ in model.named_parameters()}


def _place(model: nn.Module, features: Features) -> tuple[torch.device, torch.dtype]:
    """Where the model's weights are, and their dtype; the features' if it has none."""
    if not isinstance(model, nn.Module):
        raise ValueError(f"expected a model (torch.nn.Module); got {type(model).__name__}")
    if not isinstance(features, Features):
        raise ValueError(f"expected features such as SparseFeatures(5, 0.1); got {type(features).__name__}")
    weight = next(model.parameters(), None)
    device, dtype = (features.device, features.dtype) if weight is None else (weight.device, weight.dtype)
    if dtype not in (torch.float32, torch.float64):
        raise ValueError(f"expected a model in float32 or float64; got {dtype}")
    return device, dtype


def _matching(features: Features, model: nn.Module, device: torch.device, dtype: torch.dtype) -> Features:
    """The features with the model's number of instances, on ``device``, drawn in ``dtype``."""
    if getattr(model, "n_features", features.n_features) != features.n_features:
        raise ValueError(
            f"expected features of the model's n_features = {model.n_features}; got {features.n_features}"
        )
    return features.expand(getattr(model, "n_instances", features.n_instances)).to(device, dtype)


def _check_finite(loss: Tensor, step: int, lr: float) -> None:
    if not torch.isfinite(loss).all():
        instance = int((~torch.isfinite(loss)).nonzero()[0])
        raise FloatingPointError(
            f"the loss of instance {instance} is {loss[instance].item()} at step {step}: training diverged. "
            f"Try a smaller lr (it was {lr:g})."
        )
