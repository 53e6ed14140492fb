"""What the plots ask of the Axes that they draw on, and the frame of those in space."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

__all__ = ["as_axes", "as_axes_3d", "frame_3d"]


def as_axes(ax: Axes | None) -> Axes:
    """``ax``, or the current one if None; a ValueError if it is no Axes."""
    if not (ax is None or isinstance(ax, Axes)):
        raise ValueError(f"expected ax to be an Axes; got {type(ax).__name__}")
    return ax or plt.gca()


def as_axes_3d(ax: Axes) -> Axes:
    """``ax``, if it is a 3-D one; a ValueError if it is not."""
    if as_axes(ax).name != "3d":
        raise ValueError(f"expected a 3-D Axes; got a {ax.name} one")
    return ax


def frame_3d(ax: Axes, limit: float) -> Axes:
    """A bare box around the origin, seen without perspective, so that parallel lines stay parallel."""
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), zlim=(-limit, limit), xticks=[], yticks=[], zticks=[])
    for axis, name in ((ax.xaxis, "$h_1$"), (ax.yaxis, "$h_2$"), (ax.zaxis, "$h_3$")):
        axis.set_label_text(name)
        axis.labelpad = -14
        axis.set_pane_color("1.0")
        axis.line.set_color("0.6")
    ax.set_box_aspect((1, 1, 1), zoom=1.15)
    ax.set_facecolor("none")  # neighbouring panels overlap: do not paint over their labels
    ax.set_proj_type("ortho")
    return ax
