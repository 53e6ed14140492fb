"""Exercises of chapter 15, "Since the paper: three claims, tested"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.exercise import Slip, as_number, choice, exercise, number, require

__all__ = ["check_order", "check_penalty", "check_two_models", "check_worth"]

# 15.1 ---------------------------------------------------------------------------------------


def _entry(U: Tensor, i: int, j: int) -> Tensor:
    U = U.clone()
    U[i, j] = 0
    return U


def _both(U: Tensor, i: int, j: int) -> Tensor:
    U = _entry(U, i, j)
    U[j, i] = 0
    return U


def _row(U: Tensor, i: int, j: int) -> Tensor:
    U = U.clone()
    U[i] = 0
    return U


def _column(U: Tensor, i: int, j: int) -> Tensor:
    U = U.clone()
    U[:, j] = 0
    return U


def _error(
    relu: bool = True,
    turned: bool = False,
    per: Callable[[Tensor], Tensor] = lambda squared: squared.sum(1).mean(),
) -> Callable:
    def loss(U: Tensor, b: Tensor, x: Tensor, y: Tensor) -> Tensor:
        out = x @ (U if turned else U.T) + b
        return per(((out.relu() if relu else out) - y).square())

    return loss


_LOSS = _error()


def _rise(without: Callable = _entry, loss: Callable = _LOSS, sign: int = 1) -> Callable:
    def rise(U: Tensor, b: Tensor, x: Tensor, y: Tensor, i: int, j: int) -> Tensor:
        return sign * (loss(without(U, i, j), b, x, y) - loss(U, b, x, y))

    return rise


@exercise(
    "15.1",
    right=_rise(),
    slips=[
        Slip(_rise(sign=-1), "The sign is turned round: a useful entry should have a *positive* rise."),
        Slip(
            _rise(lambda U, i, j: _entry(U, j, i)),
            "You took entry ji. U_ij is what output i hears of feature j: row i, column j.",
        ),
        Slip(
            _rise(_both),
            "You took entries ij and ji away together. In the tied model both are the same number, but they are two weights.",
        ),
        Slip(_rise(_row), "That takes away all that output i hears. Only one entry of the row should go."),
        Slip(
            _rise(_column), "That takes away all that feature j says. Only one entry of the column should go."
        ),
        Slip(_rise(loss=_error(relu=False)), "The ReLU is missing: the model answers ReLU(Ux + b)."),
        Slip(
            _rise(loss=_error(turned=True)),
            "With rows of data the model is x @ U.T: yours has the matrix the other way round.",
        ),
        Slip(
            _rise(loss=_error(per=lambda squared: squared.mean())),
            "That is the mean over rows *and features*. Sum over the features: otherwise a threshold such as 0.0001 "
            "depends on how many there are.",
        ),
    ],
)
def check_worth(attempt: Callable) -> str:
    """``attempt(U, b, x, y, i, j)`` on three small models that are not symmetric."""
    generator = torch.Generator().manual_seed(15)
    for n, i, j in ((4, 1, 3), (5, 4, 0), (6, 2, 1)):
        U, x = torch.randn(n, n, generator=generator), torch.rand(40, n, generator=generator)
        y, b = torch.rand(40, n, generator=generator), 0.3 * torch.randn(n, generator=generator)
        given = U.clone()
        seen, right = check_worth.compare(
            attempt,
            lambda f, U=U, x=x, y=y, b=b, i=i, j=j: as_number(
                f(U, b, x.clone(), y.clone(), i, j), "the rise"
            ),
        )
        require(
            torch.equal(U, given),
            "Your function has changed U itself: the next entry would be tried on a damaged model. Work on a copy.",
        )
        wanted = as_number(check_worth.right(U, b, x, y, i, j))
        require(right, f"For entry ({i}, {j}) of {n} x {n} you have {seen:.4f}; expected {wanted:.4f}.")
    return (
        "One loss with it, one without. Only output i differs, which is what makes all n² of them affordable."
    )


# 15.2 ---------------------------------------------------------------------------------------


def _pair(weights: tuple[int, int], data: tuple[int, int]) -> Callable:
    def two(make: Callable, fit: Callable, seed: int) -> tuple:
        return tuple(fit(make(seed + w), seed + d) for w, d in zip(weights, data, strict=True))

    return two


@exercise(
    "15.2",
    came="d1bf92e21418c27d",
    right=_pair((0, 1), (0, 1)),
    slips=[
        Slip(
            _pair((0, 0), (0, 1)),
            "Both models still start from the same weights: their interference is that of the start, and so it agrees.",
        ),
        Slip(
            _pair((0, 1), (0, 0)),
            "The weights now differ, but both models see the very same rows in the same order: that is shared, too.",
        ),
        Slip(_pair((0, 0), (0, 0)), "These are two copies of one model: same weights, same data."),
        Slip(
            _pair((0, 1), (1, 1)),
            "Both models see the same rows: the seeds of the data are equal, only other ones.",
        ),
    ],
)
def check_two_models(attempt: Callable) -> str:
    """``attempt(make, fit, seed)``, with models that remember their seeds."""

    def seeds(f: Callable) -> list[list[float]]:
        pair = f(lambda seed: [int(seed)], lambda model, seed: [*model, int(seed)], 10)
        require(
            isinstance(pair, tuple | list) and len(pair) == 2,
            "Return two models, as before: `return first, second`.",
        )
        for model in pair:
            require(
                isinstance(model, list) and len(model) == 2,
                "Each model is to be made by `make(...)` and trained once by `fit(model, ...)`.",
            )
        return [[float(seed) for seed in model] for model in pair]

    seen = seeds(attempt)
    for slip in check_two_models.slips:
        require(seen != seeds(slip.answer), slip)
    (w0, d0), (w1, d1) = seen
    require(w0 != w1, "Both models start from the same weights: their interference is that of the start.")
    require(d0 != d1, "Both models see the very same rows in the same order: that is shared, too.")
    return "Other weights and other data. 'Two seeds' should mean that nothing else is shared, and it is worth a look."


# 15.3 ---------------------------------------------------------------------------------------

check_penalty = number(
    "15.3",
    right=0.02,
    low=0.0,
    high=100.0,
    tolerance=2e-4,
    slips={
        0.2: "From there on nothing is left at all, not even the circle: that is 2 e_1 / n.",
        2 * 0.05 / 12: "There the *fifth* goes. The third and the fourth are still kept.",
        0.01: "A factor of 2 is missing: s_k = 1 - n λ / (2 e_k).",
        0.24: "The n is missing: the loss is the mean over twelve features, and the penalty is not.",
        0.04: "With six in place of twelve: n is the number of features, not of dimensions.",
        0.12: "That is the eigenvalue itself. Solve s_3 = 1 - n λ / (2 e_3) = 0 for λ.",
    },
    otherwise="Not {value:g}. The circle is alone once s_3 = 1 - n λ / (2 e_3) is 0.",
    praise="λ = 2 e_3 / n. The ReLU models of section 15.4 get there even a little earlier: at 0.02 only the circle is left.",
)

# 15.4 ---------------------------------------------------------------------------------------

check_order = choice(
    "15.4",
    right="B",
    slips={
        "A": "Did you look at t just below where it leaves 0? With noise it is far from 0 at once.",
        "C": "It does jump. But noise makes sharing dearer, so it takes sparser data, not denser.",
        "D": "It is stored, if the features are sparse enough. Try p = 0.15.",
    },
    praise="It jumps, at about half the density. The claim holds for its own data, and for the paper's (section 15.5).",
)
