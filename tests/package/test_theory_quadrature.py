"""The exact loss by patterns: against closed forms, against sampling, its minima, and where two of them cross."""

import math

import pytest
import torch

from tms_utils import SparseFeatures, ToyModel, estimate_loss
from tms_utils.geometry import feature_norms
from tms_utils.shapes import polytope
from tms_utils.theory import (
    Solution,
    exact_loss,
    feature_variance,
    linear_loss,
    nearest_minimum,
    one_sparse_loss,
)


def random_weights(hidden: int, features: int, seed: int):
    generator = torch.Generator().manual_seed(seed)
    W = 0.6 * torch.randn(hidden, features, generator=generator, dtype=torch.float64)
    return W, 0.2 * torch.randn(features, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("density", [1.0, 0.4, 0.03])
def test_a_model_that_answers_the_mean_loses_the_variance(density):
    loss = exact_loss(torch.zeros(2, 3), torch.full((3,), density / 2), density=density)
    assert loss.item() == pytest.approx(feature_variance(density), rel=1e-6)


def test_where_the_relu_never_cuts_it_is_the_linear_loss():
    W, _ = random_weights(2, 4, seed=1)
    b = torch.full((4,), 5.0, dtype=torch.float64)
    data = {"density": 0.3, "importance": torch.tensor([1.0, 0.5, 2.0, 0.1])}
    assert exact_loss(W, b, **data).item() == pytest.approx(linear_loss(W, b, **data).item(), rel=1e-9)


def test_extreme_sparsity_is_the_one_sparse_loss():
    W, b = random_weights(2, 5, seed=2)
    b = -b.abs()  # an empty row then costs nothing
    p = 1e-7
    expected = p * one_sparse_loss(W, b).sum() / 5
    assert exact_loss(W, b, density=p).item() == pytest.approx(expected.item(), rel=2e-4)


def test_densities_of_single_features_against_sampling():
    W, b = random_weights(2, 5, seed=3)
    density = torch.tensor([0.02, 0.5, 0.1, 0.3, 0.1])
    importance = torch.tensor([1.0, 0.3, 2.0, 1.0, 0.7])
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.W[0], model.b[0] = W, b
    # 2**18 rows: the standard error is about 0.3 %.
    sampled = estimate_loss(model, SparseFeatures(5, density[None]), importance, batch_size=2**18, seed=4)
    exact = exact_loss(W, b, density=density, importance=importance)
    assert exact.item() == pytest.approx(sampled.item(), rel=0.015)


def test_more_nodes_change_little():
    W = 1.12 * polytope("pentagon")
    b = torch.full((5,), -0.15, dtype=torch.float64)
    coarse = exact_loss(W, b, density=0.1).item()
    fine = exact_loss(W, b, density=0.1, nodes=(128, 40, 12, 6, 5)).item()
    assert coarse == pytest.approx(fine, rel=2e-3)
    assert coarse != fine


def test_the_nearest_minimum_of_a_pentagon_is_flat_and_no_higher():
    W, b = 1.3 * polytope("pentagon"), torch.zeros(5, dtype=torch.float64)
    minimum = nearest_minimum(W, b, density=0.02)
    assert isinstance(minimum, Solution)
    assert minimum.loss < exact_loss(W, b, density=0.02).item()
    assert minimum.loss == exact_loss(minimum.W, minimum.b, density=0.02).item()
    generator = torch.Generator().manual_seed(5)
    for _ in range(5):
        nudge = 0.02 * torch.randn(2, 5, generator=generator, dtype=torch.float64)
        assert exact_loss(minimum.W + nudge, minimum.b, density=0.02).item() > minimum.loss
    assert torch.equal(W, 1.3 * polytope("pentagon"))  # the start is left alone


def test_a_parameter_may_be_the_start():
    model = ToyModel(3, 2, generator=torch.Generator().manual_seed(3))
    minimum = nearest_minimum(model.W[0], model.b[0], density=0.1, importance=0.9 ** torch.arange(3))
    assert minimum.loss < exact_loss(model.W[0], model.b[0], density=0.1).item()
    assert not minimum.W.requires_grad


# One feature gets rarer (chapter 5) -------------------------------------------------------------


def densities(p: float, r: float) -> torch.Tensor:
    return torch.tensor([p / r, p, p, p, p], dtype=torch.float64)


def pentagon(p: float, r: float) -> Solution:
    return nearest_minimum(1.15 * polytope("pentagon"), torch.full((5,), -0.2), density=densities(p, r))


def two_digons(p: float, r: float) -> Solution:
    W = torch.tensor([[0.0, 1, -1, 0, 0], [0, 0, 0, 1, -1]])
    return nearest_minimum(W, torch.tensor([p / r / 2, 0, 0, 0, 0]), density=densities(p, r))


@pytest.mark.parametrize(
    ("p", "before", "after"), [(0.1, 2.3, 2.45), (0.05, 3.6, 3.85), (0.02, 5.2, 5.6), (0.01, 6.1, 6.6)]
)
def test_pentagon_and_two_digons_cross_between(p, before, after):
    """With other nodes than the chapter's, so that the crossing is not an accident of the quadrature."""
    for r, pentagon_is_better in ((before, True), (after, False)):
        five, four = (
            exact_loss(m.W, m.b, density=densities(p, r), nodes=(100, 30, 9, 5, 4))
            for m in (pentagon(p, r), two_digons(p, r))
        )
        assert bool(five < four) == pentagon_is_better


def test_a_pentagon_exists_beyond_the_crossing_but_not_for_ever():
    assert feature_norms(pentagon(0.05, 6.0).W)[0] > 0.9
    assert feature_norms(pentagon(0.05, 12.0).W)[0] < 0.1


# Bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [exact_loss, nearest_minimum])
def test_weights_that_are_none_have_no_loss(function, bad_weights):
    W, message = bad_weights
    with pytest.raises(ValueError, match=message):
        function(W, torch.zeros(3), density=0.5)


@pytest.mark.parametrize("function", [exact_loss, nearest_minimum])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"density": 0.0}, r"expected density in \(0, 1\]; got 0"),
        ({"density": 1.5}, r"expected density in \(0, 1\]; got 1.5"),
        ({"density": math.nan}, "expected density to be finite numbers; got nan"),
        ({"density": "rare"}, "expected density to be numbers; got 'rare'"),
        ({"density": torch.ones(2)}, r"broadcast against \(3,\); got density \(2,\)"),
        ({"density": torch.ones(4, 3)}, r"density and importance to be one number or \(3,\)"),
        ({"importance": torch.ones(0)}, r"broadcast against \(3,\); got .*importance \(0,\)"),
        ({"importance": -1.0}, "expected importance >= 0; got -1"),
        ({"importance": math.inf}, "expected importance to be finite numbers; got inf"),
        ({"b": torch.zeros(2)}, r"expected b of shape \(3,\), as W has; got \(2,\)"),
        ({"b": torch.tensor([0, 0, math.nan])}, "expected b to be finite numbers; got nan"),
        ({"W": torch.zeros(4, 2, 3)}, r"expected W of shape \(hidden, features\); got \(4, 2, 3\)"),
        ({"W": torch.zeros(2, 9), "b": torch.zeros(9)}, "expected at most 8 features, .*; got 9"),
    ],
)
def test_what_does_not_fit_is_named(function, change, message, unchecked):
    arguments = {"W": torch.ones(2, 3), "b": torch.zeros(3), "density": 0.5, **change}
    with pytest.raises(ValueError, match=message):
        function(**arguments)


@pytest.mark.parametrize("nodes", [(), (0,), (8, 2.5), 8, None, "many"])
def test_nodes_are_whole_numbers(nodes, unchecked):
    with pytest.raises(ValueError, match="expected (each of )?nodes to be .*whole number"):
        exact_loss(torch.ones(2, 3), torch.zeros(3), density=0.5, nodes=nodes)


def test_there_is_nothing_to_descend_where_nothing_costs():
    with pytest.raises(ValueError, match="expected a loss > 0 to descend from; got 0"):
        nearest_minimum(torch.ones(2, 3), torch.zeros(3), density=0.5, importance=0.0)
