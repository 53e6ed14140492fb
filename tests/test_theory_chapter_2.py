"""The exact loss of one active feature, and the best regular polygon."""

from itertools import pairwise

import pytest
import torch

from tms_utils.features import KActiveFeatures
from tms_utils.models import ToyModel
from tms_utils.theory import one_sparse_loss, polygon_one_sparse_loss, polygon_optimum
from tms_utils.training import estimate_loss


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("bias", [-0.6, -0.2, 0.0, 0.4])
def test_the_integral_is_the_mean_over_x(seed, bias):
    """Against a midpoint rule, for random W and both signs of b."""
    W = torch.randn(2, 4, generator=generator(seed), dtype=torch.float64)
    b = bias + 0.3 * torch.randn(4, generator=generator(seed + 100), dtype=torch.float64)
    if seed == 0:
        W[:, 1] = 0  # an output that hears nothing
    x = (torch.arange(20_000, dtype=torch.float64) + 0.5) / 20_000
    for i in range(4):
        rows = torch.zeros(len(x), 4, dtype=torch.float64)
        rows[:, i] = x
        out = (rows @ W.T @ W + b).relu()
        expected = (out - rows).square().mean(0)
        torch.testing.assert_close(one_sparse_loss(W, b)[i], expected, atol=1e-7, rtol=1e-6)


def test_one_sparse_loss_is_what_the_model_loses_on_one_active_feature():
    model = ToyModel(5, 2, generator=generator(1))
    model.b.data.normal_(generator=generator(2))
    sampled = estimate_loss(model, KActiveFeatures(5, 1), batch_size=2**18)
    exact = one_sparse_loss(model.W[0].detach(), model.b[0].detach()).mean()
    torch.testing.assert_close(sampled[0], exact, rtol=5e-3, atol=0)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_up_to_four_features_cost_nothing(k):
    assert polygon_one_sparse_loss(k, 1.0, 0.0).item() == pytest.approx(0, abs=1e-12)
    optimum = polygon_optimum(k)
    assert (optimum.norm, optimum.b, optimum.loss) == (1, 0, 0)


def test_the_pentagon():
    """The same minimum from a fine grid, which knows nothing of gradients."""
    optimum = polygon_optimum(5)
    grid = [
        (polygon_one_sparse_loss(5, 1.15 + 0.001 * i, -0.32 + 0.002 * j).item(), 1.15 + 0.001 * i, -0.32 + 0.002 * j)
        for i in range(41)
        for j in range(41)
    ]  # fmt: skip
    loss, norm, b = min(grid)
    assert optimum.norm == pytest.approx(norm, abs=2e-3)
    assert optimum.b == pytest.approx(b, abs=4e-3)
    assert optimum.loss <= loss
    assert optimum.loss == pytest.approx(0.015826, abs=1e-6)
    assert optimum.norm == pytest.approx(1.1705, abs=1e-4)


@pytest.mark.parametrize("k", [5, 6, 7, 8])
def test_no_small_step_improves_the_optimum(k):
    optimum = polygon_optimum(k)
    for d_norm in (-0.01, 0, 0.01):
        for d_b in (-0.01, 0, 0.01):
            moved = polygon_one_sparse_loss(k, optimum.norm + d_norm, optimum.b + d_b)
            assert moved >= optimum.loss - 1e-12


def test_a_heptagon_is_the_largest_that_pays():
    totals = [k * polygon_optimum(k).loss for k in range(4, 10)]
    pays = [b < a + 1 / 3 for a, b in pairwise(totals)]
    assert pays == [True, True, True, False, False]


def test_one_feature_is_no_polygon():
    with pytest.raises(ValueError, match="k >= 2 features; got k = 1"):
        polygon_one_sparse_loss(1, 1.0, 0.0)
