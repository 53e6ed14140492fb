"""Exercises of chapter 12, "Ways out: forbid it, split it, or read it out"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torch.nn.functional import normalize

from tms_utils.checks.exercise import Slip, as_number, choice, exercise, number, require

__all__ = ["check_dictionary_size", "check_sae_loss", "check_similarity", "check_third_dies"]

# 12.1 ---------------------------------------------------------------------------------------


def _cosines(D: Tensor, W: Tensor) -> Tensor:
    return normalize(W, dim=0).T @ normalize(D, dim=0)


def _matched(table: Tensor, sign: int = -1) -> Tensor:
    i, j = linear_sum_assignment(sign * table)
    return table[i, j].mean()


def _greedy(D: Tensor, W: Tensor) -> Tensor:
    """Feature by feature, the best latent that is still free."""
    table, taken = _cosines(D, W).clone(), []
    for row in table:
        row[taken] = -2
        taken.append(int(row.argmax()))
    return torch.stack([_cosines(D, W)[i, j] for i, j in enumerate(taken)]).mean()


@exercise(
    "12.1",
    right=lambda D, W: _matched(_cosines(D, W)),
    slips=[
        Slip(
            lambda D, W: _cosines(D, W).amax(1).mean(),
            "You gave each feature its best latent, even if two features share one. One to one, please: else a "
            "single latent between two features counts twice.",
        ),
        Slip(
            lambda D, W: _cosines(D, W).amax(0).mean(),
            "You gave each latent its best feature. Several latents may then copy one feature, and what nobody found "
            "costs nothing.",
        ),
        Slip(
            lambda D, W: _matched(_cosines(D, W), 1),
            "That is the *worst* matching: linear_sum_assignment minimises, so give it minus the cosines.",
        ),
        Slip(
            lambda D, W: _matched(_cosines(D, W).abs()),
            "You dropped the signs. A latent that points the other way has not found the feature: its ReLU is off "
            "when the feature is on.",
        ),
        Slip(
            lambda D, W: _matched(W.T @ D),
            "These are dot products. Scale the columns of both to length one first.",
        ),
        Slip(
            lambda D, W: _matched(normalize(W, dim=1).T @ normalize(D, dim=1)),
            "You scaled the rows to length one. A direction is a column.",
        ),
        Slip(
            _greedy,
            "You matched greedily, feature by feature. An early feature can take the latent that a later one needs "
            "more: let linear_sum_assignment weigh all of them.",
        ),
    ],
)
def check_similarity(attempt: Callable) -> str:
    """``attempt(D, W)``: the mean cosine under the best matching."""
    generator = torch.Generator().manual_seed(3)
    W = torch.randn(3, 4, generator=generator)
    D = torch.cat([W[:, [1, 1]] + 0.3 * torch.randn(3, 2, generator=generator), -W[:, [2]]], 1)
    D = torch.cat([D, torch.randn(3, 3, generator=generator)], 1) * torch.tensor([1, 3, 0.5, 2, 1, 1])
    for latents in (D, D[:, :5], D[:, [0, 2, 4, 5]]):

        def look(f: Callable, latents: Tensor = latents) -> float:
            return as_number(f(latents.clone(), W.clone()), "the mean cosine")

        seen, right = check_similarity.compare(attempt, look)
        wanted = look(check_similarity.right)
        require(
            right,
            f"For four features and {latents.shape[1]} latents you return {seen:.3f}; expected {wanted:.3f}.",
        )
    return (
        "One latent for each feature, no latent twice: nobody is counted as found by being near a neighbour."
    )


# 12.2 ---------------------------------------------------------------------------------------

check_third_dies = number(
    "12.2",
    right=0.3556,
    tolerance=0.003,
    low=0.0,
    high=5.0,
    slips={
        0.726: "That is the threshold for importance 1. It is in proportion to the importance.",
        0.503: "There even a feature that is already stored slides to 0: the *local* minimum vanishes, at w = 1/sqrt(3). "
        "Keeping it stopped paying earlier, at w = sqrt(2/3).",
        0.2515: "You divided by sqrt(2): that is for a feature at 45 degrees to the axes, which pays on both.",
        0.49: "Importance itself is not the threshold: multiply by what a feature of importance 1 can stand.",
        0.508: "That is the threshold for the second feature, of importance 0.7.",
    },
    otherwise="Not {value:g}. Multiply the importance by the threshold of section 12.1, for rare features.",
    praise="0.726 times 0.49. From there on two features are left, and two can live alone.",
)

# 12.3 ---------------------------------------------------------------------------------------


def _loss(
    penalty: Callable[[Tensor, Tensor], Tensor], change: Callable[[Tensor], Tensor] = lambda D: D
) -> Callable:
    def loss(h: Tensor, E: Tensor, c: Tensor, D: Tensor, lam: float) -> Tensor:
        D = change(D)
        a = (h @ E.T + c).relu()
        return (((a @ D.T - h) ** 2).sum(-1) + lam * penalty(a, D)).mean()

    return loss


_EVADED = Slip(
    _loss(lambda a, D: a.sum(-1)),
    "With E and c divided by ten and D multiplied by ten, the answer is the same and the penalty a tenth: it can be "
    "evaded without being sparse. Make the directions unit vectors, or weigh each a_j by the length of D_j.",
)


@exercise(
    "12.3",
    came="1ca0e15ac01e2362",
    right=_loss(lambda a, D: (a * D.norm(dim=0)).sum(-1)),
    slips=[
        _EVADED,
        Slip(
            _loss(lambda a, D: (a * D.norm(dim=0) ** 2).sum(-1)),
            "Now the penalty grows tenfold when D does and a shrinks: weigh by the length of D_j, not by its square.",
        ),
        Slip(
            _loss(lambda a, D: a.sum(-1), lambda D: normalize(D, dim=1)),
            "You scaled the rows of D. A latent's direction is a column of D (hidden, latents).",
        ),
        Slip(
            _loss(lambda a, D: a.sum(-1) + D.norm(dim=0).sum()),
            "A penalty on D's length added to that on a: that changes the loss where all directions have length 1, "
            "which was right.",
        ),
        Slip(
            _loss(lambda a, D: (a * D.norm(dim=0)).mean(-1)),
            "The sum over latents has become a mean: where all directions have length 1, the loss should stay as it was.",
        ),
        Slip(
            _loss(lambda a, D: (a > 0).sum(-1)),
            "That counts latents, an L0, which has no gradient. Keep the L1, but make it impossible to evade.",
        ),
    ],
)
def check_sae_loss(attempt: Callable) -> str:
    """``attempt(h, E, c, D, lam)``: as before for unit directions, and not to be evaded by longer ones."""
    generator = torch.Generator().manual_seed(4)
    h = torch.randn(64, 3, generator=generator)
    D = normalize(torch.randn(3, 5, generator=generator), dim=0)
    E, c = D.T.clone(), torch.full((5,), -0.1)

    def at(f: Callable, scale: float) -> float:
        return as_number(f(h.clone(), E / scale, c / scale, D * scale, 0.3), "the loss")

    seen, right = check_sae_loss.compare(attempt, lambda f: [at(f, 1.0), at(f, 10.0)])
    if right:
        return _MENDED
    plain = at(_EVADED.answer, 1.0)
    require(
        abs(seen[0] - plain) < 1e-3 * plain,
        f"Where all directions have length 1 the loss was right: {plain:.3f}; yours is {seen[0]:.3f}.",
    )
    require(seen[1] > seen[0] - 1e-3 * plain, _EVADED)
    normalised = at(_loss(lambda a, D: a.sum(-1), lambda D: normalize(D, dim=0)), 10.0)
    require(
        abs(seen[1] - normalised) < 1e-3 * normalised,
        f"With E and c divided by ten and D multiplied by ten, expected {plain:.3f} (lengths in the penalty) or "
        f"{normalised:.3f} (unit directions); got {seen[1]:.3f}.",
    )
    return _MENDED


_MENDED = "Now softer latents with longer directions gain nothing: the only way to a smaller penalty is to say less."

# 12.4 ---------------------------------------------------------------------------------------

check_dictionary_size = choice(
    "12.4",
    right="B",
    slips={
        "A": "Three latents have to cover five directions, so they settle between them; and the spare ones of ten "
        "are hardly ever dead. Look at `found`, `unique` and `dead`.",
        "C": "The first half is right. But more latents have more chances: look at `found` for ten.",
        "D": "The second half is right. But three latents are wanted by five directions: look at `cosine` and `found`.",
    },
    praise="Too small, and a latent lies between features; too large, and all are found, with copies. Uniqueness is "
    "a half, the most that ten latents for five features can have; and L0 rises to about 1.4, though a row that is not "
    "empty has hardly more than one feature on.",
)
