"""Exercises of chapter 6, "Activation space"."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.behaviour import ignores_generator, torch_calls
from tms_utils.checks.draws import is_uniform
from tms_utils.checks.exercise import Slip, as_number, as_tensor, choice, exercise, number, require
from tms_utils.geometry import dimensionality
from tms_utils.shapes import square_antiprism

__all__ = [
    "check_best_bet",
    "check_bound",
    "check_crossing",
    "check_fingerprint",
    "check_mean_loss",
    "check_nine_features",
    "check_sample_k_active",
]


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


check_crossing = choice(
    "6.2",
    right="b",
    slips={
        "a": "Two planes through the origin share a whole line. If that line runs inside both sheets, so do they.",
        "c": "For a patch, both sheets would have to lie in one plane, and four directions with them.",
        "d": "Every sheet starts at the origin, where all features are off.",
        "e": "A common point comes with all points between it and the origin: make both explanations smaller alike.",
    },
    praise="A segment has no area, so a random activation of two features has one explanation. The antiprism has 18 "
    "such crossings, the fewest with which one can join 8 points on a sphere pair by pair.",
)


def _cosines(W: Tensor) -> Tensor:
    return (W / W.norm(dim=0)).T @ (W / W.norm(dim=0))


_FINGERPRINT = {
    "rotation": Slip(
        lambda W: W.flatten(),
        "It changes when W is rotated, which changes nothing for the model. Use only products W_i · W_j.",
    ),
    "order": Slip(
        lambda W: _cosines(W).flatten(),
        "It changes when features change places. Sort the numbers, or make them symmetric.",
    ),
    "length": Slip(
        lambda W: (W.T @ W).flatten().sort().values,
        "It changes when W gets longer as a whole. Divide each column by its length first.",
    ),
    "finite": Slip(
        lambda W: torch.arccos(1.0001 * _cosines(W)).flatten().sort().values,
        "Your fingerprint holds NaN or infinity. Rounding can push a cosine beyond 1: clamp it before arccos.",
    ),
    "same": Slip(
        lambda W: dimensionality(W).sort().values,
        "It is the same, to rounding, for the cube and for the antiprism of height² 1/3. D_i and the eigenvalues of "
        "WWᵀ both are: they add up squared cosines of either sign. Use the cosines one by one, or only positive ones.",
    ),
}


@exercise("6.3", right=lambda W: (_cosines(W) ** 4).sum(0).sort().values, slips=[*_FINGERPRINT.values()])
def check_fingerprint(attempt: Callable) -> str:
    """``attempt(W)``, W of shape (3, 8): invariant, and not the same for cube and antiprism."""
    generator = torch.Generator().manual_seed(0)
    cube, antiprism = square_antiprism(3**-0.5, twist=0.0).float(), square_antiprism(3**-0.5).float()

    def of(W: Tensor) -> Tensor:
        value = as_tensor(attempt(W.clone()), what="your fingerprint")
        require(value.numel() > 0, "Your fingerprint holds no numbers at all.")
        require(torch.isfinite(value).all(), _FINGERPRINT["finite"])
        return value.flatten().to(torch.complex128)  # eigenvalues may come as complex numbers

    def differ(a: Tensor, b: Tensor) -> float:
        return float((a - b).abs().max() / (1 + a.abs().max())) if a.shape == b.shape else math.inf

    noise = 0.0  # what rounding changes; arccos near 1 makes much of it
    for W in (square_antiprism(0.28**0.5).float(), cube):
        rotated = torch.linalg.qr(torch.randn(3, 3, generator=generator)).Q @ W
        shuffled = W[:, torch.randperm(8, generator=generator)]
        for what, same in (("rotation", rotated), ("order", shuffled), ("length", 1.3 * W)):
            change = differ(of(W), of(same))
            require(change < 1e-3, _FINGERPRINT[what])
            noise = max(noise, change)
    require(differ(of(cube), of(antiprism)) > 1e-4 + 10 * noise, _FINGERPRINT["same"])
    return "It depends on W only through the angles, forgets the order, and still tells the two apart."


def _losses(model: Callable, batches: list[Tensor]) -> Tensor:
    return torch.stack([torch.nn.functional.mse_loss(model(x), x) for x in batches])


@exercise(
    "6.4",
    came="264390f19460a931",
    right=lambda model, batches: _losses(model, [torch.cat(batches)]).sum(),
    slips=[
        Slip(
            lambda model, batches: _losses(model, batches).sum() / len(batches[0]),
            "It reports less if the same rows come in larger batches: mse_loss is already a mean over rows.",
        ),
        Slip(
            lambda model, batches: _losses(model, batches).sum(),
            "It reports the loss of a batch times the number of batches. Something is left to divide by.",
        ),
        Slip(
            lambda model, batches: _losses(model, batches).mean(),
            "Right for batches of one size, but each row of a short last batch counts too much: weigh by rows.",
        ),
        Slip(
            lambda model, batches: 8 * _losses(model, [torch.cat(batches)]).sum(),
            "It reports eight times too much: the loss is a mean over rows and over the 8 features.",
        ),
        Slip(
            lambda model, batches: _losses(model, batches).sum() / 4,
            "Right for 4 batches, but not for the same rows in 2: it must not depend on the cut.",
        ),
    ],
)
def check_mean_loss(attempt: Callable) -> str:
    """``attempt(model, batches)`` on the same rows cut in two ways, and on a short last batch."""
    x = torch.rand(128, 8, generator=torch.Generator().manual_seed(0))
    cuts = [x.split(32), x.split(64), [*x[:96].split(32), torch.ones(4, 8)]]

    def look(mean_loss: Callable) -> list[float]:
        return [as_number(mean_loss(lambda x: 0.9 * x, list(batches)), "the loss") for batches in cuts]

    reported, right = check_mean_loss.compare(attempt, look)
    require(
        right, f"For three lists of batches it reports {reported}; expected {look(check_mean_loss.right)}."
    )
    return "A reported loss is comparable only if it does not change with the batch size."


check_nine_features = number(
    "6.5",
    right=21.0,
    slips={
        36.0: "36 is every pair. Only pairs whose tips form an edge of the polytope are recovered.",
        18.0: "18 is the answer for eight features. A ninth corner adds edges.",
        14.0: "14 is the number of triangles. Pairs are edges.",
        12.0: "12 is the number of triangles for eight features. Pairs are edges, and there are nine corners.",
        27.0: "27 counts three edges a corner. By Euler's formula F = 2 V - 4 triangles; each has 3 edges, shared by 2.",
        42.0: "42 counts every edge twice: each belongs to two triangles.",
    },
    otherwise="Not {value:g}. With 3 F = 2 E in V - E + F = 2 you get E = 3 V - 6.",
    praise="21 of 36, a smaller share than 18 of 28. In three dimensions edges grow like 3 n, pairs like n²/2: with "
    "many features almost no pair is recovered.",
)


check_best_bet = choice(
    "6.7",
    right="c",
    slips={
        "a": "A blind pick among the explanations is right in about 36 % of the cases. One bet does better.",
        "b": "The cheapest explanation is right in less than a third of the cases, less often than a blind pick: it "
        "prefers sets whose corners reach far out, and their solids are large and thinly filled.",
        "d": "The largest solid is the most thinly filled: each set makes as many points as any other. It is right in "
        "less than a third of the cases.",
    },
    praise="The smallest solid is the most densely filled. It is right in nearly half of the cases, so at k = m the "
    "information is lost, whoever looks. For k < m there is one explanation only.",
)

check_bound = number(
    "6.8",
    right=1 / (0.02 * math.log(100)),
    tolerance=0.06,
    slips={
        100.0: "100 is 1/p: as many as there are if each of the m dimensions serves one active feature. The rule asks "
        "for 2 ln(1/p) dimensions for each.",
        1 / (0.01 * math.log(100)): "You have lost the factor 2 of the rule.",
        0.02 * math.log(100): "That is m/n, dimensions for each feature. Turn it round.",
        1 / (0.02 * 2): "That is with the logarithm to base 10. ln is the natural one.",
        50.0: "That is 1/(2p): the logarithm ln(n/k) = ln(1/p) is missing.",
    },
    otherwise="Not {value:g}. Put k = p n into the rule and divide by m: 1 = 2 p (n/m) ln(1/p).",
    praise="About 11 features for each dimension, whatever n is. At p = 0.2 it is 1.6, at 0.05 3.3 (section 6.6 packs 4, so "
    "the rule's constant is not the last word), at 0.001 72: sparser features fit without end.",
)
