"""Exercises of chapter 0, "Why superposition?"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.exercise import Slip, as_tensor, choice, exercise, number, require

__all__ = ["check_read_back", "check_two_at_once", "check_width"]

Reader = Callable[[Tensor, Tensor, Tensor], Tensor]


def _cases() -> list[tuple[Tensor, Tensor, Tensor]]:
    """Weights, bias and input: three features in two dimensions, seven in three; biases of both signs."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, 3), (3, 7), (4, 4)]
    return [
        (
            torch.randn(m, n, generator=generator),
            torch.randn(n, generator=generator),
            torch.rand(n, generator=generator),
        )
        for m, n in shapes
    ]


@exercise(
    "0.1",
    right=lambda W, b, x: torch.relu(W.T @ (W @ x) + b),
    slips=[
        Slip(lambda W, b, x: W.T @ (W @ x) + b, "The ReLU is missing: negative ghosts are still there."),
        Slip(lambda W, b, x: torch.relu(W.T @ (W @ x)), "The bias is missing: add b before the ReLU."),
        Slip(
            lambda W, b, x: torch.relu(W.T @ (W @ x)) + b,
            "You add b after the ReLU. It must come before, or it silences nothing.",
        ),
        Slip(
            lambda W, b, x: W @ x,
            "That is h, squeezed and not yet read back: multiply by the transpose of W.",
        ),
        Slip(
            lambda W, b, x: torch.relu(W.T @ torch.relu(W @ x) + b),
            "There is a ReLU on h as well. This model squeezes without one; only the output has it.",
        ),
        Slip(
            lambda W, b, x: torch.relu(W.T @ (W @ x) - b),
            "The sign of b is wrong: a negative bias should make outputs smaller.",
        ),
    ],
)
def check_read_back(attempt: Reader) -> str:
    def look(answer: Reader) -> list[Tensor]:
        return [
            as_tensor(answer(W.clone(), b.clone(), x.clone()), None, "what you return")
            for W, b, x in _cases()
        ]

    seen, right = check_read_back.compare(attempt, look)
    for value, (_, b, _) in zip(seen, _cases(), strict=True):
        require(
            value.shape == b.shape,
            f"Expected shape {tuple(b.shape)}, one number for each feature; got {tuple(value.shape)}.",
        )
    require(
        right,
        "The shape is right and the numbers are not. Squeeze with W, read with its transpose, add b, ReLU.",
    )
    return "Five features go in, two numbers are held, and five come back."


check_two_at_once = choice(
    "0.2",
    right="B",
    slips={
        "A": "Their sum h lies between the two arrows, in a direction of its own. Which feature's arrow points there?",
        "C": "The ReLU and the negative bias silence whatever does not point along h.",
        "D": "Not quite: the sum of the two arrows is short, but not zero, and one arrow points exactly along it.",
    },
    praise="The model is sure of feature 1, which nobody switched on. That is what interference costs, when it comes.",
)

check_width = number(
    "0.3",
    right=650,
    tolerance=75,
    slips={
        200: "In 200 dimensions the largest cosine is about 0.36: the table of section 0.3 shows it.",
        25: "One over 0.2, squared: that makes the *typical* cosine 0.2. The largest of half a million pairs is five times that.",
        1000: "A thousand dimensions would hold a thousand directions at right angles exactly. You need fewer.",
        400: "In 400 dimensions the largest cosine is still about 0.24.",
        500: "Close: in 500 dimensions the largest cosine is still 0.21 or more.",
        800: "Enough, and more than it takes: in 800 dimensions the largest cosine is 0.17. A hundred or two can go.",
    },
    otherwise="Not {value:g}. The largest cosine is about 5 / sqrt(m); when is that 0.2?",
    low=1,
    praise="A little over half as many dimensions as directions, and nothing was arranged. Larger cosines come much cheaper.",
)
