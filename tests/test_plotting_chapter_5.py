"""The feature-geometry graph: what its Axes contain."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from tms_utils.plotting import plot_feature_graph
from tms_utils.polytopes import polytope


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
