"""The solutions that compete for one dimension too few: exact losses of real models, and the border between them."""

import math

import pytest
import torch

from tms_utils import SparseFeatures, ToyModel, estimate_loss, shapes
from tms_utils.theory import (
    competing_boundary,
    competing_losses,
    exact_loss,
    minimise,
    two_feature_loss,
    two_feature_optimum,
)

torch64 = {"dtype": torch.float64}


@pytest.mark.parametrize(
    ("name", "w", "b"),
    [
        ("ignore extra", (1, 0), lambda p: (0, p / 2)),
        ("ignore first", (0, 1), lambda p: (p / 2, 0)),
        ("antipodal pair", (1, -1), lambda p: (0, 0)),
    ],
)
@pytest.mark.parametrize("p", [0.05, 0.4, 1.0])
def test_competing_losses_are_exact_losses(name, w, b, p):
    w, b = torch.tensor(w, **torch64), torch.tensor(b(p), **torch64)
    exact = two_feature_loss(w, b, density=p, r=0.3)
    assert competing_losses(density=p, r=0.3)[name].item() == pytest.approx(exact.item(), rel=1e-12)


@pytest.mark.parametrize(
    ("name", "W", "b"),
    [
        ("ignore extra", [[1, 0, 0], [0, 1, 0]], (0, 0, 0.15)),
        ("ignore one of the first", [[0, 1, 0], [0, 0, 1]], (0.15, 0, 0)),
        ("extra in a pair", [[1, 0, 0], [0, 1, -1]], (0, 0, 0)),
        ("the first two a pair", [[1, -1, 0], [0, 0, 1]], (0, 0, 0)),
    ],
)
def test_three_competing_losses_are_sampled_losses(name, W, b):
    model = ToyModel(3, 2).requires_grad_(False)
    model.W.copy_(torch.tensor(W)[None].float())
    model.b.copy_(torch.tensor(b)[None])
    sampled = estimate_loss(model, SparseFeatures(3, 0.3), torch.tensor([1, 1, 0.4]), batch_size=2**20)
    # The standard error of 2^20 rows is below 0.3 % of each of these losses.
    expected = competing_losses(density=0.3, r=0.4, n_features=3)[name].item()
    assert expected == pytest.approx(sampled.item(), rel=0.012)


def best_triangle(p):
    """The best W and b downhill of an equilateral triangle for three equal features in the plane."""

    def loss(W, b):
        return 100 * exact_loss(W, b, density=p, nodes=(24, 24, 16))

    return minimise(loss, 0.9 * shapes.polygon(3), torch.full((3,), 0.1))


@pytest.mark.parametrize(("p", "triangle", "pair"), [(0.5, 0.02586, 0.02543), (0.6, 0.03132, 0.03296)])
def test_three_equal_features_form_a_triangle_if_they_are_dense(p, triangle, pair):
    """The phase that the paper leaves out (chapter 4), against the best pair with one feature alone."""
    W, b = best_triangle(p)
    assert exact_loss(W, b, density=p, nodes=(48, 48, 24)).item() == pytest.approx(triangle, abs=1e-5)
    assert 2 / 3 * two_feature_optimum(density=p, r=1.0).loss.item() == pytest.approx(pair, abs=1e-5)
    assert min(competing_losses(density=p, r=1.0, n_features=3).values()) > max(triangle, pair)
    cosines = torch.nn.functional.normalize(W, dim=0)
    torch.testing.assert_close(cosines.T @ cosines, 1.5 * torch.eye(3).double() - 0.5, atol=1e-3, rtol=0)


def test_the_triangle_s_loss_is_a_sampled_loss():
    W, b = best_triangle(0.6)
    model = ToyModel.with_weights(W.float(), b.float())
    sampled = estimate_loss(model, SparseFeatures(3, 0.6), batch_size=2**19).item()
    assert sampled == pytest.approx(0.03132, rel=0.01)


@pytest.mark.parametrize("n_features", [2, 3])
@pytest.mark.parametrize("r", [0.1, 0.3, 0.5, 0.99, 1.01, 2.0, 10.0])
def test_superposition_wins_exactly_below_the_boundary(n_features, r):
    p = competing_boundary(r, n_features).item()

    def superposed(density: float) -> bool:
        losses = competing_losses(density=density, r=r, n_features=n_features)
        return "pair" in min(losses, key=lambda name: losses[name].item())

    assert superposed(p - 1e-6)
    assert not superposed(p + 1e-6)


def test_boundaries_at_known_points():
    r = torch.tensor([0.1, 0.3, 0.5, 1.0, 10.0], **torch64)
    expected = torch.tensor([0.16, 0.3429, 0.4444, 4 / 7, 0.16], **torch64)
    torch.testing.assert_close(competing_boundary(r), expected, atol=1e-4, rtol=0)
    assert competing_boundary(10.0, n_features=3).item() == pytest.approx(4 / 7)


@pytest.mark.parametrize("n_features", [2, 3])
def test_all_meet_in_one_point_at_four_sevenths(n_features):
    losses = competing_losses(density=4 / 7, r=1.0, n_features=n_features).values()
    assert [loss.item() for loss in losses] == pytest.approx(
        [2 * (4 / 7) ** 2 / 6 / n_features] * len(losses)
    )


def test_densities_and_ratios_broadcast_to_a_map():
    p, r = torch.linspace(0, 1, 5)[:, None], torch.logspace(-1, 1, 3)
    losses = competing_losses(density=p, r=r)
    assert {loss.shape for loss in losses.values()} == {(5, 3)}
    single = competing_losses(density=p[3, 0].item(), r=r[2].item())
    assert losses["antipodal pair"][3, 2].item() == pytest.approx(single["antipodal pair"].item())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"density": 1.1}, r"expected density in \[0, 1\]; got 1.1"),
        ({"density": math.nan}, "expected density to be finite numbers; got nan"),
        ({"density": "rare"}, "expected density to be numbers; got 'rare'"),
        ({"density": torch.ones(2), "r": torch.ones(3)}, r"broadcast .*; got density \(2,\), r \(3,\)"),
        ({"r": -1.0}, "expected r >= 0; got -1"),
        ({"r": math.inf}, "expected r to be finite numbers; got inf"),
        ({"r": None}, "expected r to be numbers; got None"),
        ({"n_features": 4}, "expected n_features to be 2 or 3; got 4"),
        ({"n_features": 2.5}, "expected n_features to be a whole number >= 0; got 2.5"),
    ],
)
def test_losses_that_do_not_exist_are_refused(change, message, unchecked):
    with pytest.raises(ValueError, match=message):
        competing_losses(**{"density": 0.5, "r": 1.0, **change})


@pytest.mark.parametrize(
    ("r", "n_features", "message"),
    [
        (0.0, 2, "expected r > 0; got 0"),
        (torch.tensor([1.0, -1.0]), 2, "expected r > 0; got -1"),
        (math.nan, 2, "expected r to be finite numbers; got nan"),
        ("one", 2, "expected r to be numbers; got 'one'"),
        (1.0, 5, "expected n_features to be 2 or 3; got 5"),
        (1.0, "two", "expected n_features to be a whole number >= 0; got 'two'"),
    ],
)
def test_borders_that_do_not_exist_are_refused(r, n_features, message, unchecked):
    with pytest.raises(ValueError, match=message):
        competing_boundary(r, n_features)
