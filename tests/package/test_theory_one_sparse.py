"""The exact loss of one active feature, the best regular polygon, and the best antiprism."""

import math
from itertools import pairwise

import pytest
import torch

from tms_utils import KActiveFeatures
from tms_utils.models import ToyModel
from tms_utils.shapes import polygon, polytope, square_antiprism
from tms_utils.theory import minimise, one_sparse_loss, polygon_one_sparse_loss, polygon_optimum
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


def test_six_dropped_features_cost_seven_twenty_fourths():
    """Each output answers the mean 1/12: E[(x - 1/12)²] for the active one, 1/144 for five others."""
    loss = one_sparse_loss(torch.zeros(2, 6).double(), torch.full((6,), 1 / 12).double())
    assert loss.sum(1).tolist() == pytest.approx([7 / 24] * 6, rel=1e-12)


# Polygons -------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 3, 4])
def test_up_to_four_features_cost_nothing(k):
    assert polygon_one_sparse_loss(k, 1.0, 0.0).item() == pytest.approx(0, abs=1e-12)
    optimum = polygon_optimum(k)
    assert (optimum.norm, optimum.b, optimum.loss) == (1, 0, 0)


def test_the_pentagon(unchecked):
    """The same minimum from a fine grid, which knows nothing of gradients."""
    optimum = polygon_optimum(5)
    grid = [
        (polygon_one_sparse_loss(5, norm, b).item(), norm, b)
        for norm in torch.linspace(1.15, 1.19, 21).tolist()
        for b in torch.linspace(-0.32, -0.24, 21).tolist()
    ]
    loss, norm, b = min(grid)
    assert optimum.norm == pytest.approx(norm, abs=4e-3)
    assert optimum.b == pytest.approx(b, abs=8e-3)
    assert optimum.loss <= loss


@pytest.mark.parametrize(
    ("k", "norm", "b", "loss"),
    [
        (5, 1.17046, -0.28230, 0.0158256),
        (6, 1.32053, -0.61814, 0.0481924),
        (7, 1.44839, -0.96691, 0.0832712),
    ],
)
def test_the_limits_that_the_chapters_quote(k, norm, b, loss):
    optimum = polygon_optimum(k)
    assert (optimum.norm, optimum.b) == pytest.approx((norm, b), abs=1e-5)
    assert optimum.loss == pytest.approx(loss, abs=1e-7)
    # Both signs of the bias in the paper's formula for the norm are off, by far.
    assert min(abs(1 / (1 - b) - norm), abs(1 / (1 + b) - norm)) > 0.2


@pytest.mark.parametrize("k", [5, 6, 7, 8])
def test_no_small_step_improves_the_optimum(k):
    optimum = polygon_optimum(k)
    for d_norm in (-0.01, 0, 0.01):
        for d_b in (-0.01, 0, 0.01):
            moved = polygon_one_sparse_loss(k, optimum.norm + d_norm, optimum.b + d_b)
            assert moved >= optimum.loss - 1e-12


def test_the_polygons_loss_is_that_of_its_weights():
    expected = one_sparse_loss(1.2 * polygon(5), torch.full((5,), -0.3, dtype=torch.float64)).sum() / 5
    assert polygon_one_sparse_loss(5, 1.2, -0.3).item() == pytest.approx(expected.item(), rel=1e-12)


def test_a_heptagon_is_the_largest_that_pays():
    totals = [k * polygon_optimum(k).loss for k in range(4, 10)]
    pays = [b < a + 1 / 3 for a, b in pairwise(totals)]
    assert pays == [True, True, True, False, False]


# Antiprisms -----------------------------------------------------------------------------------


def test_the_best_antiprism_in_the_limit_of_rare_features():
    """The minimum that trained models approach (chapter 6): flatter than the even one at height² = 1/3."""

    def loss(height2: torch.Tensor, length: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        angle = math.pi / 4 * torch.arange(8)
        up = torch.tensor([1.0, -1.0] * 4)
        ring = (1 - height2).sqrt()
        W = length * torch.stack([ring * angle.cos(), ring * angle.sin(), height2.sqrt() * up])
        return one_sparse_loss(W, b.expand(8))[0].sum()

    even = square_antiprism(3**-0.5)
    expected = one_sparse_loss(even, torch.zeros(8).double())[0].sum().item()
    third, one, none = (torch.tensor(v).double() for v in (1 / 3, 1.0, 0.0))
    assert loss(third, one, none).item() == pytest.approx(expected, rel=1e-6)

    best = minimise(loss, torch.tensor(0.3), torch.tensor(1.1), torch.tensor(-0.2))
    assert [v.item() for v in best] == pytest.approx([0.2686, 1.163, -0.264], abs=5e-4)
    assert loss(*best).item() == pytest.approx(0.012709, abs=2e-6)


@pytest.mark.parametrize(("name", "interference"), [("cube", 1 / 3), ("square antiprism", 0.26035)])
def test_without_a_bias_the_best_length_follows_from_the_interference(name, interference):
    """|W_i|² = 1 / (1 + Σ_{j≠i} ReLU(cos)²): a feature shrinks as others hear it."""
    W, b = polytope(name), torch.zeros(8, dtype=torch.float64)
    (length,) = minimise(lambda length: one_sparse_loss(length * W, b)[0].sum(), torch.tensor(0.8))
    assert length.item() == pytest.approx((1 + interference) ** -0.5, abs=1e-4)


# Bad input ------------------------------------------------------------------------------------


def test_weights_that_are_none_have_no_loss(bad_weights):
    W, message = bad_weights
    with pytest.raises(ValueError, match=message):
        one_sparse_loss(W, torch.zeros(3))


@pytest.mark.parametrize(
    ("b", "message"),
    [
        (torch.zeros(2), r"expected b of shape \(3,\), as W has; got \(2,\)"),
        (torch.zeros(1, 3), r"expected b of shape \(3,\), as W has; got \(1, 3\)"),
        (torch.zeros(0), r"expected b of shape \(3,\), as W has; got \(0,\)"),
        (torch.tensor([0, math.nan, 0]), "expected b to be finite numbers; got nan"),
        ("none", "expected b to be numbers; got 'none'"),
    ],
)
def test_a_bias_that_does_not_fit_is_named(b, message, unchecked):
    with pytest.raises(ValueError, match=message):
        one_sparse_loss(torch.ones(2, 3), b)


def test_one_model_at_a_time(unchecked):
    with pytest.raises(ValueError, match=r"expected W of shape \(hidden, features\); got \(4, 2, 3\)"):
        one_sparse_loss(torch.ones(4, 2, 3), torch.zeros(4, 3))


@pytest.mark.parametrize("k", [1, 0, -3, 2.5, "five", None, math.nan, True])
@pytest.mark.parametrize("function", [lambda k: polygon_one_sparse_loss(k, 1.0, 0.0), polygon_optimum])
def test_what_is_no_polygon_is_refused(function, k, unchecked):
    with pytest.raises(ValueError, match=f"expected k to be a whole number >= 2; got {k!r}"):
        function(k)


@pytest.mark.parametrize(
    ("norm", "b", "message"),
    [
        (torch.ones(5), 0.0, r"expected norm to be one number; got shape \(5,\)"),
        (1.0, torch.zeros(0), r"expected b to be one number; got shape \(0,\)"),
        (math.nan, 0.0, "expected norm to be finite numbers; got nan"),
        (1.0, math.inf, "expected b to be finite numbers; got inf"),
        ("long", 0.0, "expected norm to be numbers; got 'long'"),
    ],
)
def test_a_polygon_has_one_length_and_one_bias(norm, b, message, unchecked):
    with pytest.raises(ValueError, match=message):
        polygon_one_sparse_loss(5, norm, b)
