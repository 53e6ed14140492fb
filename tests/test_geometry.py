"""Norms, superposition, dimensionality, leverage, and the names of arrangements."""

import inspect
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_utils.geometry import (
    count_represented,
    dimensionality,
    dimensions_per_feature,
    feature_norms,
    geometry_groups,
    geometry_name,
    gram,
    leverage,
    superposition,
)

torch_seeds = st.integers(0, 2**31)
sizes = st.integers(1, 7)


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rotation(seed: int, m: int) -> torch.Tensor:
    return torch.linalg.qr(normal(seed, m, m)).Q


def polygon(k: int, norm: float = 1.0) -> torch.Tensor:
    angle = 2 * math.pi * torch.arange(k) / k
    return norm * torch.stack([angle.cos(), angle.sin()])


def simplex(k: int) -> torch.Tensor:
    return torch.eye(k) - 1 / k


def antiprism(height: float = 0.5**0.5, twist: float = math.pi / 4) -> torch.Tensor:
    lower = math.pi / 2 * torch.arange(4)
    corners = [
        torch.stack([a.cos(), a.sin(), torch.full((4,), h)])
        for a, h in ((lower, height), (lower + twist, -height))
    ]
    return torch.hstack(corners)


def block(*shapes: torch.Tensor) -> torch.Tensor:
    """Shapes in dimensions of their own."""
    return torch.block_diag(*shapes)


DIGON = torch.tensor([[1.0, -1.0]])
CUBE = torch.tensor([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]).float().T / 3**0.5
ALONE = torch.ones(1, 1)

# name, W of unit columns, D of each feature, superposition of each feature
SHAPES = [
    ("2 dedicated dimensions", torch.eye(2), 1, 0),
    ("digon", DIGON, 1 / 2, 1),
    ("2 digons", polygon(4), 1 / 2, 1),
    ("3 digons", block(DIGON, DIGON, DIGON), 1 / 2, 1),  # an octahedron
    ("triangle", polygon(3), 2 / 3, 1 / 2),
    ("pentagon", polygon(5), 2 / 5, 3 / 2),
    ("hexagon", polygon(6), 1 / 3, 2),
    ("heptagon", polygon(7), 2 / 7, 5 / 2),
    ("octagon", polygon(8), 1 / 4, 3),
    ("tetrahedron", simplex(4) / 0.75**0.5, 3 / 4, 1 / 3),
    ("5-cell", simplex(5) / 0.8**0.5, 4 / 5, 1 / 4),
    ("cube", CUBE, 3 / 8, 5 / 3),
    ("square antiprism", antiprism() / 1.5**0.5, 3 / 8, 5 / 3),
]
ids = [shape[0] for shape in SHAPES]


# Exact configurations -----------------------------------------------------------------------


@pytest.mark.parametrize(("name", "W", "D", "shared"), SHAPES, ids=ids)
def test_regular_shapes(name, W, D, shared):
    torch.testing.assert_close(feature_norms(W), torch.ones(W.shape[1]))
    torch.testing.assert_close(dimensionality(W), torch.full((W.shape[1],), float(D)))
    torch.testing.assert_close(
        superposition(W), torch.full((W.shape[1],), float(shared)), atol=1e-5, rtol=1e-5
    )
    torch.testing.assert_close(leverage(W), torch.full((W.shape[1],), float(D)), atol=1e-5, rtol=1e-5)
    assert geometry_name(W) == name


def test_unequal_lengths_in_a_digon():
    """D_i = |W_i|² / (|W_0|² + |W_1|²): the shares still add up to the one dimension."""
    W = torch.tensor([[2.0, -1.0]])
    torch.testing.assert_close(dimensionality(W), torch.tensor([0.8, 0.2]))
    torch.testing.assert_close(superposition(W), torch.tensor([1.0, 4.0]))
    assert geometry_name(W) == "digon"


def test_absent_features_have_nothing():
    W = torch.tensor([[1.0, 0.0], [0.0, 0.0]])
    for measure in (feature_norms, superposition, dimensionality, leverage):
        assert measure(W)[1] == 0
    torch.testing.assert_close(dimensionality(torch.zeros(2, 3)), torch.zeros(3))
    assert geometry_groups(torch.zeros(2, 3)) == []
    assert geometry_name(torch.zeros(2, 3)) == "nothing"


def test_an_antiprism_of_another_height_is_not_tight():
    """D = 3/8 needs height² = 1/3 at length one; a taller one spreads unevenly over the dimensions."""
    W = antiprism(height=0.8)
    assert dimensionality(W).sum() < 2.99
    torch.testing.assert_close(leverage(W).sum(), torch.tensor(3.0))


def test_dimensions_per_feature_and_count():
    W = torch.hstack([polygon(5), torch.zeros(2, 3)])
    torch.testing.assert_close(dimensions_per_feature(W), torch.tensor(2 / 5))
    assert count_represented(W) == 5
    assert count_represented(0.4 * W) == 0
    assert count_represented(0.4 * W, threshold=0.3) == 5


def test_gram_is_symmetric_and_has_squared_norms():
    W = normal(0, 4, 3, 6)
    torch.testing.assert_close(gram(W), gram(W).mT)
    torch.testing.assert_close(gram(W).diagonal(dim1=-2, dim2=-1), feature_norms(W) ** 2)


# Properties ---------------------------------------------------------------------------------

MEASURES = (feature_norms, superposition, dimensionality, leverage)


@given(torch_seeds, sizes, sizes)
def test_rotating_the_hidden_space_changes_nothing(seed, m, n):
    W = normal(seed, m, n)
    turned = rotation(seed + 1, m) @ W
    for measure in MEASURES:
        torch.testing.assert_close(measure(turned), measure(W), atol=1e-8, rtol=1e-8)
    assert geometry_name(turned) == geometry_name(W)


@given(torch_seeds, sizes, sizes)
def test_renaming_features_renames_the_result(seed, m, n):
    W = normal(seed, m, n)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    for measure in MEASURES:
        torch.testing.assert_close(measure(W[:, order]), measure(W)[order], atol=1e-8, rtol=1e-8)
    assert geometry_name(W[:, order]) == geometry_name(W)


@given(torch_seeds, sizes, sizes, st.floats(0.01, 100))
def test_scale(seed, m, n, factor):
    """Shares are free of scale; superposition grows with its square."""
    W = normal(seed, m, n)
    torch.testing.assert_close(dimensionality(factor * W), dimensionality(W))
    torch.testing.assert_close(leverage(factor * W), leverage(W))
    torch.testing.assert_close(superposition(factor * W), factor**2 * superposition(W))


@given(torch_seeds, sizes, sizes, sizes)
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


@settings(max_examples=20)
@given(torch_seeds, sizes, sizes)
def test_leading_axes_are_instances(seed, m, n):
    W = normal(seed, 2, 3, m, n)
    for measure in (*MEASURES, dimensions_per_feature, count_represented, gram):
        together = measure(W)
        for i in range(2):
            for j in range(3):
                torch.testing.assert_close(together[i, j], measure(W[i, j]))


# Names --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("W", "name"),
    [
        (block(DIGON, ALONE), "digon + dedicated dimension"),
        (block(polygon(3), DIGON), "triangle + digon"),  # a triangular bipyramid
        (block(polygon(5), DIGON), "digon + pentagon"),  # a pentagonal bipyramid
        (block(polygon(5), ALONE), "pentagon + dedicated dimension"),
        (ALONE, "dedicated dimension"),
        (torch.tensor([[1.0, 0.9]]), "irregular group of 2"),  # parallel, not antipodal
        (torch.tensor([[1.0, 0.0], [1.0, 1.0]]), "irregular group of 2"),
        (torch.hstack([polygon(5), 0.3 * polygon(3)]), "pentagon"),  # short features are not represented
    ],
)  # fmt: skip
def test_names_of_other_arrangements(W, name):
    parts = sorted(geometry_name(W).split(" + "))
    assert parts == sorted(name.split(" + "))


def test_same_dimensionality_different_shape():
    """Two triangles at 20° have D = 1/3 like a hexagon; their angles differ."""
    c, s = math.cos(math.radians(20)), math.sin(math.radians(20))
    W = torch.hstack([polygon(3), torch.tensor([[c, -s], [s, c]]) @ polygon(3)])
    torch.testing.assert_close(dimensionality(W), dimensionality(polygon(6)))
    assert geometry_name(W) == "irregular group of 6"
    assert geometry_name(antiprism()) != geometry_name(CUBE)


def bent(degrees: float) -> torch.Tensor:
    """Two digons whose lines meet at 90° + ``degrees``."""
    angle = math.radians(90 + degrees)
    other = torch.tensor([[math.cos(angle)], [math.sin(angle)]])
    return torch.hstack([torch.tensor([[1.0], [0.0]]) @ DIGON, other @ DIGON])


@pytest.mark.parametrize(("degrees", "name"), [(0, "2 digons"), (8, "2 digons"), (-8, "2 digons"), (20, "irregular group of 4")])  # fmt: skip
def test_a_right_angle_may_be_a_little_out(degrees, name):
    assert geometry_name(bent(degrees)) == name


@given(torch_seeds, st.integers(3, 8))
def test_trained_shapes_keep_their_name(seed, k):
    """Lengths from 0.7 to 1.3 and corners 3 degrees out, as importance leaves them."""
    noise = torch.Generator().manual_seed(seed)
    angle = 2 * math.pi * torch.arange(k) / k + math.radians(6) * (torch.rand(k, generator=noise) - 0.5)
    length = 0.7 + 0.6 * torch.rand(k, generator=noise)
    W = length * torch.stack([angle.cos(), angle.sin()])
    assert geometry_name(W) == geometry_name(polygon(k))


def test_one_matrix_at_a_time():
    # As a reader meets it. (With the type checks of the tests, jaxtyping would object first.)
    function = inspect.unwrap(geometry_groups)
    with pytest.raises(ValueError, match=r"one W of shape \(hidden, features\); got shape \(2, 3, 4\)"):
        function(torch.zeros(2, 3, 4))
