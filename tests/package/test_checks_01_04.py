"""Chapters 1 to 4, and lab 91: right answers of other shapes and types, and facts that the checks state as data.

That each slip gets its own message is tried in tests/chapters/test_exercises.py, for all chapters.
"""

from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

from tms_utils import SparseFeatures, ToyModel
from tms_utils.checks import chapter_91
from tms_utils.checks.chapter_01 import check_linear_loss, check_sgd_step
from tms_utils.checks.chapter_02 import (
    check_bias_signs,
    check_figure,
    check_norm_given_bias,
    check_polygon_limit,
    check_shares,
)
from tms_utils.checks.chapter_03 import (
    check_balanced,
    check_draw,
    check_gradient_size,
    check_lifted,
    check_one_hot,
)
from tms_utils.checks.chapter_04 import check_boundary, check_hysteresis, check_sample_pairs
from tms_utils.checks.chapter_91 import check_audit, check_keep_mask, check_train_linear
from tms_utils.theory import linear_loss, polygon_optimum, two_feature_minimum


def loss_in_numpy(W, b, density, importance):
    """With a dummy axis, in double precision, and in other words."""
    W, b, importance = (np.asarray(v, dtype=float) for v in (W, b, importance))
    A = W.T @ W
    second = density / 3 * np.eye(len(b)) + density**2 / 4 * (1 - np.eye(len(b)))  # E[x xᵀ]
    error = (A - np.eye(len(b))) @ second @ (A - np.eye(len(b))).T
    mean = (A - np.eye(len(b))) @ np.full(len(b), density / 2)
    return np.array([(importance * (error.diagonal() + 2 * b * mean + b**2)).mean()])


def make_parameters(n, m, generator):
    return torch.nn.Parameter(torch.zeros(n)), torch.nn.Parameter(torch.randn(m, n, generator=generator))


def step_with_optimiser(parameters, x, lr):
    optimiser = torch.optim.SGD(parameters, lr)
    optimiser.zero_grad()
    b, W = parameters
    torch.nn.functional.mse_loss(x @ W.T @ W + b, x).backward()
    optimiser.step()


def step_without_backward(parameters, x, lr):
    b, W = parameters
    gradients = torch.autograd.grad((x @ W.T @ W + b - x).square().mean(), parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter -= lr * gradient


def train_by_hand(importance, steps=300, seed=0):
    """Plain gradient descent on what matters of the exact loss; refuses importances below 0. A NumPy array."""
    if importance.min() < 0:
        raise ValueError("importance must not be negative")
    W = (0.1 * torch.randn(5, 12, generator=torch.Generator().manual_seed(seed))).requires_grad_()
    for _ in range(steps):
        missing = torch.eye(12) - W.T @ W
        (importance * missing.square().sum(1)).sum().backward()
        with torch.no_grad():
            W -= 0.1 * W.grad
        W.grad = None
    return W.detach().numpy()


def test_chapter_1_accepts_right_answers_in_other_shapes_and_types() -> None:
    assert check_linear_loss(linear_loss).status == "passed"
    assert check_linear_loss(lambda *a, **k: linear_loss(*a, **k).item()).status == "passed"
    assert check_linear_loss(loss_in_numpy).status == "passed"
    for step in (step_with_optimiser, step_without_backward):
        assert check_sgd_step(make_parameters, step).status == "passed"
    assert repr(check_train_linear(train_by_hand)).startswith("Exercise 91.1: passed")
    a_weighted_mean = chapter_91._trainer(
        lambda weight, error: (weight * error.square()).sum() / (weight.sum() * len(error))
    )
    assert check_train_linear(a_weighted_mean).status == "passed"
    assert "Expected 2 answers in the brackets; got 1" in check_sgd_step(make_parameters).message


def test_a_half_taken_step_is_told_from_a_shape_that_does_not_fit() -> None:
    assert "should return [b, W]" in check_sgd_step(lambda n, m, generator: torch.zeros(n), print).message
    told = check_sgd_step(make_parameters, lambda parameters, x, lr: parameters[0] @ x).message
    assert "first step raised RuntimeError" in told
    assert "Half a step" not in told


# Samplers: 91.4, 3.3 and 4.3 ---------------------------------------------------------------------


def one_draw(shape, p, generator):
    u = torch.rand(shape, generator=generator)
    return ((u - (1 - p)) / p).clamp(min=0)


def rescaled(shape, p, generator):
    u = torch.rand(shape, generator=generator)
    return torch.where(u < p, u / p, 0.0)


def in_numpy(shape, p, generator):
    """From a seed that the generator gives; double precision."""
    numbers = np.random.default_rng(torch.randint(2**31, (), generator=generator).item())
    return numbers.random(shape) * (numbers.random(shape) < np.asarray(p))


def as_column_vectors(shape, p, generator):
    values, on = torch.rand(2, *shape, 1, generator=generator).unbind()
    return (values * (on[..., 0] < p)[..., None])[..., 0]


def pairs_of_copies(shape, p, generator):
    """Wrong: the second half of the features are copies of the first half, switches and all."""
    half = one_draw((*shape[:-1], shape[-1] // 2), p, generator)
    return torch.cat([half, half], dim=-1)


def values_used_twice(shape, p, generator):
    """Wrong, and hard to see: every value is used in two rows."""
    values = torch.rand(*shape[:-2], shape[-2] // 2, shape[-1], generator=generator)
    on = torch.rand(shape, generator=generator) < p
    return torch.cat([values, values.flip(-2)], dim=-2) * on


SAMPLERS = [
    (check_keep_mask, lambda f: lambda batch, n, sparsity, generator: f((batch, n), 1 - sparsity, generator)),
    (check_draw, lambda f: lambda rows, n, density, generator: f((rows, n), density, generator)),
    (
        check_sample_pairs,
        lambda f: lambda batch, p, generator: f((len(p), batch, 2), p[:, None, None], generator),
    ),
]


@pytest.mark.parametrize(("check", "asked"), SAMPLERS, ids=["91.4", "3.3", "4.3"])
def test_any_right_sampler_passes(check, asked) -> None:
    for right in (one_draw, rescaled, in_numpy, as_column_vectors):
        assert check(asked(right)).status == "passed", (right, check(asked(right)))


@pytest.mark.parametrize(("check", "asked"), SAMPLERS, ids=["91.4", "3.3", "4.3"])
def test_copies_are_found_though_the_shares_are_right(check, asked) -> None:
    for wrong in (pairs_of_copies, values_used_twice):
        verdict = check(asked(wrong))
        assert verdict.status == "failed", wrong
        assert "together" in verdict.message or "occur twice" in verdict.message


def audit_in_numpy(draw):
    """By a single statistic of each kind, in NumPy; the answer is NumPy's own bool."""
    x = np.asarray(draw(3000, 8, 0.5, torch.Generator().manual_seed(7)))
    on = x > 0
    pairs = np.corrcoef(on.T)[np.triu_indices(8, 1)]
    lengths = np.linalg.norm(x, axis=1)
    few = np.asarray(draw(3000, 8, 0.2, torch.Generator().manual_seed(8)))
    return (
        (abs((few > 0).mean() - 0.2) < 0.03)
        & (few.max() > 0.9)
        & (np.abs(pairs).max() < 0.3)
        & (lengths[lengths > 0].std() > 0.05)
        & (len(np.unique(x, axis=0)) > 1500)
    )


def audit_by_moments(draw):
    """Through the mean, the covariance and repeated values; the answer is a number."""
    x = draw(20_000, 3, 0.4, torch.Generator().manual_seed(9)).double()
    variance = 0.4 / 3 - 0.2**2
    right = (x.mean(0) - 0.2).abs().max() < 0.01 and (x.T.cov() - variance * torch.eye(3)).abs().max() < 0.01
    return int(right and x.unique().numel() > 10_000)


def test_any_auditor_that_can_tell_passes() -> None:
    for audit in (audit_in_numpy, audit_by_moments):
        assert check_audit(audit).status == "passed", check_audit(audit)
    assert "`return` missing" in check_audit(lambda draw: None).message
    assert "True or False" in check_audit(lambda draw: 0.5).message


# Chapter 2 --------------------------------------------------------------------------------------


def shares_by_hand(W):
    """Unit vectors first; a list of arrays comes back."""
    norms = W.norm(dim=-2)
    unit = torch.where(norms[..., None, :] > 0, W / norms[..., None, :], 0.0)
    shares = torch.where(norms > 0, norms**2 / (unit.mT @ W).square().sum(-1), 0.0)
    return list(shares.double()) if W.ndim == 3 else shares.numpy()


def figure_by_limits(norms, shared):
    figure, axes = plt.subplots()
    scale = plt.cm.ScalarMappable(plt.Normalize(0, 2), "magma")
    axes.barh(range(5), norms, color=scale.to_rgba(shared))
    axes.set_ylim(5, -1)
    figure.colorbar(scale, ax=axes)
    return figure


def figure_by_order(norms, shared):
    figure, axes = plt.subplots()
    scale = plt.cm.ScalarMappable(plt.Normalize(0, 2), "viridis")
    axes.barh(range(5)[::-1], norms, color=scale.to_rgba(shared))
    axes.set_yticks(range(5)[::-1], range(5))  # else the axis would call feature 0 feature 4
    figure.colorbar(scale, ax=axes)
    return figure


def norm_from_a_grid(b):
    W = torch.linspace(0.9, 1.6, 1401)[:, None, None] * torch.stack(
        [f(2 * torch.pi * torch.arange(5) / 5) for f in (torch.cos, torch.sin)]
    )
    x = torch.linspace(0, 1, 401)[:, None, None]
    answers = (x * (W.mT @ W)[:, None, :1] + b).relu()
    wanted = x * torch.eye(5)[:1]
    return W.norm(dim=-2)[(answers - wanted).square().sum((-1, -2)).mean(1).argmin(), 0]


def test_chapter_2_accepts_right_answers_in_other_shapes_and_types() -> None:
    assert check_shares(shares_by_hand).status == "passed"
    assert (
        check_bias_signs({"triangle": "Zero", "pentagon": "negative ", "dropped": "POSITIVE"}).status
        == "passed"
    )
    assert check_figure(figure_by_limits).status == "passed"
    assert check_figure(figure_by_order).status == "passed"
    for seven in (7, 7.0, np.int64(7), torch.tensor(7)):
        assert check_polygon_limit(seven).status == "passed"
    assert check_norm_given_bias(norm_from_a_grid).status == "passed"
    assert check_norm_given_bias(lambda b: np.array([norm_from_a_grid(b).item()])).status == "passed"


def test_seven_is_where_the_next_corner_stops_paying() -> None:
    total = {k: k * polygon_optimum(k).loss for k in range(4, 11)}
    pays = {k: total[k] < total[k - 1] + 1 / 3 for k in range(5, 11)}
    assert pays == {5: True, 6: True, 7: True, 8: False, 9: False, 10: False}
    assert check_polygon_limit.right == 7
    assert polygon_optimum(5).loss == pytest.approx(0.0158, abs=5e-5)  # as the message says


# Chapter 3 --------------------------------------------------------------------------------------


def balanced_by_eigenvectors(W, V):
    """Without a singular value decomposition: solve P (W Wᵀ) P = V Vᵀ for P = MᵀM. A list of arrays."""

    def root(A):
        values, vectors = torch.linalg.eigh(A)
        return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T

    W, V = W.double(), V.double()
    half = root(W @ W.T)
    inverse = torch.linalg.inv(half)
    M = root(inverse @ root(half @ V @ V.T @ half) @ inverse)
    return [(M @ W).numpy(), torch.linalg.inv(M).T @ V]


def balanced_and_rotated(W, V):
    Q = torch.linalg.qr(torch.randn(len(W), len(W), generator=torch.Generator().manual_seed(0)))[0]
    return torch.stack([Q @ matrix for matrix in check_balanced.right(W, V)])


def one_hot_in_the_plane():
    """Two of the five dimensions do, with very long arrows."""
    angle = 2 * np.pi * np.arange(20) / 20
    rho_squared = 1.001 / (1 - np.cos(angle[1]))
    W = np.zeros((5, 20))
    W[:2] = rho_squared**0.5 * np.stack([np.cos(angle), np.sin(angle)])
    return [W, np.full(20, 1 - rho_squared)]


def one_hot_of_unequal_lengths():
    W = 3 * torch.linspace(1, 1.003, 20) * check_one_hot.right()[0]
    return W, 1 - W.square().sum(0)


def lifted_to_another_height():
    """Three times as high, turned, and with the features shuffled; a list of arrays."""
    angle = 2 * np.pi * np.random.default_rng(35).permutation(20) / 20 + 0.4
    c, ring = np.cos(2 * np.pi / 20), np.stack([np.cos(angle), np.sin(angle)])
    W = np.vstack([ring, np.full(20, 3.0)])
    V = np.vstack([ring, np.full(20, -c / 3)]) / (1 - c)
    return [W, V]


def lifted_on_a_parabola():
    """No circle at all: V_i · W_j = 1 - (i - j)², one stacked tensor."""
    t = torch.arange(20.0)
    return torch.stack(
        [torch.stack([t**2, t, torch.ones(20)]), torch.stack([-torch.ones(20), 2 * t, 1 - t**2])]
    )


def lifted_and_spread_out():
    """In another basis: W goes through M, V through its inverse transposed."""
    W, V = check_lifted.right()
    M = torch.tensor([[2.0, 1, 0], [0, 1, 1], [1, 0, 1]])
    return M @ W, torch.linalg.inv(M).T @ V


def test_chapter_3_accepts_right_answers_in_other_shapes_and_types() -> None:
    for right in (balanced_by_eigenvectors, balanced_and_rotated):
        assert check_balanced(right).status == "passed", check_balanced(right)
    for size in (1e-8, 2e-8, "1e-8", np.float32(1e-8), torch.tensor(1e-8)):
        assert check_gradient_size(size).status == "passed"
    for right in (one_hot_in_the_plane, one_hot_of_unequal_lengths):
        assert check_one_hot(right).status == "passed", check_one_hot(right)
    for right in (lifted_to_another_height, lifted_on_a_parabola, lifted_and_spread_out):
        assert check_lifted(right).status == "passed", check_lifted(right)


def test_the_size_of_a_gradient_is_what_the_model_gives() -> None:
    """The data of 3.2 against the gradients of 32 models just initialised."""
    n, density = 20, 0.001
    model = ToyModel(n, 5, 32, generator=torch.Generator().manual_seed(32))
    features = SparseFeatures(n, density).expand(32)
    x, weight = features.sample_weighted(2**11, torch.Generator().manual_seed(33))
    own = 0.7**19 * (torch.arange(n) == n - 1) / n
    loss = (weight[..., None] * own * (model(x) - x).square()).sum()
    (gradient,) = torch.autograd.grad(loss, model.W)
    measured = gradient[:, :, -1].norm(dim=1).median()
    norm = model.W.detach()[:, :, -1].norm(dim=1).median()
    closed_form = 4 / 3 * norm * (1 - norm**2) * 0.7**19 * density / n
    assert torch.isclose(measured, closed_form, rtol=0.3)
    assert round(measured.log10().item()) == round(np.log10(check_gradient_size.right))


# Chapter 4 --------------------------------------------------------------------------------------


def test_chapter_4_accepts_right_answers_in_other_shapes_and_types() -> None:
    assert check_boundary(lambda r: 4 / (2 * max(r, 1 / r) + 5)).status == "passed"
    assert check_boundary(lambda r: np.array([4 / (2 * max(r, 1 / r) + 5)])).status == "passed"
    found = {}  # by what was asked: it takes a second, and each kind is asked the same

    def followed(r, way):
        key = (r, *way.tolist())
        return found[key] if key in found else found.setdefault(key, follow(r, way))

    for kind in (list, np.array, lambda sizes: [torch.tensor(size) for size in sizes]):
        assert check_hysteresis(lambda r, way, kind=kind: kind(followed(r, way))).status == "passed"


def test_a_border_that_is_off_at_one_point_is_told_where() -> None:
    assert "At r = 0.1 you return 0.5000" in check_boundary(lambda r: 0.5).message
    assert "a density lies in (0, 1]" in check_boundary(lambda r: -1.0).message


def follow(r, densities):
    """Downhill from where the last density ended; begun near "ignore extra"."""
    w, b, sizes = torch.tensor([1, -0.01]).double(), torch.tensor([0, 0.2]).double(), []
    for p in densities.tolist():
        found = two_feature_minimum(w + torch.tensor([0, -0.01]).double(), b, density=p, r=r, steps=12)
        w, b = found.w, found.b
        sizes.append(w[1].abs().item())
    return sizes


def test_the_valleys_end_where_the_data_of_the_exercise_say() -> None:
    down = follow(0.3, torch.tensor([0.41, 0.405, 0.39, 0.34, 0.29, 0.275, 0.2]).double())
    assert [size > 0.5 for size in down] == [False] * 5 + [True] * 2
    back = follow(0.3, torch.tensor([0.2, 0.29, 0.34, 0.39, 0.405, 0.41]).double())
    assert [size > 0.5 for size in back] == [True] * 4 + [False] * 2


def test_the_mean_size_of_an_average_of_ten_signs_is_a_quarter() -> None:
    means = [abs(sum(signs)) / 10 for signs in product((-1, 1), repeat=10)]
    assert np.mean(means) == pytest.approx(0.246, abs=5e-4)
    assert means.count(0) == 252  # of 1024, as the message to D says
