"""What the figures contain, read from their Axes: positions, lengths, colours, labels."""

import math

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb

from tms_utils import KActiveFeatures, plotting
from tms_utils.geometry import feature_norms, gram, superposition
from tms_utils.plotting import (
    PALETTE,
    figure,
    mix_colours,
    plot_activations,
    plot_arrows,
    plot_directions,
    plot_gram,
    plot_norm_bars,
)
from tms_utils.shapes import polygon

matplotlib.use("Agg")
PENTAGON = 1.17 * polygon(5)
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


def test_lines_take_the_colours_of_the_palette_in_turn_in_every_panel():
    _, axes = figure(1, 2)
    for panel in axes:
        lines = [panel.plot([0, 1])[0].get_color() for _ in range(9)]
        assert lines == [*PALETTE, PALETTE[0]]


def test_lines_in_space_take_them_too(ax3):
    assert ax3.plot([0, 1], [0, 1], [0, 1])[0].get_color() == PALETTE[0]


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


def test_arrows_of_a_set_have_one_colour(ax):
    plot_arrows(PENTAGON[:, :4], ax=ax, set_size=2)
    arrows = [t.arrow_patch for t in ax.texts if getattr(t, "arrow_patch", None) is not None]
    assert [PALETTE.index(to_hex(a.get_edgecolor()).upper()) for a in arrows] == [0, 0, 1, 1]


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


@pytest.mark.parametrize("n", [3, 5, 20])
@pytest.mark.parametrize("plot", [plot_gram, plot_norm_bars])
def test_feature_ticks_are_whole_numbers(plot, n, ax):
    plot(torch.eye(2, n), ax=ax)
    ax.figure.canvas.draw()
    ticks = [*ax.get_yticks(), *(ax.get_xticks() if plot is plot_gram else [])]
    assert all(tick == round(tick) for tick in ticks)


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


def test_nothing_at_the_origin_can_be_drawn_too(ax, ax3):
    plot_arrows(torch.zeros(2, 3), ax=ax)
    plot_directions(torch.zeros(3, 2), ax=ax3)
    assert ax3.get_xlim() == (-1, 1)


# Bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("plot", [plot_arrows, plot_gram, plot_norm_bars, plot_directions])
def test_weights_that_are_none_are_not_drawn(plot, bad_weights):
    W, message = bad_weights
    with pytest.raises(ValueError, match=message):
        plot(W)
    assert plt.get_fignums() == []  # not even an empty figure is left


NUMBER = "to be a finite number > 0; got"
ROW = torch.ones(1, 3)


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot_arrows(W3), r"expected W of shape \(2, features\); got \(3, 8\)"),
        (lambda: plot_arrows(PENTAGON[None]), r"expected W of shape \(2, features\); got \(1, 2, 5\)"),
        (lambda: plot_arrows(PENTAGON, limit=-1), f"expected limit {NUMBER} -1"),
        (lambda: plot_arrows(PENTAGON, set_size=0), "expected set_size to be a whole number >= 1; got 0"),
        (lambda: plot_arrows(PENTAGON, ax="here"), "expected ax to be an Axes; got str"),
        (lambda: plot_gram(W3[None]), r"expected W of shape \(hidden, features\); got \(1, 3, 8\)"),
        (lambda: plot_gram(W3, torch.ones(7)), r"expected b of shape \(8,\), as W has; got \(7,\)"),
        (lambda: plot_gram(W3, torch.ones(0)), r"expected b of shape \(8,\), as W has; got \(0,\)"),
        (lambda: plot_gram(W3, torch.full((8,), math.nan)), "expected b to be finite numbers; got nan"),
        (lambda: plot_gram(W3, "bias"), "expected b to be numbers; got 'bias'"),
        (lambda: plot_gram(W3, limit=0), f"expected limit {NUMBER} 0"),
        (lambda: plot_norm_bars(W3[None]), r"expected W of shape \(hidden, features\); got \(1, 3, 8\)"),
        (lambda: plot_norm_bars(W3, limit=math.nan), f"expected limit {NUMBER} nan"),
        (lambda: plot_norm_bars(W3, ax=plt), "expected ax to be an Axes; got module"),
        (lambda: mix_colours(torch.tensor([[1.0, -1.0]])), "expected x >= 0; got -1"),
        (lambda: mix_colours(torch.tensor([[1.0, math.nan]])), "expected x to be finite numbers; got nan"),
        (lambda: mix_colours(torch.ones(3)), r"expected x of shape \(rows, features\); got \(3,\)"),
        (lambda: mix_colours(torch.ones(0, 3)), r"expected x of shape \(rows, features\); got \(0, 3\)"),
        (lambda: mix_colours(None), "expected x to be numbers; got None"),
        (lambda: plot_activations(PENTAGON.T), r"expected h of shape \(rows, 3\); got \(5, 2\)"),
        (lambda: plot_activations(torch.ones(0, 3)), r"expected h of shape \(rows, 3\); got \(0, 3\)"),
        (lambda: plot_activations(math.inf * ROW), "expected h to be finite numbers; got inf"),
        (lambda: plot_activations("h"), "expected h to be numbers; got 'h'"),
        (lambda: plot_activations(ROW, np.ones((2, 3))), r"expected colours of shape \(1, 3\); got \(2, 3\)"),
        (lambda: plot_activations(ROW, size=0), f"expected size {NUMBER} 0"),
        (lambda: plot_activations(ROW, limit="wide"), f"expected limit {NUMBER} 'wide'"),
        (lambda: plot_activations(ROW, ax=plt.gca()), "expected a 3-D Axes; got a rectilinear one"),
        (lambda: plot_directions(PENTAGON), r"expected W of shape \(3, features\); got \(2, 5\)"),
        (lambda: plot_directions(W3, edges=[(0, 8)]), "expected edges to be pairs of features 0 to 7; got"),
        (
            lambda: plot_directions(W3, edges=[(0, 1, 2)]),
            "expected edges to be pairs of features 0 to 7; got",
        ),
        (lambda: plot_directions(W3, edges=3), "expected edges to be pairs of features 0 to 7; got 3"),
        (lambda: plot_directions(W3, edges="all"), "expected edges to be numbers; got 'all'"),
        (lambda: plot_directions(W3, linewidth=math.nan), f"expected linewidth {NUMBER} nan"),
        (lambda: plot_directions(W3, ax=plt.gca()), "expected a 3-D Axes; got a rectilinear one"),
        (lambda: figure(0), "expected rows to be a whole number >= 1; got 0"),
        (lambda: figure(1, 2.5), "expected columns to be a whole number >= 1; got 2.5"),
        (lambda: figure(width=-1), f"expected width {NUMBER} -1"),
        (lambda: figure(height=math.nan), f"expected height {NUMBER} nan"),
        (lambda: figure("two"), "expected rows to be a whole number >= 1; got 'two'"),
    ],
)
def test_what_cannot_be_drawn_is_named(draw, message, unchecked):
    with pytest.raises(ValueError, match=message):
        draw()
