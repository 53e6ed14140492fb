"""Exercises of chapter 9, "What superposition costs"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import normalize

from tms_utils.checks.exercise import Slip, as_number, as_tensor, choice, exercise, number, require

__all__ = ["check_budget", "check_clipped", "check_nudge", "check_safe"]

# 9.1 ----------------------------------------------------------------------------------------


def _row(W: Tensor, i: int) -> Tensor:
    return W[:, i] @ W


def _strongest(W: Tensor, i: int, size: float) -> Tensor:
    return size * _row(W, i) / _row(W, i).norm()


def _without_own(W: Tensor, i: int, size: float) -> Tensor:
    g = _row(W, i).clone()
    g[i] = 0
    return size * normalize(g, dim=0)


@exercise(
    "9.1",
    right=_strongest,
    slips=[
        Slip(
            lambda W, i, size: size * torch.eye(W.shape[1])[i],
            "That changes feature i alone. It uses none of the interference, which is what superposition gives away.",
        ),
        Slip(
            lambda W, i, size: size * _row(W, i),
            "The direction is right, the length is not: divide by the length of g_i before you multiply by size.",
        ),
        Slip(
            lambda W, i, size: _row(W, i) / _row(W, i).norm(),
            "That has length 1 whatever `size` is.",
        ),
        Slip(
            lambda W, i, size: size * _row(W, i) / _row(W, i).square().sum(),
            "You divided by the squared length of g_i. Divide by the length itself.",
        ),
        Slip(
            lambda W, i, size: -_strongest(W, i, size),
            "That *lowers* output i as far as possible. The other sign raises it.",
        ),
        Slip(
            lambda W, i, size: size * _row(W, i).sign() / W.shape[1] ** 0.5,
            "All entries are equally large. That would be best if each *entry* were limited; here the length is.",
        ),
        Slip(
            _without_own,
            "Feature i itself is left alone. A nudge that raises it as well moves output i further.",
        ),
        Slip(
            lambda W, i, size: size * normalize(W[:, i], dim=0),
            "That is a vector in the hidden space, of shape (hidden,). The adversary changes the input.",
        ),
    ],
)
def check_nudge(attempt: Callable) -> str:
    """``attempt(W, i, size)``, (hidden, features) -> (features,), on weights nobody trained."""
    generator = torch.Generator().manual_seed(9)
    slip_of_shape = check_nudge.slips[-1]
    for hidden, features, i, size in ((3, 6, 2, 0.1), (2, 5, 4, 0.5)):
        W = torch.randn(hidden, features, generator=generator)

        def look(f: Callable, W: Tensor = W, i: int = i, size: float = size) -> Tensor:
            return as_tensor(f(W.clone(), i, size)).float()

        seen, right = check_nudge.compare(attempt, look)
        require(tuple(seen.shape) != (hidden,), slip_of_shape)
        require(
            tuple(seen.shape) == (features,),
            f"Expected a nudge of shape ({features},); got {tuple(seen.shape)}.",
        )
        moved, best = seen @ _row(W, i), _strongest(W, i, size) @ _row(W, i)
        require(
            right,
            f"Your nudge of length {seen.norm():.3f} moves output {i} by {moved:.3f}; one of length {size} can "
            f"move it by {best:.3f}.",
        )
    return "No search and no gradient: one row of WᵀW, scaled. It moves output i by size · |W_i|² / √D_i."


# 9.2 ----------------------------------------------------------------------------------------

check_safe = number(
    "9.2",
    right=0.282 * 0.4**0.5 / 1.170**2,
    tolerance=0.002,
    low=0.0,
    high=10.0,
    slips={
        0.282: "That would be so if an output moved by the nudge's own length. It moves by ε |g_i|, which is more.",
        0.282
        / 1.170
        ** 2: "That is the answer for a feature alone in its dimension. The other four can be used, too: "
        "divide by the square root of 1/D as well.",
        0.282 * 0.4**0.5: "The lengths are missing: |g_i| is |W_i|²/√D, and |W_i| is not 1 here.",
        0.282 * 0.4 / 1.170**2: "You used 1/D where its square root belongs: D is in |g_i|², not in |g_i|.",
        0.282 * 0.4**0.5 / 1.170: "Nearly: |g_i| has |W_i| *squared* in it.",
        1.170**2
        / 0.4
        ** 0.5: "That is |g_i|, the factor by which a nudge is enlarged. Which nudge does it lift over the bias?",
    },
    otherwise="A nudge of length {value:g} moves an output's sum by {value:g} · |g_i|. Compare that with 0.282.",
    praise="A bias below zero is also a shield: shorter nudges do nothing at all to an empty row.",
)

# 9.3 ----------------------------------------------------------------------------------------


def _harm(
    change: Callable[[Tensor], Tensor] = lambda x: x,
    both: bool = True,
    of: Callable[[Tensor], Tensor] = lambda harm: harm.max(),
    direction: Callable[[Tensor], Tensor] = lambda G: normalize(G, dim=1),
) -> Callable:
    def harm(W: Tensor, size: float) -> Tensor:
        G = W.T @ W
        nudges = size * direction(G)
        nudges = torch.cat([nudges, -nudges]) if both else nudges
        return of((change(nudges) @ G).relu().square().sum(-1))

    return harm


_CLIPPED = Slip(
    _harm(lambda x: x.clamp(0, 1)),
    "The nudge is made with length `size` and then clipped: what is below 0 is lost, and with it all that was to pull "
    "opposite features down. A weaker attack was measured than was announced.",
)


@exercise(
    "9.3",
    came="7f47696c73a2c7b8",
    right=_harm(),
    slips=[
        _CLIPPED,
        Slip(
            _harm(lambda x: normalize(x.clamp(0, 1), dim=1) * x.norm(dim=1, keepdim=True)),
            "Now the nudge has its full length again, but it still pushes only upwards. Nothing confines the input.",
        ),
        Slip(
            _harm(both=False),
            "Try both signs. To *lower* one of a pentagon is to raise the two opposite, and that does more harm.",
        ),
        Slip(
            _harm(lambda x: x.abs()),
            "Now the entries below 0 are turned round. They pull down what lies opposite, and that is their use.",
        ),
        Slip(
            _harm(of=lambda harm: harm.mean()),
            "That is the mean over the nudges. An adversary takes the worst for the model.",
        ),
        Slip(
            _harm(direction=lambda G: torch.eye(len(G))),
            "These nudges change one feature each. In a digon the partner has to go down at the same time.",
        ),
    ],
)
def check_clipped(attempt: Callable) -> str:
    """``attempt(W, size)``: the most harm to the empty row."""
    W = {"a feature alone": torch.eye(2), "a digon": torch.tensor([[1.0, -1.0]])}
    angle = 2 * torch.pi * torch.arange(5) / 5
    W["a pentagon"] = torch.stack([angle.cos(), angle.sin()])

    def look(f: Callable) -> list[float]:
        return [as_number(f(value.clone(), size), "the harm") for value in W.values() for size in (0.1, 0.3)]

    seen, right = look(attempt), look(_harm())
    for slip in check_clipped.slips:
        same = all(abs(a - b) < 1e-6 for a, b in zip(seen, look(slip.answer), strict=True))
        require(not same, slip)
    for k, (name, _) in enumerate(W.items()):
        for j, size in enumerate((0.1, 0.3)):
            got, wanted = seen[2 * k + j], right[2 * k + j]
            require(
                abs(got - wanted) < 1e-4 * (1 + wanted),
                f"For {name} and a nudge of length {size} you find {got:.4f}; expected {wanted:.4f}.",
            )
    return "0.010 alone, 0.020 in a digon: twice as much with half of a dimension, 1/D. Measure the attack that arrives."


# 9.4 ----------------------------------------------------------------------------------------

check_budget = choice(
    "9.4",
    right="C",
    slips={
        "A": "Crowded outputs are already wrong by some e, and the harm has a part 2eΔ besides Δ²: divided by ε², that part "
        "grows.",
        "B": "It would if all of the harm were in proportion to ε². One part is in proportion to ε.",
        "D": "The harm L' - L tends to 0. Divided by ε² it does not.",
    },
    praise="A part 2eΔ, in proportion to ε, divided by ε² grows like 1/ε. Without superposition, V does not depend on ε: always "
    "say the budget.",
)
