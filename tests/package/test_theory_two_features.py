"""Two features in one dimension: the exact loss, and the true optimum."""

import math

import numpy as np
import pytest
import torch
from scipy.integrate import dblquad
from scipy.optimize import minimize
from torch import Tensor

from tms_utils import CorrelatedFeatures, SparseFeatures, ToyModel, estimate_loss
from tms_utils.theory import (
    competing_boundary,
    competing_losses,
    feature_variance,
    two_feature_loss,
    two_feature_minimum,
    two_feature_optimum,
)

torch64 = {"dtype": torch.float64}


def random_solutions(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(count, 2, generator=generator, **torch64)
    b = 0.4 * torch.randn(count, 2, generator=generator, **torch64)
    p = 0.02 + 0.98 * torch.rand(count, generator=generator, **torch64)
    r = 10 ** (2 * torch.rand(count, generator=generator, **torch64) - 1)
    return w, b, p, r


@pytest.mark.usefixtures("unchecked")
def test_whole_numbers_are_weights_as_well():
    whole, real = (two_feature_loss([one, -one], [0 * one] * 2, density=0.3, r=0.5) for one in (1, 1.0))
    assert whole == real > 0


# The exact loss -------------------------------------------------------------------------------


def test_exact_loss_agrees_with_adaptive_quadrature():
    """Pattern by pattern, with an integrator that knows nothing of kinks."""
    w, b, p, r = (v[:4].numpy() for v in random_solutions(4, seed=1))
    exact = two_feature_loss(torch.tensor(w), torch.tensor(b), density=p, r=r)
    for k in range(4):

        def error(x, y, k=k):
            h = w[k, 0] * x + w[k, 1] * y
            first = (x - max(0, w[k, 0] * h + b[k, 0])) ** 2
            second = (y - max(0, w[k, 1] * h + b[k, 1])) ** 2
            return (first + r[k] * second) / 2

        on = np.linspace(0, 1, 20001)
        only_x = np.trapezoid([error(x, 0) for x in on], on)
        only_y = np.trapezoid([error(0, y) for y in on], on)
        both, _ = dblquad(lambda y, x: error(x, y), 0, 1, 0, 1, epsabs=1e-7)
        q = 1 - p[k]
        mean = q**2 * error(0, 0) + p[k] * q * (only_x + only_y) + p[k] ** 2 * both
        assert exact[k].item() == pytest.approx(mean, abs=1e-6)


def test_exact_loss_agrees_with_sampling():
    w, b, p, r = random_solutions(8, seed=2)
    model = ToyModel(2, 1, 8).requires_grad_(False)
    model.W.copy_(w[:, None].float())
    model.b.copy_(b.float())
    importance = torch.stack([torch.ones_like(r), r], -1).float()
    sampled = estimate_loss(model, SparseFeatures(2, p.float()), importance, batch_size=2**20)
    exact = two_feature_loss(w, b, density=p, r=r)
    torch.testing.assert_close(exact.float(), sampled, rtol=0.01, atol=0)


def test_exact_loss_has_the_symmetries_of_the_problem():
    w, b, p, r = random_solutions(50, seed=3)
    loss = two_feature_loss(w, b, density=p, r=r)
    torch.testing.assert_close(two_feature_loss(-w, b, density=p, r=r), loss)
    swapped = two_feature_loss(w.flip(-1), b.flip(-1), density=p, r=1 / r)
    torch.testing.assert_close(swapped * r, loss)


def test_exact_loss_where_a_weight_vanishes():
    """Slopes of zero have no kink to divide by."""
    w, b = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1e-13]], **torch64), torch.zeros(3, 2, **torch64)
    loss = two_feature_loss(w, b, density=0.4, r=0.5)
    third = 0.4 / 3
    torch.testing.assert_close(loss, torch.tensor([1.5 * third, 0.5 * third, 0.5 * third], **torch64) / 2)


@pytest.mark.parametrize("bias", [0.2, -0.2])
def test_an_output_that_hears_nothing_answers_its_bias_if_that_is_positive(bias):
    zero, b, p = torch.zeros(2, **torch64), torch.full((2,), bias, **torch64), 0.4
    answer = max(0, bias)
    expected = (1 - p) * answer**2 + p * (1 / 3 - answer + answer**2)
    assert two_feature_loss(zero, b, density=p, r=1.0).item() == pytest.approx(expected, rel=1e-12)


# The optimum ----------------------------------------------------------------------------------

POINTS = [(0.5, 0.3), (0.15, 0.1), (0.62, 0.7), (0.56, 0.7), (0.8, 0.97), (0.7, 1.0), (0.05, 3.0), (0.9, 8.0)]


def order(w: Tensor) -> Tensor:
    """The length of the shorter weight: 0 if a feature is ignored, near 1 in a pair."""
    return w.abs().amin(-1)


@pytest.mark.parametrize(("p", "r"), POINTS)
def test_no_random_start_finds_a_lower_loss(p, r):
    optimum = two_feature_optimum(density=p, r=r)
    w, b, _, _ = random_solutions(200, seed=int(100 * p))
    found = two_feature_minimum(w, b, density=p, r=r, steps=60)
    assert found.loss.min() >= optimum.loss * (1 - 1e-7)
    assert found.loss.min() <= optimum.loss * (1 + 1e-5)


@pytest.mark.parametrize(("p", "r"), POINTS[::3])
def test_a_second_optimiser_agrees(p, r, unchecked):
    """SciPy's L-BFGS-B on finite differences of the loss, from random starts."""
    moves = 1e-6 * torch.cat([torch.eye(4), -torch.eye(4), torch.zeros(1, 4)]).double()

    def loss_and_slope(theta):
        nearby = torch.from_numpy(theta) + moves
        losses = two_feature_loss(nearby[:, :2], nearby[:, 2:], density=p, r=r)
        return losses[8].item(), ((losses[:4] - losses[4:8]) / 2e-6).numpy()

    rng = np.random.default_rng(int(100 * r))
    starts = rng.normal(size=(8, 4)) * [0.8, 0.8, 0.3, 0.3]
    best = min(
        minimize(loss_and_slope, start, jac=True, method="L-BFGS-B", tol=1e-12).fun for start in starts
    )
    assert best == pytest.approx(two_feature_optimum(density=p, r=r).loss.item(), rel=1e-4)


def test_optimum_is_what_it_says():
    p, r = torch.meshgrid(torch.logspace(-2, 0, 9), torch.logspace(-1, 1, 9), indexing="ij")
    best = two_feature_optimum(density=p, r=r)
    assert best.w.shape == (9, 9, 2)
    torch.testing.assert_close(two_feature_loss(best.w, best.b, density=p, r=r), best.loss)
    leading = torch.where(best.w[..., 0].abs() < 1e-6, best.w[..., 1], best.w[..., 0])
    assert (leading > 0).all()
    closed = torch.stack(list(competing_losses(density=p, r=r).values())).amin(0)
    assert (best.loss <= closed * (1 + 1e-12)).all()


def test_holding_w2_holds_it():
    w = torch.tensor([[1.0, -0.3], [1.0, 0.0]], **torch64)
    start = {"w": w, "b": torch.full((2, 2), 0.1, **torch64)}
    found = two_feature_minimum(**start, density=0.5, r=0.3, hold_w2=True)
    torch.testing.assert_close(found.w[:, 1], w[:, 1])
    # With w2 = 0 the rest settles into "ignore extra".
    assert found.loss[1].item() == pytest.approx(0.3 * feature_variance(0.5) / 2)


# Where the optimum changes (chapter 4) ----------------------------------------------------------


def test_the_border_is_first_order_and_denser_than_the_closed_form():
    r = torch.tensor([0.12, 0.22, 0.44, 0.66, 0.83, 0.96, 0.985], **torch64)
    low, high = competing_boundary(r) - 0.01, competing_boundary(r) + 0.15
    for _ in range(7):
        middle = (low + high) / 2
        pair = order(two_feature_optimum(density=middle, r=r).w) > 0.58
        low, high = torch.where(pair, middle, low), torch.where(pair, high, middle)
    after, before = two_feature_optimum(density=low, r=r), two_feature_optimum(density=high, r=r)
    assert (order(after.w) - order(before.w)).min() > 0.13  # 0.17 at the weakest point, near r = 0.97
    off = low - competing_boundary(r)
    assert off.min() > 0.015
    assert off.max() < 0.14
    # The loss itself has no jump, only a corner.
    torch.testing.assert_close(after.loss, before.loss, rtol=0.01, atol=0)


def test_the_optimum_is_never_halfway():
    p, r = torch.meshgrid(torch.linspace(0.05, 0.95, 19), torch.logspace(-1, -0.03, 9), indexing="ij")
    values = order(two_feature_optimum(density=p, r=r).w)
    assert not ((values > 0.52) & (values < 0.63)).any()


@pytest.mark.parametrize("p", [0.56, 0.66, 0.85])
def test_the_optimum_starts_to_lean_where_the_formula_says(p):
    """Chapter 4's r*(p): where a small second weight -ε and a bias ε B gain as much as they cost."""
    v = feature_variance(p)
    a, b, c = p * (1 - p), p / 2 + 2 * (1 - p) ** 2, -(p**2) / 4
    B = (-b + (b * b - 4 * a * c) ** 0.5) / (2 * a)
    r = (p * (v + (p / 2 - B) ** 2 / 4) + (1 - p) * ((1 - p) * B**2 + p * B**3 / 3)) / v
    below, above = order(two_feature_optimum(density=p, r=torch.tensor([r - 0.004, r + 0.004], **torch64)).w)
    assert below < 1e-4
    assert 1e-3 < above < 0.1


def test_dense_features_jump_into_the_lean_before_the_formula_sees_it():
    """Chapter 4's tricritical point: no step at p = 0.8; at p = 0.95 one of 0.11, and below r* = 0.973."""
    p = torch.tensor([0.8, 0.8, 0.95, 0.95, 1.0, 1.0], **torch64)
    r = torch.tensor([0.865, 0.867, 0.9685, 0.9695, 0.9884, 0.9890], **torch64)
    best = order(two_feature_optimum(density=p, r=r).w)
    assert best[::2].max() < 1e-4
    assert best[1::2].tolist() == pytest.approx([0.023, 0.117, 0.204], abs=0.008)
    # A step is a step: however near the onset, the lean at p = 0.95 is not below 0.1, and at p = 0.8 it is tiny.
    near = order(two_feature_optimum(density=p[1:4:2], r=torch.tensor([0.86602, 0.969], **torch64)).w)
    assert near.tolist() == pytest.approx([0.003, 0.11], abs=0.004)


def test_the_optimum_that_most_runs_miss():
    """The point of exercise 4.5: the true optimum is nearly a pair."""
    assert two_feature_optimum(density=0.56, r=0.8).w.tolist() == pytest.approx([0.97, -0.84], abs=0.01)


# Features that come together (chapter 7) ------------------------------------------------------


def test_together_equal_to_density_is_independence():
    w, b = torch.tensor([0.8, -0.6]).double(), torch.tensor([0.1, 0.05]).double()
    for p in (0.1, 0.5, 1.0):
        data = {"density": p, "r": 0.5}
        expected = two_feature_loss(w, b, **data).item()
        assert two_feature_loss(w, b, **data, together=p).item() == pytest.approx(expected, rel=1e-12)
        solution = two_feature_optimum(**data, together=p)
        assert solution.loss.item() == pytest.approx(two_feature_optimum(**data).loss.item(), rel=1e-9)


@pytest.mark.parametrize(("p", "c"), [(0.3, 0.3), (0.2, 0.8), (0.4, 1.0)])
def test_the_loss_of_features_that_come_together_against_a_large_sample(p, c):
    """The sampler and the quadrature were written apart, and agree."""
    generator = torch.Generator().manual_seed(11)
    x, weight = CorrelatedFeatures(2, p, together=c).sample_weighted(2**19, generator)
    for _ in range(3):
        w, b = torch.randn(2, generator=generator), 0.3 * torch.randn(2, generator=generator)
        error = (x - ((x @ w)[..., None] * w + b).relu()).square().mean(-1)
        terms = weight.shape[1] * weight * error
        exact = two_feature_loss(w.double(), b.double(), density=p, r=1.0, together=c).item()
        assert abs(terms.mean().item() - exact) < 5 * (terms.std() / terms.shape[1] ** 0.5).item()


def test_closed_forms_of_a_pair_in_one_dimension():
    """Opposite costs p c / 3, merged p c / 12 + p (1 - c) / 3, never together nothing (sums)."""
    zero = torch.zeros(2, **torch64)
    opposite, merged = torch.tensor([1.0, -1], **torch64), torch.tensor([0.5, 0.5], **torch64).sqrt()
    for p, c in ((0.1, 0.0), (0.3, 0.4), (0.2, 1.0)):
        data = {"density": p, "r": 1.0, "together": c}
        assert 2 * two_feature_loss(opposite, zero, **data).item() == pytest.approx(p * c / 3, abs=1e-12)
        expected = p * c / 12 + p * (1 - c) / 3
        assert 2 * two_feature_loss(merged, zero, **data).item() == pytest.approx(expected, rel=1e-12)


def test_the_border_of_merging_in_the_limit_of_rare_features():
    border = (40 - 4 * 14**0.5) / 43
    together = torch.tensor([border - 1e-3, border + 1e-3], **torch64)
    below, above = two_feature_optimum(density=1e-5, together=together).w
    assert below.prod() < -1
    assert above.tolist() == pytest.approx([0.5**0.5] * 2, abs=1e-3)


def test_random_starts_find_nothing_below_the_optimum_of_features_that_come_together():
    generator = torch.Generator().manual_seed(12)
    p = torch.tensor([0.05, 0.3, 0.5, 0.6, 0.8]).double()
    c = torch.tensor([0.7, 0.1, 0.6, 0.65, 0.8]).double()
    start = torch.randn(24, 1, 4, generator=generator, **torch64)
    data = {"density": p, "r": 1.0, "together": c}
    found = two_feature_minimum(start[..., :2], 0.3 * start[..., 2:], **data, steps=60)
    optimum = two_feature_optimum(**data)
    assert (found.loss.amin(0) > optimum.loss - 1e-9).all()
    assert (found.loss.amin(0) < optimum.loss * 1.001 + 1e-9).all()


# Bad input ------------------------------------------------------------------------------------

DATA = [
    ({"density": 1.1}, r"expected density in .0, 1\]; got 1.1"),
    ({"density": math.nan}, "expected density to be finite numbers; got nan"),
    ({"density": "rare"}, "expected density to be numbers; got 'rare'"),
    ({"density": torch.ones(4), "r": torch.ones(3)}, r"broadcast .*; got density \(4,\), r \(3,\)"),
    ({"r": -1.0}, "expected r >=? 0; got -1"),
    ({"r": None}, "expected r to be numbers; got None"),
    ({"together": -0.1}, r"expected together in \[0, 1\]; got -0.1"),
    ({"together": 1.1}, r"expected together in \[0, 1\]; got 1.1"),
    ({"density": 0.8, "together": 0.1}, "expected together to be at least 2 - 1 / density"),
]
WEIGHTS = [
    ({"w": torch.ones(3)}, r"expected w and b of shape \(..., 2\); got \(3,\) and \(2,\)"),
    ({"b": torch.ones(0)}, r"expected w and b of shape \(..., 2\); got \(2,\) and \(0,\)"),
    ({"b": torch.ones(5, 2)}, r"expected w and b of shape \(..., 2\); got \(2,\) and \(5, 2\)"),
    ({"w": torch.tensor([1.0, math.nan])}, "expected w to be finite numbers; got nan"),
    ({"b": "none"}, "expected b to be numbers; got 'none'"),
]


@pytest.mark.parametrize("function", [two_feature_loss, two_feature_minimum])
@pytest.mark.parametrize(("change", "message"), [*DATA, *WEIGHTS])
def test_losses_that_do_not_exist_are_refused(function, change, message, unchecked):
    arguments = {"w": torch.ones(2), "b": torch.zeros(2), "density": 0.5, "r": 1.0, **change}
    with pytest.raises(ValueError, match=message):
        function(**arguments)


@pytest.mark.parametrize("steps", [0, -1, 2.5, "many", None])
def test_a_search_takes_a_whole_number_of_steps(steps, unchecked):
    with pytest.raises(ValueError, match=f"expected steps to be a whole number >= 1; got {steps!r}"):
        two_feature_minimum(torch.ones(2), torch.zeros(2), density=0.5, r=1.0, steps=steps)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        *DATA,
        ({"density": 0.0}, r"expected density in \(0, 1\]; got 0"),
        ({"r": 0.0}, "expected r > 0; got 0"),
    ],
)
def test_optimum_refuses_what_is_off_the_map(change, message, unchecked):
    with pytest.raises(ValueError, match=message):
        two_feature_optimum(**{"density": 0.5, **change})
