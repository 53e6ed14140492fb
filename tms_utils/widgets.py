"""Explorers with sliders, for readers with a kernel (Jupyter, Colab). The chapters show the same states as pictures.

Each function returns an ipywidgets box; the last line of a cell shows it. Needs ipywidgets, which the rest
of the package does not.
"""

from __future__ import annotations

import io
import itertools

import ipywidgets as widgets
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from tms_utils.features import KActiveFeatures
from tms_utils.plotting import mix_colours, plot_activations, plot_directions

__all__ = ["explore_activations"]


def explore_activations(W: Float[Tensor, "3 features"], *, rows: int = 4000, seed: int = 0) -> widgets.VBox:
    """Activation space of W under sliders: how many features are active, which pair to pick out, where to look from.

    With a pair picked out, rows in which both its features are active keep their colours; the rest are grey.

    Raises:
        ValueError: unless W has three hidden dimensions.
    """
    if W.ndim != 2 or W.shape[0] != 3:
        raise ValueError(f"expected W of shape (3, features); got {tuple(W.shape)}")
    W = W.detach().cpu()
    n = W.shape[1]
    pairs = [(f"{i} and {j}", (i, j)) for i, j in itertools.combinations(range(n), 2)]
    k = widgets.IntSlider(2, 1, n, description="k active")
    pair = widgets.Dropdown(options=[("all", None), *pairs], value=None, description="pair")
    azimuth = widgets.IntSlider(-60, -180, 180, step=5, description="azimuth")
    elevation = widgets.IntSlider(25, -90, 90, step=5, description="elevation")
    picture = widgets.Image(format="png", width=560)

    def redraw(_change: object = None) -> None:
        x = KActiveFeatures(n, k.value).sample(rows, torch.Generator().manual_seed(seed))[0]
        colours = mix_colours(x)
        if pair.value is not None:
            colours[~(x[:, list(pair.value)] > 0).all(1).numpy()] = 0.85
        ax = Figure(figsize=(5.6, 5.6), dpi=110).add_subplot(projection="3d")
        limit = float(1.1 * (x @ W.T).abs().max().clamp(min=W.abs().max()))
        plot_activations(x @ W.T, colours, ax=ax, limit=limit)
        plot_directions(W, ax=ax, limit=limit)
        ax.view_init(elevation.value, azimuth.value)
        png = io.BytesIO()
        ax.figure.savefig(png, format="png")
        picture.value = png.getvalue()

    for control in (k, pair, azimuth, elevation):
        control.observe(redraw, names="value")
    redraw()
    return widgets.VBox([widgets.HBox([k, pair]), widgets.HBox([azimuth, elevation]), picture])
