"""The exact loss by patterns: against closed forms, against sampling, and its minima."""

import math

import pytest
import torch

from tms_utils import SparseFeatures, ToyModel, estimate_loss
from tms_utils.polytopes import polytope
from tms_utils.theory import exact_loss, feature_variance, linear_loss, nearest_minimum, one_sparse_loss


def random_weights(hidden: int, features: int, seed: int):
    generator = torch.Generator().manual_seed(seed)
    W = 0.6 * torch.randn(hidden, features, generator=generator, dtype=torch.float64)
    return W, 0.2 * torch.randn(features, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("density", [1.0, 0.4, 0.03])
def test_a_model_that_answers_the_mean_loses_the_variance(density):
    loss = exact_loss(torch.zeros(2, 3), torch.full((3,), density / 2), density)
    assert loss.item() == pytest.approx(feature_variance(density), rel=1e-6)


def test_where_the_relu_never_cuts_it_is_the_linear_loss():
    W, _ = random_weights(2, 4, seed=1)
    b = torch.full((4,), 5.0, dtype=torch.float64)
    importance = torch.tensor([1.0, 0.5, 2.0, 0.1], dtype=torch.float64)
    assert exact_loss(W, b, 0.3, importance).item() == pytest.approx(
        linear_loss(W, b, importance, 0.3).item(), rel=1e-9
    )


def test_extreme_sparsity_is_the_one_sparse_loss():
    W, b = random_weights(2, 5, seed=2)
    b = -b.abs()  # an empty row then costs nothing
    p = 1e-7
    expected = p * one_sparse_loss(W, b).sum() / 5
    assert exact_loss(W, b, p).item() == pytest.approx(expected.item(), rel=2e-4)


def test_densities_of_single_features_against_sampling():
    W, b = random_weights(2, 5, seed=3)
    density = torch.tensor([0.02, 0.5, 0.1, 0.3, 0.1])
    importance = torch.tensor([1.0, 0.3, 2.0, 1.0, 0.7])
    model = ToyModel(5, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.W[0], model.b[0] = W, b
    # 2**18 rows: the standard error is about 0.3 %.
    sampled = estimate_loss(model, SparseFeatures(5, density[None]), importance, batch_size=2**18, seed=4)
    assert exact_loss(W, b, density.double(), importance).item() == pytest.approx(sampled.item(), rel=0.015)


def test_more_nodes_change_little():
    W = 1.12 * polytope("pentagon")
    b = torch.full((5,), -0.15, dtype=torch.float64)
    coarse = exact_loss(W, b, 0.1).item()
    fine = exact_loss(W, b, 0.1, nodes=(128, 40, 12, 6, 5)).item()
    assert coarse == pytest.approx(fine, rel=2e-3)


def test_the_nearest_minimum_of_a_pentagon_is_flat_and_no_higher():
    W, b = 1.3 * polytope("pentagon"), torch.zeros(5, dtype=torch.float64)
    minimum = nearest_minimum(W, b, 0.02)
    assert minimum.loss < exact_loss(W, b, 0.02).item()
    generator = torch.Generator().manual_seed(5)
    for _ in range(5):
        nudge = 0.02 * torch.randn(2, 5, generator=generator, dtype=torch.float64)
        assert exact_loss(minimum.W + nudge, minimum.b, 0.02).item() > minimum.loss
    assert torch.equal(W, 1.3 * polytope("pentagon"))  # the start is left alone


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="at most 8 features"):
        exact_loss(torch.zeros(2, 9), torch.zeros(9), 0.1)
    for density in (0.0, 1.5, math.nan):
        with pytest.raises(ValueError, match="density in"):
            exact_loss(torch.zeros(2, 3), torch.zeros(3), density)
