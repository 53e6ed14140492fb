"""Exercises of chapter 6, "Activation space"."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.chapter_06_sampling import check_sample_k_active
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
