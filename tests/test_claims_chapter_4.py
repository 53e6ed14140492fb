"""Chapter 4's headline claims, with seeds and points other than the ones it prints."""

import pytest
import torch
from torch import Tensor

from tms_utils import CorrelatedFeatures, SparseFeatures, ToyModel, estimate_loss, feature_norms, train
from tms_utils.theory import (
    competing_boundary,
    competing_losses,
    feature_variance,
    linear_loss,
    two_feature_loss,
    two_feature_optimum,
)

CUT = 0.58
G, TRIES = 12, 5


def order(w: Tensor) -> Tensor:
    return w.abs().amin(-1)


def phase(w: Tensor) -> Tensor:
    return torch.where(order(w) > CUT, 2, (w[..., 1].abs() > w[..., 0].abs()).long())


def mesh(density: Tensor, ratio: Tensor, tries: int = 1) -> tuple[Tensor, Tensor]:
    p, r = torch.meshgrid(density, ratio, indexing="ij")
    return p.flatten().repeat(tries), r.flatten().repeat(tries)


def grid(tries: int = 1) -> tuple[Tensor, Tensor]:
    density, ratio = torch.logspace(0, -2, G).double(), torch.logspace(-1, 1, G).double()
    return mesh(density, ratio, tries)


@pytest.fixture(scope="module")
def optimum():
    return two_feature_optimum(*grid())


@pytest.fixture(scope="module")
def trained() -> tuple[Tensor, Tensor]:
    """w (tries, points, 2) and exact loss (tries, points), the chapter's recipe with another seed."""
    p, r = grid(TRIES)
    model = ToyModel(2, 1, len(p), generator=torch.Generator().manual_seed(104))
    importance = torch.stack([torch.ones_like(r), r], -1)
    train(model, SparseFeatures(2, p), importance, steps=400, batch_size=16, lr=0.1, seed=105, progress=False)
    w, b = model.W.detach()[:, 0].double(), model.b.detach().double()
    return w.view(TRIES, -1, 2), two_feature_loss(w, b, p, r).view(TRIES, -1)


# The chapter measures 99.4 % and 99.4 % on 1600 points. On these 144, four misses are allowed.


def test_the_best_of_five_models_reaches_the_optimum(trained, optimum):
    w, loss = trained
    best = loss.argmin(0)
    reached = loss.amin(0) < 1.02 * optimum.loss
    assert reached.sum() >= 140
    assert (phase(w[best, torch.arange(w.shape[1])]) == phase(optimum.w)).sum() >= 140


def test_one_model_does_not(trained, optimum):
    share = (trained[1] < 1.02 * optimum.loss).double().mean()
    assert 0.7 < share < 0.92  # 0.825 in the chapter; 720 models give a standard error of 0.014


def test_averaging_w_erases_the_pair(trained):
    p, r = grid()
    pairs = torch.stack(list(competing_losses(p, r).values())).argmin(0) == 2
    w, _ = trained
    shown = (order(w.mean(0)) > CUT)[pairs].double().mean()
    best = (order(w.abs().amax(0)) > CUT)[pairs].double().mean()
    assert shown < 0.3
    assert best > 0.9


def bracket_of_the_jump(r: Tensor) -> tuple[Tensor, Tensor]:
    low, high = competing_boundary(r) - 0.01, competing_boundary(r) + 0.15
    for _ in range(7):
        middle = (low + high) / 2
        pair = order(two_feature_optimum(middle, r).w) > CUT
        low, high = torch.where(pair, middle, low), torch.where(pair, high, middle)
    return low, high


def test_the_border_is_first_order_and_denser_than_the_closed_form():
    r = torch.tensor([0.12, 0.22, 0.44, 0.66, 0.83, 0.96, 0.985], dtype=torch.float64)
    low, high = bracket_of_the_jump(r)
    after, before = two_feature_optimum(low, r), two_feature_optimum(high, r)
    assert (order(after.w) - order(before.w)).min() > 0.13  # 0.17 at the weakest point, near r = 0.97
    off = low - competing_boundary(r)
    assert off.min() > 0.015
    assert off.max() < 0.14
    # The loss itself has no jump, only a corner.
    torch.testing.assert_close(after.loss, before.loss, rtol=0.01, atol=0)


def test_the_optimum_is_never_halfway():
    p, r = mesh(torch.linspace(0.05, 0.95, 19), torch.logspace(-1, -0.03, 9))
    values = order(two_feature_optimum(p, r).w)
    assert not ((values > 0.52) & (values < 0.63)).any()


def onset_ratio(p: float) -> float:
    """The chapter's r*(p), with the best B from the quadratic that its derivative is."""
    v = p / 3 - p**2 / 4
    a, b, c = p * (1 - p), p / 2 + 2 * (1 - p) ** 2, -(p**2) / 4
    B = (-b + (b * b - 4 * a * c) ** 0.5) / (2 * a)
    off = (1 - p) * B**2 + p * B**3 / 3
    return (p * (v + (p / 2 - B) ** 2 / 4) + (1 - p) * off) / v


@pytest.mark.parametrize("p", [0.56, 0.66, 0.85])
def test_the_optimum_starts_to_lean_where_the_formula_says(p):
    r = onset_ratio(p)
    below, above = order(two_feature_optimum(p, torch.tensor([r - 0.004, r + 0.004]).double()).w)
    assert below < 1e-4
    assert 1e-3 < above < 0.1


def test_linear_models_store_one_feature_and_gain_nothing_from_sparsity():
    p, r = grid()
    model = ToyModel(2, 1, len(p), relu=False, generator=torch.Generator().manual_seed(107))
    importance = torch.stack([torch.ones_like(r), r], -1)
    train(model, SparseFeatures(2, p), importance, steps=500, lr=0.05, seed=108, progress=False)
    loss = linear_loss(model.W.detach().double(), model.b.detach().double(), importance, p)
    assert (loss / (r.clamp(max=1) * feature_variance(p) / 2)).min() > 1 - 1e-9
    assert model.W.detach().square().sum((1, 2)).max() < 1.05


def test_most_runs_miss_the_optimum_at_the_point_of_exercise_5():
    p, r = 0.56, 0.8
    model = ToyModel(2, 1, 256, generator=torch.Generator().manual_seed(109))
    train(model, SparseFeatures(2, p), torch.tensor([1, r]), seed=110, progress=False)
    w, b = model.W.detach()[:, 0].double(), model.b.detach().double()
    excess = two_feature_loss(w, b, p, r) / two_feature_optimum(p, r).loss - 1
    stuck = excess > 0.05
    assert two_feature_optimum(p, r).w.tolist() == pytest.approx([0.97, -0.84], abs=0.01)
    assert w[stuck].abs().median(0).values.tolist() == pytest.approx([1.02, 0.15], abs=0.03)
    assert stuck.double().mean() > 0.5  # 51 to 58 % with other seeds; standard error 0.03
    assert excess[stuck].median() == pytest.approx(0.068, abs=0.005)
    assert (w[stuck].prod(-1) > 0).double().mean() > 0.9


def test_with_a_shared_mask_superposition_never_pays():
    """What the faulty sampler of exercise 3 does to the diagram, at points deep in the antipodal phase.

    A single model may still end as a pair, a local minimum of several times the best loss: the best of
    eight decides.
    """
    p, r = mesh(torch.tensor([0.1, 0.03]), torch.tensor([0.4, 0.8]), tries=8)
    importance = torch.stack([torch.ones_like(r), r], -1)
    kept = {}
    for name, features in (("shared", CorrelatedFeatures(2, p)), ("own", SparseFeatures(2, p))):
        model = ToyModel(2, 1, len(p), generator=torch.Generator().manual_seed(111))
        train(model, features, importance, steps=1000, lr=0.05, seed=112, progress=False)
        best = estimate_loss(model, features, importance).view(8, -1).argmin(0)
        w = model.W.detach()[:, 0].view(8, -1, 2)[best, torch.arange(len(best))]
        kept[name] = (w.prod(-1) < -0.3).double().mean()
    assert kept == {"shared": 0, "own": 1}


def test_three_features_are_all_stored_where_the_closed_forms_say():
    g, tries = 10, 5
    p, r = mesh(torch.logspace(0, -2, g), torch.logspace(-1, 1, g), tries)
    importance = torch.stack([torch.ones_like(r), torch.ones_like(r), r], -1)
    model = ToyModel(3, 2, len(p), generator=torch.Generator().manual_seed(113))
    features = SparseFeatures(3, p)
    train(model, features, importance, steps=500, batch_size=16, lr=0.1, seed=114, progress=False)
    best = estimate_loss(model, features, importance, batch_size=2048).view(tries, -1).argmin(0)
    W = model.W.detach().view(tries, g * g, 2, 3)[best, torch.arange(g * g)]
    paper = torch.stack(list(competing_losses(p[: g * g], r[: g * g], 3).values())).argmin(0) >= 2
    assert ((feature_norms(W).amin(-1) > CUT) == paper).double().mean() >= 0.9
