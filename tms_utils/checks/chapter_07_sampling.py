"""Exercise 7.3 of chapter 7, "Features that come together": a sampler of three pairs."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.behaviour import ignores_generator
from tms_utils.checks.draws import is_uniform
from tms_utils.checks.exercise import Slip, as_tensor, exercise, require

__all__ = ["check_three_pairs"]


def _sampler(
    switches: int = 3,
    values: int = 6,
    density_of: Callable[[float], float] = lambda p: p,
    change: Callable[[Tensor], Tensor] = lambda x: x,
    generated: bool = True,
) -> Callable:
    """A sampler of three pairs, with faults to choose."""

    def sample(rows: int, density: float, generator: torch.Generator) -> Tensor:
        generator = generator if generated else None
        on = torch.rand(rows, switches, generator=generator) < density_of(density)
        x = change(torch.rand(rows, values, generator=generator).repeat_interleave(6 // values, dim=1))
        return x * on.repeat_interleave(6 // switches, dim=1)

    return sample


def _third_copies_second(rows: int, density: float, generator: torch.Generator) -> Tensor:
    on = (torch.rand(rows, 3, generator=generator) < density)[:, [0, 1, 1]]
    return on.repeat_interleave(2, dim=1) * torch.rand(rows, 6, generator=generator)


def _with_pair_0_repaired(x: Tensor) -> Tensor:
    return torch.cat([x[:, :2], torch.full_like(x[:, 2:], 0.5)], dim=1)


def _partly_shared(x: Tensor) -> Tensor:
    """In half of the rows partners have the same magnitude."""
    return torch.where(torch.arange(len(x))[:, None] % 2 == 0, x[:, [0, 0, 2, 2, 4, 4]], x)


_PAIRS = {
    "merged": Slip(
        _sampler(values=3),
        "Merging a pair of these loses nothing. How many *different* numbers does a row with one pair on carry?",
    ),
    "not together": Slip(
        _sampler(switches=6),
        "Now the partners are not always on together: one switch has to serve both members of a pair.",
    ),
    "density": Slip(
        _sampler(density_of=lambda p: 1 - p),
        "At density {density:g} the features are on in {low:.0%} to {high:.0%} of the rows.",
    ),
    "one switch": Slip(
        _sampler(switches=1),
        "All three pairs are on in the same rows. Each pair needs a switch of its own.",
    ),
    "two pairs": Slip(
        _third_copies_second,
        "Pairs {k} and {j} are on together in {share:.0%} of the rows; independent pairs would be in {wanted:.0%}. "
        "Each pair needs its own switch.",
    ),
    "constant": Slip(
        _sampler(change=_with_pair_0_repaired),
        "Active values of pair {k} are all {mean:.2f}; they should be uniform in [0, 1).",
    ),
    "range": Slip(
        _sampler(change=lambda x: x / 2),
        "Active values of pair {k} lie between {low:.2f} and {high:.2f}, with mean {mean:.2f}; they should be uniform "
        "in [0, 1).",
    ),
    "correlated": Slip(
        _sampler(change=_partly_shared),
        "The two magnitudes of pair {k} have a correlation of {correlation:.2f}; draw one number per feature.",
    ),
    "across": Slip(
        _sampler(change=lambda x: x[:, [0, 1, 0, 1, 0, 1]]),
        "Features of different pairs share a magnitude: draw one number for each of the six.",
    ),
    "other density": Slip(
        _sampler(density_of=lambda p: 0.3),
        "Right at density 0.3, but at {density:g} the features are on in {low:.0%} of the rows: use `density`.",
    ),
    "generator": Slip(
        _sampler(generated=False),
        "The same seed must give the same rows, and another seed others: some draw does not use `generator`.",
    ),
}


@exercise("7.3", came="e3acfe87f506b1b0", right=_sampler(), slips=[*_PAIRS.values()])
def check_three_pairs(attempt: Callable) -> str:
    """``attempt(rows, density, generator)``: partners on together, all magnitudes independent."""

    def draw(rows: int, density: float, generator: torch.Generator | None = None) -> Tensor:
        x = attempt(rows, density, generator or torch.Generator().manual_seed(7))
        return as_tensor(x, (rows, 6), "the sample (rows, features)").double()

    x, density = draw(20_000, 0.3), 0.3
    on = x != 0
    first, second = on[:, 0::2], on[:, 1::2]
    require((first == second).double().mean() > 0.999, _PAIRS["not together"])
    require(not torch.allclose(x[:, 0::2], x[:, 1::2]), _PAIRS["merged"])
    _check_share(x, density, _PAIRS["density"])
    require((first == first[:, :1]).double().mean() < 0.999, _PAIRS["one switch"])
    for k, j in ((0, 1), (0, 2), (1, 2)):
        share = (first[:, k] & first[:, j]).double().mean().item()
        require(abs(share - density**2) < 0.02, _PAIRS["two pairs"], k=k, j=j, share=share, wanted=density**2)
    for k in range(3):
        active = x[first[:, k] & second[:, k], 2 * k : 2 * k + 2]
        low, mean, high = active.min().item(), active.mean().item(), active.max().item()
        require(active.std() > 0.01, _PAIRS["constant"], k=k, mean=mean)
        require(is_uniform(active), _PAIRS["range"], k=k, low=low, mean=mean, high=high)
        correlation = torch.corrcoef(active.T)[0, 1].item()
        require(abs(correlation) < 0.06, _PAIRS["correlated"], k=k, correlation=correlation)
    across = torch.corrcoef(x[on.all(-1)].T) - torch.eye(6)  # some 540 rows with everything on
    require(across.abs().max() < 0.25, _PAIRS["across"])
    _check_share(draw(5_000, 0.1), 0.1, _PAIRS["other density"])
    require(not ignores_generator(lambda generator: draw(1000, density, generator)), _PAIRS["generator"])
    return "A switch for each pair, a magnitude for each feature. Merging costs 1/12 each time a pair is on."


def _check_share(x: Tensor, density: float, slip: Slip) -> None:
    """Every feature is on with probability ``density``."""
    share = (x != 0).double().mean(0)
    found = {"density": density, "low": share.min().item(), "high": share.max().item()}
    require((share - density).abs().max() < 0.02, slip, **found)
