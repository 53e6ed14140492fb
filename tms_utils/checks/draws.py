"""The exercise of a sampler of independent sparse features: chapters 1, 3 and 4 each ask for one.

Each wrong sampler here keeps what a glance at the rows would show: shapes, shares, or means.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Generator, Tensor

from tms_utils.checks.exercise import Exercise, Slip, as_tensor, require

__all__ = ["is_uniform", "sparse_sampler"]

MODELS, BATCH, FEATURES = -3, -2, -1  # axes of what is drawn


def sparse_sampler(
    number: str,
    *,
    offer: Callable,
    ask: Callable,
    shape: Callable[[int], dict[str, int]],
    praise: str,
    came: str = "",
) -> Exercise:
    """An exercise whose answer draws entries that are 0 with probability 1 - p, else uniform in [0, 1).

    Args:
        offer: makes an answer, as the exercise wants it, of a sampler ``f(shape, p, generator)``.
        ask: ``ask(answer, rows, p, generator)`` calls an answer for rows of density p; if there are several
            models, the first two have this density and others another one.
        shape: what ``ask`` should give for so many rows: the sizes of the axes by their names.
        came: the digest of a sampler that is given to be mended.
    """
    slips = {key: Slip(offer(wrong), message) for key, wrong, message in _slips(len(shape(1)))}

    def check(attempt: Callable) -> str:
        def draw(rows: int, p: float, seed: int) -> Tensor:
            x = as_tensor(ask(attempt, rows, p, Generator().manual_seed(seed)), what="what is drawn")
            wanted, got = shape(rows), tuple(x.shape)
            names, sizes = ", ".join(wanted), tuple(wanted.values())
            require(got == sizes, slips["shape"], names=names, wanted=sizes, got=got)
            require(x.isfinite().all(), "Some of what is drawn is infinite or not a number.")
            return (x[:2] if x.ndim == 3 else x).float()

        few = torch.stack([draw(100, 0.5, seed) for seed in range(8)])
        require(torch.equal(few[0], draw(100, 0.5, 0)), slips["global"])
        require((few != few[0]).any(), slips["own seed"])
        _judge_switches(few != 0, slips)
        for density in (0.1, 1.0, 0.7):
            _judge(draw(20_000, density, 4), density, slips)
        return praise

    return Exercise(number, check, offer(_sample), tuple(slips.values()), came=came)


def is_uniform(values: Tensor) -> bool:
    """Whether the values could be draws from U[0, 1): Kolmogorov and Smirnov's test, wrong once in 10⁵ times."""
    values = values.flatten().double().sort().values
    expected = (torch.arange(len(values), dtype=torch.float64) + 0.5) / len(values)
    return bool((values - expected).abs().max() * len(values) ** 0.5 < 2.5)


def _sample(
    shape: tuple[int, ...], p: Any, generator: Generator | None, *, one_switch: Any = (), one_value: Any = ()
) -> Tensor:
    """Sparse features; along the axes ``one_switch`` and ``one_value`` a single draw is repeated."""

    def uniform(repeated: tuple[int, ...]) -> Tensor:
        sizes = [1 if axis - len(shape) in repeated else size for axis, size in enumerate(shape)]
        return torch.rand(sizes, generator=generator).expand(shape)

    value, switch = uniform(one_value), uniform(one_switch)
    return torch.where(switch < p, value, 0.0)


def _slips(n_axes: int) -> Iterator[tuple[str, Callable, str]]:
    """A name for each, a sampler ``f(shape, p, generator)``, and what to say to it."""

    def one(value: Callable) -> Callable:
        return lambda shape, p, generator: value(torch.rand(shape, generator=generator), p)

    def sharing(**axes: tuple[int, ...]) -> Callable:
        return lambda shape, p, generator: _sample(shape, p, generator, **axes)

    yield "shape", lambda *a: _sample(*a).mT, "Expected shape ({names}) = {wanted}; got {got}."
    yield (
        "global",
        lambda shape, p, generator: _sample(shape, p, None),
        "The same generator gave other rows: some draw does not use `generator`.",
    )
    yield (
        "own seed",
        lambda shape, p, generator: _sample(shape, p, Generator().manual_seed(0)),
        "Another generator gave the same rows: use the one that is handed in, as it comes.",
    )
    yield (
        "switch for all",
        sharing(one_switch=(BATCH, FEATURES)),
        "All features of all rows are on together, or off: P(both on) = P(one on). How many random numbers decide "
        "about a batch, and along which axes are they repeated?",
    )
    yield (
        "switch by rows",
        sharing(one_switch=(BATCH,)),
        "Every row has the same features on: each row needs switches of its own.",
    )
    yield (
        "switch by features",
        sharing(one_switch=(FEATURES,)),
        "The features of a row switch on together, so P(both on) is as large as P(one on). Independent features "
        "have p²: draw the switch of each entry on its own.",
    )
    yield (
        "swapped",
        lambda shape, p, generator: _sample(shape, 1 - p, generator),
        "At density p = {p:g}, sparsity S = {S:g}, {share:.0%} of the entries are on; it should be {p:.0%}. "
        "p and S are swapped: when is the condition true?",
    )
    yield (
        "share",
        lambda shape, p, generator: _sample(shape, p.flip(0) if n_axes == 3 else p / 2, generator),
        "At density p = {p:g}, {share:.1%} of the entries are on; it should be {p:.0%}."
        + " Is the density of model k used for model k?" * (n_axes == 3),
    )
    yield (
        "binary",
        one(lambda u, p: (u < p).float()),
        "At density p = {p:g} all active values are {mean:.2f}; they should be draws from U[0, 1), with mean 0.5.",
    )
    yield (
        "value by rows",
        sharing(one_value=(BATCH,)),
        "A feature has the same value in every row in which it is on: draw a value for each row.",
    )
    yield (
        "value by features",
        sharing(one_value=(FEATURES,)),
        "The switches are right, but the *values* of a row are all the same: draw one number for each feature.",
    )
    if n_axes == 3:
        yield (
            "switch by models",
            sharing(one_switch=(MODELS,)),
            "All models of one density have the same entries on: draw switches for each model.",
        )
        yield (
            "value by models",
            sharing(one_value=(MODELS,)),
            "All models are shown the same values: draw values for each model, too.",
        )
    yield (
        "small",
        one(lambda u, p: torch.where(u <= p, u, 0.0)),
        "At density p = {p:g} the largest active value is {largest:.2f}. The number that decides *whether* an entry "
        "is on also decides *how large* it is, so only small values survive.",
    )
    yield (
        "large",
        one(lambda u, p: torch.where(u >= 1 - p, u, 0.0)),
        "At density p = {p:g} active values have mean {mean:.2f}, and none is below {smallest:.2f}. The number that "
        "decides whether an entry is on is also its value, so only large values survive.",
    )
    yield (
        "range",
        lambda *a: 0.5 * _sample(*a),
        "At density p = {p:g} active values lie between {smallest:.2f} and {largest:.2f}, with mean {mean:.2f} and "
        "variance {variance:.3f}; those of U[0, 1) fill it evenly, with mean 0.50 and variance 0.083.",
    )


def _judge_switches(on: Tensor, slips: dict[str, Slip]) -> None:
    """Fail if, in several draws of density 1/2, switches were repeated along an axis."""
    if on.all() or not on.any():
        return
    alike = {axis: bool((on == on.narrow(axis, 0, 1)).all()) for axis in range(-on.ndim + 1, 0)}
    require(not (alike[BATCH] and alike[FEATURES]), slips["switch for all"])
    require(not alike[BATCH], slips["switch by rows"])
    require(not alike[FEATURES], slips["switch by features"])
    require(not alike.get(MODELS), slips.get("switch by models", ""))


def _judge(x: Tensor, p: float, slips: dict[str, Slip]) -> None:
    """Fail with the slip that these draws of density p show."""
    on = x != 0
    share = on.float().mean().item()
    fields = {"p": p, "S": 1 - p, "share": share}
    require(abs(share - p) < 0.02 or abs(share - 1 + p) > 0.02, slips["swapped"], **fields)
    require(abs(share - p) < 0.02, slips["share"], **fields)
    values = x[on]
    fields |= {
        "smallest": values.min(),
        "largest": values.max(),
        "mean": values.mean(),
        "variance": values.var(),
    }
    require(values.min() < values.max(), slips["binary"], **fields)
    for axis, name in ((BATCH, "rows"), (FEATURES, "features"), (MODELS, "models")):
        require(axis < -x.ndim or not _repeats(x, axis), slips.get(f"value by {name}", ""))
    if p < 1:
        require(not is_uniform(values / p), slips["small"], **fields)
        require(not is_uniform((values - 1 + p) / p), slips["large"], **fields)
    require(is_uniform(values), slips["range"], **fields)
    require(
        p < 1 or x.unique().numel() > 0.95 * x.numel(),
        "Many values occur twice: one number has been drawn where two are needed.",
    )
    both = on.float().flatten(0, -2)
    pairs = (both.T @ both / len(both)).fill_diagonal_(p**2)
    require(
        (pairs - p**2).abs().max() < 0.02,
        f"At density p = {p:g} two features are on together in {pairs.min():.0%} to {pairs.max():.0%} of the rows; "
        f"independent features are in {p**2:.0%}.",
    )


def _repeats(x: Tensor, axis: int) -> bool:
    """Whether neighbours along this axis have the same value wherever both are on."""
    one, other = x.narrow(axis, 0, x.shape[axis] - 1), x.narrow(axis, 1, x.shape[axis] - 1)
    both = (one != 0) & (other != 0)
    return bool(both.any() and (one == other)[both].all())
