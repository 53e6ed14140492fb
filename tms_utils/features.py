"""Synthetic features: the inputs of the toy models (paper: "Demonstrating Superposition").

A distribution is a small object that never changes once it is made. It gives plain rows (``sample``), or
rows with weights that add up to 1 (``sample_weighted``): ``(weight * f(x)).sum(batch)`` is an unbiased
estimate of the mean of any f. Weights pay off when features are very sparse: almost every plain row is then
empty and teaches nothing. ``SparseFeatures`` draws only rows with an active feature, adds *one* empty row,
and weights both by how often they occur.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from tms_utils.validate import (
    Device,
    Numbers,
    Seed,
    WholeNumber,
    as_density,
    as_device,
    as_generator,
    positive_int,
    whole_number,
)

__all__ = ["Features", "Rows", "SparseFeatures", "WeightedRows", "given_first"]

Rows = Float[Tensor, "instances batch features"]
WeightedRows = tuple[Rows, Float[Tensor, "instances batch"]]


class Features:
    """What all distributions share: a size, a density for each instance and feature, a device.

    A distribution of your own needs ``sample``, which draws its numbers with ``self.uniform``:

        class Binary(Features):
            def sample(self, batch_size, generator=None):
                generator = as_generator(generator, self.device)  # takes an int seed, too
                u = self.uniform(batch_size, self.n_features, generator=generator)
                return (u < self.density[:, None]).to(u)

    * ``__init__`` may keep more attributes after ``super().__init__(n_features, density)``. What differs
      between instances has them as its first axis. Tensors go along in ``to``.
    * Where nearly all rows are empty, write ``sample_weighted`` too (or instead): draw rows given that some
      feature is on and return ``self.with_empty_row(x, some)``.
    * Attributes cannot be set again (AttributeError), so what is computed from them stays true.

    ``n_features`` is at least 1, ``density`` = P(x_i > 0) from 0 to 1: a number, ``(instances,)``,
    ``(instances, 1)`` or ``(instances, features)``. Anything else is a ValueError.
    """

    is_paired = False  # whether ``uniform`` gives every instance the same numbers

    def __init__(self, n_features: WholeNumber, density: Numbers):
        self.n_features = positive_int("n_features", n_features)
        self._density = as_density(density, self.n_features, zero=True)

    def __setattr__(self, name: str, value: object) -> None:
        if name in vars(self) or hasattr(type(self), name):
            raise AttributeError(
                f"a distribution does not change: cannot set {name}; make a new {type(self).__name__}"
            )
        super().__setattr__(name, value)

    @property
    def density(self) -> Float[Tensor, "instances features"]:
        """P(x_i > 0). A copy: what is written into it changes nothing here."""
        return self._density.clone()

    @property
    def n_instances(self) -> int:
        return self._density.shape[0]

    @property
    def device(self) -> torch.device:
        return self._density.device

    @property
    def dtype(self) -> torch.dtype:
        return self._density.dtype

    def to(self, device: Device, dtype: torch.dtype | None = None) -> Features:
        """This distribution on ``device``, drawing numbers of ``dtype`` (None: as before)."""
        device, dtype = as_device(device), dtype or self.dtype
        if (device, dtype) == (self.device, self.dtype):
            return self
        return self._with(lambda _, value: value.to(device, dtype if value.is_floating_point() else None))

    def expand(self, n_instances: WholeNumber) -> Features:
        """This distribution with ``n_instances`` instances: one is repeated, an equal number stays.

        Other attributes keep their one row, which broadcasts.
        """
        n_instances = positive_int("n_instances", n_instances)
        if self.n_instances == n_instances:
            return self
        if self.n_instances != 1:
            fitting = f"1 or {n_instances} instances to go with a model of {n_instances}"
            raise ValueError(f"expected features with {fitting}; got {self.n_instances}")
        return self._with(lambda name, value: value.repeat(n_instances, 1) if name == "_density" else value)

    def paired(self) -> Features:
        """This distribution with the same random numbers for every instance: fair to compare models by."""
        new = self._with(lambda _, value: value)
        vars(new)["is_paired"] = True
        return new

    def _with(self, change: Callable[[str, Tensor], Tensor]) -> Features:
        """A new object with each tensor changed, and without what a ``cached_property`` has computed."""
        new = object.__new__(type(self))
        for name, value in vars(self).items():
            if not isinstance(getattr(type(self), name, None), cached_property):
                vars(new)[name] = change(name, value) if isinstance(value, Tensor) else value
        return new

    def sample(self, batch_size: WholeNumber, generator: Seed = None) -> Rows:
        """``batch_size`` rows for each instance; ``generator`` may be an int seed."""
        raise NotImplementedError(f"{type(self).__name__} has no sample of its own")

    def sample_weighted(self, batch_size: WholeNumber, generator: Seed = None) -> WeightedRows:
        """``batch_size`` rows and their weights; here every row weighs ``1 / batch_size``."""
        x = self.sample(batch_size, generator)
        shape = (self.n_instances, positive_int("batch_size", batch_size), self.n_features)
        if tuple(x.shape) != shape or x.dtype != self.dtype:
            given = f"{x.dtype} of shape {tuple(x.shape)}"
            raise ValueError(f"expected sample to give {self.dtype} of shape {shape}; got {given}")
        return x, x.new_full(x.shape[:2], 1 / x.shape[1])

    def uniform(self, *shape: WholeNumber, generator: Seed) -> Float[Tensor, "instances ..."]:
        """Uniform numbers in [0, 1) of shape ``(instances, *shape)``, on this distribution's device.

        Takes no int seed: a ``sample`` that calls this twice would get the same numbers twice.
        """
        copies = self.n_instances if self.is_paired else 1
        shape = (self.n_instances // copies, *(whole_number("a size", size) for size in shape))
        if not (generator is None or isinstance(generator, torch.Generator)):
            advice = "Begin your sample with generator = as_generator(generator, self.device)"
            raise ValueError(f"expected a torch.Generator or None; got {generator!r}. {advice}")
        generator = as_generator(generator, self.device)
        u = torch.rand(shape, generator=generator, device=self.device, dtype=self.dtype)
        return u.repeat(copies, *[1] * (len(shape) - 1)) if copies > 1 else u

    @staticmethod
    def with_empty_row(x: Rows, some: float | Float[Tensor, " instances"]) -> WeightedRows:
        """Rows drawn given that some feature is on -> weighted rows; the first row of ``x`` is emptied.

        ``some`` is P(some feature is on): the empty row weighs 1 - some, the others share the rest evenly.
        """
        rows = whole_number("batch_size", x.shape[1], 2) - 1
        x[:, 0] = 0
        some = torch.as_tensor(some).to(x).expand(len(x))[:, None]
        return x, torch.cat([1 - some, (some / rows).expand(-1, rows)], dim=1)


class SparseFeatures(Features):
    """Independent sparse features: each entry is 0 with probability S = 1 - density, else uniform in [0, 1).

    Arguments as in ``Features``, but each density must be above 0.
    """

    def __init__(self, n_features: WholeNumber, density: Numbers):
        n_features = positive_int("n_features", n_features)
        super().__init__(n_features, as_density(density, n_features))

    def sample(self, batch_size: WholeNumber, generator: Seed = None) -> Rows:
        """One uniform number u per entry is both mask and value: (u - S) / (1 - S) if u > S, else 0."""
        batch_size = positive_int("batch_size", batch_size)
        generator = as_generator(generator, self.device)
        u = self.uniform(batch_size, self.n_features, generator=generator)
        p = self._density[:, None]
        return u.sub_(1 - p).div_(p).clamp_(min=0)

    def sample_weighted(self, batch_size: WholeNumber, generator: Seed = None) -> WeightedRows:
        """One empty row, then ``batch_size - 1`` rows drawn given that at least one feature is active.

        Such a row is drawn by its *first* active feature: features before it are off, it is on, and the
        features after it are as independent as ever. An example, two features of density 1/2:
        P(some active) = 3/4, and the first active one is feature 0 with probability (1/2) / (3/4) = 2/3;
        of three rows, two begin with feature 0 and one with feature 1: ``first_active`` gives 0, 0, 1;
        ``rows_given_first`` gives (u, ReLU(2u' - 1)) for a 0, and (0, u') for a 1.
        """
        batch_size = whole_number("batch_size", batch_size, 2)
        generator = as_generator(generator, self.device)
        first = nn.functional.pad(self.first_active(batch_size - 1, generator), (1, 0))  # row 0 is emptied
        return self.with_empty_row(self.rows_given_first(first, generator), self.some_active)

    def first_active(self, rows: int, generator: torch.Generator | None) -> Int[Tensor, "instances rows"]:
        """The first active feature of each of ``rows`` rows, given that there is one.

        Evenly spread (systematic sampling): points 1 / rows apart, with a random offset, are looked up in the
        distribution function. Each feature is as likely as before, but none is over- or under-served by chance.
        """
        points = (torch.arange(rows, device=self.device) + self.uniform(1, generator=generator)) / rows
        return torch.searchsorted(self.first_cdf, points).clamp_(max=self.n_features - 1)

    def rows_given_first(
        self, first: Int[Tensor, "instances batch"], generator: torch.Generator | None
    ) -> Rows:
        """Rows whose first active feature is given."""
        u = self.uniform(self.n_features, first.shape[1], generator=generator)
        return given_first(u, first, self._density).mT

    @cached_property
    def some_active(self) -> Float[Tensor, " instances"]:
        """P(at least one feature is active)."""
        return (1 - (1 - self._density.double()).prod(-1)).to(self.dtype)

    @cached_property
    def first_cdf(self) -> Float[Tensor, "instances features"]:
        """P(the first active feature is i or an earlier one | some feature is active)."""
        some_up_to = 1 - (1 - self._density.double()).cumprod(-1)
        return (some_up_to / some_up_to[:, -1:]).to(self.dtype).contiguous()


def given_first(
    u: Float[Tensor, "*n instances features batch"],
    first: Int[Tensor, "*n instances batch"],
    density: Float[Tensor, "instances features"],
) -> Float[Tensor, "*n instances features batch"]:
    """Turn uniform numbers u, in place, into columns x whose first active feature is given.

    Feature ``first`` keeps its u. Those after it are on with their density, ReLU((u - S) / (1 - S)) as ever.
    Those before it are off: i + 1 - first is at most 0 there, and at least 1 elsewhere, so that
    ReLU(min(x, i + 1 - first)) takes them away and leaves the others.
    """
    p, first = density[..., None], first[..., None, :]
    own = u.gather(-2, first)
    place = torch.arange(1, u.shape[-2] + 1, device=u.device, dtype=u.dtype)[:, None]
    x = u.sub_(1 - p).mul_(1 / p)
    torch.minimum(x, place - first.to(u), out=x)
    return x.relu_().scatter_(-2, first, own)
