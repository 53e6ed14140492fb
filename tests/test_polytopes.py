"""Exact polytopes: their fractions of a dimension, and points spread by an energy."""

from fractions import Fraction

import pytest
import torch

from tms_utils.geometry import dimensionality, feature_norms, geometry_name
from tms_utils.polytopes import (
    POLYTOPES,
    interference_energy,
    polytope,
    spread_on_sphere,
    square_antiprism,
    thomson_energy,
)

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


@pytest.mark.parametrize("name", ["digon", "pentagon", "tetrahedron", "5-cell", "square antiprism", "cube"])
def test_trained_shapes_go_by_the_same_names(name):
    assert geometry_name(polytope(name)) == name


@pytest.mark.parametrize(("height_squared", "spread"), [(1 / 3, True), (0.2, False), (0.5, False)])
def test_an_antiprism_fills_its_space_only_at_one_height(height_squared, spread):
    total = dimensionality(square_antiprism(height_squared**0.5)).sum().item()
    assert (abs(total - 3) < 1e-9) == spread


def test_cube_and_antiprism_share_their_fraction_but_not_their_interference():
    assert interference_energy(polytope("cube")).item() == pytest.approx(8 / 3)
    assert interference_energy(polytope("square antiprism")).item() == pytest.approx(2.0828, abs=1e-4)


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


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="expected one of digon, .*; got 'dodecagon'"):
        polytope("dodecagon")
    with pytest.raises(ValueError, match=r"height in \[0, 1\]"):
        square_antiprism(1.2)
