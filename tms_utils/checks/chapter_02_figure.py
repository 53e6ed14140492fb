"""Exercise 2.3 of chapter 2, "ReLU and superposition": a figure that was turned upside down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from tms_utils.checks.exercise import Slip, exercise, require

__all__ = ["check_figure"]


def _drawing(
    turn: Callable, *, key: bool = True, order: int = 1, widths: float = 1.0, colours: int = 1
) -> Callable:
    """A figure of which everything about the axes can be got wrong; ``turn(bars, key)`` ends it."""

    def draw_norms(norms: Any, shared: Any) -> Figure:
        figure, (bars, key_axes) = plt.subplots(1, 2)
        scale = plt.cm.ScalarMappable(plt.Normalize(0, 2), "viridis")
        bars.barh(range(len(norms))[::order], norms * widths, color=scale.to_rgba(shared[::colours]))
        if key:
            figure.colorbar(scale, cax=key_axes)
        turn(bars, key_axes)
        return figure

    return draw_norms


_TURNED_ELSE = Slip(
    _drawing(lambda bars, key: key.invert_yaxis()),
    "The least important feature is on top, and the key runs from large at the bottom to small at the top. The line "
    "meant to turn the bars has turned something else: which Axes is current?",
)
_TURNED_BOTH = Slip(
    _drawing(lambda bars, key: (bars.invert_yaxis(), key.invert_yaxis())),
    "The bars are right, but the colour key is still upside down.",
)
_NOT_TURNED = Slip(
    _drawing(lambda bars, key: None),
    "The key is right, but feature 0, the most important, is not on top.",
)
_NO_KEY = Slip(
    _drawing(lambda bars, key: bars.invert_yaxis(), key=False),
    "The colour key is gone. It must stay, the right way up.",
)
_OTHER_LENGTHS = Slip(
    _drawing(lambda bars, key: bars.invert_yaxis(), widths=2.0),
    "The lengths of the bars are no longer the norms.",
)
_OTHER_COLOURS = Slip(
    _drawing(lambda bars, key: None, order=-1, colours=-1),
    "Feature 0 is on top, but the bars have each other's colours: a colour must say what its own feature shares.",
)
_MISNUMBERED = Slip(
    _drawing(lambda bars, key: None, order=-1),
    "Feature 0 is on top, but the axis calls it feature 4: turn the axis, not the numbers.",
)


@exercise(
    "2.3",
    came="bf481c38437bc660",
    right=_drawing(lambda bars, key: bars.invert_yaxis()),
    slips=[_TURNED_ELSE, _TURNED_BOTH, _NOT_TURNED, _NO_KEY, _OTHER_LENGTHS, _OTHER_COLOURS, _MISNUMBERED],
)
def check_figure(draw_norms: Callable) -> str:
    """Which bar is on top, whether the key is the right way up, and whether bars mean what they meant."""
    norms = torch.tensor([1.2, 1.1, 0.9, 0.6, 0.1])
    shared = torch.tensor([0.0, 0.2, 0.9, 1.5, 2.0])
    before = plt.get_fignums()
    try:
        figure = draw_norms(norms.numpy(), shared.numpy())
    finally:
        for left_open in set(plt.get_fignums()) - set(before):
            plt.close(left_open)  # or the notebook would show it
    require(isinstance(figure, Figure), f"Expected the figure back; got {type(figure).__name__}.")
    keys = [axes for axes in figure.axes if hasattr(axes, "_colorbar")]
    bars = [axes for axes in figure.axes if axes not in keys and len(axes.patches) == 5]
    require(bars, "Expected five horizontal bars, one a feature; found none.")
    require(keys, _NO_KEY)
    by_height = _from_the_top(bars[0])
    widths = torch.tensor([bar.get_width() for bar in by_height])
    first_on_top, turned = bool(widths[0] == widths.max()), keys[0].yaxis_inverted()
    require(not turned, _TURNED_BOTH if first_on_top else _TURNED_ELSE)
    require(first_on_top, _NOT_TURNED)
    require(torch.allclose(widths.float(), norms), _OTHER_LENGTHS)
    colours = torch.tensor([bar.get_facecolor() for bar in by_height])
    wanted = torch.as_tensor(keys[0]._colorbar.mappable.to_rgba(shared.numpy()))
    require(torch.allclose(colours.double(), wanted, atol=0.01), _OTHER_COLOURS)
    top = by_height[0]
    own_names = not isinstance(bars[0].yaxis.get_major_formatter(), ScalarFormatter)
    require(own_names or abs(top.get_y() + top.get_height() / 2) < 0.5, _MISNUMBERED)
    return "The current Axes is whichever was made last. Name the Axes you mean: ax.invert_yaxis()."


def _from_the_top(axes: Axes) -> list:
    """The bars as they appear, the highest first."""

    def height(bar: Any) -> float:
        return axes.transData.transform((0, bar.get_y() + bar.get_height() / 2))[1]

    return sorted(axes.patches, key=height, reverse=True)
