"""Exercises of chapter 10, "Whose basis? Neurons and the best of a thousand"."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tms_utils.checks.exercise import Slip, as_number, exercise, number, require

__all__ = ["check_antichain", "check_honest", "check_same_code", "check_tries"]


def _same_code(a: Tensor, b: Tensor) -> bool:
    return sorted(a.tolist()) == sorted(b.tolist())


_A = torch.tensor([[1, 0, 0, 1, 0], [0, 1, 1, 1, 0], [0, 0, 1, 1, 0], [0, 0, 1, 1, 0]]).bool()
_ONCE = _A[[0, 1, 1, 2]]  # the same neurons, but another one of them twice
_TRADED = _A.clone()  # features 0 and 1 trade partners: no sum of a row or column changes
_TRADED[:2, :2] = ~_TRADED[:2, :2]
_OVERLAP = torch.tensor([[1, 1, 0], [1, 0, 1], [0, 1, 1], [0, 0, 0]]).bool()  # and a code with its products:
_OVERLAP_ELSE = torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]]).bool()


def _products(a: Tensor) -> Tensor:
    return a.T.float() @ a.float()


def _shape_of_sums(a: Tensor) -> tuple[list, list]:
    return sorted(a.sum(0).tolist()), sorted(a.sum(1).tolist())


_SAME = {
    "order": Slip(
        lambda a, b: torch.equal(a, b),
        "The same table with its neurons in another order is the same code; you say it is not.",
    ),
    "features": Slip(
        lambda a, b: sorted(a.T.tolist()) == sorted(b.T.tolist()),
        "You sorted the columns, which are the features. The neurons are the rows.",
    ),
    "sums": Slip(
        lambda a, b: _shape_of_sums(a) == _shape_of_sums(b),
        "Two features have traded partners, and you call it the same code: counting how many neurons a feature "
        "lights, and how many features light a neuron, is not enough.",
    ),
    "sizes": Slip(
        lambda a, b: torch.equal(a.sum(0), b.sum(0)),
        "You compare only how many neurons each feature lights. Two features have traded partners in this pair, and "
        "every count is the same.",
    ),
    "products": Slip(
        lambda a, b: torch.equal(_products(a), _products(b)),
        "You compare how many neurons each two features share. Two codes can agree in that, and differ in what three "
        "features share.",
    ),
    "set": Slip(
        lambda a, b: set(map(tuple, a.tolist())) == set(map(tuple, b.tolist())),
        "Two neurons may be lit by the same features. A set keeps one of them; the code has both.",
    ),
    "cyclic": Slip(
        lambda a, b: any(torch.equal(a.roll(k, 0), b) for k in range(len(a))),
        "Rolling the neurons round is not every order: you miss one that swaps two neighbours.",
    ),
    "always": Slip(lambda a, b: True, "You say so of two quite different codes, too."),
}


@exercise("10.1", right=_same_code, slips=[*_SAME.values()])
def check_same_code(attempt: Callable) -> str:
    """``attempt(a, b)``, two (neurons, features) tables of booleans -> whether they are one code."""

    def verdict(a: Tensor, b: Tensor) -> bool:
        answer = attempt(a.clone(), b.clone())
        require(answer is not None, "Your answer is None. Is a `return` missing at the end?")
        value = as_number(answer, "the answer (one True or False)")
        require(value in (0, 1), f"Expected True or False; got {answer!r:.60}.")
        return bool(value)

    require(verdict(_A, _A), "You say that a code is not the same as itself.")
    other = ~_A
    if not verdict(_A, _A[[1, 0, 2, 3]]):
        rolled = verdict(_A, _A.roll(1, 0))
        by_columns = verdict(_A, _A[:, [1, 0, 2, 3, 4]])
        require(not rolled, _SAME["cyclic"])
        require(not by_columns, _SAME["features"])
        require(False, _SAME["order"])
    require(not verdict(_A, other), _SAME["always"])
    require(not verdict(_A, _ONCE), _SAME["set"])
    if verdict(_A, _TRADED):
        unsorted = not verdict(_A, _A[:, [2, 1, 0, 3, 4]])
        require(not unsorted, _SAME["sizes"])
        require(False, _SAME["sums"])
    require(not verdict(_OVERLAP, _OVERLAP_ELSE), _SAME["products"])
    wide = torch.rand(12, 40, generator=torch.Generator().manual_seed(1)) < 0.3
    mixed = torch.randperm(12, generator=torch.Generator().manual_seed(2))
    require(verdict(wide, wide[mixed]), "Right with four neurons, wrong with twelve in another order.")
    return "Sorting costs next to nothing; trying all orders of twelve neurons would take 479,001,600 comparisons."


check_tries = number(
    "10.2",
    right=1497,
    tolerance=2,
    low=1,
    slips={
        500: "After 500 runs you expect *one* success on average, but with a probability of 0.998^500 = 37 % there is "
        "none.",
        1000: "A thousand runs miss it with a probability of 0.998^1000 = 13.5 %.",
        475: "0.95 / 0.002 adds up probabilities as if two runs could not both succeed. Start from the probability "
        "that none does.",
        25: "That many runs succeed with a probability of 5 %; wanted are 95 %.",
        14: "Is your share 2 in 10? It is two in a thousand, 0.002.",
        149: "Is your share 2 in 100? It is two in a thousand, 0.002.",
    },
    otherwise="After {value:g} runs the probability of no success, 0.998^k, is not 5 %.",
    praise="ln 0.05 / ln 0.998. So the best of a thousand misses such a code once in seven times: that is how two "
    "thousands can have different winners.",
)


def _judge(true: Tensor, noise: float, seed: int) -> Callable[[int], Tensor]:
    """Losses with fresh noise for each seed; the same seed gives the same losses."""

    def judge(rows: Any = 0) -> Tensor:
        g = torch.Generator().manual_seed(1000 * seed + int(rows))
        return true + noise * torch.randn(len(true), generator=g)

    return judge


def _choose_again(judge: Callable) -> Tensor:
    return judge(1).min()


_HONEST = {
    "stub": Slip(
        lambda judge: judge(0).min(),
        "Of a thousand models that are all equally good, with a loss of 1 and noise of 0.1, you report {found:.2f}. "
        "The smallest of them was chosen because its *noise* was small: judge the chosen model on other rows.",
    ),
    "again": Slip(
        _choose_again,
        "On the fresh rows you took the smallest loss again, which is choosing once more. Keep the model that "
        "judge(0) chose.",
    ),
    "half": Slip(
        lambda judge: (judge(0)[judge(0).argmin()] + judge(1)[judge(0).argmin()]) / 2,
        "Half of your report is still the loss by which the model was chosen. Leave that half out.",
    ),
    "average": Slip(
        lambda judge: torch.stack([judge(k) for k in range(20)]).mean(0).min(),
        "Averaging makes the noise smaller, and the smallest of the averages is still chosen for its noise.",
    ),
    "typical": Slip(
        lambda judge: judge(0).mean(),
        "One model is far better than the others here, and you report {found:.2f}, the mean of all. That is a typical "
        "model, not the one that judge(0) chose.",
    ),
    "other": Slip(
        lambda judge: judge(1)[0],
        "One model is far better than the others here, and you report {found:.2f}: you judge a model on fresh rows, "
        "but not the one that judge(0) chose.",
    ),
    "index": Slip(
        lambda judge: judge(0).argmin(),
        "That is which model is the best, a number from 0 to 999. Report its loss.",
    ),
}


@exercise(
    "10.3",
    came="deee34da81f76fdb",
    right=lambda judge: judge(1)[judge(0).argmin()],
    slips=[*_HONEST.values()],
)
def check_honest(attempt: Callable) -> str:
    """``attempt(judge)`` -> a loss of the model with the lowest ``judge(0)`` that is right on average."""
    equal, models = torch.ones(1000), []
    for seed in range(40):
        judge = _judge(equal, 0.1, seed)
        models.append(as_number(attempt(judge), "the loss"))
    found = sum(models) / len(models)
    require(found < 10, _HONEST["index"])

    singled = torch.ones(1000)
    singled[123] = 0.2
    judge = _judge(singled, 0.01, 50)
    one = as_number(attempt(judge), "the loss")
    if abs(one - 0.2) > 0.1:
        mean = float(judge(0).mean())
        require(abs(one - mean) > 2e-3, _HONEST["typical"], found=one)
        require(False, _HONEST["other"], found=one)
    if abs(found - 1) > 0.07:
        closest = _closest(found, models)
        require(False, _HONEST[closest], **({"found": found} if closest == "stub" else {}))
    return "Choosing and judging need different rows, as training and testing do. The chosen model is still the best guess."


def _closest(found: float, reports: list[float]) -> str:
    """Which slip reports losses such as these, of equally good models."""
    judges = [_judge(torch.ones(1000), 0.1, seed) for seed in range(len(reports))]
    distance = {}
    for key in ("stub", "again", "half", "average"):
        theirs = [float(_HONEST[key].answer(judge)) for judge in judges]
        distance[key] = sum(abs(a - b) for a, b in zip(theirs, reports, strict=True))
    return min(distance, key=distance.get)


check_antichain = number(
    "10.4",
    right=math.comb(6, 3),
    low=0,
    slips={
        15: "15 is the number of pairs of six neurons. Another size has more codes.",
        10: "10 is the number for five neurons.",
        64: "64 counts all sets of six neurons, many of which are part of others.",
        63: "63 counts all sets but the empty one, many of which are part of others.",
        6: "6 is one neuron a feature: monosemantic, and the smallest family worth the name.",
        30: "30 is the pairs *and* the fours, or so; many pairs are part of a code of four.",
    },
    otherwise="Not {value:g}. Count the codes with exactly one lit neuron, with two, with three ...",
    praise="The triples: 20 features for 6 neurons. With m neurons it is the middle size, about 2^m / sqrt(m pi / 2).",
)
