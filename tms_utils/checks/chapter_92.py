"""Exercises of lab 92, "The initialisation trap"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from tms_utils.checks.exercise import Slip, as_tensor, choice, exercise, require

__all__ = ["check_fair_start", "check_flipped", "check_past"]

# 92.1 ---------------------------------------------------------------------------------------


def _normal(scale: Callable[[int, int, int], float]) -> Callable[[int, int, int, Generator], Tensor]:
    return lambda K, n, m, generator: scale(K, n, m) * torch.randn(K, n, m, generator=generator)


def _one_for_all(K: int, n: int, m: int, generator: Generator) -> Tensor:
    return (2 / (n + m)) ** 0.5 * torch.randn(n, m, generator=generator).expand(K, n, m)


_AS_PUBLISHED = Slip(
    lambda K, n, m, generator: torch.nn.init.xavier_normal_(torch.empty(K, n, m), generator=generator),
    "With K = {K} models the standard deviation is {got:.3f}, and with K = 2 it is {few:.3f}: it still depends on how many "
    "models there are. One of them alone should start at {right:.3f}.",
)
_SQUARED = Slip(
    _normal(lambda K, n, m: 2 / (n + m)),
    "The standard deviation is {got:.3f}, the square of {right:.3f}: 2 / (n + m) is the variance. Take its root.",
)
_HALF = Slip(
    _normal(lambda K, n, m: 0.5 * (2 / (n + m)) ** 0.5),
    "The standard deviation is {got:.3f}, half of {right:.3f}. That is `ToyModel`'s choice, and a good one, but not the one "
    "asked for.",
)
_ALL_ALIKE = Slip(
    _one_for_all,
    "All models start from the same matrix: a thousand restarts of one run. Draw for each its own.",
)
_OWN_SOURCE = Slip(
    lambda K, n, m, generator: (2 / (n + m)) ** 0.5 * torch.randn(K, n, m),
    "Two calls with the same seed gave different weights. Draw from the generator, so that a run can be repeated.",
)
_FIXED = Slip(
    lambda K, n, m, generator: (
        (2 / (n + m)) ** 0.5 * torch.randn(K, n, m, generator=Generator().manual_seed(0))
    ),
    "Two generators with different seeds gave the same weights. Draw from the one that came in.",
)
_TURNED = Slip(
    lambda K, n, m, generator: (2 / (n + m)) ** 0.5 * torch.randn(K, m, n, generator=generator),
    "Expected weights of shape (K, n, m) = {shape}; got {got}.",
)
_OFF_CENTRE = Slip(
    lambda K, n, m, generator: (
        (2 / (n + m)) ** 0.5 * (12**0.5) * torch.rand(K, n, m, generator=generator)  # never negative
    ),
    "The weights have the mean {mean:.2f}; a start is centred on 0.",
)


@exercise(
    "92.1",
    came="3cc421953e14c54b",
    right=_normal(lambda K, n, m: (2 / (n + m)) ** 0.5),
    slips=[_AS_PUBLISHED, _SQUARED, _HALF, _ALL_ALIKE, _OWN_SOURCE, _FIXED, _TURNED, _OFF_CENTRE],
)
def check_fair_start(start: Callable) -> str:
    """``start(K, n, m, generator)`` for few and for many models, of sizes that the reader has not seen."""
    n, m, many = 30, 10, 400
    right = (2 / (n + m)) ** 0.5

    def draw(K: int, seed: int) -> Tensor:
        W = as_tensor(start(K, n, m, Generator().manual_seed(seed)), what="the weights").float()
        require(W.shape == (K, n, m), _TURNED, shape=(K, n, m), got=tuple(W.shape))
        require(W.isfinite().all(), "The weights must be finite numbers.")
        return W

    few, W = draw(2, 1), draw(many, 1)
    require(W.std(dim=0).max() > 1e-3 * W.std(), _ALL_ALIKE)
    require(W.mean().abs() < 0.3 * right, _OFF_CENTRE, mean=W.mean())
    got = W.std()
    if abs(got / right - 1) > 0.03:
        require(abs(few.std() / got - 1) < 0.2, _AS_PUBLISHED, K=many, got=got, few=few.std(), right=right)
        require(abs(got / right**2 - 1) > 0.03, _SQUARED, got=got, right=right)
        require(abs(got / right - 0.5) > 0.02, _HALF, got=got, right=right)
        require(False, f"The standard deviation is {got:.3f}; expected sqrt(2 / (n + m)) = {right:.3f}.")
    require(torch.equal(W, draw(many, 1)), _OWN_SOURCE)
    require(not torch.equal(W, draw(many, 2)), _FIXED)
    return "Now a model's start is its own affair, whoever trains beside it."


# 92.2 ---------------------------------------------------------------------------------------


def _flipped(W: Tensor, V: Tensor) -> Tensor:
    return torch.where((W * V).sum(-2, keepdim=True) < 0, -V, V)


def _in_place(W: Tensor, V: Tensor) -> Tensor:
    return V.mul_((W * V).sum(-2, keepdim=True).sign())


_BY_ENTRY = Slip(
    lambda W, V: V.abs() * W.sign(),
    "V_i · W_i is positive everywhere, but {changed} of the {all} columns are neither V_i nor -V_i: you have changed signs "
    "entry by entry. The sign belongs to the whole column.",
)
_BY_MODEL = Slip(
    lambda W, V: torch.where((W * V).sum((-2, -1), keepdim=True) < 0, -V, V),
    "{wrong} of {all} products V_i · W_i are still negative, and the columns of one model were flipped all together. Each "
    "feature draws its own lot: sum over the hidden axis only.",
)
_BY_ROW = Slip(
    lambda W, V: torch.where((W * V).sum(-1, keepdim=True) < 0, -V, V),
    "You have flipped whole hidden dimensions: that sum runs over the features. V_i · W_i sums over the hidden axis, the "
    "second last.",
)
_WRONG_WAY = Slip(
    lambda W, V: -_flipped(W, V),
    "All products V_i · W_i are now at most 0: every lot loses. Flip the others.",
)
_NOTHING = Slip(
    lambda W, V: V.clone(), "That is V as it came: {wrong} of {all} products V_i · W_i are negative."
)
_COPIED = Slip(
    lambda W, V: W.clone(),
    "The products are positive, but that is W, not V with signs flipped: a tied model, which need not be the best.",
)
_SILENCED = Slip(
    lambda W, V: torch.where((W * V).sum(-2, keepdim=True) < 0, torch.zeros_like(V), V),
    "{zeros} columns are 0 now: a feature without an arrow is not saved. Flip its sign instead.",
)
_CHANGED = Slip(
    _in_place, "The V that came in has changed. `mul_` and `*=` write into it; return a new tensor instead."
)


@exercise(
    "92.2",
    right=_flipped,
    slips=[_BY_ENTRY, _BY_MODEL, _BY_ROW, _WRONG_WAY, _NOTHING, _COPIED, _SILENCED, _CHANGED],
)
def check_flipped(flip: Callable) -> str:
    """``flip(W, V)`` on five random models; sizes that tell the axes apart."""
    W, V = torch.randn(2, 5, 4, 11, generator=Generator().manual_seed(92))
    given = V.clone()
    new = as_tensor(flip(W.clone(), given), shape=tuple(V.shape), what="the new V").float()
    require(torch.equal(given, V), _CHANGED)
    dot, total = (W * new).sum(-2), V.shape[0] * V.shape[-1]
    wrong = int((dot < -1e-5).sum())
    require(not torch.allclose(new, W), _COPIED)
    require(not torch.allclose(new, V), _NOTHING, wrong=wrong, all=total)
    zeros = int((new.norm(dim=-2) < 1e-6).sum())
    require(zeros == 0, _SILENCED, zeros=zeros)
    as_was = (new - V).norm(dim=-2) < 1e-4
    turned = (new + V).norm(dim=-2) < 1e-4
    if not (as_was | turned).all():
        require(not torch.allclose(new, _BY_ROW.answer(W, V)), _BY_ROW)
        require(wrong > 0, _BY_ENTRY, changed=int((~(as_was | turned)).sum()), all=total)
        require(False, "Each column must be V_i or -V_i; only signs may change.")
    require((dot > 1e-5).any(), _WRONG_WAY)
    together = (turned == turned[:, :1]).all()
    require(wrong == 0 or not together, _BY_MODEL, wrong=wrong, all=total)
    require(wrong == 0, f"{wrong} of {total} products V_i · W_i are still negative.")
    return "Every output now answers to its own feature from the first step on; nobody has to draw a lot."


# 92.3 ---------------------------------------------------------------------------------------

check_past = choice(
    "92.3",
    right="D",
    slips={
        "A": "The tied model is held back since its dropped features cannot come back. Two matrices suffer from that, too, but "
        "a fresh pair suffers from something worse.",
        "B": "The lot is drawn at the start, but it binds only while the output is silent. At p = 1 the bias of a dropped "
        "feature is p/2 > 0: is its output silent there?",
        "C": "The loss, yes. But features dropped at one density die at the next, as in section 3.6: who comes late stays out.",
    },
    praise="The road opens the outputs of the important features, and leaves the rest dead: at most 12 of 20 are learned.",
)
