"""Exercise 4.4 of chapter 4, "Superposition as a phase change": there and back."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.exercise import Slip, as_tensor, exercise, require

__all__ = ["check_hysteresis"]


# The way down and back up: "ignore extra" stops being a minimum at about 0.28, the pair at about 0.40.
_WAY = (0.45, 0.34, 0.30, 0.26, 0.34, 0.39, 0.45)


def _ends(*sizes: float) -> Callable[[float, Tensor], Tensor]:
    """A model that ends at such a size of w_1 at each density of the way."""
    return lambda r, densities: torch.tensor(sizes)


_LOOP = {
    "sign": Slip(
        _ends(0.0, 0.0, 0.0, -0.92, -0.82, -0.65, 0.0),
        "On the way you return {value:.2f}: return the *size* of w_1.",
    ),
    "first": Slip(
        _ends(0.98, 0.98, 0.98, 0.98, 0.98, 0.98, 0.98),
        "At p = 0.45 you return {value:.2f}, where the extra feature is ignored: w_1 is the second entry of w.",
    ),
    "never": Slip(
        _ends(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        'At p = 0.26 "ignore extra" is no minimum any more, and you return {value:.2f}. Is -0.01 added to w_1 before each '
        "descent (at 0 exactly the slope is zero even on a ridge, and on the other side there is no pair), are 12 steps "
        "taken, and do the densities come in their order?",
    ),
    "optimum": Slip(
        _ends(0.0, 0.82, 0.88, 0.92, 0.82, 0.65, 0.0),
        "On the way down you are a pair at p = 0.34 already ({value:.2f}). There the pair is the *cheapest*, from 0.37 "
        "on; but a model stays in its valley. Is the push larger than 0.01, or the order of the densities changed?",
    ),
    "early": Slip(
        _ends(0.0, 0.0, 0.88, 0.92, 0.82, 0.65, 0.0),
        'On the way down you leave "ignore extra" before p = 0.30 ({value:.2f}); it stops being a minimum at about '
        "0.28. Is the push too strong?",
    ),
    "no memory": Slip(
        _ends(0.0, 0.0, 0.0, 0.92, 0.0, 0.0, 0.0),
        "Back at p = 0.34 you return {value:.2f}, as on the way down: the model has forgotten that it was a pair. Begin "
        "each descent with the w and b that the one before has found.",
    ),
    "lost": Slip(
        _ends(0.0, 0.0, 0.0, 0.92, 0.82, 0.0, 0.0),
        "On the way up you have lost the pair at p = 0.39 ({value:.2f}); its valley lasts to about 0.40. Where does that "
        "descent begin?",
    ),
    "stuck": Slip(
        _ends(0.0, 0.0, 0.0, 0.92, 0.82, 0.65, 0.65),
        "At the end, at p = 0.45, you return {value:.2f}: there the pair is no minimum any more. Is the last density "
        "visited, too?",
    ),
}


@exercise("4.4", right=_ends(0.0, 0.0, 0.0, 0.92, 0.82, 0.65, 0.0), slips=[*_LOOP.values()])
def check_hysteresis(attempt: Callable) -> str:
    """``attempt(r, densities)`` at r = 0.3, dense to sparse and back: the size of w_1 at each density."""
    way = torch.tensor(_WAY, dtype=torch.float64)
    sizes = as_tensor(attempt(0.3, way), (len(_WAY),), "the sizes of w_1").tolist()

    def must(holds: Callable[[float], bool], *steps: int, slip: str) -> None:
        for step in steps:
            require(holds(sizes[step]), _LOOP[slip], value=sizes[step])

    must(lambda size: size > -0.2, *range(len(_WAY)), slip="sign")
    must(lambda size: size < 0.5, 0, slip="first")
    must(lambda size: size > 0.5, 3, slip="never")
    must(lambda size: size < 0.5, 1, slip="optimum")
    must(lambda size: size < 0.5, 2, slip="early")
    must(lambda size: size > 0.5, 4, slip="no memory")
    must(lambda size: size > 0.5, 5, slip="lost")
    must(lambda size: size < 0.5, 6, slip="stuck")
    return (
        "At p = 0.34 the model is at 0 on the way down and a pair on the way back: both valleys exist, and history "
        "decides. That is what first-order means."
    )
