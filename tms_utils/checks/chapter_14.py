"""Exercises of chapter 14, "Real words"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.exercise import Slip, as_number, as_tensor, choice, exercise, number, require

__all__ = ["check_mean_square", "check_nonnegative", "check_rank", "check_shuffled"]

# 14.1 ---------------------------------------------------------------------------------------


def _rank(
    *, unit: bool = True, exclude: str = "abc", signs: tuple[int, int, int] = (-1, 1, 1), start: int = 1
) -> Callable:
    """A rank of d; each option is something that one may get wrong."""

    def rank(X: Tensor, a: int, b: int, c: int, d: int) -> int:
        U = X / X.norm(dim=1, keepdim=True) if unit else X
        score = U @ sum(sign * U[i] for sign, i in zip(signs, (a, b, c), strict=True))
        right = score[d].clone()
        out = [i for name, i in zip("abc", (a, b, c), strict=True) if name in exclude]
        score[out] = -torch.inf
        return start + int((score > right).sum())

    return rank


@exercise(
    "14.1",
    right=_rank(),
    slips=[
        Slip(
            _rank(exclude=""),
            "The three given words take part in your list. Very often c itself comes first; by custom a, b and c "
            "may not be answers.",
        ),
        Slip(_rank(exclude="c"), "You left out c only. The words a and b are not allowed as answers either."),
        Slip(_rank(start=0), "You count how many words are ahead. The best word has rank 1, not 0."),
        Slip(
            _rank(unit=False),
            "You took dot products of vectors as they are, so long ones win. Make each row a direction first.",
        ),
        Slip(
            _rank(signs=(1, -1, 1)),
            "The signs are turned round: the sum is b - a + c, and you took a - b + c.",
        ),
        Slip(_rank(signs=(0, 0, 1)), "That is the control: the neighbours of c, without any arithmetic."),
    ],
)
def check_rank(attempt: Callable) -> str:
    """``attempt(X, a, b, c, d)``, X (words, dimensions) -> a whole number."""
    generator = torch.Generator().manual_seed(5)
    X = torch.randn(40, 6, generator=generator) * (0.3 + 2 * torch.rand(40, 1, generator=generator))
    asked = [torch.randperm(40, generator=generator)[:4].tolist() for _ in range(12)]

    def look(f: Callable) -> list[float]:
        return [as_number(f(X.clone(), *four), "the rank") for four in asked]

    given, right = check_rank.compare(attempt, look)
    wanted = [int(r) for r in look(check_rank.right)]
    require(right, f"For twelve analogies among 40 vectors you give {given}; expected {wanted}.")
    return "One number an analogy, and the whole list behind it: first, among ten, or nowhere."


# 14.2 ---------------------------------------------------------------------------------------

check_mean_square = number(
    "14.2",
    right=(25 * 16 + 25) / 125**2,
    tolerance=6e-4,
    low=0.0,
    high=1.0,
    slips={
        0.02: "That is 1/50, for an even spread over all fifty. An uneven spread always gives more.",
        0.04: "That is 1/25, as if the weaker half were not there at all. It holds a fifth of the variance.",
        0.032: "That is the share of a single strong dimension, 4/125. Square the shares and add up all fifty.",
        0.0256: "That is the strong half alone. The weak one adds 25 times (1/125)².",
        0.0222: "You took the shares of the standard deviations, 2 to 1. The variances are 4 to 1.",
        0.0: "Only on average are they orthogonal: the mean of cos is 0, that of its square is not.",
    },
    otherwise="Not {value:g}. Turn the fifty variances into shares that sum to 1, and add up their squares.",
    praise="0.027, so 37 used dimensions: to lose a quarter of them takes an unevenness that one hardly notices.",
)

# 14.3 ---------------------------------------------------------------------------------------


def _by_columns(d: Tensor, generator: torch.Generator) -> Tensor:
    return d.gather(0, torch.rand(d.shape, generator=generator).argsort(0))


def _facts(d: Tensor, null: Tensor) -> list[float]:
    """What is left of d: its rows, its columns' values, its rows' values, whole columns, all its values."""
    rows = (null[:, None] == d[None]).all(-1).any(1).float().mean().item()
    columns = float(torch.equal(null.sort(0).values, d.sort(0).values))
    inside = (null.sort(1).values[:, None] == d.sort(1).values[None]).all(-1).any(1).float().mean().item()
    whole = (null.T[:, None] == d.T[None]).all(-1).any().item()  # a column as it was, somewhere
    every = float(torch.equal(null.flatten().sort().values, d.flatten().sort().values))
    return [float(rows > 0.5), columns, float(inside > 0.5), float(whole), every]


@exercise(
    "14.3",
    came="0eb742a5aced9a46",
    right=_by_columns,
    slips=[
        Slip(
            lambda d, g: d[torch.randperm(len(d), generator=g)],
            "These are the same latents in another order: every direction is still there, so the null must capture "
            "what the dictionary captures. Break the directions, not their numbering.",
        ),
        Slip(
            lambda d, g: d[:, torch.randperm(d.shape[1], generator=g)],
            "One permutation of the coordinates for all latents: that turns the dictionary as a whole, and its "
            "latents stay as they were to each other. Deal out each coordinate on its own.",
        ),
        Slip(
            lambda d, g: d.gather(1, torch.rand(d.shape, generator=g).argsort(1)),
            "You shuffled inside each latent. Then a coordinate gets values of other coordinates, and the null "
            "differs from the dictionary in more than its directions. Shuffle down the columns.",
        ),
        Slip(
            lambda d, g: d.flatten()[torch.randperm(d.numel(), generator=g)].reshape(d.shape),
            "You shuffled all numbers together. A coordinate must keep its own values: some are broad, some narrow.",
        ),
        Slip(
            lambda d, g: torch.randn(d.shape, generator=g),
            "These are new numbers. They have neither the dictionary's values nor its scale, so it may win for "
            "reasons that have nothing to do with its directions.",
        ),
    ],
)
def check_shuffled(attempt: Callable) -> str:
    """``attempt(d, generator)``, d (latents, dimensions) -> the same shape."""
    generator = torch.Generator().manual_seed(3)
    d = torch.randn(30, 5, generator=generator) * torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0])

    def look(f: Callable) -> list[float]:
        null = as_tensor(f(d.clone(), torch.Generator().manual_seed(1)), (30, 5), "the null")
        return _facts(d, null)

    _, right = check_shuffled.compare(attempt, look)
    require(
        right,
        "Each column must hold the values that it held, and (nearly) no row may be a row of the dictionary.",
    )
    return "Same coordinates, no directions. A null must lose the one thing that you claim, and nothing else."


# 14.4 ---------------------------------------------------------------------------------------

check_nonnegative = choice(
    "14.4",
    right="c",
    slips={
        "a": "There is more. Take the product of both sides of h = sum of x_i D_i with u.",
        "b": "No: one answer may use three words, another thirty.",
        "d": "No: weight can move from one word to several others.",
    },
    praise="u·h is the sum of x, so all exact answers cost the same: a LASSO could prefer none of them, and x >= 0 does "
    "the work alone. Raw words nearly have such a u; random directions have words on both sides of any hyperplane through the origin.",
)
