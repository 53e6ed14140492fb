"""Features that do not decide for themselves: in sets, together or one at a time, and exactly k of all.

Paper: "Correlated and Anticorrelated Features"; the k are this course's own.
"""

from __future__ import annotations

from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from tms_utils.features import Features, Rows, SparseFeatures, WeightedRows
from tms_utils.validate import (
    Numbers,
    Seed,
    WholeNumber,
    as_density,
    as_generator,
    as_numbers,
    positive_int,
    whole_number,
)

__all__ = ["AnticorrelatedFeatures", "CorrelatedFeatures", "KActiveFeatures", "SetFeatures"]


class SetFeatures(Features):
    """Neighbouring features form sets: ``SparseFeatures`` draws which sets are on, a subclass their members.

    A subclass writes ``members``, and ``set_density`` if a set is on more often than one of its features, and
    ``draws`` if a row takes another number of uniform numbers than it has features.

    Args:
        n_features: number of features, a multiple of ``set_size``.
        density: probability that a *feature* is on, in (0, 1]; the same for all members of a set.
        set_size: neighbouring features that form a set.
    """

    def __init__(self, n_features: WholeNumber, density: Numbers, set_size: WholeNumber = 2):
        n_features, set_size = positive_int("n_features", n_features), positive_int("set_size", set_size)
        if n_features % set_size:
            raise ValueError(
                f"expected n_features to be a multiple of set_size = {set_size}; got n_features = {n_features}"
            )
        density = as_density(density, n_features)
        of_sets = density.unflatten(-1, (-1, set_size))
        if (of_sets != of_sets[..., :1]).any():
            raise ValueError("expected one density for all members of a set; got different ones")
        super().__init__(n_features, density)
        self.set_size = set_size

    def sample(self, batch_size: WholeNumber, generator: Seed = None) -> Rows:
        """Which sets are on, then which of their members."""
        generator = as_generator(generator, self.device)
        return self._with_members(self.sets.sample(batch_size, generator), generator)

    def sample_weighted(self, batch_size: WholeNumber, generator: Seed = None) -> WeightedRows:
        """One empty row, then ``batch_size - 1`` rows drawn given that at least one set is on."""
        generator = as_generator(generator, self.device)
        sets, weight = self.sets.sample_weighted(batch_size, generator)
        return self._with_members(sets, generator), weight

    @cached_property
    def sets(self) -> SparseFeatures:
        """The sets, each as one sparse feature."""
        sets = SparseFeatures(self.n_features // self.set_size, self.set_density[:, :: self.set_size])
        sets = sets.to(self.device, self.dtype)
        return sets.paired() if self.is_paired else sets

    @property
    def set_density(self) -> Float[Tensor, "instances features"]:
        """The probability that a feature's set is on."""
        return self.density

    @property
    def draws(self) -> int:
        """How many uniform numbers ``members`` takes for a row."""
        return self.n_features

    def members(
        self, sets: Float[Tensor, "instances batch sets"], u: Float[Tensor, "instances batch draws"]
    ) -> Rows:
        """The features of each row, given its sets and uniform numbers (to write over): 0 where a set is off."""
        raise NotImplementedError(f"{type(self).__name__} has no members of its own")

    def _with_members(
        self, sets: Float[Tensor, "instances batch sets"], generator: torch.Generator | None
    ) -> Rows:
        return self.members(sets, self.uniform(sets.shape[1], self.draws, generator=generator))


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

    def __init__(
        self,
        n_features: WholeNumber,
        density: Numbers,
        set_size: WholeNumber = 2,
        together: Numbers = 1.0,
    ):
        n_features = positive_int("n_features", n_features)
        density = as_density(density, n_features)
        given = as_numbers("together", together, finite=False).to(density)
        together = given.reshape(-1, 1)
        fits = len(together) in (1, len(density)) or len(density) == 1
        if not fits or given.shape not in ((), (len(together),), (len(together), 1)):
            raise ValueError(
                f"expected together to be a number or (instances,) numbers, instances = {len(density)}; "
                f"got shape {tuple(given.shape)}"
            )
        density, together = torch.broadcast_tensors(density, together)
        outside = ~((together >= density) & (together <= 1))
        if outside.any():
            raise ValueError(
                f"expected together from density = {density[outside][0]:g} to 1; got {together[outside][0]:g}"
            )
        super().__init__(n_features, density, set_size)
        self._together = together.clone()

    @property
    def together(self) -> Float[Tensor, "#instances features"]:
        """P(another member is on | a feature of its set is). A copy, as ``density`` is."""
        return self._together.clone()

    @property
    def set_density(self) -> Float[Tensor, "instances features"]:
        return self._density / self._together

    def members(
        self, sets: Float[Tensor, "instances batch sets"], u: Float[Tensor, "instances batch features"]
    ) -> Rows:
        """Each member of a set that is on is on with probability ``together``, with a magnitude of its own."""
        c = self._together[:, None]
        x = u.sub_(1 - c).div_(c).clamp_(min=0)  # as in SparseFeatures, given that the set is on
        x.unflatten(-1, (-1, self.set_size)).mul_(sets.sign()[..., None])
        return x


class AnticorrelatedFeatures(SetFeatures):
    """Sets of features of which at most one is on (paper: "Anti-correlated features").

    A set is on with probability ``set_size * density``, and then one of its members, each as likely.

    Args:
        n_features: number of features, a multiple of ``set_size``.
        density: probability that a *feature* is on, in (0, 1 / set_size]: one number or one per instance.
        set_size: neighbouring features that form a set.
    """

    def __init__(self, n_features: WholeNumber, density: Numbers, set_size: WholeNumber = 2):
        super().__init__(n_features, density, set_size)
        highest = self._density.max().item()
        if highest * self.set_size > 1 + 1e-6:  # 1/3 of three is 1 up to rounding
            raise ValueError(
                f"expected density in (0, 1 / set_size] = (0, {1 / self.set_size:g}], as at most one of a "
                f"set is on; got {highest:g}"
            )

    @property
    def set_density(self) -> Float[Tensor, "instances features"]:
        return (self._density * self.set_size).clamp(max=1)

    @property
    def draws(self) -> int:
        """One for each set."""
        return self.n_features // self.set_size

    def members(
        self, sets: Float[Tensor, "instances batch sets"], u: Float[Tensor, "instances batch sets"]
    ) -> Rows:
        """One member of each set that is on takes the set's magnitude."""
        member = (u * self.set_size).long()
        x = sets.new_zeros(*sets.shape, self.set_size)
        return x.scatter_(-1, member[..., None], sets[..., None]).flatten(start_dim=-2)


class KActiveFeatures(Features):
    """Exactly ``k`` active features a row, every set of k equally likely, each uniform in [0, 1).

    Args:
        n_features: n, at least 1.
        k: how many are active, from 0 to n. The density is k / n.
        n_instances: how many independent copies ``sample`` returns.
    """

    def __init__(self, n_features: WholeNumber, k: WholeNumber, n_instances: WholeNumber = 1):
        n_features, k = positive_int("n_features", n_features), whole_number("k", k)
        if k > n_features:
            raise ValueError(f"expected k between 0 and n_features = {n_features}; got {k}")
        super().__init__(n_features, [k / n_features] * positive_int("n_instances", n_instances))
        self.k = k

    def sample(self, batch_size: WholeNumber, generator: Seed = None) -> Rows:
        """The k largest of n uniform numbers are a uniformly random set of k features."""
        batch_size = positive_int("batch_size", batch_size)
        generator = as_generator(generator, self.device)
        order = self.uniform(batch_size, self.n_features, generator=generator)
        values = self.uniform(batch_size, self.k, generator=generator)
        active = order.topk(self.k, dim=-1).indices
        return torch.zeros_like(order).scatter_(-1, active, values)
