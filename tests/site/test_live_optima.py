"""What Python solves for the live figures: the two-feature optimum, the Thomson problem, convex hulls."""

import numpy as np
import pytest
import torch

from tms_utils import live, theory
from tms_utils.live.activation_space import TRAINED_W, hull_edges, thomson_beside
from tms_utils.live.optima import leaning_onset
from tms_utils.shapes import polytope, spread_on_sphere, thomson_energy

TABLE = live.phase_diagram().config


def optima(compute, points: list) -> list[dict]:
    """What the figure shows as the true optimum at slider positions (i, j): weights, loss and name."""
    return compute(
        """([table, points]) => points.map(([i, j]) => { const found = tms.optimum(table, i, j);
        return {...found, name: tms.nameOf(found.w)}; })""",
        [TABLE, points],
    )


def test_the_true_optimum_shown_is_the_packages(compute):
    """At 80 of the 1681 positions; weights to half a hundredth, losses to three digits."""
    rng = np.random.default_rng(11)
    points = [(0, 20), (40, 0), (0, 0), (40, 40), *rng.integers(0, 41, (76, 2)).tolist()]
    p = torch.tensor([TABLE["densities"][i] for i, _ in points]).double()
    r = torch.tensor([TABLE["ratios"][j] for _, j in points]).double()
    exact = theory.two_feature_optimum(density=p, r=r)
    shown = optima(compute, points)
    np.testing.assert_allclose([at["loss"] for at in shown], 2 * exact.loss, rtol=2e-4)
    w = np.array([at["w"] for at in shown])
    tie = r.numpy() == 1  # either of two mirror images
    np.testing.assert_allclose(np.abs(w)[~tie], exact.w.abs()[~tie], atol=0.0051)
    np.testing.assert_allclose(np.sort(np.abs(w)), exact.w.abs().sort().values, atol=0.0051)
    assert (w[:, 0] >= 0).all()
    assert ((w[:, 1] <= 0) | (w[:, 0] == 0)).all()


def test_the_true_optimum_is_never_above_the_closed_forms(compute):
    points = [(i, j) for i in range(0, 41, 2) for j in range(41)]
    p, r = np.array([(TABLE["densities"][i], TABLE["ratios"][j]) for i, j in points]).T
    closed = 2 * np.stack([loss.numpy() for loss in theory.competing_losses(density=p, r=r).values()], -1)
    forms = "(points) => points.map(([p, r]) => Object.values(tms.closedForms(p, r)))"
    np.testing.assert_allclose(compute(forms, np.stack([p, r], -1).tolist()), closed)
    assert (
        np.array([best["loss"] for best in optima(compute, points)]) <= closed.min(-1) * (1 + 1e-12)
    ).all()


def test_the_optimum_is_named(compute):
    """At r = 0.79 and falling density: ignore, lean, then a pair. Far from r = 1 there is no leaning."""
    near = [at["name"] for at in optima(compute, [(i, 18) for i in range(41)])]
    lean = "leaning: the extra feature a little"
    order = ["ignore the extra feature", lean, "antipodal pair"]
    assert list(dict.fromkeys(near)) == order
    mirrored = [at["name"] for at in optima(compute, [(i, 22) for i in range(41)])]
    assert mirrored == [name.replace("extra", "first") for name in near]
    assert lean not in [at["name"] for at in optima(compute, [(i, 12) for i in range(41)])]


def test_leaning_starts_where_the_dotted_line_says():
    """The exact optimum: exactly 0 just below the onset, small and not 0 just above."""
    p, onset = torch.tensor(TABLE["onset"][4:45:9]).double().T
    below = theory.two_feature_optimum(density=p, r=onset - 0.001).w.abs().amin(-1)
    above = theory.two_feature_optimum(density=p, r=(onset + 0.001).clamp(max=1)).w.abs().amin(-1)
    assert (below < 1e-3).all()
    assert (above > 0.005).all()
    assert (above < 0.1).all()
    np.testing.assert_allclose(leaning_onset(p), onset, atol=2e-4)


def test_a_trained_models_loss_is_exact(compute):
    rng = np.random.default_rng(0)
    for p, r in [(1.0, 0.5), (0.4, 2.0), (0.03, 0.1)]:
        for w, b in [((1.02, -0.95), (0.01, 0.02)), ((1, 0), (0, p / 2)), rng.normal(0, 0.5, (2, 2))]:
            exact = 2 * theory.two_feature_loss(
                torch.tensor(w).double(), torch.tensor(b).double(), density=p, r=r
            )
            js = compute(
                "({w, b, p, r}) => tms.patternLoss({n: 2, m: 1, relu: true, W: w, b}, p, r)",
                {"w": list(map(float, w)), "b": list(map(float, b)), "p": p, "r": r},
            )
            assert js == pytest.approx(float(exact), rel=2e-4)


@pytest.mark.parametrize("n", [4, 5, 6, 7, 8, 9, 10, 12])
def test_the_minimiser_beside_random_directions_is_the_least_there_is(n):
    best = thomson_energy(spread_on_sphere(thomson_energy, n)).item()
    for seed in range(3):
        start = np.random.default_rng(seed).normal(size=(3, n))
        found = thomson_beside(start / np.linalg.norm(start, axis=0))
        assert thomson_energy(torch.tensor(found)).item() == pytest.approx(best, abs=1e-5)


def test_the_minimiser_lies_beside_the_trained_directions():
    thomson = live.activation_space().config["thomson"]
    assert thomson["energy"] == 19.6753
    assert thomson["widest"] <= 3
    assert len(thomson["edges"]) == 16  # a square antiprism's
    np.testing.assert_allclose(np.linalg.norm(thomson["points"], axis=1), 1, atol=1e-3)
    units = np.array(TRAINED_W) / np.linalg.norm(TRAINED_W, axis=0)
    gap = np.degrees(np.arccos((np.array(thomson["points"]).T * units).sum(0).clip(-1, 1)))
    assert gap.max() == pytest.approx(thomson["widest"], abs=0.6)


def test_a_cube_is_in_balance_but_not_the_minimiser():
    thomson = live.activation_space(polytope("cube")).config["thomson"]
    assert thomson["energy"] == 19.6753
    assert thomson["widest"] > 5


@pytest.mark.parametrize(
    ("shape", "edges"),
    [("tetrahedron", 6), ("cube", 12), ("octahedron", 12), ("square antiprism", 16), ("icosahedron", 30)],
)
def test_hulls_of_known_solids(shape, edges):
    points = polytope(shape).numpy()
    found = hull_edges(points)
    assert len(found) == edges
    lengths = [np.linalg.norm(points[:, i] - points[:, j]) for i, j in found]
    assert max(lengths) < 1.2 * min(lengths) + 0.5  # no diagonals


def test_points_in_one_plane_have_no_hull():
    flat = np.array([[1.0, 0, -1, 0], [0, 1, 0, -1], [0, 0, 0, 0]])
    assert hull_edges(flat) == hull_edges(flat[:, :2]) == []
