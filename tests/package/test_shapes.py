"""Exact polytopes, points spread by an energy, and the names of arrangements."""

import importlib.util
import math
from collections import Counter
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_utils.geometry import dimensionality, feature_norms
from tms_utils.shapes import (
    POLYTOPES,
    feature_groups,
    geometry_name,
    interference_energy,
    polygon,
    polytope,
    shape_counts,
    simplex,
    spread_on_sphere,
    square_antiprism,
    thomson_energy,
)

seeds = st.integers(0, 2**31)
quick = settings(deadline=None, max_examples=40)

# Exact shapes ---------------------------------------------------------------------------------

# name: (dimensions, D_i of each vertex, in ascending order)
EXACT = {
    "digon": (1, "1/2 1/2"),
    "triangle": (2, "2/3 2/3 2/3"),
    "square": (2, "1/2 1/2 1/2 1/2"),
    "pentagon": (2, "2/5 " * 5),
    "hexagon": (2, "1/3 " * 6),
    "heptagon": (2, "2/7 " * 7),
    "octagon": (2, "1/4 " * 8),
    "tetrahedron": (3, "3/4 " * 4),
    "triangular bipyramid": (3, "1/2 1/2 2/3 2/3 2/3"),
    "octahedron": (3, "1/2 " * 6),
    "pentagonal bipyramid": (3, "2/5 2/5 2/5 2/5 2/5 1/2 1/2"),
    "square antiprism": (3, "3/8 " * 8),
    "cube": (3, "3/8 " * 8),
    "icosahedron": (3, "1/4 " * 12),
    "5-cell": (4, "4/5 " * 5),
}


@pytest.mark.parametrize("name", POLYTOPES)
def test_the_fractions_of_a_dimension_are_exact(name):
    hidden, fractions = EXACT[name]
    expected = torch.tensor([float(Fraction(f)) for f in fractions.split()], dtype=torch.float64)
    W = polytope(name)
    assert W.shape == (hidden, len(expected))
    torch.testing.assert_close(feature_norms(W), torch.ones(len(expected), dtype=torch.float64))
    torch.testing.assert_close(dimensionality(W).sort().values, expected)
    torch.testing.assert_close(W.sum(-1), torch.zeros(hidden, dtype=torch.float64), atol=1e-12, rtol=0)


@pytest.mark.parametrize(("height_squared", "spread"), [(1 / 3, True), (0.2, False), (0.5, False)])
def test_an_antiprism_fills_its_space_only_at_one_height(height_squared, spread):
    total = dimensionality(square_antiprism(height_squared**0.5)).sum().item()
    assert (abs(total - 3) < 1e-9) == spread


@pytest.mark.parametrize("twist", [0.0, 0.3, math.pi / 4])
def test_at_that_height_any_twist_has_the_same_fraction(twist):
    D = dimensionality(square_antiprism(3**-0.5, twist))
    torch.testing.assert_close(D, torch.full_like(D, 3 / 8))


def test_cube_and_antiprism_share_their_fraction_but_not_their_interference():
    assert interference_energy(polytope("cube")).item() == pytest.approx(8 / 3)
    assert interference_energy(polytope("square antiprism")).item() == pytest.approx(2.0828, abs=1e-4)


def test_writing_into_a_polytope_does_not_change_the_next_one():
    polytope("pentagon").zero_()
    assert geometry_name(polytope("pentagon")) == "pentagon"


def test_no_polytope_is_built_when_the_module_is_imported(monkeypatch):
    spec = importlib.util.find_spec("tms_utils.shapes")
    fresh, built = importlib.util.module_from_spec(spec), []
    monkeypatch.setattr(torch, "arange", lambda *_, **__: built.append("a polygon"))
    monkeypatch.setattr(torch.linalg, "svd", lambda *_: built.append("a simplex"))
    spec.loader.exec_module(fresh)
    assert built == []
    assert fresh.POLYTOPES == POLYTOPES


# Energies -------------------------------------------------------------------------------------


# The known least energies of the Thomson problem.
@pytest.mark.parametrize(
    ("n", "energy"), [(4, 3.674234614), (5, 6.474691495), (8, 19.675287861), (12, 49.165253058)]
)
def test_the_thomson_problem_is_solved(n, energy):
    points = spread_on_sphere(thomson_energy, n, seed=3)
    assert thomson_energy(points).item() == pytest.approx(energy, abs=1e-6)
    torch.testing.assert_close(feature_norms(points), torch.ones(n, dtype=torch.float64))


def test_the_energy_of_a_tetrahedron_is_exact():
    edge = (8 / 3) ** 0.5
    assert thomson_energy(polytope("tetrahedron")).item() == pytest.approx(6 / edge)


def test_the_seed_decides_where_the_search_starts():
    first, again, other = (spread_on_sphere(thomson_energy, 5, restarts=2, seed=s) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


# Names ----------------------------------------------------------------------------------------

DIGON, ALONE = simplex(2), torch.ones(1, 1, dtype=torch.float64)


def together(*shapes: torch.Tensor) -> torch.Tensor:
    """Shapes in dimensions of their own."""
    return torch.block_diag(*shapes)


@pytest.mark.parametrize(
    ("W", "counts", "name"),
    [
        (torch.eye(2), {"dedicated dimension": 2}, "2 dedicated dimensions"),
        (ALONE, {"dedicated dimension": 1}, "dedicated dimension"),
        (DIGON, {"digon": 1}, "digon"),
        (polygon(4), {"digon": 2}, "2 digons"),
        (polytope("octahedron"), {"digon": 3}, "3 digons"),
        (together(DIGON, ALONE), {"digon": 1, "dedicated dimension": 1}, "digon + dedicated dimension"),
        (polytope("triangular bipyramid"), {"triangle": 1, "digon": 1}, "digon + triangle"),
        (polytope("pentagonal bipyramid"), {"pentagon": 1, "digon": 1}, "digon + pentagon"),
        (together(ALONE, polygon(5), DIGON, DIGON), {"digon": 2, "pentagon": 1, "dedicated dimension": 1},
         "2 digons + pentagon + dedicated dimension"),
        (torch.hstack([polygon(5), 0.3 * polygon(3)]), {"pentagon": 1}, "pentagon"),  # the short are not there
        (torch.tensor([[1.0, 0.9]]), {"irregular group of 2": 1}, "irregular group of 2"),  # parallel
        (torch.tensor([[1.0, 0.0], [1.0, 1.0]]), {"irregular group of 2": 1}, "irregular group of 2"),
        (together(*[torch.ones(1, 2)] * 2), {"irregular group of 2": 2}, "2 irregular groups of 2"),
        (torch.zeros(2, 3), {}, "nothing"),
    ],
)  # fmt: skip
def test_counts_and_the_sentence_made_of_them(W, counts, name):
    assert shape_counts(W) == Counter(counts)
    assert isinstance(shape_counts(W), Counter)
    assert geometry_name(W) == name


@pytest.mark.parametrize(
    "name",
    ["digon", "triangle", "pentagon", "hexagon", "heptagon", "octagon", "tetrahedron", "5-cell",
     "square antiprism", "cube"],
)  # fmt: skip
def test_shapes_go_by_their_own_names(name):
    assert geometry_name(polytope(name)) == name
    assert geometry_name(polytope(name).float()) == name


def test_groups_are_in_order_of_their_first_features():
    W = together(DIGON, polygon(3), ALONE, 0.3 * DIGON)[:, [3, 0, 5, 2, 6, 1, 4, 7]]
    assert feature_groups(W) == [[0, 3, 6], [1, 5], [2]]
    assert feature_groups(W, threshold=0.2) == [[0, 3, 6], [1, 5], [2], [4, 7]]
    assert feature_groups(torch.zeros(2, 3)) == []


def test_a_chain_of_overlaps_is_one_group():
    angle = torch.tensor([0.0, 1.2, 2.4])  # neighbours overlap by 0.36; each with the next
    W = torch.stack([angle.cos(), angle.sin()])
    assert feature_groups(W, overlap=0.35) == [[0, 1, 2]]
    assert feature_groups(W[:, [0, 2]], overlap=0.8) == [[0], [1]]


def test_same_dimensionality_different_shape():
    """Two triangles at 20° have D = 1/3 like a hexagon; their angles differ."""
    c, s = math.cos(math.radians(20)), math.sin(math.radians(20))
    W = torch.hstack([polygon(3), torch.tensor([[c, -s], [s, c]]).double() @ polygon(3)])
    torch.testing.assert_close(dimensionality(W), dimensionality(polygon(6)))
    assert geometry_name(W) == "irregular group of 6"


def bent(degrees: float) -> torch.Tensor:
    """Two digons whose lines meet at 90° + ``degrees``."""
    angle = math.radians(90 + degrees)
    return torch.hstack([torch.tensor([[x], [y]]).double() @ DIGON for x, y in ((1.0, 0.0), (math.cos(angle), math.sin(angle)))])  # fmt: skip


@pytest.mark.parametrize(("degrees", "name"), [(0, "2 digons"), (8, "2 digons"), (-8, "2 digons"), (20, "irregular group of 4")])  # fmt: skip
def test_a_right_angle_may_be_a_little_out(degrees, name):
    assert geometry_name(bent(degrees)) == name


def test_the_tolerance_decides_how_regular_a_shape_has_to_be():
    W = polygon(5) + 0.1 * torch.tensor([[1.0, 0, 0, 0, 0], [0, 0, 1, 0, 0]])
    assert geometry_name(W) == "pentagon"
    assert geometry_name(W, tolerance=0.01) == "irregular group of 5"


@quick
@given(seeds, st.integers(3, 8))
def test_trained_shapes_keep_their_name(seed, k):
    """Lengths from 0.7 to 1.3 and corners 3 degrees out, as importance leaves them."""
    noise = torch.Generator().manual_seed(seed)
    angle = 2 * math.pi * torch.arange(k) / k + math.radians(6) * (torch.rand(k, generator=noise) - 0.5)
    length = 0.7 + 0.6 * torch.rand(k, generator=noise)
    assert geometry_name(length * torch.stack([angle.cos(), angle.sin()])) == geometry_name(polygon(k))


@quick
@given(seeds, st.integers(1, 7), st.integers(1, 7))
def test_names_know_nothing_of_axes_and_of_order(seed, m, n):
    generator = torch.Generator().manual_seed(seed)
    W = torch.randn(m, n, generator=generator, dtype=torch.float64)
    turn = torch.linalg.qr(torch.randn(m, m, generator=generator, dtype=torch.float64)).Q
    order = torch.randperm(n, generator=generator)
    assert geometry_name((turn @ W)[:, order]) == geometry_name(W)


# Bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "function", [feature_groups, shape_counts, geometry_name, thomson_energy, interference_energy]
)
def test_weights_that_are_none_have_no_shape(function, bad_weights):
    W, message = bad_weights
    with pytest.raises(ValueError, match=message):
        function(W)


@pytest.mark.parametrize("function", [feature_groups, shape_counts, geometry_name])
def test_one_matrix_at_a_time(function, unchecked):
    with pytest.raises(ValueError, match=r"expected W of shape \(hidden, features\); got \(2, 3, 4\)"):
        function(torch.zeros(2, 3, 4))


@pytest.mark.parametrize("bad", [0, -0.5, math.nan, math.inf, "some", None])
def test_thresholds_are_positive_numbers(bad, unchecked):
    for name in ("threshold", "overlap"):
        with pytest.raises(ValueError, match=f"expected {name} to be a finite number > 0; got {bad!r}"):
            feature_groups(torch.eye(2), **{name: bad})
    for function in (shape_counts, geometry_name):
        with pytest.raises(ValueError, match=f"expected tolerance to be a finite number > 0; got {bad!r}"):
            function(torch.eye(2), bad)


@pytest.mark.parametrize("k", [1, 0, -2, 2.5, math.nan, "five", None])
@pytest.mark.parametrize("shape", [polygon, simplex])
def test_a_shape_has_at_least_two_corners(shape, k, unchecked):
    with pytest.raises(ValueError, match=f"expected k to be a whole number >= 2; got {k!r}"):
        shape(k)


@pytest.mark.parametrize("name", ["dodecagon", "", None, 5, ["cube"], math.nan])
def test_polytopes_go_by_the_names_listed(name, unchecked):
    with pytest.raises(ValueError, match="expected one of digon, .*, 5-cell; got"):
        polytope(name)


@pytest.mark.parametrize(
    ("height", "twist", "message"),
    [
        (1.2, 0.0, r"expected a height in \[0, 1\]; got 1.2"),
        (-0.1, 0.0, r"expected a height in \[0, 1\]; got -0.1"),
        (math.nan, 0.0, "expected height to be finite numbers; got nan"),
        ("tall", 0.0, "expected height to be numbers; got 'tall'"),
        (torch.ones(2), 0.0, r"expected height to be one number; got shape \(2,\)"),
        (0.5, math.inf, "expected twist to be finite numbers; got inf"),
        (0.5, None, "expected twist to be numbers; got None"),
    ],
)
def test_an_antiprism_has_a_height_and_a_twist(height, twist, message, unchecked):
    with pytest.raises(ValueError, match=message):
        square_antiprism(height, twist)


@pytest.mark.parametrize(
    ("energy", "n", "options", "message"),
    [
        ("thomson", 5, {}, "expected energy to be a function of points; got 'thomson'"),
        (thomson_energy, 0, {}, "expected n_points to be a whole number >= 1; got 0"),
        (thomson_energy, 2.5, {}, "expected n_points to be a whole number >= 1; got 2.5"),
        (thomson_energy, 5, {"hidden": 0}, "expected hidden to be a whole number >= 1; got 0"),
        (thomson_energy, 5, {"restarts": -1}, "expected restarts to be a whole number >= 1; got -1"),
        (thomson_energy, 5, {"seed": "one"}, "expected seed to be a whole number >= 0; got 'one'"),
        (lambda points: points.sum((-2, -1)) * math.nan, 5, {}, "expected f to be one finite number"),
    ],
)
def test_spreading_says_what_does_not_fit(energy, n, options, message, unchecked):
    with pytest.raises(ValueError, match=message):
        spread_on_sphere(energy, n, **options)
