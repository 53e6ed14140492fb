"""Exercise 6.1 of chapter 6, "Activation space": rows with exactly k active features."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.behaviour import ignores_generator, torch_calls
from tms_utils.checks.draws import is_uniform
from tms_utils.checks.exercise import Slip, as_tensor, exercise, require

__all__ = ["check_sample_k_active"]


def _chosen(rows: int, n: int, k: int, g: torch.Generator | None, bias: float = 0.0) -> Tensor:
    """Which features are active, as booleans (rows, n): k of them, the first of a random order."""
    return (torch.rand(rows, n, generator=g) + bias * torch.arange(n)).argsort(1).argsort(1) < k


def _sampler(chosen: Callable = _chosen, change: Callable = lambda values: values) -> Callable:
    return lambda rows, n, k, g: change(torch.rand(rows, n, generator=g)) * chosen(rows, n, k, g)


_SAMPLE = {
    "range": Slip(
        _sampler(change=lambda values: 2 * values),
        "Every value must lie in [0, 1); yours go from {low:.2f} to {high:.2f}.",
    ),
    "on average": Slip(
        _sampler(lambda rows, n, k, g: torch.rand(rows, n, generator=g) < k / n),
        "Rows have {low} to {high} active features, {mean:.2f} on average. Switching each feature on by itself gives "
        "k only on average; here every row needs exactly k = {k}.",
    ),
    "swapped": Slip(
        _sampler(lambda *case: ~_chosen(*case)),
        "Every row has {high} active features; expected k = {k}. Did you swap on and off?",
    ),
    "one set": Slip(
        _sampler(lambda rows, n, k, g: _chosen(1, n, k, g)),
        "Every row has the same active features. Draw a set for each row, not one for all.",
    ),
    "few sets": Slip(
        _sampler(lambda rows, n, k, g: (torch.arange(n) - torch.randint(n, (rows, 1), generator=g)) % n < k),
        "Only {seen} of the {all} sets of {k} features ever occur; all should, equally often.",
    ),
    "unequal sets": Slip(
        _sampler(lambda *case: _chosen(*case, bias=0.05)),
        "Sets are not equally likely: in {rows} rows they occur {low} to {high} times, not about {expected:.0f}.",
    ),
    "largest": Slip(
        lambda rows, n, k, g: (u := torch.rand(rows, n, generator=g)) * (u >= u.topk(k).values[:, -1:]),
        "Active values have mean {mean:.2f} and standard deviation {std:.2f}; uniform ones have 0.50 and 0.29. If you "
        "kept the largest random numbers, they are large because they were chosen: draw values separately.",
    ),
    "one value": Slip(
        _sampler(change=lambda values: values[:, :1]),
        "Active values of one row go together (their correlation is {correlation:.2f}): draw one for each feature.",
    ),
    "generator": Slip(
        lambda rows, n, k, g: _sampler()(rows, n, k, None),
        "The same seed must give the same sample, and another seed another one: draw from `generator` only.",
    ),
    "k": Slip(
        _sampler(lambda rows, n, k, g: _chosen(rows, n, 3, g)),
        "Right for k = 3, but with k = 2 there are {count:.2f} active features a row.",
    ),
    "loop": Slip(
        lambda rows, n, k, g: torch.stack(
            [u * (torch.randperm(n, generator=g) < k) for u in torch.rand(rows, n, generator=g)]
        ),
        "Right, but for 500 rows it calls PyTorch {calls} times: there is still a loop over rows in it.",
    ),
}


@exercise("6.1", right=_sampler(), slips=[*_SAMPLE.values()])
def check_sample_k_active(attempt: Callable) -> str:
    """``attempt(rows, n_features, k, generator)``: every set of k equally likely, values uniform, no loop."""

    def draw(rows: int, n: int, k: int, generator: torch.Generator | None = None) -> Tensor:
        x = attempt(rows, n, k, generator or torch.Generator().manual_seed(0))
        return as_tensor(x, (rows, n), "the sample (rows, n_features)").double()

    rows, n, k = 4000, 8, 3
    x = draw(rows, n, k)
    require(((x >= 0) & (x < 1)).all(), _SAMPLE["range"], low=x.min().item(), high=x.max().item())
    count = (x > 0).sum(1)
    if (count == k).double().mean() < 0.999:  # a value may be 0 by chance, once in millions
        low, mean, high = int(count.min()), count.double().mean().item(), int(count.max())
        require(low == high, _SAMPLE["on average"], low=low, high=high, mean=mean, k=k)
        require(False, _SAMPLE["swapped"], high=high, k=k)
    x = x[count == k]
    sets, times = torch.unique(x > 0, dim=0, return_counts=True)
    require(len(sets) > 1, _SAMPLE["one set"])
    require(len(sets) == math.comb(n, k), _SAMPLE["few sets"], seen=len(sets), all=math.comb(n, k), k=k)
    expected = len(x) / len(sets)
    found = {"rows": rows, "low": int(times.min()), "high": int(times.max()), "expected": expected}
    require((times - expected).abs().max() < 6 * expected**0.5, _SAMPLE["unequal sets"], **found)
    values = x[x > 0].view(-1, k)
    require(is_uniform(values), _SAMPLE["largest"], mean=values.mean().item(), std=values.std().item())
    correlation = torch.corrcoef(values.T)[0, 1].item()
    require(abs(correlation) < 0.1, _SAMPLE["one value"], correlation=correlation)
    require(not ignores_generator(lambda generator: draw(100, n, k, generator)), _SAMPLE["generator"])
    two = (draw(500, 5, 2) > 0).sum(1).double().mean().item()
    require(abs(two - 2) < 0.01, _SAMPLE["k"], count=two)
    calls = torch_calls(lambda: draw(500, n, k))
    require(calls < 500, _SAMPLE["loop"], calls=calls)
    return "Ranking random numbers makes every set equally likely: a random order, cut off after k."
