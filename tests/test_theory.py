"""The linear model's closed forms, against samples, against each other, and against what cannot be beaten."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_utils.features import SparseFeatures
from tms_utils.models import ToyModel
from tms_utils.theory import feature_mean, feature_variance, linear_loss, linear_optimum
from tms_utils.training import estimate_loss

densities = st.floats(0.01, 1.0)


def random_model(seed: int, m: int, n: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    W = 0.5 * torch.randn(m, n, generator=generator, dtype=torch.float64)
    return W, 0.3 * torch.randn(n, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("density", [1.0, 0.3, 0.02])
def test_mean_and_variance_of_a_sparse_feature(density):
    x = SparseFeatures(50, density).sample(40_000, torch.Generator().manual_seed(21)).double()
    n = x.numel()
    assert abs(x.mean() - feature_mean(density)) < 5 * x.std() / math.sqrt(n)
    squared = (x - feature_mean(density)).square()
    assert abs(squared.mean() - feature_variance(density)) < 5 * squared.std() / math.sqrt(n)


def test_linear_loss_is_what_sampling_estimates():
    p = torch.tensor([1.0, 0.3, 0.03])
    importance = 0.8 ** torch.arange(12)
    model = ToyModel(12, 4, 3, relu=False, generator=torch.Generator().manual_seed(31))
    with torch.no_grad():
        model.W.mul_(3)
        model.b.normal_(0, 0.3, generator=torch.Generator().manual_seed(32))
    exact = linear_loss(model.W.detach(), model.b.detach(), importance, p)
    sampled = estimate_loss(model, SparseFeatures(12, p), importance, batch_size=2**18, seed=33)
    assert torch.allclose(exact, sampled, rtol=0.02)


def test_linear_loss_by_hand():
    """n = 1, m = 1, W = 0: the model answers b, so the loss is I (v + (p/2 - b)²)."""
    loss = linear_loss(torch.zeros(1, 1), torch.tensor([0.2]), torch.tensor([3.0]), 0.5)
    assert loss.item() == pytest.approx(3 * (0.5 / 3 - 0.25 / 4 + (0.25 - 0.2) ** 2))


def test_linear_loss_broadcasts_over_instances():
    W, b = random_model(1, 2, 5)
    importance = torch.rand(5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    p = torch.tensor([1.0, 0.2], dtype=torch.float64)
    both = linear_loss(W.expand(2, -1, -1), b.expand(2, -1), importance, p)
    apart = [linear_loss(W, b, importance, q) for q in p.tolist()]
    assert torch.allclose(both, torch.stack(apart))


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), m=st.integers(1, 8), density=densities, decay=st.floats(0.3, 1.0))
def test_no_linear_model_beats_the_optimum(seed, m, density, decay):
    importance = decay ** torch.arange(8, dtype=torch.float64)
    optimum = linear_optimum(m, importance, density).loss
    W, b = random_model(seed, m, 8)
    assert linear_loss(W, b, importance, density) >= optimum - 1e-12
    # nor does an orthogonal projector with the best bias for it, which is much closer
    W = torch.linalg.qr(W.T).Q.T
    b = feature_mean(density) * (1 - (W.T @ W).sum(1))
    assert linear_loss(W, b, importance, density) >= optimum - 1e-12


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), m=st.integers(1, 9), density=densities)
def test_the_optimum_is_attained_whatever_the_order_of_importance(seed, m, density):
    generator = torch.Generator().manual_seed(seed)
    importance = torch.rand(8, generator=generator, dtype=torch.float64)
    optimum = linear_optimum(m, importance, density)
    assert optimum.kept.sum() == min(m, 8)
    assert importance[optimum.kept == 1].min() >= importance.masked_fill(optimum.kept == 1, 0).max()
    W = torch.diag(optimum.kept)[optimum.kept == 1]
    assert linear_loss(W, optimum.b, importance, density).item() == pytest.approx(optimum.loss, abs=1e-12)


def test_with_equal_importance_every_projector_is_optimal():
    W = torch.linalg.qr(torch.randn(20, 5, generator=torch.Generator().manual_seed(8)).double()).Q.T
    b = feature_mean(0.9) * (1 - (W.T @ W).sum(1))
    ones = torch.ones(20, dtype=torch.float64)
    assert linear_loss(W, b, ones, 0.9).item() == pytest.approx(linear_optimum(5, ones, 0.9).loss)
    assert linear_optimum(5, ones, 0.9).loss == pytest.approx(0.75 * feature_variance(0.9))


def test_the_papers_setting():
    importance = 0.7 ** torch.arange(20)
    optimum = linear_optimum(5, importance, 1.0)
    dropped = 0.7**5 * (1 - 0.7**15) / 0.3  # a geometric series
    assert optimum.loss == pytest.approx(dropped / 12 / 20, rel=1e-5)
    assert round(20 * optimum.loss, 7) == pytest.approx(0.0464645, abs=2e-7)
    assert optimum.kept.tolist() == [1.0] * 5 + [0.0] * 15
    assert optimum.b.tolist() == [0.0] * 5 + [0.5] * 15


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), density=densities, other=densities)
def test_density_only_scales_the_loss_of_the_best_bias(seed, density, other):
    W, _ = random_model(seed, 3, 7)
    importance = 0.7 ** torch.arange(7, dtype=torch.float64)

    def scaled(p: float) -> torch.Tensor:
        best_b = feature_mean(p) * (1 - (W.T @ W).sum(1))
        return linear_loss(W, best_b, importance, p) / feature_variance(p)

    assert torch.allclose(scaled(density), scaled(other))


@pytest.mark.parametrize(
    ("m", "importance", "density", "message"),
    [
        (5, torch.ones(8), 0.0, r"density in \(0, 1\]; got 0"),
        (5, torch.ones(8), 1.5, r"density in \(0, 1\]; got 1.5"),
        (5, torch.ones(8), math.nan, "density"),
        (0, torch.ones(8), 0.5, "n_hidden >= 1; got 0"),
        (2, torch.tensor([1.0, -1.0]), 0.5, "all >= 0"),
        (2, torch.tensor([1.0, math.nan]), 0.5, "all >= 0"),
    ],
)
def test_bad_input_is_named(m, importance, density, message):
    with pytest.raises(ValueError, match=message):
        linear_optimum(m, importance, density)
