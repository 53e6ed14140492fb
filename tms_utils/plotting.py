"""Every figure used more than once: ``plot_x(data, *, ax=None)`` draws on ``ax`` (or the current one), returns it.

Nothing here trains, shows or changes global settings. Colour is never the only carrier of meaning.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from tms_utils.axes import as_axes, as_axes_3d, frame_3d
from tms_utils.geometry import as_weights, feature_norms, gram, superposition
from tms_utils.palette import PALETTE
from tms_utils.validate import WholeNumber, as_numbers, positive_int, positive_number

__all__ = [
    "PALETTE",
    "figure",
    "mix_colours",
    "plot_activations",
    "plot_arrows",
    "plot_directions",
    "plot_gram",
    "plot_norm_bars",
]

DIVERGING = "RdBu_r"  # red for positive, blue for negative, white for zero
SUPERPOSITION = "viridis"  # dark for alone, bright for shared


def figure(
    rows: WholeNumber = 1, columns: WholeNumber = 1, *, width: float = 7.5, height: float = 3.0, **kwargs
):
    """``plt.subplots`` in the course's colours and resolution: crisp on high-density screens, light as a file.

    Raises:
        ValueError: unless rows and columns are whole numbers >= 1, width and height finite numbers > 0.
    """
    rows, columns = positive_int("rows", rows), positive_int("columns", columns)
    size = positive_number("width", width), positive_number("height", height)
    fig, axes = plt.subplots(rows, columns, figsize=size, dpi=120, layout="constrained", **kwargs)
    for ax in fig.axes:
        ax.set_prop_cycle(color=PALETTE)
    return fig, axes


def plot_arrows(
    W: Float[Tensor, "hidden features"],
    *,
    ax: Axes | None = None,
    label: bool = True,
    limit: float | None = None,
    set_size: WholeNumber = 1,
) -> Axes:
    """Feature directions W_i as arrows in the plane (n_hidden = 2), to scale, with the unit circle behind.

    Features shorter than 0.1 are dots; labels number those longer than 0.2. Neighbouring features that form
    a set of ``set_size`` have one colour.

    Raises:
        ValueError: unless W is one finite matrix with two hidden dimensions, ``limit`` > 0, ``set_size`` >= 1.
    """
    x, y = as_weights(W, hidden=2, one=True).detach().cpu().numpy()
    set_size = positive_int("set_size", set_size)
    limit = _limit(limit, 1.25 * max(1.2, float(np.hypot(x, y).max())))
    ax = as_axes(ax)
    ax.add_patch(plt.Circle((0, 0), 1, fill=False, color="0.75", linestyle=":"))
    for i, (xi, yi) in enumerate(zip(x, y, strict=True)):
        colour, length = PALETTE[i // set_size % len(PALETTE)], np.hypot(xi, yi)
        if length < 0.1:  # an arrow's head would be longer than the arrow
            ax.plot(xi, yi, ".", color=colour)
            continue
        style = {"arrowstyle": "-|>", "color": colour, "lw": 1.8, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (xi, yi), (0, 0), arrowprops=style)
        if label and length > 0.2:
            place = (1 + 0.14 / length) * np.array([xi, yi])
            ax.annotate(str(i), place, ha="center", va="center", fontsize=9)
    ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    return ax


def plot_gram(
    W: Float[Tensor, "hidden features"],
    b: Float[Tensor, " features"] | None = None,
    *,
    ax: Axes | None = None,
    limit: float = 1.0,
    colourbar: bool = False,
) -> Axes:
    """WᵀW as a heat map, with the bias b as one more column on the right. Entries are clipped at ±limit.

    Raises:
        ValueError: unless W is one finite matrix, b fits it, and ``limit`` is a finite number > 0.
    """
    matrix = gram(as_weights(W, one=True).detach()).cpu().numpy()
    n, limit = len(matrix), positive_number("limit", limit)
    if b is not None:
        b = as_numbers("b", b).cpu().numpy()
        if b.shape != (n,):
            raise ValueError(f"expected b of shape ({n},), as W has; got {b.shape}")
        matrix = np.hstack([matrix, np.full((n, 1), np.nan), b[:, None]])
    ax = as_axes(ax)
    image = ax.imshow(matrix, cmap=DIVERGING, norm=Normalize(-limit, limit), interpolation="nearest")
    ax.set(xlabel="feature i", ylabel="feature j")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if b is not None:
        ticks = [0, n - 1, n + 1] if n > 1 else [0, n + 1]
        ax.set_xticks(ticks, [*(str(t) for t in ticks[:-1]), "b"])
    if colourbar:
        ax.figure.colorbar(image, ax=ax, label="$W_i \\cdot W_j$, and $b_j$", shrink=0.8)
    return ax


def plot_norm_bars(
    W: Float[Tensor, "hidden features"],
    *,
    ax: Axes | None = None,
    colourbar: bool = False,
    limit: float = 1.0,
) -> Axes:
    """|W_i| as a horizontal bar per feature, most important on top, coloured by superposition up to ``limit``.

    A bar with a hatched pattern also marks superposition above one half, for readers without colour. (A
    digon's superposition is 1 at most lengths that occur, a trained pentagon's about 2: ``limit=2.5`` keeps
    them apart.)

    Raises:
        ValueError: unless W is one finite matrix and ``limit`` is a finite number > 0.
    """
    W = as_weights(W, one=True).detach()
    norms, shared = feature_norms(W).cpu().numpy(), superposition(W).cpu().numpy()
    norm = Normalize(0, positive_number("limit", limit), clip=True)
    ax = as_axes(ax)
    colours = plt.get_cmap(SUPERPOSITION)(norm(shared))
    bars = ax.barh(np.arange(len(norms)), norms, color=colours, height=0.85)
    for bar, value in zip(bars, shared, strict=True):
        if value > 0.5:
            bar.set(hatch="////", edgecolor="0.25", linewidth=0)
    ax.invert_yaxis()
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="$\\Vert W_i\\Vert$", ylabel="feature i", xlim=(0, max(1.25, 1.05 * norms.max())))
    ax.axvline(1, color="0.6", linestyle=":", linewidth=1)
    if colourbar:
        mappable = plt.cm.ScalarMappable(norm, SUPERPOSITION)
        ax.figure.colorbar(mappable, ax=ax, label="superposition (hatched: > ½)", extend="max")
    return ax


def mix_colours(x: Float[Tensor, "rows features"]) -> Float[np.ndarray, "rows 3"]:
    """One RGB colour a row: the average of its active features' colours, weighted by their values.

    Feature i has colour ``PALETTE[i % 8]``; a row without active features is grey.

    Raises:
        ValueError: unless x is one table, none of its entries negative, NaN or infinite.
    """
    weights = _table("x", x)
    if (weights < 0).any():
        raise ValueError(f"expected x >= 0; got {weights.min():g}")
    palette = np.array([to_rgb(PALETTE[i % len(PALETTE)]) for i in range(weights.shape[1])])
    total = weights.sum(axis=1, keepdims=True)
    mixed = weights @ palette / np.where(total > 0, total, 1)
    return np.where(total > 0, mixed, 0.6)


def plot_activations(
    h: Float[Tensor, "rows hidden"],
    colours: Float[np.ndarray, "rows 3"] | str = "0.4",
    *,
    ax: Axes | None = None,
    size: float = 2.0,
    limit: float | None = None,
) -> Axes:
    """Hidden activations (n_hidden = 3) as points in space, one colour a row (see ``mix_colours``).

    ``ax`` is a 3-D Axes, such as ``figure(subplot_kw={"projection": "3d"})`` makes. Draw a few thousand
    rows at most: more only makes the picture heavy and its near side hide its far side.

    Raises:
        ValueError: unless h is finite with three hidden dimensions, there is one colour or one a row,
            ``size`` and ``limit`` are > 0, and ``ax`` is a 3-D Axes.
    """
    points = _table("h", h, columns=3)
    if not isinstance(colours, str) and np.shape(colours) != (len(points), 3):
        raise ValueError(f"expected colours of shape ({len(points)}, 3); got {np.shape(colours)}")
    size, limit = positive_number("size", size), _limit(limit, 1.1 * float(np.abs(points).max()))
    ax = as_axes_3d(ax or figure(width=4.5, height=4.5, subplot_kw={"projection": "3d"})[1])
    ax.scatter(*points.T, c=colours, s=size, linewidths=0, depthshade=False)
    return frame_3d(ax, limit)


def plot_directions(
    W: Float[Tensor, "hidden features"],
    *,
    ax: Axes | None = None,
    edges: list[tuple[int, int]] | tuple = (),
    linewidth: float = 1.8,
    label: bool = True,
    limit: float | None = None,
) -> Axes:
    """Feature directions W_i (n_hidden = 3) as numbered lines from the origin, and ``edges`` between their tips.

    Raises:
        ValueError: unless W is finite with three hidden dimensions, the edges join its features,
            ``linewidth`` and ``limit`` are > 0, and ``ax`` is a 3-D Axes.
    """
    tips = as_weights(W, hidden=3, one=True).detach().cpu().numpy().T
    ends = as_numbers("edges", edges).numpy()
    if ends.size and not (ends.shape[1:] == (2,) and np.isin(ends, np.arange(len(tips))).all()):
        raise ValueError(f"expected edges to be pairs of features 0 to {len(tips) - 1}; got {edges}")
    linewidth = positive_number("linewidth", linewidth)
    limit = _limit(limit, 1.1 * float(np.abs(tips).max()))
    ax = as_axes_3d(ax or figure(width=4.5, height=4.5, subplot_kw={"projection": "3d"})[1])
    for i, tip in enumerate(tips):
        colour = PALETTE[i % len(PALETTE)]
        line = np.stack([0 * tip, tip]).T
        ax.plot(
            *line, color=colour, linewidth=linewidth, marker="o", markevery=[1], markersize=2.5 * linewidth
        )
        if label:
            ax.text(*(1.18 * tip), str(i), ha="center", va="center", fontsize=11)
    for i, j in edges:
        ax.plot(*tips[[i, j]].T, color="0.45", linewidth=0.9)
    return frame_3d(ax, limit)


def _table(name: str, value: Tensor, columns: int | None = None) -> np.ndarray:
    """``value`` as an array of finite numbers with rows and columns."""
    table = as_numbers(name, value).cpu().numpy()
    if table.ndim != 2 or 0 in table.shape or columns not in (None, table.shape[1]):
        raise ValueError(f"expected {name} of shape (rows, {columns or 'features'}); got {table.shape}")
    return table


def _limit(limit: float | None, default: float) -> float:
    """The half-width of the picture: as asked for, or ``default`` (1 if that is 0)."""
    return positive_number("limit", limit) if limit is not None else default or 1.0
