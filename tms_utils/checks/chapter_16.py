"""Exercises of chapter 16, "How sure are we?"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.exercise import Slip, as_number, choice, exercise, number, require

__all__ = ["check_binary", "check_border", "check_leak", "check_winner"]

# 16.1 ---------------------------------------------------------------------------------------


def _border(
    least: Callable[[Tensor], Tensor] = lambda x: torch.minimum(x[:, None], x).square().mean(),
    second: Callable[[Tensor], Tensor] = lambda x: x.square().mean(),
    answered: float = 1.0,
    sharers: Callable[[float], float] = lambda r: 1 + r,
) -> Callable[[Tensor, float], Tensor]:
    """p = r E[x²] / (sharers E[min²] + answered r E[x]²)."""
    return lambda x, r: r * second(x) / (sharers(r) * least(x) + answered * r * x.mean() ** 2)


@exercise(
    "16.1",
    right=_border(),
    slips=[
        Slip(
            _border(answered=0.0),
            "You let a dropped feature be answered by 0. Its bias answers the mean, which saves p² E[x]²: what is lost is "
            "the variance.",
        ),
        Slip(
            _border(second=lambda x: x.var(correction=0)),
            "That has the variance of a feature that is *on* where its mean square belongs. A feature that is off half of "
            "the time varies although each value is the same: p E[x²] - p² E[x]².",
        ),
        Slip(
            _border(sharers=lambda r: 1.0),
            "When both are on, *both* outputs are wrong by the smaller one: 1 + r times.",
        ),
        Slip(
            _border(least=lambda x: torch.minimum(x[:, None], x).mean() ** 2),
            "You squared the mean of the smaller one. What is lost is the mean of its square.",
        ),
        Slip(
            _border(least=lambda x: torch.maximum(x[:, None], x).square().mean()),
            "Both errors are the *smaller* of the two values: the larger one comes out too small by it.",
        ),
        Slip(
            _border(least=lambda x: x.square().mean()),
            "You paired each value with itself. The two features draw their values independently: take all pairs.",
        ),
    ],
)
def check_border(attempt: Callable) -> str:
    """``attempt(x, r)``: the density at which a pair and ignoring the extra feature cost the same on paper."""
    u = (torch.arange(400) + 0.5) / 400
    for x in (1 + u, u, -torch.log1p(-u), 3 * u.square()):
        for r in (0.3, 1.0):

            def look(f: Callable, x: Tensor = x, r: float = r) -> float:
                return as_number(f(x.clone(), r), "the border")

            seen, right = check_border.compare(attempt, look)
            wanted = look(check_border.right)
            require(
                right,
                f"For values of mean {x.mean():.2f} and mean square {x.square().mean():.2f}, r = {r:g}, you return "
                f"{seen:.4f}; expected {wanted:.4f}.",
            )
    return "One line for every law: only E[min²] and E[x]², each over E[x²], count. The unit of x does not."


# 16.2 ---------------------------------------------------------------------------------------

check_binary = number(
    "16.2",
    right=2 - 3**0.5,
    tolerance=0.002,
    low=0.0,
    high=1.0,
    slips={
        0.38197: "That is the border at r = 1 (and, as luck would have it, the onset with unit norm at r = 1/2).",
        0.25: "You left the pair's biases at 0. Where both are on, a bias c > 0 turns the answers 0 into c: it costs "
        "(1 - p) c², and saves p² (1 - (1 - c)²).",
        0.4444: "That is the uniform law's border, 4r / (2 + 5r). Binary features have E[min²] = E[x²] = 1.",
        0.5: "That is where leaning begins with free weights, p = r. Here weights are 0, 1 or -1.",
        0.3333: "That is r = 1 with biases at 0.",
    },
    otherwise="Not {value:g}. Set (1 + r) p² (1 - p) / (1 - p + p²) equal to r p (1 - p), with r = 1/2.",
    praise="p² - 4p + 1 = 0. With free biases the border moves from 0.25 to 0.268, with other importance elsewhere: no gold in it.",
)

# 16.3 ---------------------------------------------------------------------------------------


def _chances(n: int, k: int) -> Tensor:
    """P(the lowest of k draws from n, with replacement, is number i in order of loss)."""
    left = torch.arange(n, -1, -1, dtype=torch.float64) / n
    return (left[:-1] ** k - left[1:] ** k).float()


def _winner(loss: Tensor, found: Tensor, k: int) -> Tensor:
    return found.float()[loss.argsort()] @ _chances(len(loss), k)


@exercise(
    "16.3",
    came="428286dced73d17e",
    right=_winner,
    slips=[
        Slip(
            lambda loss, found, k: found[loss.argsort()[:k]].float().mean(),
            "That looks at the k best of *all* runs. Whoever trains k models does not have those k; they have any k.",
        ),
        Slip(
            lambda loss, found, k: 1 - (1 - found.float().mean()) ** k,
            "That is the chance that *some* run of the k shows it. The one that is shown is the one with the lowest loss.",
        ),
        Slip(
            lambda loss, found, k: found[loss.argmin()].float(),
            "That is the best of all runs: k is not in it. The best of three is often another one.",
        ),
        Slip(
            lambda loss, found, k: found.float().mean(),
            "That is the share of single runs: right for k = 1. With more tries the winner is no typical run.",
        ),
        Slip(
            lambda loss, found, k: found.float()[loss.argsort(descending=True)] @ _chances(len(loss), k),
            "You kept the run with the highest loss.",
        ),
        Slip(
            lambda loss, found, k: found.float() @ _chances(len(loss), k),
            "The chances are right, but the runs are not in order of their loss.",
        ),
    ],
)
def check_winner(attempt: Callable) -> str:
    """``attempt(loss, found, k)``: the chance that the lowest loss of k runs shows it."""
    loss = torch.tensor([0.9, 0.2, 0.5, 0.1, 0.8, 0.3, 0.7, 0.4, 1.0, 0.6])
    for found in ([0, 1, 0, 0, 0, 1, 1, 0, 1, 0], [0, 1, 0, 1, 1, 1, 0, 1, 0, 0]):
        found = torch.tensor(found, dtype=torch.bool)
        for k in (3, 2, 5):

            def look(f: Callable, found: Tensor = found, k: int = k) -> float:
                return as_number(f(loss.clone(), found.clone(), k), "the chance")

            seen, right = check_winner.compare(attempt, look, rtol=0.03, atol=0.01)
            require(
                right,
                f"For ten runs, {int(found.sum())} of which show it, and k = {k} you return {seen:.3f}; expected "
                f"{look(check_winner.right):.3f}. Run number i (from 0, in order of loss) wins with probability "
                f"((n - i) / n)^k - ((n - i - 1) / n)^k.",
            )
    return "Now a reader can undo the selection: k = 1 is the typical run, and the rest is choosing."


# 16.4 ---------------------------------------------------------------------------------------

check_leak = choice(
    "16.4",
    right="C",
    slips={
        "A": "At slope 0 the ghosts are gone for every r, but the threshold is not a constant: put r into 2r / (1 + r).",
        "B": "The other way round: a feature of little importance is the first to go, for its partner pays (1 + r) a² "
        "for a gain of 2r.",
        "D": "At r = 1 any slope short of 1 leaves something to gain: 2r / (1 + r) = 1.",
    },
    praise="a² < 2r / (1 + r): |a| below 0.43 for r = 0.1, and below 1 for r = 1. A linear model sits exactly on that edge, which is why "
    "equal features may share in it, at no gain.",
)
