"""Explorers with sliders, for readers with a kernel (Jupyter, Colab). The chapters show the same states as pictures.

Each function returns an ipywidgets box; the last line of a cell shows it. Needs ipywidgets, which the rest
of the package does not.
"""

from __future__ import annotations

import functools
import io
import itertools

import ipywidgets as widgets
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from tms_utils.features import SparseFeatures
from tms_utils.geometry import dimensionality, dimensions_per_feature, represented
from tms_utils.models import ToyModel
from tms_utils.plotting import mix_colours, plot_activations, plot_directions, plot_gram, plot_norm_bars
from tms_utils.sets import KActiveFeatures
from tms_utils.training import train
from tms_utils.validate import WholeNumber, as_numbers, positive_int, whole_number

__all__ = ["explore_activations", "explore_density"]


def explore_activations(
    W: Float[Tensor, "hidden features"], *, rows: WholeNumber = 4000, seed: WholeNumber = 0
) -> widgets.VBox:
    """Activation space of W under sliders: how many features are active, which pair to pick out, where to look from.

    With a pair picked out, rows in which both its features are active keep their colours; the rest are grey.
    The picture is drawn again when a slider is let go.

    Raises:
        ValueError: unless W has three hidden dimensions and finite numbers, and rows and seed are whole numbers.
    """
    W, rows, seed = as_numbers("W", W).float().cpu(), positive_int("rows", rows), whole_number("seed", seed)
    if W.ndim != 2 or W.shape[0] != 3:
        raise ValueError(f"expected W of shape (3, features); got {tuple(W.shape)}")
    n = W.shape[1]
    pairs = [(f"{i} and {j}", (i, j)) for i, j in itertools.combinations(range(n), 2)]
    k = widgets.IntSlider(min(2, n), 1, n, description="k active", continuous_update=False)
    pair = widgets.Dropdown(options=[("all", ()), *pairs], value=(), description="pair")
    azimuth = widgets.IntSlider(-60, -180, 180, step=5, description="azimuth", continuous_update=False)
    elevation = widgets.IntSlider(25, -90, 90, step=5, description="elevation", continuous_update=False)
    picture = widgets.Image(format="png", width=560)

    def redraw(_change: object = None) -> None:
        x = KActiveFeatures(n, k.value).sample(rows, seed)[0]
        colours = mix_colours(x)
        if pair.value:
            colours[~(x[:, list(pair.value)] > 0).all(1).numpy()] = 0.85
        ax = Figure(figsize=(5.6, 4.8), dpi=110).add_axes((0, 0, 1, 1), projection="3d")
        limit = float(1.1 * (x @ W.T).abs().max().clamp(min=W.abs().max()))
        plot_activations(x @ W.T, colours, ax=ax, limit=limit)
        plot_directions(W, ax=ax, limit=limit)
        ax.view_init(elevation.value, azimuth.value)
        picture.value = _png(ax.figure)

    for control in (k, pair, azimuth, elevation):
        control.observe(redraw, names="value")
    redraw()
    return widgets.VBox([widgets.HBox([k, pair]), widgets.HBox([azimuth, elevation]), picture])


def explore_density(
    n_features: WholeNumber = 20, n_hidden: WholeNumber = 5, *, steps: WholeNumber = 2000
) -> widgets.VBox:
    """One tied model at a time, trained at the density, seed and importance that the sliders choose.

    Importance of feature i is ``decay ** i``. A state is trained when a slider is let go, and kept.

    Raises:
        ValueError: if a size or the number of steps is not a whole number >= 1.
    """
    n_features, n_hidden = positive_int("n_features", n_features), positive_int("n_hidden", n_hidden)
    densities = [1.0, 0.6, 0.3, 0.2, 0.1, 0.06, 0.03, 0.02, 0.01, 0.006, 0.003, 0.002, 0.001]
    density = _choice(densities, "density")
    decay = _choice([0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0], "decay", value=0.7)
    seed = widgets.IntSlider(0, 0, 31, description="seed", continuous_update=False)
    summary = widgets.HTML()
    picture = widgets.Image(format="png", width=760)

    @functools.cache
    def trained(density: float, decay: float, seed: int) -> tuple[Tensor, Tensor]:
        model = ToyModel(n_features, n_hidden, generator=seed)
        importance = decay ** torch.arange(n_features)
        train(model, SparseFeatures(n_features, density), importance, steps=steps, seed=seed, progress=False)
        return model.W.detach()[0], model.b.detach()[0]

    def redraw(_change: object = None) -> None:
        W, b = trained(density.value, decay.value, seed.value)
        left, right = (figure := Figure(figsize=(8, 3.8), dpi=110, layout="constrained")).subplots(1, 2)
        plot_gram(W, b, ax=left, colourbar=True)
        plot_norm_bars(W, ax=right, colourbar=True, limit=2.5)
        picture.value = _png(figure)
        summary.value = (
            f"features with norm above 1/2: <b>{int(represented(W).sum())}</b> of {n_features}; "
            f"dimensions per feature D*: <b>{dimensions_per_feature(W):.2f}</b>; "
            f"sum of the shares D_i: <b>{dimensionality(W).sum():.2f}</b> of {n_hidden}"
        )

    for control in (density, decay, seed):
        control.observe(redraw, names="value")
    redraw()
    return widgets.VBox([widgets.HBox([density, decay, seed]), summary, picture])


def _choice(options: list[float], description: str, value: float | None = None) -> widgets.SelectionSlider:
    return widgets.SelectionSlider(
        options=[(f"{option:g}", option) for option in options],
        value=options[0] if value is None else value,
        description=description,
        continuous_update=False,
    )


def _png(figure: Figure) -> bytes:
    png = io.BytesIO()
    figure.savefig(png, format="png")
    return png.getvalue()
