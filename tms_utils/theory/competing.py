"""The simple solutions that compete for one dimension too few (paper: "Superposition as a Phase Change")."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from tms_utils.theory.common import broadcast, non_negative, probability
from tms_utils.theory.linear import feature_variance
from tms_utils.validate import Numbers, WholeNumber, whole_number

__all__ = ["competing_boundary", "competing_losses"]


def competing_losses(
    *, density: Numbers, r: Numbers, n_features: WholeNumber = 2
) -> dict[str, Float[Tensor, "*batch"]]:
    """The closed-form losses of the simple solutions that compete for n - 1 hidden dimensions.

    Every feature has importance 1 except the last, "extra" one: r. Each W_i is 0 or of length 1, a pair
    that shares a dimension is antipodal with b = 0, and an ignored feature has b = p/2 (paper:
    "Superposition as a Phase Change"). ``density`` in [0, 1] and ``r`` >= 0 broadcast.

    Raises:
        ValueError: unless n_features is 2 or 3, or if a density or an r is out of range.
    """
    n = _two_or_three(n_features)
    p, r = probability("density", density, zero=True), non_negative("r", r)
    p, r = (v.expand(broadcast(density=p, r=r)) for v in (p, r))
    ignored, pair = feature_variance(p), p**2 / 6  # what a feature costs if ignored, if it is one of a pair
    if n == 2:
        sums = {"ignore extra": r * ignored, "ignore first": ignored, "antipodal pair": (1 + r) * pair}
    else:
        sums = {
            "ignore extra": r * ignored,
            "ignore one of the first": ignored,
            "extra in a pair": (1 + r) * pair,
            "the first two a pair": 2 * pair,
        }
    return {name: loss / n for name, loss in sums.items()}


def competing_boundary(r: Numbers, n_features: WholeNumber = 2) -> Float[Tensor, "*batch"]:
    """The density below which superposition wins among ``competing_losses``, at relative importance r > 0.

    4r / (2 + 5r) for r <= 1. Beyond, the same with 1/r for n = 2, and 4/7 for n = 3.

    Raises:
        ValueError: unless n_features is 2 or 3, or if an r is not positive.
    """
    n, r = _two_or_three(n_features), non_negative("r", r, zero=False)
    ratio = torch.minimum(r, 1 / r) if n == 2 else r.clamp(max=1)
    return 4 * ratio / (2 + 5 * ratio)


def _two_or_three(n_features: WholeNumber) -> int:
    n = whole_number("n_features", n_features)
    if n not in (2, 3):
        raise ValueError(f"expected n_features to be 2 or 3; got {n}")
    return n
