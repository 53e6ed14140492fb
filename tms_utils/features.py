"""Synthetic features: the inputs of the toy models (paper: "Demonstrating Superposition").

Every distribution here is a small object with ``n_features``, ``n_instances`` and

* ``sample(batch_size, generator)`` -> ``(instances, batch, features)``: plain draws;
* ``sample_weighted(batch_size, generator)`` -> the same, with a weight for each row. The weights of an
  instance add up to 1, and ``(weight * f(x)).sum(batch)`` is an unbiased estimate of the mean of any f.

Plain draws are the special case of equal weights. The weights pay off when features are very sparse:
almost every plain row is then empty and teaches nothing. ``SparseFeatures`` draws only rows with an
active feature, adds *one* empty row, and weights both by how often they occur.
"""

from __future__ import annotations

import copy

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = [
    "AnticorrelatedFeatures",
    "CorrelatedFeatures",
    "KActiveFeatures",
    "SparseFeatures",
]


class Features:
    """What all feature distributions share: a size, a density per instance, a device."""

    per_instance: tuple[str, ...] = ("density",)  # the tensors of shape (instances, features)

    def __init__(self, n_features: int, density: float | Tensor):
        self.n_features = _positive_int("n_features", n_features)
        self.density = _as_density(density, self.n_features)  # (instances, features)

    @property
    def n_instances(self) -> int:
        return self.density.shape[0]

    @property
    def device(self) -> torch.device:
        return self.density.device

    def to(self, device: torch.device | str) -> Features:
        """A copy of this distribution on ``device``."""
        moved = copy.copy(self)
        for name in self.per_instance:
            setattr(moved, name, getattr(self, name).to(device))
        return moved

    def expand(self, n_instances: int) -> Features:
        """A copy with ``n_instances`` instances: one instance is repeated, an equal number kept as it is."""
        if self.n_instances not in (1, n_instances):
            raise ValueError(
                f"expected features with 1 or {n_instances} instances to go with a model of "
                f"{n_instances}; got {self.n_instances}"
            )
        expanded = copy.copy(self)
        for name in self.per_instance:
            setattr(expanded, name, getattr(self, name).expand(n_instances, -1))
        return expanded

    def sample(
        self, batch_size: int, generator: torch.Generator | None = None
    ) -> Float[Tensor, "instances batch features"]:
        raise NotImplementedError

    def sample_weighted(
        self, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "instances batch features"], Float[Tensor, "instances batch"]]:
        """``batch_size`` rows and their weights; here every row weighs ``1 / batch_size``."""
        x = self.sample(batch_size, generator)
        return x, x.new_full(x.shape[:2], 1 / batch_size)

    def _uniform(self, *shape: int, generator: torch.Generator | None) -> Tensor:
        """Uniform numbers in [0, 1) of shape ``(instances, *shape)`` on this distribution's device."""
        if generator is not None and generator.device.type != self.device.type:
            raise ValueError(
                f"expected a generator on {self.device.type}, where the features are; "
                f"got one on {generator.device.type}"
            )
        return torch.rand((self.n_instances, *shape), generator=generator, device=self.device)


class SparseFeatures(Features):
    """Independent sparse features: each entry is 0 with probability S = 1 - density, else uniform in [0, 1).

    Args:
        n_features: number of features, at least 1.
        density: p = 1 - S in (0, 1]: one number, one per instance ``(instances,)``, or one per
            instance and feature ``(instances, features)``.

    Raises:
        ValueError: if a density lies outside (0, 1] or has another shape.
    """

    def sample(
        self, batch_size: int, generator: torch.Generator | None = None
    ) -> Float[Tensor, "instances batch features"]:
        """One uniform number u per entry is both mask and value: (u - S) / (1 - S) if u > S, else 0."""
        u = self._uniform(_positive_int("batch_size", batch_size), self.n_features, generator=generator)
        p = self.density[:, None]
        return u.sub_(1 - p).div_(p).clamp_(min=0)

    def sample_weighted(
        self, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "instances batch features"], Float[Tensor, "instances batch"]]:
        """One empty row, then ``batch_size - 1`` rows drawn given that at least one feature is active.

        Such a row is drawn by its *first* active feature: features before it are off, it is on, and the
        features after it are as independent as ever. The first active features are drawn evenly spread
        (systematic sampling): each is as likely as before, but none is over- or under-served by chance.
        """
        if batch_size < 2:
            raise ValueError(f"expected batch_size >= 2 (one row is the empty one); got {batch_size}")
        n, rows = self.n_features, batch_size - 1
        first_active, threshold, scale, non_empty = self._given_first()
        offset = self._uniform(1, generator=generator)
        spread = (torch.arange(-1, rows, device=self.device) + offset) / rows
        first = torch.searchsorted(first_active, spread).clamp_(max=n - 1)
        first += n * torch.arange(self.n_instances, device=self.device)[:, None]  # a row of the tables

        x = self._uniform(batch_size, n, generator=generator)
        x.sub_(threshold.index_select(0, first.flatten()).view_as(x))
        x.mul_(scale.index_select(0, first.flatten()).view_as(x)).clamp_(min=0)
        x[:, 0] = 0
        weight = torch.cat([1 - non_empty, (non_empty / rows).expand(-1, rows)], dim=1)
        return x, weight

    def _given_first(
        self,
    ) -> tuple[
        Float[Tensor, "instances features"],
        Float[Tensor, "instances*features features"],
        Float[Tensor, "instances*features features"],
        Float[Tensor, "instances 1"],
    ]:
        """P(first active feature <= i | some feature is active); for each first active feature, the
        threshold and scale that turn u into x = ReLU(scale · (u - threshold)); P(some feature is active).

        Kept between calls. The tables hold 2 n² numbers an instance: 6 MB for 20 models of 200 features.
        """
        if not hasattr(self, "_given_first_cache") or self._given_first_cache[0] is not self.density:
            p, n = self.density, self.n_features
            all_off = torch.cumprod(1 - p.double(), dim=-1)  # features 0..i all off
            non_empty = 1 - all_off[:, -1:]
            cdf = ((1 - all_off) / non_empty).float().contiguous()
            i, first = torch.arange(n, device=p.device), torch.arange(n, device=p.device)[:, None]
            threshold = torch.where(i < first, 1, torch.where(i == first, 0, 1 - p[:, None]))
            scale = torch.where(i <= first, 1, 1 / p[:, None])
            tables = cdf, threshold.flatten(0, 1), scale.flatten(0, 1), non_empty.float()
            self._given_first_cache = (p, *tables)
        return self._given_first_cache[1:]


class KActiveFeatures(Features):
    """Exactly ``k`` active features a row, every set of k equally likely, each uniform in [0, 1).

    Args:
        n_features: number of features.
        k: how many are active, from 0 to n_features.
        n_instances: how many independent copies ``sample`` returns.
    """

    def __init__(self, n_features: int, k: int, n_instances: int = 1):
        if not 0 <= k <= n_features:
            raise ValueError(f"expected k between 0 and n_features = {n_features}; got {k}")
        super().__init__(n_features, torch.ones(_positive_int("n_instances", n_instances)))
        self.k = k

    def sample(
        self, batch_size: int, generator: torch.Generator | None = None
    ) -> Float[Tensor, "instances batch features"]:
        """The k largest of n uniform numbers are a uniformly random set of k features."""
        _positive_int("batch_size", batch_size)
        order = self._uniform(batch_size, self.n_features, generator=generator)
        values = self._uniform(batch_size, self.k, generator=generator)
        active = order.topk(self.k, dim=-1).indices
        return torch.zeros_like(order).scatter_(-1, active, values)


class SetFeatures(Features):
    """Neighbouring features form sets: ``SparseFeatures`` draws which sets are on, a subclass their members."""

    def __init__(self, n_features: int, density: float | Tensor, set_size: int):
        super().__init__(n_features, density)
        self.set_size = _divisor(n_features, set_size)
        of_sets = self.density.unflatten(-1, (-1, self.set_size))
        if (of_sets != of_sets[..., :1]).any():
            raise ValueError("expected one density for all members of a set; got different ones")

    def sample(
        self, batch_size: int, generator: torch.Generator | None = None
    ) -> Float[Tensor, "instances batch features"]:
        sets = self._sets().sample(batch_size, generator)
        return self._members(sets, generator)

    def sample_weighted(
        self, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Float[Tensor, "instances batch features"], Float[Tensor, "instances batch"]]:
        """One empty row, then ``batch_size - 1`` rows drawn given that at least one set is on."""
        sets, weight = self._sets().sample_weighted(batch_size, generator)
        return self._members(sets, generator), weight

    def _sets(self) -> SparseFeatures:
        """The sets, each as one sparse feature. Kept between calls, as ``SparseFeatures`` keeps its tables."""
        if not hasattr(self, "_sets_cache") or self._sets_cache[0] is not self.density:
            sets = SparseFeatures(self.n_features // self.set_size, self._set_density()[:, :: self.set_size])
            self._sets_cache = (self.density, sets)
        return self._sets_cache[1]

    def _set_density(self) -> Float[Tensor, "instances features"]:
        """The probability that a feature's set is on."""
        return self.density

    def _members(
        self, sets: Float[Tensor, "instances batch sets"], generator: torch.Generator | None
    ) -> Float[Tensor, "instances batch features"]:
        raise NotImplementedError


class CorrelatedFeatures(SetFeatures):
    """Sets of features that tend to be on together, with independent magnitudes (paper: "Correlated features").

    A set is on with probability ``density / together``; while it is, each of its members is on with
    probability ``together``, apart from the others. So a feature is on with probability ``density``, and
    *if* it is, each other member of its set is on with probability ``together``: from ``density`` itself
    (independent features) to 1 (the whole set or nothing, as in the paper).

    Args:
        n_features: number of features, a multiple of ``set_size``.
        density: probability that a feature is on, in (0, 1]: one number or one per instance.
        set_size: neighbouring features that form a set.
        together: probability that a feature is on given that another of its set is, from ``density``
            to 1: one number or one per instance.
    """

    per_instance = ("density", "together")

    def __init__(
        self,
        n_features: int,
        density: float | Tensor,
        set_size: int = 2,
        together: float | Tensor = 1.0,
    ):
        super().__init__(n_features, density, set_size)
        together = torch.as_tensor(together, dtype=self.density.dtype).reshape(-1, 1)
        if len(together) not in (1, self.n_instances) and self.n_instances != 1:
            raise ValueError(
                f"expected together to be a number or {self.n_instances} numbers; got {len(together)}"
            )
        self.density, self.together = torch.broadcast_tensors(self.density, together)
        outside = ~((self.together >= self.density) & (self.together <= 1))
        if outside.any():
            raise ValueError(
                f"expected together from density = {self.density[outside][0]:g} to 1; "
                f"got {self.together[outside][0]:g}"
            )

    def _set_density(self) -> Float[Tensor, "instances features"]:
        return self.density / self.together

    def _members(
        self, sets: Float[Tensor, "instances batch sets"], generator: torch.Generator | None
    ) -> Float[Tensor, "instances batch features"]:
        u = self._uniform(sets.shape[1], self.n_features, generator=generator)
        c = self.together[:, None]
        values = u.sub_(1 - c).div_(c).clamp_(min=0)  # as in SparseFeatures, given that the set is on
        return values * (sets > 0).repeat_interleave(self.set_size, dim=-1)


class AnticorrelatedFeatures(SetFeatures):
    """Sets of features of which at most one is on (paper: "Anti-correlated features").

    Args:
        n_features: number of features, a multiple of ``set_size``.
        density: probability that a set has an active member, in (0, 1]. A single feature is then
            active with probability ``density / set_size``.
        set_size: neighbouring features that form a set.
    """

    def __init__(self, n_features: int, density: float | Tensor, set_size: int = 2):
        super().__init__(n_features, density, set_size)

    def _members(
        self, sets: Float[Tensor, "instances batch sets"], generator: torch.Generator | None
    ) -> Float[Tensor, "instances batch features"]:
        member = (self._uniform(*sets.shape[1:], generator=generator) * self.set_size).long()
        x = sets.new_zeros(*sets.shape, self.set_size)
        return x.scatter_(-1, member[..., None], sets[..., None]).flatten(start_dim=-2)


def _as_density(density: float | Tensor, n_features: int) -> Float[Tensor, "instances features"]:
    p = torch.as_tensor(density, dtype=torch.get_default_dtype())
    if p.ndim == 0:
        p = p[None]
    if p.ndim == 1:
        p = p[:, None].expand(-1, n_features)
    if p.ndim != 2 or p.shape[0] == 0 or p.shape[1] != n_features:
        raise ValueError(
            "expected density to be a number, (instances,) or (instances, features) = "
            f"(instances, {n_features}); got shape {tuple(p.shape)}"
        )
    outside = p[~((p > 0) & (p <= 1))]
    if len(outside):
        raise ValueError(f"expected density = 1 - S in (0, 1]; got {outside[0].item():g}")
    return p


def _positive_int(name: str, value: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"expected {name} to be a whole number >= 1; got {value!r}")
    return value


def _divisor(n_features: int, set_size: int) -> int:
    if _positive_int("set_size", set_size) > n_features or n_features % set_size:
        raise ValueError(
            f"expected n_features to be a multiple of set_size = {set_size}; got n_features = {n_features}"
        )
    return set_size
