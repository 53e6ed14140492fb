"""Every figure used more than once: ``plot_x(data, *, ax=None)`` draws on ``ax`` (or a new one) and returns it.

Nothing here trains, shows or changes global settings. Colour is never the only carrier of meaning.
"""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from tms_utils.geometry import feature_norms, geometry_groups, gram, superposition

__all__ = [
    "PALETTE",
    "figure",
    "mix_colours",
    "plot_activations",
    "plot_arrows",
    "plot_directions",
    "plot_feature_graph",
    "plot_gram",
    "plot_loss",
    "plot_norm_bars",
]

# Eight colours that stay apart for colour-blind readers, in print, and on white and near-black pages.
PALETTE = ("#3B7DD8", "#D9662B", "#2E9E6B", "#B6489B", "#8A7A1F", "#1FA3B5", "#C23B4B", "#7A6BD1")
DIVERGING = "RdBu_r"  # red for positive, blue for negative, white for zero
SUPERPOSITION = "viridis"  # dark for alone, bright for shared


def figure(rows: int = 1, columns: int = 1, *, width: float = 7.5, height: float = 3.0, **kwargs):
    """``plt.subplots`` at the course's resolution: crisp on high-density screens, light as a file."""
    return plt.subplots(rows, columns, figsize=(width, height), dpi=120, layout="constrained", **kwargs)


def plot_arrows(
    W: Float[Tensor, "hidden features"],
    *,
    ax: Axes | None = None,
    label: bool = True,
    limit: float | None = None,
    set_size: int = 1,
) -> Axes:
    """Feature directions W_i as arrows in the plane (n_hidden = 2), to scale, with the unit circle behind.

    Features shorter than 0.1 are dots; labels number those longer than 0.2. Neighbouring features that form
    a set of ``set_size`` have one colour.

    Raises:
        ValueError: unless W has two hidden dimensions.
    """
    if W.ndim != 2 or W.shape[0] != 2:
        raise ValueError(f"expected W of shape (2, features); got {tuple(W.shape)}")
    ax = ax or plt.gca()
    x, y = W.detach().cpu().numpy()
    limit = limit or 1.25 * max(1.2, np.hypot(x, y).max())
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
    """WᵀW as a heat map, with the bias b as one more column on the right. Entries are clipped at ±limit."""
    ax = ax or plt.gca()
    matrix = gram(W.detach()).cpu().numpy()
    n = len(matrix)
    if b is not None:
        gap = np.full((n, 1), np.nan)
        matrix = np.hstack([matrix, gap, b.detach().cpu().numpy()[:, None]])
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
    """
    ax = ax or plt.gca()
    norms = feature_norms(W.detach()).cpu().numpy()
    shared = superposition(W.detach()).cpu().numpy()
    norm = Normalize(0, limit, clip=True)
    colours = plt.get_cmap(SUPERPOSITION)(norm(shared))
    bars = ax.barh(np.arange(len(norms)), norms, color=colours, height=0.85)
    for bar, value in zip(bars, shared, strict=True):
        if value > 0.5:
            bar.set(hatch="////", edgecolor="0.25", linewidth=0)
    ax.invert_yaxis()
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.set(xlabel="$|W_i|$", ylabel="feature i", xlim=(0, max(1.25, 1.05 * norms.max())))
    ax.axvline(1, color="0.6", linestyle=":", linewidth=1)
    if colourbar:
        mappable = plt.cm.ScalarMappable(norm, SUPERPOSITION)
        ax.figure.colorbar(mappable, ax=ax, label="superposition (hatched: > ½)", extend="max")
    return ax


def plot_loss(
    step: Tensor,
    loss: Float[Tensor, "records instances"],
    *,
    ax: Axes | None = None,
    labels: list[str] | None = None,
) -> Axes:
    """Training loss against step, one line an instance, on a logarithmic scale."""
    ax = ax or plt.gca()
    for k, line in enumerate(torch.as_tensor(loss).T):
        ax.plot(
            step, line, color=PALETTE[k % len(PALETTE)], linewidth=1.2, label=labels[k] if labels else None
        )
    ax.set(xlabel="step", ylabel="loss", yscale="log")
    if labels:
        ax.legend(fontsize=8)
    return ax


def mix_colours(x: Float[Tensor, "rows features"]) -> Float[np.ndarray, "rows 3"]:
    """One RGB colour a row: the average of its active features' colours, weighted by their values.

    Feature i has colour ``PALETTE[i % 8]``; a row without active features is grey.

    Raises:
        ValueError: if an entry of x is negative.
    """
    weights = x.detach().cpu().numpy()
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
        ValueError: unless h has three hidden dimensions and ``ax`` is a 3-D Axes.
    """
    if h.ndim != 2 or h.shape[1] != 3:
        raise ValueError(f"expected h of shape (rows, 3); got {tuple(h.shape)}")
    ax = _axes_3d(ax)
    points = h.detach().cpu().numpy()
    ax.scatter(*points.T, c=colours, s=size, linewidths=0, depthshade=False)
    return _frame_3d(ax, limit or 1.1 * float(np.abs(points).max()))


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
        ValueError: unless W has three hidden dimensions and ``ax`` is a 3-D Axes.
    """
    if W.ndim != 2 or W.shape[0] != 3:
        raise ValueError(f"expected W of shape (3, features); got {tuple(W.shape)}")
    ax = _axes_3d(ax)
    tips = W.detach().cpu().numpy().T
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
    return _frame_3d(ax, limit or 1.1 * float(np.abs(tips).max()))


def plot_feature_graph(
    W: Float[Tensor, "hidden features"],
    *,
    ax: Axes | None = None,
    threshold: float = 0.5,
    overlap: float = 0.2,
    width: float = 1.0,
) -> Axes:
    """Features as dots, and a line between two that interfere: |cos| of their angle > ``overlap`` (paper: the feature geometry graphs).

    Solid lines are positive cosines, dashed ones negative. The connected parts, ``geometry_groups``, stand in
    rows, the largest first; a part's features stand on a circle in the order of their angles in the plane
    that they use most. Colour tells sizes up to seven apart. ``width`` is that of the rows over their height.
    """
    ax = ax or plt.gca()
    W = W.detach().cpu()
    cosine = gram(W / feature_norms(W).clamp(min=1e-12)).numpy()
    groups = sorted(geometry_groups(W, threshold, overlap), key=len, reverse=True)
    for group, (centre, radius) in zip(groups, _shelves([len(g) for g in groups], width), strict=True):
        place = dict(zip(group, centre + radius * _around_circle(W[:, group]), strict=True))
        for i, j in itertools.combinations(group, 2):
            if abs(cosine[i, j]) > overlap:
                style = "-" if cosine[i, j] > 0 else "--"
                ax.plot(*np.stack([place[i], place[j]]).T, style, color="0.45", linewidth=0.7, zorder=1)
        ax.scatter(*np.stack(list(place.values())).T, s=16, color=PALETTE[min(len(group), 7)], zorder=2)
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.spines[:].set_visible(False)
    return ax


def _shelves(sizes: list[int], width: float) -> list[tuple[np.ndarray, float]]:
    """A centre and a radius for each circle of ``size`` dots, in rows from the top left."""
    radii = [0.0 if size == 1 else max(0.4, 0.12 * size) for size in sizes]
    cells = [2 * radius + 0.7 for radius in radii]
    limit = max([(width * sum(c * c for c in cells)) ** 0.5, *cells[:1]])
    placed, x, y, height = [], 0.0, 0.0, 0.0
    for radius, cell in zip(radii, cells, strict=True):
        if x + cell > 1.001 * limit:
            x, y, height = 0.0, y - height, 0.0
        placed.append((np.array([x + cell / 2, y - cell / 2]), radius))
        x, height = x + cell, max(height, cell)
    return placed


def _around_circle(W: Float[Tensor, "hidden features"]) -> Float[np.ndarray, "features 2"]:
    """Points on the unit circle, evenly spaced, in the order of the features' angles in their main plane."""
    plane = torch.linalg.svd(torch.nn.functional.pad(W, (0, 1, 0, 1))).U[
        :-1, :2
    ]  # two axes, whatever the shape
    x, y = (plane.T @ W).numpy()
    rank = np.argsort(np.argsort(np.arctan2(y, x)))
    angle = 2 * np.pi * rank / len(rank)
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _axes_3d(ax: Axes | None) -> Axes:
    ax = ax or figure(width=4.5, height=4.5, subplot_kw={"projection": "3d"})[1]
    if ax.name != "3d":
        raise ValueError(f"expected a 3-D Axes; got a {ax.name} one")
    return ax


def _frame_3d(ax: Axes, limit: float) -> Axes:
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
