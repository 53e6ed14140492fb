"""Exercises of chapter 8, "How features are learned"."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from tms_utils.checks.chapter_08_history import check_history
from tms_utils.checks.exercise import Slip, as_number, choice, exercise, number, require
from tms_utils.theory import feature_variance

__all__ = [
    "check_best_polygon",
    "check_history",
    "check_other_weights",
    "check_smaller_start",
    "check_steps_until",
]


def _steps(level: float, start: float, importance: float, density: float, n: int, lr: float) -> float:
    """Steps in which a squared length that grows alone gets from ``start`` to ``level``."""
    logits = math.log(level / (1 - level)) - math.log(start / (1 - start))
    return logits * n / (8 * feature_variance(density) * importance * lr)


# In steps so small that the curve and the discrete steps agree to 1 %; both answers are right.
_CASES = [(0.5, 1e-4, 1.0, 0.2, 8, 0.2), (0.99, 1e-4, 0.7, 0.2, 8, 0.3), (0.9, 0.3, 0.49, 0.05, 20, 3.0)]


@exercise(
    "8.1",
    right=_steps,
    slips=[
        Slip(
            lambda *case: -_steps(*case),
            "The size is right and the sign is not: growing takes a positive number of steps.",
        ),
        Slip(
            lambda level, *rest: _steps(0.5, *rest),
            "You answer with the time to one half, whatever `level` is.",
        ),
        Slip(
            lambda *case: 2 * _steps(*case),
            "Twice too long. Is your rate that of the length? Its square grows at 8 v I / n.",
        ),
        Slip(
            lambda *case: _steps(*case) / 2,
            "Half as long as it should be: the squared length grows at 8 v I / n, not at twice that.",
        ),
        Slip(
            lambda level, start, *rest: _steps(level, start**2, *rest),
            "You squared `start`; it is a squared length already.",
        ),
        Slip(
            lambda a, s, i, p, n, lr: _steps(a, s, i, p, n, lr) * feature_variance(p) / p,
            "You used the density p where the variance v(p) of a feature belongs.",
        ),
        Slip(
            lambda a, s, i, p, n, lr: _steps(a, s, i, p, n, 1.0) * lr,
            "You multiplied by `lr`. The larger the steps, the fewer are needed: divide.",
        ),
        Slip(
            lambda a, s, i, p, n, lr: _steps(a, s, i, p, n, 1.0),
            "Right for a learning rate of 1. With `lr`, each step advances time by `lr`.",
        ),
        Slip(
            lambda a, s, i, p, n, lr: _steps(a, s, 1.0, p, n, lr),
            "The importance is missing: unimportant features take longer.",
        ),
        Slip(
            lambda a, s, i, p, n, lr: _steps(a, s, i, p, 1, lr),
            "The number of features is missing: the loss is a mean over all n, so each one pulls with 1/n.",
        ),
        Slip(
            lambda a, s, i, p, n, lr: math.log(a / s) * n / (8 * feature_variance(p) * i * lr),
            "That is exponential growth, ln(level / start). Near 1 it slows down: use ln(a / (1 - a)).",
        ),
    ],
)
def check_steps_until(attempt: Callable) -> str:
    """``attempt(level, start, importance, density, n, lr)``: steps from one squared length to another."""

    def look(steps_until: Callable) -> list[float]:
        return [as_number(steps_until(*case), "the number of steps") for case in _CASES]

    given, _ = check_steps_until.compare(attempt, look, rtol=0.01)
    for case, value in zip(_CASES, given, strict=True):
        require(
            math.isclose(value, _steps(*case), rel_tol=0.0101),
            f"For (level, start, importance, density, n, lr) = {case} you return {value:.1f}; expected "
            f"{_steps(*case):.1f}. The time is the difference of two ln(a / (1 - a)), at `level` and at `start`, over "
            "the rate.",
        )
    return "As long from 1 % to one half as from one half to 99 %: the curve is symmetric."


check_smaller_start = choice(
    "8.2",
    right="C",
    slips={
        "A": "Not A. Growth is exponential: from 0.001 to 0.01 takes as long as from 0.01 to 0.1, not ten times as "
        "long.",
        "B": "Not B. All features have the same factor of 100 to make up for in squared length, but at rates of their "
        "own.",
        "D": "Not D. The rate stands in the denominator: the more important a feature, the sooner it has made up for "
        "the same factor.",
        "E": "Not E. Every feature begins a hundred times shorter in squared length, and grows no faster for it.",
    },
    praise="ln(100) / r_i more steps each, so the stairs move apart: a smaller start makes a cleaner staircase.",
)


check_best_polygon = number(
    "8.4",
    right=7.0,
    low=3.0,
    high=8.0,
    slips={
        8.0: "Not 8. All eight fit, but in an octagon each costs 0.1155; in a heptagon 0.0833, which is worth dropping "
        "one.",
        6.0: "Close, but not 6. A seventh makes the other six dearer, and yet the total falls, from 0.1117 to 0.1106.",
        4.0: "Not 4, by far. Two digons disturb nobody, but four features are dropped, at 0.302 each: 0.1510 in all.",
        5.0: "Not 5, by far: a dropped feature costs 1/3 - 1/32 = 0.302, one in a hexagon 0.048. Keep more.",
    },
    otherwise="Not {value:g}: a dropped feature costs 1/3 - 1/32 = 0.302, one in a hexagon 0.048.",
    praise="A heptagon and one dropped feature, 0.1106, a little better than six and two, 0.1117.",
)


_WAITS = {"sums": False, "random": False, "unequal": True}
_WAIT_SLIPS = {
    "all": Slip(
        dict.fromkeys(_WAITS, True),
        "Not so for all three. Gradient descent would wait in any rotated basis, for it knows no weights, only "
        "directions; Adam looks at one weight at a time, so what a weight stands for matters.",
    ),
    "sums": Slip(
        _WAITS | {"sums": True},
        "Not so for sums: the differences have weights of their own now, whose small gradients Adam makes as large as "
        "any.",
    ),
    "random": Slip(
        _WAITS | {"random": True},
        "Not so for random mixtures: no weight stands for a difference, and yet the wait is nearly gone. Taking the "
        "sign of each entry turns a gradient of rank two into a step of rank three.",
    ),
    "unequal": Slip(
        _WAITS | {"unequal": False},
        "Not so for unequal steps: the columns of a set part, but along one line, so that the third dimension stays "
        "as empty as before.",
    ),
}


@exercise("8.6", right=_WAITS, slips=[*_WAIT_SLIPS.values()])
def check_other_weights(attempt: Any) -> str:
    """``attempt``: for each of three ways to write the weights, whether Adam still waits at 1/18."""
    require(isinstance(attempt, Mapping), f"Expected a dictionary; got {type(attempt).__name__}.")
    require(
        set(attempt) == set(_WAITS),
        f"Expected the keys {', '.join(_WAITS)}; got {', '.join(map(str, attempt))}.",
    )
    plain = {name: value.item() if hasattr(value, "item") else value for name, value in attempt.items()}
    answers = {name: str(value).strip().casefold() for name, value in plain.items()}
    for name, answer in answers.items():
        require(answer in {"true", "false"}, f"Expected True or False for {name}; got {attempt[name]!r:.60}.")
    require(set(answers.values()) != {"true"}, _WAIT_SLIPS["all"])
    for name, waits in _WAITS.items():
        require((answers[name] == "true") == waits, _WAIT_SLIPS[name])
    return "What is special is the basis of features: there Adam's steps stay in two dimensions, and in almost any other they do not."
