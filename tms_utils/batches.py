"""Batches of sparse features for ``train``, quickly: the distribution is that of ``sample_weighted``.

The tricks, and what each brings (measured on one thread, in the README's settings):

* the batch stands last, ``(instances, features, batch)``: products and sums run along 128 rows, not 5 features;
  a product of small matrices then takes a quarter of the time;
* one table of random numbers serves ``USES`` batches, each time turned by a fresh random angle (``turned``):
  without it a training takes 1.2 to 1.9 times as long;
* several batches are made in one call where they are small (``AT_ONCE`` numbers): 1.1 to 1.2 times;
* few features: comparisons find the first active one, in half of the time of a search (``given_points``);
* tables are kept and written over: of a megabyte of fresh memory each page must be fetched first, which can take
  longer than the arithmetic;
* features in sets: which sets are on is drawn like sparse features, and who of them from a table that is turned as
  well: the trainings of chapter 7 take 0.4 to 0.7 of the time;
* the empty row is not drawn: its loss and its gradient, which only b has, are written down (``Batch.empty``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from tms_utils.features import Features, SparseFeatures, given_first
from tms_utils.sets import SetFeatures

__all__ = ["Batch", "batches", "given_points", "round_of", "turned"]

USES = 8  # batches made of one table of random numbers
AT_ONCE = {"cpu": 2**18, "cuda": 2**22}  # numbers that are made in one call, at most: they stay in the cache
COMPARED = 32  # features, up to which the first active one is found by comparing, not by search
RARELY_EMPTY = 0.01  # below this share of empty rows, they are drawn like any other


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
    """Batches without end; the loss of each is an unbiased estimate of the true one.

    A later batch may be written over an earlier one.
    """
    share = importance[..., None] / features.n_features
    in_sets = isinstance(features, SetFeatures) and _draws_as_sets_do(features)
    if type(features) is not SparseFeatures and not in_sets:
        while True:
            x, weight = features.sample_weighted(batch_size, generator)
            yield Batch(x.mT.contiguous(), share * weight[:, None])
    switches = features.sets if in_sets else features
    some = switches.some_active[:, None, None]
    if (some > 1 - RARELY_EMPTY).all():
        cost, empty, first_cdf = share / batch_size, None, None
    else:
        cost, empty, first_cdf = share * some / batch_size, share * (1 - some), switches.first_cdf
    columns = _sparse_columns(switches.density, first_cdf, batch_size, generator)
    for x in _members(features, columns, batch_size, generator) if in_sets else columns:
        yield Batch(x, cost, empty)


def _draws_as_sets_do(features: SetFeatures) -> bool:
    """Whether its class draws rows as ``SetFeatures`` does, and not in a way of its own."""
    own = type(features)
    return own.sample is SetFeatures.sample and own.sample_weighted is SetFeatures.sample_weighted


def _members(
    features: SetFeatures,
    columns: Iterator[Float[Tensor, "instances sets batch"]],
    batch_size: int,
    generator: torch.Generator,
) -> Iterator[Float[Tensor, "instances features batch"]]:
    """The features of each batch of sets, from one table of random numbers, too, turned for each."""
    u = features.density.new_empty(features.n_instances, features.draws, batch_size)
    table = u.new_empty(1, *u.shape)
    for step, sets in enumerate(columns):
        if step % USES == 0:
            u.uniform_(generator=generator)
        turned(u, 1, generator, out=table)
        yield features.members(sets.mT, table[0].mT).mT.contiguous()


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
    u = p.new_empty(*density.shape, batch_size)
    at_once = made_at_once(u.numel(), u.device)
    tables = 3 if p.shape[1] <= COMPARED else 1
    x, *kept = (u.new_empty(at_once, *u.shape) for _ in range(tables))
    rows = torch.arange(batch_size, device=p.device) / batch_size
    while True:
        u.uniform_(generator=generator)
        for _ in range(0, USES, at_once):
            turned(u, at_once, generator, out=x)
            if first_cdf is None:
                x.sub_(1 - p).mul_(1 / p).relu_()
            else:
                start = torch.rand(at_once, len(p), 1, generator=generator, device=p.device, dtype=p.dtype)
                given_points(x, rows + start / batch_size, first_cdf, density, kept)
            yield from x


def made_at_once(numbers: int, device: torch.device) -> int:
    """How many batches of so many numbers are made in one call."""
    return max(1, min(USES, AT_ONCE.get(device.type, AT_ONCE["cpu"]) // numbers))


def round_of(features: SparseFeatures, batch_size: int) -> int:
    """After how many batches they are made in the same way, and in the same memory, again."""
    at_once = made_at_once(features.density.numel() * batch_size, features.device)
    return -(-USES // at_once) * at_once


def turned(
    u: Float[Tensor, "instances features batch"],
    times: int,
    generator: torch.Generator,
    out: Float[Tensor, "times instances features batch"] | None = None,
) -> Float[Tensor, "times instances features batch"]:
    """``times`` new tables of uniform numbers from one: each is u + c modulo 1, with one random c a feature.

    The rows of a table are as independent as those of u. A row and the row of another table that it was
    turned into are independent as well, as c is new each time; so are any three rows. Four may not be: two rows
    in the same two tables.
    """
    angle = torch.rand(times, *u.shape[:2], 1, generator=generator, device=u.device, dtype=u.dtype)
    return torch.add(u, angle, out=out).frac_()


def given_points(
    u: Float[Tensor, "times instances features batch"],
    points: Float[Tensor, "times instances batch"],
    first_cdf: Float[Tensor, "instances features"],
    density: Float[Tensor, "instances features"],
    kept: list[Tensor] | None = None,
) -> Float[Tensor, "times instances features batch"]:
    """``given_first``, in place, for the features that the points fall on: the first whose ``first_cdf`` is at least the point.

    That feature and those after it are *reached*. It is the one where reached goes from 0 to 1, and keeps its u.
    ``kept``: two tables like u to write in.
    """
    if density.shape[1] > COMPARED:
        cdf = first_cdf.expand(len(u), -1, -1).contiguous()
        return given_first(u, torch.searchsorted(cdf, points).clamp_(max=density.shape[1] - 1), density)
    reached, own = kept or (torch.empty_like(u), torch.empty_like(u))
    torch.sub(first_cdf[..., None], points[..., None, :], out=reached).ge_(0)
    own.copy_(reached)
    own[..., 1:, :].sub_(reached[..., :-1, :])
    own.mul_(u)
    p = density[..., None]
    x = u.sub_(1 - p).mul_(1 / p)
    return torch.maximum(torch.minimum(x, reached, out=x), own, out=x)
