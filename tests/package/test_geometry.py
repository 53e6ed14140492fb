"""Norms, superposition, dimensionality, leverage, and the statistic of lines."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_utils.geometry import (
    as_weights,
    dimensionality,
    dimensions_per_feature,
    feature_norms,
    gram,
    has_line,
    leverage,
    line_counts,
    represented,
    superposition,
)
from tms_utils.shapes import POLYTOPES, polygon, polytope, square_antiprism

seeds = st.integers(0, 2**31)
quick = settings(deadline=None, max_examples=40)
sizes = st.integers(1, 7)
MEASURES = (feature_norms, superposition, dimensionality, leverage)


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# Exact configurations -----------------------------------------------------------------------

# name, D of each feature, superposition of each feature
SHAPES = [
    ("digon", 1 / 2, 1),
    ("square", 1 / 2, 1),
    ("octahedron", 1 / 2, 1),
    ("triangle", 2 / 3, 1 / 2),
    ("pentagon", 2 / 5, 3 / 2),
    ("hexagon", 1 / 3, 2),
    ("heptagon", 2 / 7, 5 / 2),
    ("octagon", 1 / 4, 3),
    ("tetrahedron", 3 / 4, 1 / 3),
    ("5-cell", 4 / 5, 1 / 4),
    ("cube", 3 / 8, 5 / 3),
    ("square antiprism", 3 / 8, 5 / 3),
]


@pytest.mark.parametrize(("name", "D", "shared"), SHAPES)
def test_regular_shapes(name, D, shared):
    W = polytope(name).float()
    every = torch.ones(W.shape[1])
    torch.testing.assert_close(feature_norms(W), every)
    torch.testing.assert_close(dimensionality(W), D * every)
    torch.testing.assert_close(superposition(W), shared * every, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(leverage(W), D * every, atol=1e-5, rtol=1e-5)


def test_dedicated_dimensions_share_nothing():
    assert dimensionality(torch.eye(3)).tolist() == [1, 1, 1]
    assert superposition(torch.eye(3)).tolist() == [0, 0, 0]


def test_unequal_lengths_in_a_digon():
    """D_i = |W_i|² / (|W_0|² + |W_1|²): the shares still add up to the one dimension."""
    W = torch.tensor([[2.0, -1.0]])
    torch.testing.assert_close(dimensionality(W), torch.tensor([0.8, 0.2]))
    torch.testing.assert_close(superposition(W), torch.tensor([1.0, 4.0]))


def test_absent_features_have_nothing():
    W = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    for measure in MEASURES:
        assert measure(W)[1] == 0
    torch.testing.assert_close(dimensionality(torch.zeros(2, 3)), torch.zeros(3))


def test_an_antiprism_of_another_height_is_not_tight():
    """D = 3/8 needs height² = 1/3 at length one; a taller one spreads unevenly over the dimensions."""
    W = square_antiprism(height=0.8**0.5)
    assert dimensionality(W).sum() < 2.99
    assert leverage(W).sum().item() == pytest.approx(3)


def test_dimensions_per_feature_and_which_are_represented():
    W = torch.hstack([polygon(5), torch.zeros(2, 3)])
    assert dimensions_per_feature(W).item() == pytest.approx(2 / 5)
    assert represented(W).tolist() == [True] * 5 + [False] * 3
    assert represented(W).sum(-1) == 5
    assert represented(0.4 * W).sum() == 0
    assert represented(0.4 * W, threshold=0.3).sum() == 5
    assert dimensions_per_feature(torch.zeros(2, 3)) == math.inf


def test_gram_is_symmetric_and_has_squared_norms():
    W = normal(0, 4, 3, 6)
    torch.testing.assert_close(gram(W), gram(W).mT)
    torch.testing.assert_close(gram(W).diagonal(dim1=-2, dim2=-1), feature_norms(W) ** 2)


# Properties ---------------------------------------------------------------------------------


@quick
@given(seeds, sizes, sizes)
def test_rotating_the_hidden_space_changes_nothing(seed, m, n):
    W = normal(seed, m, n)
    turned = torch.linalg.qr(normal(seed + 1, m, m)).Q @ W
    for measure in MEASURES:
        torch.testing.assert_close(measure(turned), measure(W), atol=1e-8, rtol=1e-8)


@quick
@given(seeds, sizes, sizes)
def test_renaming_features_renames_the_result(seed, m, n):
    W = normal(seed, m, n)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    for measure in MEASURES:
        torch.testing.assert_close(measure(W[:, order]), measure(W)[order], atol=1e-8, rtol=1e-8)


@quick
@given(seeds, sizes, sizes, st.floats(0.01, 100))
def test_scale(seed, m, n, factor):
    """Shares are free of scale; superposition grows with its square."""
    W = normal(seed, m, n)
    torch.testing.assert_close(dimensionality(factor * W), dimensionality(W))
    torch.testing.assert_close(leverage(factor * W), leverage(W))
    torch.testing.assert_close(superposition(factor * W), factor**2 * superposition(W))


@quick
@given(seeds, sizes, sizes, sizes)
def test_shares_are_bounded(seed, m, n, rank):
    """0 <= D_i <= leverage_i <= 1, and Σ D_i <= Σ leverage_i = rank(W)."""
    rank = min(rank, m, n)
    W = normal(seed, m, rank) @ normal(seed + 1, rank, n)
    D, bound = dimensionality(W), leverage(W)
    assert (D >= 0).all()
    assert (bound >= D - 1e-9).all()
    assert (bound <= 1 + 1e-9).all()
    assert bound.sum().item() == pytest.approx(rank, abs=1e-6)
    assert D.sum() <= rank + 1e-6


def test_the_bound_is_not_always_reached():
    """A control: the sum of D_i is the rank only for special arrangements."""
    W = normal(3, 3, 7)
    assert dimensionality(W).sum() < 2.9
    assert (leverage(W) - dimensionality(W)).max() > 0.05


def test_leverage_bounds_dimensionality_and_adds_up_to_the_rank():
    W = normal(2, 300, 6, 15)
    W[:150] = W[:150] @ torch.diag(torch.linspace(0.01, 3, 15, dtype=torch.float64))
    W[:50, 4:] = 0  # rank 4
    D, bound = dimensionality(W), leverage(W)
    assert (bound - D >= -1e-9).all()
    rank = torch.linalg.matrix_rank(W).to(bound)
    torch.testing.assert_close(bound.sum(-1), rank)
    assert set(rank.tolist()) == {4.0, 6.0}
    assert (D.sum(-1) < rank - 0.01).all()  # nothing random is a sum of tight blocks


def test_equality_for_orthogonal_tight_blocks_of_any_size():
    sizes = torch.linspace(0.5, 2, len(POLYTOPES))
    W = torch.block_diag(*(size * polytope(name) for size, name in zip(sizes, POLYTOPES, strict=True)))
    torch.testing.assert_close(dimensionality(W), leverage(W))


@quick
@given(seeds, sizes, sizes)
def test_leading_axes_are_instances(seed, m, n):
    W = normal(seed, 2, 3, m, n)
    for measure in (*MEASURES, dimensions_per_feature, represented, gram):
        together = measure(W)
        for i in range(2):
            for j in range(3):
                torch.testing.assert_close(together[i, j], measure(W[i, j]))


def test_no_instances_give_no_numbers():
    """What is left if none of the seeds is a pentagon."""
    assert dimensionality(torch.ones(0, 2, 5)).shape == (0, 5)


# Lines --------------------------------------------------------------------------------------


def test_counts_on_a_line_and_in_the_fuller_window_beside_it():
    D = torch.tensor([0.5, 0.504, 0.496, 0.4875, 0.4872, 0.5125, 0.7])
    assert line_counts(D, 0.5) == (3, 2)


def test_digons_make_a_line_at_one_half_and_nowhere_else():
    D = dimensionality(torch.block_diag(*[polytope("digon")] * 6))
    assert has_line(D, 1 / 2)
    assert not any(has_line(D, at) for at in (1.0, 3 / 4, 2 / 3, 2 / 5, 3 / 8))


def test_too_few_features_make_no_line():
    D = torch.full((9,), 0.5)
    assert not has_line(D, 0.5)
    assert has_line(D, 0.5, at_least=9)


def test_controls_without_lines_fail():
    generator = torch.Generator().manual_seed(1)
    uniform = torch.rand(
        4000, generator=generator
    )  # about 40 in each window: enough, but no more than beside
    blurred = 0.5 + 0.02 * torch.randn(60, generator=generator)
    for at in (1.0, 3 / 4, 2 / 3, 1 / 2, 2 / 5, 3 / 8):
        assert not has_line(uniform, at)
        assert not has_line(blurred, at)


# Input ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("measure", [as_weights, *MEASURES, dimensions_per_feature, gram, represented])
def test_weights_that_are_none_have_no_geometry(measure, bad_weights):
    W, message = bad_weights
    with pytest.raises(ValueError, match=message):
        measure(W)


def test_one_nan_among_many_instances_is_seen():
    W = torch.ones(50, 2, 5)
    W[17, 1, 3] = math.nan
    with pytest.raises(ValueError, match="expected W to be finite numbers; got nan"):
        dimensionality(W)


def test_arrays_and_whole_numbers_are_taken_for_what_they_mean(unchecked):
    assert dimensionality(np.array([[1, -1]])).tolist() == [0.5, 0.5]
    assert dimensionality([[1.0, -1.0]]).tolist() == [0.5, 0.5]
    assert as_weights(np.ones((2, 3))).dtype == torch.float64


def test_weights_keep_their_gradient():
    W = torch.ones(2, 3, requires_grad=True)
    assert as_weights(W) is W
    superposition(W).sum().backward()
    assert W.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"one": True}, r"expected W of shape \(hidden, features\); got \(4, 2, 3\)"),
        ({"hidden": 3}, r"expected W of shape \(..., 3, features\); got \(4, 2, 3\)"),
        ({"hidden": 3, "one": True}, r"expected W of shape \(3, features\); got \(4, 2, 3\)"),
    ],
)
def test_one_matrix_or_a_number_of_dimensions_can_be_asked_for(options, message, unchecked):
    with pytest.raises(ValueError, match=message):
        as_weights(torch.ones(4, 2, 3), **options)


@pytest.mark.parametrize("threshold", [0, -1.0, math.nan, math.inf, "long", None])
def test_a_threshold_is_a_positive_number(threshold, unchecked):
    with pytest.raises(ValueError, match=f"expected threshold to be a finite number > 0; got {threshold!r}"):
        represented(torch.ones(2, 3), threshold)


@pytest.mark.parametrize("function", [line_counts, has_line])
@pytest.mark.parametrize(
    ("D", "at", "message"),
    [
        (torch.zeros(0), 0.5, "expected at least one D_i; got none"),
        (torch.tensor([0.5, math.nan]), 0.5, "expected D to be finite numbers; got nan"),
        ("pentagon", 0.5, "expected D to be numbers; got 'pentagon'"),
        (torch.ones(3), -0.5, "expected at to be a finite number > 0; got -0.5"),
        (torch.ones(3), None, "expected at to be a finite number > 0; got None"),
        (torch.ones(3), torch.ones(2), r"expected at to be a finite number > 0; got a table of shape \(2,\)"),
    ],
)
def test_a_line_needs_shares_and_a_height(function, D, at, message, unchecked):
    with pytest.raises(ValueError, match=message):
        function(D, at)


def test_the_windows_of_a_line_are_positive(unchecked):
    for bad in (0, -0.1, math.nan, "wide"):
        for name in ("half_width", "offset"):
            with pytest.raises(ValueError, match=f"expected {name} to be a finite number > 0"):
                line_counts(torch.ones(3), 0.5, **{name: bad})
        with pytest.raises(ValueError, match="expected at_least to be a whole number >= 1"):
            has_line(torch.ones(3), 0.5, at_least=bad)
