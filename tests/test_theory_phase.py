"""Two features in one dimension: closed forms, the exact loss, and the true optimum."""

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


# Closed forms -------------------------------------------------------------------------------


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
    exact = two_feature_loss(torch.tensor(w, **torch64), torch.tensor(b(p), **torch64), p, 0.3)
    assert competing_losses(p, 0.3)[name].item() == pytest.approx(exact.item(), rel=1e-12)


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
    assert competing_losses(0.3, 0.4, n_features=3)[name].item() == pytest.approx(sampled.item(), rel=0.012)


@pytest.mark.parametrize("n_features", [2, 3])
@pytest.mark.parametrize("r", [0.1, 0.3, 0.5, 0.99, 1.01, 2.0, 10.0])
def test_superposition_wins_exactly_below_the_boundary(n_features, r):
    p = competing_boundary(r, n_features).item()

    def superposed(density: float) -> bool:
        losses = competing_losses(density, r, n_features)
        return "pair" in min(losses, key=lambda name: losses[name].item())

    assert superposed(p - 1e-6)
    assert not superposed(p + 1e-6)


def test_boundaries_at_known_points():
    r = torch.tensor([0.1, 0.3, 0.5, 1.0, 10.0], **torch64)
    expected = torch.tensor([0.16, 0.3429, 0.4444, 4 / 7, 0.16], **torch64)
    torch.testing.assert_close(competing_boundary(r), expected, atol=1e-4, rtol=0)
    assert competing_boundary(10.0, n_features=3).item() == pytest.approx(4 / 7)


@pytest.mark.parametrize(
    "function", [lambda: competing_losses(0.5, 1.0, 4), lambda: competing_boundary(1.0, 5)]
)
def test_only_two_or_three_features_have_closed_forms(function):
    with pytest.raises(ValueError, match="2 or 3"):
        function()


# The exact loss -----------------------------------------------------------------------------


def test_exact_loss_agrees_with_adaptive_quadrature():
    """Pattern by pattern, with an integrator that knows nothing of kinks."""
    w, b, p, r = (v[:4].numpy() for v in random_solutions(4, seed=1))
    exact = two_feature_loss(*(torch.tensor(v) for v in (w, b, p, r)))
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
    torch.testing.assert_close(two_feature_loss(w, b, p, r).float(), sampled, rtol=0.01, atol=0)


def test_exact_loss_has_the_symmetries_of_the_problem():
    w, b, p, r = random_solutions(50, seed=3)
    loss = two_feature_loss(w, b, p, r)
    torch.testing.assert_close(two_feature_loss(-w, b, p, r), loss)
    torch.testing.assert_close(two_feature_loss(w.flip(-1), b.flip(-1), p, 1 / r) * r, loss)


def test_exact_loss_where_a_weight_vanishes():
    """Slopes of zero have no kink to divide by."""
    w, b = torch.tensor([[0.0, 0.0], [1.0, 0.0], [1.0, 1e-13]], **torch64), torch.zeros(3, 2, **torch64)
    loss = two_feature_loss(w, b, 0.4, 0.5)
    third = 0.4 / 3
    torch.testing.assert_close(loss, torch.tensor([1.5 * third, 0.5 * third, 0.5 * third], **torch64) / 2)


# The optimum --------------------------------------------------------------------------------

POINTS = [(0.5, 0.3), (0.15, 0.1), (0.62, 0.7), (0.56, 0.7), (0.8, 0.97), (0.7, 1.0), (0.05, 3.0), (0.9, 8.0)]


@pytest.mark.parametrize(("p", "r"), POINTS)
def test_no_random_start_finds_a_lower_loss(p, r):
    optimum = two_feature_optimum(p, r)
    w, b, _, _ = random_solutions(200, seed=int(100 * p))
    found = two_feature_minimum(w, b, p, r, steps=60)
    assert found.loss.min() >= optimum.loss * (1 - 1e-7)
    assert found.loss.min() <= optimum.loss * (1 + 1e-5)


@pytest.mark.parametrize(("p", "r"), POINTS[::3])
def test_a_second_optimiser_agrees(p, r):
    """SciPy's L-BFGS-B, which takes its own finite differences, from random starts."""

    def loss(theta):
        theta = torch.from_numpy(theta)
        return two_feature_loss(theta[:2], theta[2:], p, r).item()

    rng = np.random.default_rng(int(100 * r))
    starts = rng.normal(size=(8, 4)) * [0.8, 0.8, 0.3, 0.3]
    best = min(minimize(loss, start, method="L-BFGS-B", tol=1e-12).fun for start in starts)
    assert best == pytest.approx(two_feature_optimum(p, r).loss.item(), rel=1e-4)


def test_optimum_is_what_it_says():
    p, r = (
        v.flatten() for v in torch.meshgrid(torch.logspace(-2, 0, 9), torch.logspace(-1, 1, 9), indexing="ij")
    )
    best = two_feature_optimum(p, r)
    torch.testing.assert_close(two_feature_loss(best.w, best.b, p, r), best.loss)
    assert (best.w[:, 0] >= 0).all()
    closed = torch.stack(list(competing_losses(p, r).values())).amin(0)
    assert (best.loss <= closed * (1 + 1e-12)).all()


def test_holding_w2_holds_it():
    w = torch.tensor([[1.0, -0.3], [1.0, 0.0]], **torch64)
    found = two_feature_minimum(w, torch.full((2, 2), 0.1, **torch64), 0.5, 0.3, hold_w2=True)
    torch.testing.assert_close(found.w[:, 1], w[:, 1])
    # With w2 = 0 the rest settles into "ignore extra".
    torch.testing.assert_close(found.loss[1], 0.3 * feature_variance(torch.tensor(0.5, **torch64)) / 2)


@pytest.mark.parametrize(("p", "r"), [(0.0, 1.0), (1.1, 1.0), (0.5, 0.0), (0.5, -1.0)])
def test_optimum_refuses_what_is_off_the_map(p, r):
    with pytest.raises(ValueError, match="expected"):
        two_feature_optimum(p, r)


# Features that come together (chapter 7) ------------------------------------------------------


def test_together_equal_to_density_is_independence():
    w, b = torch.tensor([0.8, -0.6]).double(), torch.tensor([0.1, 0.05]).double()
    for p in (0.1, 0.5, 1.0):
        expected = two_feature_loss(w, b, p, 0.5)
        assert two_feature_loss(w, b, p, 0.5, together=p).item() == pytest.approx(expected.item(), rel=1e-12)
        solution = two_feature_optimum(p, 0.5, together=p)
        assert solution.loss.item() == pytest.approx(two_feature_optimum(p, 0.5).loss.item(), rel=1e-9)


@pytest.mark.parametrize(("p", "c"), [(0.3, 0.3), (0.2, 0.8), (0.4, 1.0)])
def test_the_loss_of_features_that_come_together_against_a_large_sample(p, c):
    """The sampler and the quadrature were written apart, and agree."""
    generator = torch.Generator().manual_seed(11)
    x, weight = CorrelatedFeatures(2, p, together=c).sample_weighted(2**19, generator)
    for _ in range(3):
        w, b = torch.randn(2, generator=generator), 0.3 * torch.randn(2, generator=generator)
        error = (x - ((x @ w)[..., None] * w + b).relu()).square().mean(-1)
        terms = weight.shape[1] * weight * error
        exact = two_feature_loss(w.double(), b.double(), p, 1.0, c).item()
        assert abs(terms.mean().item() - exact) < 5 * (terms.std() / terms.shape[1] ** 0.5).item()


def test_closed_forms_of_a_pair_in_one_dimension():
    """Opposite costs p c / 3, merged p c / 12 + p (1 - c) / 3, never together nothing (sums)."""
    zero = torch.zeros(2, dtype=torch.float64)
    opposite, merged = torch.tensor([1.0, -1]).double(), torch.tensor([0.5, 0.5]).double().sqrt()
    for p, c in ((0.1, 0.0), (0.3, 0.4), (0.2, 1.0)):
        assert 2 * two_feature_loss(opposite, zero, p, 1.0, c).item() == pytest.approx(p * c / 3, abs=1e-12)
        expected = p * c / 12 + p * (1 - c) / 3
        assert 2 * two_feature_loss(merged, zero, p, 1.0, c).item() == pytest.approx(expected, rel=1e-12)


def test_the_border_of_merging_in_the_limit_of_rare_features():
    border = (40 - 4 * 14**0.5) / 43
    below, above = two_feature_optimum(1e-5, together=torch.tensor([border - 1e-3, border + 1e-3])).w
    assert below.prod() < -1
    assert above.tolist() == pytest.approx([0.5**0.5] * 2, abs=1e-3)


def test_random_starts_find_nothing_below_the_optimum_of_features_that_come_together():
    generator = torch.Generator().manual_seed(12)
    p = torch.tensor([0.05, 0.3, 0.5, 0.6, 0.8]).double()
    c = torch.tensor([0.7, 0.1, 0.6, 0.65, 0.8]).double()
    start = torch.randn(24, 1, 4, generator=generator, dtype=torch.float64)
    found = two_feature_minimum(start[..., :2], 0.3 * start[..., 2:], p, 1.0, together=c, steps=60)
    optimum = two_feature_optimum(p, together=c)
    assert (found.loss.amin(0) > optimum.loss - 1e-9).all()
    assert (found.loss.amin(0) < optimum.loss * 1.001 + 1e-9).all()


@pytest.mark.parametrize(("p", "c"), [(0.8, 0.1), (0.2, -0.1), (0.2, 1.1)])
def test_pairs_that_cannot_exist_are_refused(p, c):
    with pytest.raises(ValueError, match="together in"):
        two_feature_optimum(p, together=c)
