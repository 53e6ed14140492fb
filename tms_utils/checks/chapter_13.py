"""Exercises of chapter 13, "Memory: data points in superposition"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.exercise import Slip, as_number, as_tensor, choice, exercise, number, require

__all__ = ["check_fresh", "check_radius", "check_rows", "check_which"]

# 13.1 ---------------------------------------------------------------------------------------


def _dimensionality(h: Tensor) -> Tensor:
    """(rows, hidden) -> (rows,)."""
    products = h @ h.T
    return products.diagonal().square() / products.square().sum(1)


@exercise(
    "13.1",
    right=lambda W, x: _dimensionality(x @ W.T),
    slips=[
        Slip(
            lambda W, x: _dimensionality(W.T),
            "These are the features' dimensionalities, one for each column of W. Ask for the rows: h = W x in place "
            "of W_i.",
        ),
        Slip(
            lambda W, x: (x @ W.T).square().sum(1) / (x @ W.T @ (x @ W.T).T).square().sum(1),
            "Below the line you have h_t . h_s; the formula has the *unit* vector of h_t there. For rows of length 1 in "
            "the hidden space both agree, for others they do not.",
        ),
        Slip(
            lambda W, x: (x @ W.T).norm(dim=1) ** 2 / ((x @ W.T @ (x @ W.T).T).square().sum(1)).sqrt(),
            "You have the square root of it: neither the products below the line nor the length above it are to be "
            "rooted.",
        ),
        Slip(
            lambda W, x: (x @ W.T).norm(dim=1) ** 4 / (x @ W.T @ W).square().sum(1),
            "Below the line you sum over the *features* W_i. For a row's share sum over the rows h_s, the row itself "
            "among them.",
        ),
        Slip(
            lambda W, x: (
                (x @ W.T).norm(dim=1) ** 4
                / ((x @ W.T @ (x @ W.T).T).square().sum(1) - (x @ W.T).norm(dim=1) ** 4)
            ),
            "The row itself is missing below the line: its share of a dimension can never be above 1.",
        ),
        Slip(
            lambda W, x: _dimensionality(x),
            "These are products of the rows themselves, in all their features. Send them through W first.",
        ),
    ],
)
def check_rows(attempt: Callable) -> str:
    """``attempt(W, x)``, (hidden, features) and (rows, features) -> (rows,)."""
    generator = torch.Generator().manual_seed(13)
    for hidden, features, rows in ((2, 6, 6), (3, 5, 4), (2, 7, 9)):
        W = torch.randn(hidden, features, generator=generator)
        x = torch.rand(rows, features, generator=generator)

        def look(f: Callable, W: Tensor = W, x: Tensor = x) -> Tensor:
            return as_tensor(f(W.clone(), x.clone())).float()

        seen, right = check_rows.compare(attempt, look)
        require(
            tuple(seen.shape) == (rows,),
            f"Expected one number for each of {rows} rows, of shape ({rows},); got {tuple(seen.shape)}.",
        )
        wanted = look(check_rows.right)
        require(right, f"For the first of {rows} rows you have {seen[0]:.3f}; expected {wanted[0]:.3f}.")
    return "The same formula as for features. A model does not know which of the two it stores."


# 13.2 ---------------------------------------------------------------------------------------

check_radius = number(
    "13.2",
    right=0.75**0.5,
    low=0.0,
    high=10.0,
    slips={
        0.75: "That is the *square* of the radius.",
        1.5**0.5: "You took cosine +1/3: 1 - cos is 1 + 1/3 here, as the other points lie on the far side.",
        1.0: "That is a square of rows in the plane. In a tetrahedron the others are further away, so less is enough.",
        (1 / (1 + 1 / 2)) ** 0.5: "That is a triangle of three rows, in the plane (cosine -1/2).",
        4 / 3: "You have 1 - cos. The square of the radius is its reciprocal.",
        (4 / 3) ** 0.5: "You divided the wrong way round: r² (1 - cos) = 1.",
    },
    otherwise="Not {value:g}. Subtract the second line of the criterion from the first: beta drops out.",
    praise="r² = 1/(1 + 1/3), and beta = 1/4: above zero. With so much room no threshold is needed.",
)

# 13.3 ---------------------------------------------------------------------------------------


def _lost(
    other: bool = True,
    cut: bool = False,
    table: bool = False,
    per: Callable[[Tensor], Tensor] = lambda squared: squared.sum(1).mean(),
    refit: bool = False,
) -> Callable:
    def lost(draw: Callable, fit: Callable, T: int, seed: int, fresh: int = 1000) -> Tensor:
        answer = fit(draw(fresh if refit else T, seed))
        x = draw(T, seed) if table else draw(fresh, seed + 1 if other else seed)
        x = x[:T] if cut else x
        return per((answer(x) - x).square())

    return lost


@exercise(
    "13.3",
    came="84783e0e5c5b6134",
    right=_lost(),
    slips=[
        Slip(
            _lost(other=False, cut=True),
            "With the same seed the first T rows are the table itself: the model is judged by what it has seen.",
        ),
        Slip(
            _lost(other=False),
            "Better, but with the same seed the first T of these rows are still the table. Take a seed of their own.",
        ),
        Slip(
            _lost(cut=True),
            "Now the rows are fresh, but you still keep only T of them: for a table of three that is hardly a "
            "measurement. Use all.",
        ),
        Slip(
            _lost(per=lambda squared: squared.mean()),
            "That is the mean over rows *and features*. What a row loses is the sum over its features.",
        ),
        Slip(
            _lost(refit=True),
            "Now the model is trained on as many rows as it is judged by. It should see a table of T rows.",
        ),
    ],
)
def check_fresh(attempt: Callable) -> str:
    """``attempt(draw, fit, T, seed)``: with a model that stores its table and answers 0.3 to other rows."""

    def draw(rows: int, seed: int) -> Tensor:
        return torch.rand(rows, 4, generator=torch.Generator().manual_seed(int(seed)))

    def fit(table: Tensor) -> Callable[[Tensor], Tensor]:
        def answer(x: Tensor) -> Tensor:
            known = (x[:, None] == table[None]).all(2).any(1, keepdim=True)
            return torch.where(known, x, torch.full_like(x, 0.3 + 1 / len(table)))

        return answer

    def look(f: Callable) -> list[float]:
        return [as_number(f(draw, fit, T, seed), "the loss") for T, seed in ((3, 0), (50, 7), (600, 11))]

    seen, right = look(attempt), look(_lost())
    for slip in check_fresh.slips:
        same = all(abs(a - b) < 1e-4 for a, b in zip(seen, look(slip.answer), strict=True))
        require(not same, slip)
    for T, got, wanted in zip((3, 50, 600), seen, right, strict=True):
        require(
            abs(got - wanted) < 0.06 * wanted,  # any fresh rows will do
            f"For a model of {T} rows, which answers the rest with one number, you find {got:.3f}; fresh rows lose "
            f"about {wanted:.3f}.",
        )
    return "A test set that overlaps with the table hides just what it is there to show."


# 13.4 ---------------------------------------------------------------------------------------

check_which = choice(
    "13.4",
    right="B",
    slips={
        "A": "A *feature* has many sizes from row to row. Each of these rows comes in one size only, its own.",
        "C": "Five rows fit into the plane whatever their lengths. What did you measure?",
        "D": "The short ones count less in the loss, and come later. But nothing stands in their way.",
    },
    praise="One size a row is what counts, not the same size for all. The circle of before is large enough; shorter rows may "
    "lie nearer.",
)
