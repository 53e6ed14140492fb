"""What the figures contain, read from their Axes: positions, lengths, colours, labels."""

import io
import math

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb

from tms_utils import KActiveFeatures, feature_norms, plotting, superposition
from tms_utils.geometry import gram
from tms_utils.plotting import (
    PALETTE,
    figure,
    mix_colours,
    plot_activations,
    plot_arrows,
    plot_directions,
    plot_gram,
    plot_loss,
    plot_norm_bars,
)

matplotlib.use("Agg")
PENTAGON = 1.17 * torch.stack(
    [(2 * torch.pi * torch.arange(5) / 5).cos(), (2 * torch.pi * torch.arange(5) / 5).sin()]
)
W3 = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def close_figures():
    before = dict(matplotlib.rcParams)
    yield
    plt.close("all")
    assert dict(matplotlib.rcParams) == before, "a plotting function changed global settings"


@pytest.fixture
def ax():
    return figure()[1]


@pytest.fixture
def ax3():
    return figure(subplot_kw={"projection": "3d"})[1]


def texts(ax) -> list[str]:
    return [t.get_text() for t in ax.texts if t.get_text()]


def is_colour(colour, expected: str) -> bool:
    return to_hex(colour).lower() == expected.lower()


# The palette and the figure -------------------------------------------------------------------


def luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


@pytest.mark.parametrize("colour", PALETTE)
def test_each_colour_stands_out_on_white_and_on_a_dark_page(colour):
    """WCAG asks for a contrast of at least 3 for the parts of a figure."""
    on_white = 1.05 / (luminance(colour) + 0.05)
    on_dark = (luminance(colour) + 0.05) / (luminance("#14181e") + 0.05)
    assert on_white >= 3
    assert on_dark >= 3


def test_no_two_colours_are_close():
    rgb = np.array([to_rgb(c) for c in PALETTE])
    distance = np.linalg.norm(rgb[:, None] - rgb[None], axis=-1) + 9 * np.eye(len(PALETTE))
    assert distance.min() > 0.2


def test_figure_is_crisp_and_its_size_is_the_one_asked_for():
    fig, axes = figure(2, 3, width=6.0, height=4.0)
    assert axes.shape == (2, 3)
    assert tuple(fig.get_size_inches()) == (6, 4)
    assert fig.dpi >= 120


def test_everything_public_is_listed():
    public = [name for name in dir(plotting) if name.startswith(("plot_", "mix_"))]
    assert set(public) <= set(plotting.__all__)


# Arrows ---------------------------------------------------------------------------------------


def test_arrows_end_where_the_features_are_even_beyond_the_unit_circle(ax):
    assert plot_arrows(PENTAGON, ax=ax) is ax
    arrows = [t for t in ax.texts if getattr(t, "arrow_patch", None) is not None]
    tips = np.array([arrow.xy for arrow in arrows])
    assert np.allclose(tips, PENTAGON.T, atol=1e-6)
    assert all(is_colour(a.arrow_patch.get_edgecolor(), PALETTE[i]) for i, a in enumerate(arrows))
    assert min(*map(abs, ax.get_xlim()), *map(abs, ax.get_ylim())) > 1.17
    assert ax.get_aspect() == 1


def test_arrows_are_numbered_unless_they_are_short(ax):
    W = PENTAGON.clone()
    W[:, 2] *= 0.1
    plot_arrows(W, ax=ax)
    assert texts(ax) == ["0", "1", "3", "4"]


def test_arrows_can_go_without_numbers(ax):
    plot_arrows(PENTAGON, ax=ax, label=False)
    assert texts(ax) == []


def test_arrows_show_the_unit_circle(ax):
    plot_arrows(PENTAGON, ax=ax)
    assert [patch.radius for patch in ax.patches if isinstance(patch, plt.Circle)] == [1]


def test_arrows_need_two_dimensions(ax):
    with pytest.raises(ValueError, match=r"expected W of shape \(2, features\); got \(3, 8\)"):
        plot_arrows(W3, ax=ax)


# Heat map -------------------------------------------------------------------------------------


def test_gram_shows_every_product(ax):
    plot_gram(W3, ax=ax)
    assert np.allclose(ax.images[0].get_array(), gram(W3), atol=1e-6)
    assert ax.images[0].get_clim() == (-1, 1)


def test_gram_puts_the_bias_in_a_column_of_its_own_behind_a_gap(ax):
    b = torch.linspace(-0.5, 0.3, 8)
    plot_gram(W3, b, ax=ax)
    shown = ax.images[0].get_array()
    assert shown.shape == (8, 10)
    assert np.ma.getmaskarray(np.ma.masked_invalid(shown))[:, 8].all()
    assert np.allclose(shown[:, 9], b)
    assert ax.get_xticklabels()[-1].get_text() == "b"


def test_gram_colour_bar_names_what_it_shows(ax):
    plot_gram(W3, ax=ax, colourbar=True)
    assert "W_i" in ax.figure.axes[1].get_ylabel()


# Bars -----------------------------------------------------------------------------------------


def test_norm_bars_have_the_length_of_the_features_with_the_most_important_on_top(ax):
    plot_norm_bars(W3, ax=ax)
    assert np.allclose([bar.get_width() for bar in ax.patches], feature_norms(W3), atol=1e-6)
    top, bottom = ax.get_ylim()[1], ax.get_ylim()[0]
    assert top < bottom  # feature 0 on top
    assert ax.get_xlim()[1] > feature_norms(W3).max()


def test_norm_bars_mark_superposition_by_hatching_too(ax):
    W = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])  # one alone, one digon
    plot_norm_bars(W, ax=ax)
    assert superposition(W).tolist() == [0, 1, 1]
    assert [bool(bar.get_hatch()) for bar in ax.patches] == [False, True, True]
    colours = [to_hex(bar.get_facecolor()) for bar in ax.patches]
    assert colours[0] != colours[1] == colours[2]


# Loss -----------------------------------------------------------------------------------------


def test_loss_has_a_line_for_each_instance_on_a_logarithmic_axis(ax):
    step, loss = torch.arange(5), torch.rand(5, 2) + 0.1
    plot_loss(step, loss, ax=ax, labels=["one", "two"])
    assert ax.get_yscale() == "log"
    assert [line.get_label() for line in ax.lines] == ["one", "two"]
    assert np.allclose(ax.lines[1].get_ydata(), loss[:, 1])
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["one", "two"]


# Three dimensions -----------------------------------------------------------------------------


def test_one_active_feature_keeps_its_colour_whatever_its_value():
    x = torch.diag(torch.tensor([0.01, 0.5, 1.0, 0.2, 0.9, 0.3, 0.7, 0.05]))
    assert [to_hex(colour) for colour in mix_colours(x)] == [c.lower() for c in PALETTE]


def test_a_mixture_is_weighted_by_how_active_each_feature_is():
    mixed = mix_colours(torch.tensor([[0.6, 0.2, 0.0]]))[0]
    expected = 0.75 * np.array(to_rgb(PALETTE[0])) + 0.25 * np.array(to_rgb(PALETTE[1]))
    assert np.allclose(mixed, expected, atol=1e-6)


def test_mixing_agrees_with_a_loop_and_stays_in_range():
    x = KActiveFeatures(8, 3).sample(200, torch.Generator().manual_seed(1))[0]
    palette = np.array([to_rgb(c) for c in PALETTE])
    loop = [sum(v * c for v, c in zip(row.tolist(), palette, strict=True)) / row.sum().item() for row in x]
    colours = mix_colours(x)
    assert np.allclose(colours, loop, atol=1e-5)
    assert ((colours >= 0) & (colours <= 1)).all()


def test_an_empty_row_is_grey():
    assert np.allclose(mix_colours(torch.zeros(1, 8)), 0.6)


def test_mixing_refuses_negative_values():
    with pytest.raises(ValueError, match="expected x >= 0; got -1"):
        mix_colours(torch.tensor([[1.0, -1.0]]))


def test_activations_are_drawn_where_they_are_in_their_colours(ax3):
    x = KActiveFeatures(8, 2).sample(50, torch.Generator().manual_seed(2))[0]
    h, colours = x @ W3.T, mix_colours(x)
    assert plot_activations(h, colours, ax=ax3) is ax3
    scatter = ax3.collections[0]
    assert np.allclose(np.array(scatter._offsets3d).T, h, atol=1e-6)
    drawn = PathCollection.get_facecolor(scatter)  # in the rows' order; the 3-D method sorts by depth
    assert np.allclose(drawn[:, :3], colours, atol=1e-6)
    limits = [*ax3.get_xlim(), *ax3.get_ylim(), *ax3.get_zlim()]
    assert min(map(abs, limits)) >= h.abs().max()


def test_directions_are_numbered_lines_from_the_origin_with_edges_between_tips(ax3):
    plot_directions(W3, ax=ax3, edges=[(0, 1), (2, 5)])
    lines = [np.array(line.get_data_3d()).T for line in ax3.lines]
    assert len(lines) == 8 + 2
    for i in range(8):
        assert np.allclose(lines[i], [[0, 0, 0], W3[:, i].tolist()], atol=1e-6)
        assert is_colour(ax3.lines[i].get_color(), PALETTE[i])
    assert np.allclose(lines[9], W3[:, [2, 5]].T, atol=1e-6)
    assert texts(ax3) == [str(i) for i in range(8)]


def test_space_is_to_scale_and_without_perspective(ax3):
    plot_directions(W3, ax=ax3)
    assert ax3.get_xlim() == ax3.get_ylim() == ax3.get_zlim()
    assert len(set(np.round(ax3._box_aspect, 6))) == 1
    assert math.isinf(ax3._focal_length)
    assert [ax3.get_xlabel(), ax3.get_ylabel(), ax3.get_zlabel()] == ["$h_1$", "$h_2$", "$h_3$"]


def test_3d_plots_make_their_own_axes_if_none_is_given():
    assert plot_directions(W3).name == "3d"
    assert plot_activations(W3.T).name == "3d"


def test_3d_plots_say_what_they_expect(ax):
    with pytest.raises(ValueError, match="expected a 3-D Axes; got a rectilinear one"):
        plot_directions(W3, ax=ax)
    with pytest.raises(ValueError, match=r"expected W of shape \(3, features\); got \(2, 5\)"):
        plot_directions(PENTAGON)
    with pytest.raises(ValueError, match=r"expected h of shape \(rows, 3\); got \(5, 2\)"):
        plot_activations(PENTAGON.T)


# The explorer of activation space -------------------------------------------------------------


def test_explorer_redraws_when_a_control_moves():
    widgets = pytest.importorskip("tms_utils.widgets")
    box = widgets.explore_activations(W3, rows=200)
    (k, pair), (azimuth, _elevation), picture = (
        box.children[0].children,
        box.children[1].children,
        box.children[2],
    )
    seen = {picture.value}
    for control, value in [(k, 3), (pair, (0, 1)), (azimuth, 30)]:
        control.value = value
        seen.add(picture.value)
    assert len(seen) == 4
    assert all(plt.imread(io.BytesIO(png)).ndim == 3 for png in seen)


def test_explorer_needs_three_dimensions():
    widgets = pytest.importorskip("tms_utils.widgets")
    with pytest.raises(ValueError, match=r"expected W of shape \(3, features\)"):
        widgets.explore_activations(PENTAGON)
