"""Exercise 11.4 of chapter 11, "Computing in superposition": thresholds without an error."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.exercise import Slip, as_tensor, exercise, require

__all__ = ["check_no_error"]


def _judge(*parts: str) -> Callable:
    """A judge that looks at some parts only."""

    def judge(on: Tensor, off: Tensor, theta: float) -> Tensor:
        on, off = on.sort(1).values, off.sort(1).values
        verdicts = {
            "both": on[:, 0] + on[:, 1] > theta,
            "twice the least": 2 * on[:, 0] > theta,
            "mixed": on[:, -1] + off[:, -1] <= theta,
            "least mixed": on[:, 0] + off[:, -1] <= theta,
            "neither": off[:, -1] + off[:, -2] <= theta,
        }
        return torch.stack([verdicts[part] for part in parts]).all(0)

    return judge


@exercise(
    "11.4",
    right=_judge("both", "mixed", "neither"),
    slips=[
        Slip(
            _judge("both"),
            "You only ask whether the active pairs are found. A probe must also stay silent for every other pair.",
        ),
        Slip(
            _judge("mixed", "neither"),
            "You only ask for false alarms. Every pair of active features must be above the threshold as well.",
        ),
        Slip(
            _judge("both", "neither"),
            "Pairs of one active and one silent feature are missing. There are k(n - k) of them, with 1 on average: "
            "the nearest to a false alarm.",
        ),
        Slip(
            _judge("twice the least", "mixed", "neither"),
            "A pair has two different members: the worst active pair is the two smallest, not the smallest twice.",
        ),
        Slip(
            _judge("both", "least mixed", "neither"),
            "For a pair of one active and one silent feature the worst case is the *largest* of each.",
        ),
    ],
)
def check_no_error(attempt: Callable) -> str:
    """``attempt(on, off, theta)``, (draws, k) and (draws, others) -> (draws,) bools."""
    on = [
        [1.0, 0.9, 1.1],
        [0.5, 0.8, 1.2],
        [0.7, 0.9, 1.0],
        [1.0, 1.4, 1.2],
        [1.0, 1.0, 1.0],
        [0.9, 1.0, 0.95],
    ]
    off = [
        [0.1, 0.2, -0.3],
        [0.0, 0.1, 0.0],
        [0.1, 0.2, 0.0],
        [0.3, 0.0, 0.1],
        [0.2, 0.7, 0.1],
        [0.2, 0.1, 0.0],
    ]
    # The last two rows of each are about silent pairs, with a threshold between.
    on += [[0.2, 0.9, 0.3], [0.31, 0.34, 0.33], [0.5, 0.52, 0.51]]
    off += [[0.1, 0.0, 0.2], [0.33, 0.32, 0.0], [0.4, 0.1, 0.0]]

    def look(f: Callable) -> list[Tensor]:
        seen = []
        for theta in (1.5, 0.6, 0.75, 1.0):
            answer = as_tensor(f(torch.tensor(on), torch.tensor(off), theta))
            require(
                tuple(answer.shape) == (len(on),),
                f"Return one verdict for each draw, of shape ({len(on)},); got {tuple(answer.shape)}.",
            )
            seen.append(answer.float())
        return seen

    given, right = check_no_error.compare(attempt, look)
    wanted, shown = look(check_no_error.right)[0].tolist(), given[0].tolist()
    require(right, f"For {len(on)} draws at a threshold of 1.5 you say {shown}; expected {wanted}.")
    return "Half a million functions, none of them trained: each needs a threshold, and room for the noise."
