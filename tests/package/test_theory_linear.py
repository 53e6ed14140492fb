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
    exact = linear_loss(model.W.detach(), model.b.detach(), density=p, importance=importance)
    sampled = estimate_loss(model, SparseFeatures(12, p), importance, batch_size=2**18, seed=33)
    assert torch.allclose(exact, sampled, rtol=0.02)


def test_linear_loss_by_hand():
    """n = 1, m = 1, W = 0: the model answers b, so the loss is I (v + (p/2 - b)²)."""
    loss = linear_loss(torch.zeros(1, 1), torch.tensor([0.2]), density=0.5, importance=torch.tensor([3.0]))
    assert loss.item() == pytest.approx(3 * (0.5 / 3 - 0.25 / 4 + (0.25 - 0.2) ** 2))


def test_linear_loss_broadcasts_over_instances():
    W, b = random_model(1, 2, 5)
    importance = torch.rand(5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    p = torch.tensor([1.0, 0.2], dtype=torch.float64)
    both = linear_loss(W.expand(2, -1, -1), b.expand(2, -1), density=p, importance=importance)
    apart = [linear_loss(W, b, density=q, importance=importance) for q in p.tolist()]
    assert torch.allclose(both, torch.stack(apart))


def test_importance_is_one_unless_given():
    W, b = random_model(2, 2, 5)
    assert torch.equal(
        linear_loss(W, b, density=0.3), linear_loss(W, b, density=0.3, importance=torch.ones(5))
    )


def test_the_loss_can_be_differentiated():
    W, b = (part.requires_grad_() for part in random_model(4, 2, 5))
    linear_loss(W, b, density=0.3).backward()
    assert W.grad.abs().min() > 0
    assert b.grad.abs().min() > 0


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10**6), m=st.integers(1, 8), density=densities, decay=st.floats(0.3, 1.0))
def test_no_linear_model_beats_the_optimum(seed, m, density, decay):
    data = {"density": density, "importance": decay ** torch.arange(8, dtype=torch.float64)}
    optimum = linear_optimum(m, **data).loss
    W, b = random_model(seed, m, 8)
    assert linear_loss(W, b, **data) >= optimum - 1e-12
    # nor does an orthogonal projector with the best bias for it, which is much closer
    W = torch.linalg.qr(W.T).Q.T
    b = feature_mean(density) * (1 - (W.T @ W).sum(1))
    assert linear_loss(W, b, **data) >= optimum - 1e-12


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), m=st.integers(1, 9), density=densities)
def test_the_optimum_is_attained_whatever_the_order_of_importance(seed, m, density):
    generator = torch.Generator().manual_seed(seed)
    importance = torch.rand(8, generator=generator, dtype=torch.float64)
    optimum = linear_optimum(m, density=density, importance=importance)
    assert optimum.W.shape == (m, 8)
    kept = optimum.W.sum(0) == 1
    assert kept.sum() == min(m, 8)
    assert importance[kept].min() >= importance.masked_fill(kept, 0).max()
    loss = linear_loss(optimum.W, optimum.b, density=density, importance=importance)
    assert loss.item() == pytest.approx(optimum.loss, abs=1e-12)


def test_with_equal_importance_every_projector_is_optimal():
    W = torch.linalg.qr(torch.randn(20, 5, generator=torch.Generator().manual_seed(8)).double()).Q.T
    b = feature_mean(0.9) * (1 - (W.T @ W).sum(1))
    optimum = linear_optimum(5, density=0.9, importance=torch.ones(20))
    assert linear_loss(W, b, density=0.9).item() == pytest.approx(optimum.loss)
    assert optimum.loss == pytest.approx(0.75 * feature_variance(0.9))


def test_the_papers_setting():
    optimum = linear_optimum(5, density=1.0, importance=0.7 ** torch.arange(20))
    dropped = 0.7**5 * (1 - 0.7**15) / 0.3  # a geometric series
    assert optimum.loss == pytest.approx(dropped / 12 / 20, rel=1e-5)
    assert round(20 * optimum.loss, 7) == pytest.approx(0.0464645, abs=2e-7)
    assert torch.equal(optimum.W, torch.eye(5, 20).double())
    assert optimum.b.tolist() == [0.0] * 5 + [0.5] * 15


def test_the_stairs_of_a_set_of_three_that_comes_together():
    """1/3, 1/18, 1/36, 0: nothing is known, the sum, the sum and one direction more, all (chapter 8)."""
    axes = torch.linalg.qr(torch.tensor([[1.0, 1, 0], [1, -1, 1], [1, 0, -1]]).double()).Q.T
    assert (axes[0] - axes[0].mean()).abs().max() < 1e-12  # the sum comes first
    stairs = [linear_loss(axes[:k], torch.zeros(3), density=1.0).item() for k in (1, 2, 3)]
    nothing = linear_loss(torch.zeros(1, 3).double(), torch.zeros(3), density=1.0).item()
    assert [nothing, *stairs] == pytest.approx([1 / 3, 1 / 18, 1 / 36, 0], abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 10**6), density=densities, other=densities)
def test_density_only_scales_the_loss_of_the_best_bias(seed, density, other):
    W, _ = random_model(seed, 3, 7)
    importance = 0.7 ** torch.arange(7, dtype=torch.float64)

    def scaled(p: float) -> torch.Tensor:
        best_b = feature_mean(p) * (1 - (W.T @ W).sum(1))
        return linear_loss(W, best_b, density=p, importance=importance) / feature_variance(p)

    assert torch.allclose(scaled(density), scaled(other))


# Bad input ------------------------------------------------------------------------------------

DENSITIES = [
    (-0.1, r"expected density in \[0, 1\]; got -0.1"),
    (1.5, r"expected density in \[0, 1\]; got 1.5"),
    (math.nan, "expected density to be finite numbers; got nan"),
    ("rare", "expected density to be numbers; got 'rare'"),
    (None, "expected density to be numbers; got None"),
    (torch.tensor([0.1, 1.1]), r"expected density in \[0, 1\]; got 1.1"),
]


@pytest.mark.parametrize("function", [feature_mean, feature_variance])
@pytest.mark.parametrize(("density", "message"), DENSITIES)
def test_a_density_that_is_none_has_no_mean(function, density, message, unchecked):
    with pytest.raises(ValueError, match=message):
        function(density)


def test_weights_that_are_none_have_no_loss(bad_weights):
    W, message = bad_weights
    with pytest.raises(ValueError, match=message):
        linear_loss(W, torch.zeros(3), density=0.5)


@pytest.mark.parametrize(
    ("b", "data", "message"),
    [
        *((torch.zeros(3), {"density": p}, message) for p, message in DENSITIES),
        (torch.zeros(3), {"importance": torch.ones(4)}, r"broadcast against \(3,\); got importance \(4,\)"),
        (torch.zeros(3), {"importance": -1.0}, "expected importance >= 0; got -1"),
        (torch.zeros(3), {"importance": math.nan}, "expected importance to be finite numbers; got nan"),
        (torch.zeros(3), {"importance": "all"}, "expected importance to be numbers; got 'all'"),
        (torch.zeros(2), {}, r"expected b of shape \(3,\), as W has; got \(2,\)"),
        (torch.zeros(0), {}, r"expected b of shape \(3,\), as W has; got \(0,\)"),
        (torch.tensor([0, math.nan, 0]), {}, "expected b to be finite numbers; got nan"),
        (None, {}, "expected b to be numbers; got None"),
    ],
)
def test_the_linear_loss_says_what_does_not_fit(b, data, message, unchecked):
    with pytest.raises(ValueError, match=message):
        linear_loss(torch.ones(2, 3), b, **{"density": 0.5, **data})


def test_there_are_as_many_densities_as_instances_or_one():
    W, b = torch.ones(4, 2, 3), torch.zeros(4, 3)
    with pytest.raises(ValueError, match=r"broadcast against \(4,\); got density \(2,\)"):
        linear_loss(W, b, density=torch.ones(2))


@pytest.mark.parametrize(
    ("m", "importance", "density", "message"),
    [
        (5, torch.ones(8), 0.0, r"density in \(0, 1\]; got 0"),
        (5, torch.ones(8), 1.5, r"density in \(0, 1\]; got 1.5"),
        (5, torch.ones(8), math.nan, "expected density to be finite numbers; got nan"),
        (5, torch.ones(8), torch.ones(2), r"expected one density; got shape \(2,\)"),
        (0, torch.ones(8), 0.5, "n_hidden to be a whole number >= 1; got 0"),
        (2.5, torch.ones(8), 0.5, "n_hidden to be a whole number >= 1; got 2.5"),
        (2, torch.tensor([1.0, -1.0]), 0.5, "expected importance >= 0; got -1"),
        (2, torch.tensor([1.0, math.nan]), 0.5, "expected importance to be finite numbers; got nan"),
        (2, torch.ones(2, 3), 0.5, r"expected importance of shape \(features,\); got \(2, 3\)"),
        (2, torch.ones(0), 0.5, r"expected importance of shape \(features,\); got \(0,\)"),
        (2, "equal", 0.5, "expected importance to be numbers; got 'equal'"),
    ],
)
def test_the_optimum_says_what_does_not_fit(m, importance, density, message, unchecked):
    with pytest.raises(ValueError, match=message):
        linear_optimum(m, density=density, importance=importance)
