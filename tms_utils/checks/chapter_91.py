"""Exercises of lab 91, "Other people's notebooks"."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import torch
from torch import Generator, Tensor

from tms_utils.checks.draws import sparse_sampler
from tms_utils.checks.exercise import Slip, as_number, as_tensor, choice, exercise, require

__all__ = ["check_audit", "check_keep_mask", "check_train_linear", "check_two_faults"]

# 91.1 ---------------------------------------------------------------------------------------


def _trainer(
    loss: Callable = lambda weight, error: (weight * error.square()).mean(),
    *,
    optimiser: Callable = lambda parameters: torch.optim.Adam(parameters, lr=0.1),
    gradients: bool = True,
    flag: bool | None = None,
) -> Callable:
    """A trainer with or without the faults of section 91.1."""

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
    "91.1",
    came="766152f3f53a283c",
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
        # A right loss then follows some features the other way; squared, they are as good as above 0.
        mixed = importance * torch.tensor([1.0, -1.0] * 6)
        require(not torch.equal(train(importance, steps=1), train(mixed, steps=1)), _INSIDE)
    W = train(importance)
    norms, kept = W.norm(dim=0), len(W)
    require(norms[:kept].mean() > norms[-kept:].mean(), _UPSIDE_DOWN)
    clean = norms[:kept].min() > 0.9 and norms[kept:].max() < 0.2
    told = ", ".join(f"{norm:.2f}" for norm in norms[:kept])
    require(clean, _TOO_SLOW, kept=kept, norms=told)
    return "A falling loss is not enough: look at whether W moved, and at what it learnt."


# 91.2 ---------------------------------------------------------------------------------------

check_two_faults = choice(
    "91.2",
    right="B",
    slips={
        "A": "Not A. That is what honest rows hold. Here the only value that is on is divided by the length of its "
        "row. How long is a row with one entry?",
        "C": "Not C. The first fault makes all values small, but the second does not leave them so: what is 0.0004 "
        "divided by 0.0004?",
        "D": "Not D. A small row has a small length, and dividing by it brings the row back. Only a row that was "
        "empty before stays empty.",
        "E": "Not E. The first fault changes how large the values are, not how many are on: u <= p has probability "
        "p, as it should.",
    },
    praise="The second fault hides the first: whatever the values were, they are 1. Two wrongs, and a clean picture.",
)

# 91.3 ---------------------------------------------------------------------------------------


def _honest(rows: int, n: int, p: float, generator: Generator | None) -> Tensor:
    value, switch = torch.rand(2, rows, n, generator=generator)
    return value * (switch < p)


def _one_draw(rows: int, n: int, p: float, generator: Generator | None) -> Tensor:
    return ((torch.rand(rows, n, generator=generator) - 1 + p) / p).clamp(min=0)


def _small(rows: int, n: int, p: float, generator: Generator | None) -> Tensor:
    value = torch.rand(rows, n, generator=generator)
    return torch.where(value <= p, value, 0.0)


def _shared(rows: int, n: int, p: float, generator: Generator | None) -> Tensor:
    value = torch.rand(rows, n, generator=generator)
    return value * (torch.rand(rows, 1, generator=generator) < p)


def _unit(rows: int, n: int, p: float, generator: Generator | None) -> Tensor:
    x = _honest(rows, n, p, generator)
    return x / x.norm(dim=1, keepdim=True).clamp(min=1e-9)


def _table(rows: int, n: int, p: float, generator: Generator | None) -> Tensor:
    table = _honest(200, n, p, Generator().manual_seed(1))
    return table[torch.randint(200, (rows,), generator=generator)]


FAULTY = {
    "dense": lambda rows, n, p, generator: _honest(rows, n, 1 - p, generator),
    "small": _small,
    "shared": _shared,
    "unit": _unit,
    "table": _table,
}


def _audit(without: str = "") -> Callable:
    """An auditor that makes every test but one."""

    def is_honest(draw: Callable) -> bool:
        p = 0.3
        x = draw(5_000, 20, p, Generator().manual_seed(0))
        on, lengths = (x > 0).float(), x.norm(dim=1)
        share = on.mean()
        together = (on.T @ on / len(on) - share**2).fill_diagonal_(0)
        fine = {
            "dense": abs(share - p) < 0.05,
            "small": x.max() > 0.9,
            "shared": together.abs().max() < 0.1,
            "unit": lengths[lengths > 0].std() > 0.01,
            "table": len(x[lengths > 0].unique(dim=0)) > (lengths > 0).sum() / 2,
        }
        return all(bool(passed) for test, passed in fine.items() if test != without)

    return is_honest


_GULLIBLE = Slip(lambda draw: True, "Your test believes everybody: it passes all five faulty samplers.")
_STRICT = Slip(
    lambda draw: False,
    "Your test refuses an honest sampler. Leave room for chance: of 1,000 switches at p = 0.3, 270 to 330 are on.",
)
_MISSED = {
    fault: Slip(_audit(without=fault), f"Your test passes a sampler {how}")
    for fault, how in {
        "dense": "whose share of active entries is 1 - p, not p. Count them.",
        "small": "whose active values all lie below p (section 91.3). How large should the largest be?",
        "shared": "that switches all features of a row together (section 91.4). How often are two of them on at once?",
        "unit": "that scales every row to length one (section 91.5). How much should the lengths differ?",
        "table": "that draws from a fixed table of 200 rows (section 91.6). Does a row come back in 5,000 draws?",
    }.items()
}


@exercise("91.3", right=_audit(), slips=[_GULLIBLE, _STRICT, *_MISSED.values()])
def check_audit(is_honest: Callable) -> str:
    """``is_honest(draw)`` on two samplers that are, and on five that are not."""

    def verdict(draw: Callable) -> bool:
        answer = as_number(is_honest(draw), "what your test returns")
        require(answer in (0, 1), f"Expected True or False; got {answer:g}.")
        return answer == 1

    require(verdict(_honest) and verdict(_one_draw), _STRICT)
    passed = [fault for fault, draw in FAULTY.items() if verdict(draw)]
    require(len(passed) < len(FAULTY), _GULLIBLE)
    for fault in passed:
        require(False, _MISSED[fault])
    return "Five faults caught, and nobody accused who is innocent. Run it on your own sampler first."


# 91.4 ---------------------------------------------------------------------------------------

check_keep_mask = sparse_sampler(
    "91.4",
    came="ca8d04005a5082ee",
    offer=lambda draw: lambda batch, n, sparsity, generator: draw((batch, n), 1 - sparsity, generator),
    ask=lambda sample_rows, rows, p, generator: sample_rows(rows, 10, 1 - p, generator),
    shape=lambda rows: {"batch": rows, "features": 10},
    praise="A name such as `keep` or `is_zero` is a claim about True. One printed mean would have caught it.",
)
