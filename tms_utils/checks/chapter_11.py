"""Exercises of chapter 11, "Computing in superposition"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.chapter_11_thresholds import check_no_error
from tms_utils.checks.exercise import Slip, as_tensor, exercise, number, require

__all__ = ["check_no_error", "check_normalised", "check_one_neuron", "check_serves"]

# 11.1 ---------------------------------------------------------------------------------------


def _scaled(size: Callable[[Tensor], Tensor], write: Callable[[Tensor, Tensor], Tensor]) -> Callable:
    """Divide W by ``size(W)``; V becomes ``write(V, size)``."""

    def scale(W: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
        s = size(W)
        s = torch.where(s.abs() > 0, s, torch.ones_like(s))
        return W / s, write(V, s)

    return scale


def _largest(W: Tensor) -> Tensor:
    return W.abs().amax(1, keepdim=True)


def _times(V: Tensor, size: Tensor) -> Tensor:
    return V * size


@exercise(
    "11.1",
    right=_scaled(_largest, _times),
    slips=[
        Slip(
            _scaled(_largest, lambda V, _: V),
            "The readings are right, but V is as it was: now the network answers something else. What a neuron "
            "says more softly must be written more loudly.",
        ),
        Slip(
            _scaled(_largest, lambda V, s: V / s),
            "V goes the wrong way: a neuron that reads a times as loudly must write with 1/a, so that the product "
            "stays.",
        ),
        Slip(
            _scaled(lambda W: W.amax(1, keepdim=True), _times),
            "You divided by the largest weight, which may be the smaller one in size, or negative: and ReLU(az) = "
            "a ReLU(z) only holds for a > 0. Take the largest absolute value.",
        ),
        Slip(
            _scaled(lambda W: W.abs().amax(0, keepdim=True), _times),
            "You rescaled features (columns). The freedom is a neuron's: one factor for each row.",
        ),
        Slip(
            _scaled(lambda W: W.norm(dim=1, keepdim=True), _times),
            "These rows have length 1. That is a fair choice of scale, too, but the paper's is that the *largest "
            "weight* has size 1.",
        ),
        Slip(
            _scaled(lambda W: W.abs().amax(), _times),
            "One factor for the whole matrix. Each neuron has its own freedom, so take the largest weight row by row.",
        ),
        Slip(
            lambda W, V: (W / _largest(W), V * _largest(W)),
            "A neuron that reads nothing has 0 / 0 now. Leave it as it is.",
        ),
    ],
)
def check_normalised(attempt: Callable) -> str:
    """``attempt(W, V)`` -> (W, V), both (hidden, features)."""
    W = torch.tensor(
        [[2.0, -0.5, 0.0], [0.1, -4.0, 1.0], [0.0, 0.0, 0.0], [-0.3, 0.2, 0.1], [0.5, 0.5, -0.25]]
    )
    V = torch.tensor([[0.5, 2.0, 0.0], [0.3, 0.25, -1.0], [0.7, 0.1, 0.2], [3.0, -1.0, 0.5], [1.0, 2.0, 4.0]])

    def look(f: Callable) -> list[Tensor]:
        answer = f(W.clone(), V.clone())
        require(
            isinstance(answer, tuple | list) and len(answer) == 2,
            "Return two matrices: the new W and the new V.",
        )
        return [
            as_tensor(part, (5, 3), f"the new {name}").float()
            for part, name in zip(answer, "WV", strict=True)
        ]

    (new_W, _), right = check_normalised.compare(attempt, look)
    sizes = [round(size, 3) for size in new_W.abs().amax(1).tolist()]
    require(
        right, f"For five neurons the largest readings are now {sizes}; compare W and V with V |W| of before."
    )
    return "The same network, told in one way: only products of reading and writing weights mean anything."


# 11.2 ---------------------------------------------------------------------------------------

check_one_neuron = number(
    "11.2",
    right=0.8,
    tolerance=0.008,
    low=0.0,
    high=3.0,
    slips={
        0.5: "That is the sparse limit, where the wrong side costs nothing but itself. Dense, three fifths of what "
        "one neuron wins are lost: the bias now has to serve both sides.",
        1 / 15: "That is the squared error itself. Divide it by what ignoring the feature costs, 1/12.",
        2 / 15: "That is the sum of both sides. Each comes half of the time, and then divide by 1/12.",
        1.6: "Nearly: each side comes half of the time only.",
        2.0: "With a = 1 and b = 0 one side is perfect and the other answers 0: worse than a constant. Choose b, too.",
        1.0: "Then the neuron would be of no use. It is of some: let it bend.",
        0.25: "That is the threshold of section 11.2, which one neuron does not reach.",
    },
    otherwise="Not {value:g}. Minimise the mean of both sides over a first, then over b.",
    praise="One neuron removes a fifth, the second the other four fifths: so neurons go in pairs.",
)

# 11.3 ---------------------------------------------------------------------------------------


def _count(value: Callable[[Tensor, Tensor], Tensor], axis: int = 1) -> Callable:
    return lambda W, V, threshold=0.25: (value(W, V) > threshold).sum(axis)


@exercise(
    "11.3",
    came="f637a877d7f4aaa6",
    right=_count(lambda W, V: V * W.abs()),
    slips=[
        Slip(
            _count(lambda W, V: W.abs()),
            "That counts what a neuron *reads*. Rescale a neuron (W times 10, V by 10: the same network), and the "
            "count changes. Which quantity does not?",
        ),
        Slip(
            _count(lambda W, V: W.abs() / _largest(W)),
            "Normalised, so the scale is gone, but it still counts what a neuron reads: one that only silences an "
            "output is counted. What does it write?",
        ),
        Slip(
            _count(lambda W, V: (V * W).abs()),
            "A neuron that reads a feature and writes a large *negative* number to its output silences it; that is "
            "no service. Mind the sign of V.",
        ),
        Slip(
            _count(lambda W, V: V * W),
            "A neuron on the negative side of a feature reads it with a negative weight, and serves it all the same. "
            "The size of W counts, and the sign of V.",
        ),
        Slip(
            _count(lambda W, V: V), "That counts what a neuron writes, whether it reads the feature or not."
        ),
        Slip(
            _count(lambda W, V: V * W.abs(), axis=0),
            "That is how many neurons serve each feature. Here each neuron (row) is asked for its features.",
        ),
        Slip(
            lambda W, V, threshold=0.25: (V * W.abs() > 0.25).sum(1),
            "Right at a threshold of 0.25, but the argument `threshold` is ignored.",
        ),
    ],
)
def check_serves(attempt: Callable) -> str:
    """``attempt(W, V, threshold)`` -> (hidden,) counts."""
    W = torch.tensor(
        [[2.0, -0.5, 0.0, 0.1], [-8.0, 0.4, -4.0, 0.0], [0.1, 0.1, 0.1, 0.1], [1.0, 1.0, 0.9, -0.7]]
    )
    V = torch.tensor(
        [[0.5, 2.0, 1.0, 0.5], [0.1, -9.0, 0.2, 3.0], [9.0, 0.1, 6.0, -8.0], [0.3, 0.4, -2.0, 0.1]]
    )

    def look(f: Callable) -> list[Tensor]:
        return [
            as_tensor(f(W.clone(), V.clone(), *more), (4,), "the counts (hidden,)").float()
            for more in ((), (0.5,))
        ]

    given, right = check_serves.compare(attempt, look)
    wanted = [counts.tolist() for counts in look(check_serves.right)]
    shown = [counts.tolist() for counts in given]
    require(right, f"For four neurons, at thresholds 0.25 and 0.5, you count {shown}; expected {wanted}.")
    return "A number that changes with the way a network is stored says nothing about the network."
