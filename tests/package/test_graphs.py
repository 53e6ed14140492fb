"""The feature-geometry graph: what its Axes contain."""

import math

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from tms_utils.graphs import plot_feature_graph
from tms_utils.shapes import polytope

matplotlib.use("Agg")


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_each_part_has_its_dots_and_a_line_for_each_interfering_pair(ax):
    parts = [polytope("digon")] * 3 + [polytope("pentagon"), torch.ones(1, 1, dtype=torch.float64)]
    assert plot_feature_graph(torch.block_diag(*parts), ax=ax) is ax
    assert sorted(len(dots.get_offsets()) for dots in ax.collections) == [1, 2, 2, 2, 5]
    assert len(ax.lines) == 3 + 10
    styles = [line.get_linestyle() for line in ax.lines]
    assert styles.count("-") == 5  # a pentagon's neighbours; its diagonals and the digons are negative
    assert styles.count("--") == 5 + 3


def test_neighbours_of_a_pentagon_are_neighbours_on_the_circle(ax):
    W = polytope("pentagon")[:, [0, 2, 4, 1, 3]]  # feature numbers in another order than the corners
    plot_feature_graph(W, ax=ax)
    ends = [np.stack(line.get_data(), axis=-1) for line in ax.lines if line.get_linestyle() == "-"]
    lengths = [np.linalg.norm(a - b) for a, b in ends]
    np.testing.assert_allclose(lengths, 2 * 0.6 * np.sin(np.pi / 5))


def test_absent_features_are_left_out(ax):
    plot_feature_graph(torch.block_diag(polytope("triangle"), 0.1 * polytope("digon")), ax=ax)
    assert [len(dots.get_offsets()) for dots in ax.collections] == [3]


def test_parts_do_not_overlap(ax):
    plot_feature_graph(torch.block_diag(*[polytope(n) for n in ["pentagon"] * 4 + ["digon"] * 9]), ax=ax)
    centres = [(np.asarray(d.get_offsets()).mean(0), len(d.get_offsets())) for d in ax.collections]
    radii = {5: 0.6, 2: 0.4}
    for i, (a, na) in enumerate(centres):
        for b, nb in centres[i + 1 :]:
            assert np.linalg.norm(a - b) > radii[na] + radii[nb]


def test_nothing_represented_is_an_empty_picture(ax):
    plot_feature_graph(torch.zeros(2, 3), ax=ax)
    assert len(ax.collections) == len(ax.lines) == 0


def test_weights_that_are_none_have_no_graph(bad_weights):
    W, message = bad_weights
    with pytest.raises(ValueError, match=message):
        plot_feature_graph(W)


@pytest.mark.parametrize("name", ["threshold", "overlap", "width"])
@pytest.mark.parametrize("bad", [0, -1.0, math.nan, "wide", None])
def test_its_measures_are_positive_numbers(name, bad, ax, unchecked):
    with pytest.raises(ValueError, match=f"expected {name} to be a finite number > 0; got {bad!r}"):
        plot_feature_graph(torch.eye(2), ax=ax, **{name: bad})


def test_one_matrix_and_real_axes_are_asked_for(unchecked):
    with pytest.raises(ValueError, match=r"expected W of shape \(hidden, features\); got \(1, 2, 2\)"):
        plot_feature_graph(torch.eye(2)[None])
    with pytest.raises(ValueError, match="expected ax to be an Axes; got str"):
        plot_feature_graph(torch.eye(2), ax="here")
