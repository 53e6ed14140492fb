"""The headline claims of chapter 1, with seeds that the chapter does not use."""

import pytest
import torch

from tms_utils.features import CorrelatedFeatures, SparseFeatures
from tms_utils.geometry import feature_norms, superposition
from tms_utils.models import ToyModel
from tms_utils.theory import feature_variance, linear_loss, linear_optimum
from tms_utils.training import train

N, M = 20, 5
IMPORTANCE = 0.7 ** torch.arange(N)
DENSITIES = [1.0, 0.3, 0.03, 0.01]
SEEDS = 3


@pytest.fixture(scope="module")
def trained():
    """Linear and ReLU models at every density, three seeds each, by ``relu``."""
    density = torch.tensor(DENSITIES).repeat_interleave(SEEDS)
    models = {}
    for relu in (False, True):
        models[relu] = ToyModel(N, M, len(density), relu=relu, generator=torch.Generator().manual_seed(77))
        train(models[relu], SparseFeatures(N, density), IMPORTANCE, seed=78, progress=False)
    return density, models


def test_a_linear_model_keeps_the_most_important_features_at_every_density(trained):
    _, models = trained
    norms = feature_norms(models[False].W.detach())
    assert (norms[:, :M] - 1).abs().max() < 0.02
    assert (
        norms[:, M:].max() < 0.1
    )  # an unimportant feature's weights are still wandering by a few hundredths


def test_its_loss_is_the_closed_form(trained):
    density, models = trained
    loss = linear_loss(models[False].W.detach(), models[False].b.detach(), IMPORTANCE, density)
    optimum = torch.tensor([linear_optimum(M, IMPORTANCE, p).loss for p in density.tolist()])
    assert (loss >= optimum * (1 - 1e-5)).all()  # a bound: only rounding may go below
    assert (loss < 1.005 * optimum).all()  # keeping feature 5 in place of feature 4 would cost 13 %


def test_its_bias_answers_the_mean_of_what_it_drops(trained):
    density, models = trained
    b = models[False].b.detach() / density[:, None]
    assert b[:, :M].abs().max() < 0.03
    # The more important of the dropped features; the last ones hardly matter to the loss.
    assert (b[:, M : M + 8] - 0.5).abs().max() < 0.1


def test_no_sparsity_gives_it_superposition_and_the_control_has_some(trained):
    density, models = trained
    shared = {relu: superposition(model.W.detach())[:, :M] for relu, model in models.items()}
    assert shared[False].max() < 0.01
    sparse = density < 0.1
    assert shared[True][sparse].mean(-1).min() > 0.3
    assert (feature_norms(models[True].W.detach())[sparse] > 0.5).sum(-1).min() > M
    assert (feature_norms(models[True].W.detach())[density == 1] > 0.5).sum(-1).eq(M).all()


def test_equal_importance_gives_an_arbitrary_subspace():
    model = ToyModel(N, M, 16, relu=False, generator=torch.Generator().manual_seed(81))
    train(model, SparseFeatures(N, 0.9), seed=82, progress=False)
    W = model.W.detach()
    floor = (N - M) / N * feature_variance(0.9)
    assert (linear_loss(W, model.b.detach(), torch.ones(N), 0.9) < 1.005 * floor).all()
    share = feature_norms(W).square()
    assert (share > 0.9).sum() < 0.02 * share.numel()  # five clean features would be 25 %
    assert torch.allclose(superposition(W), 1 - share, atol=0.05)  # what a projector has


def test_plain_descent_finds_a_random_subspace_and_adam_one_that_knows_the_axes():
    start = 0.1 * torch.randn(200, M, N, generator=torch.Generator().manual_seed(91))
    spread = {}
    for name, make in {
        "plain": lambda w: torch.optim.SGD(w, 0.03),
        "adam": lambda w: torch.optim.Adam(w, 0.01),
    }.items():
        W = start.clone().requires_grad_()
        optimiser = make([W])
        for _ in range(1000):
            W.grad = -4 * (W - W @ W.mT @ W).detach()
            optimiser.step()
        spread[name] = feature_norms(W.detach()).square().std().item()
    theory = torch.distributions.Beta(M / 2, (N - M) / 2).stddev.item()
    assert spread["plain"] == pytest.approx(theory, rel=0.05)  # 200 models: about 1.5 % is one standard error
    assert spread["adam"] < 0.8 * theory


def test_tied_weights_reach_pca_only_for_equal_importance():
    p, importance = 0.3, torch.tensor([[1.0, 1.0], [1.0, 0.4]])
    v, c = feature_variance(p), p / 4 - p**2 / 4
    covariance = torch.tensor([[v, c], [c, v]])
    roots = importance.sqrt()
    pca = torch.linalg.eigvalsh(roots[:, :, None] * covariance * roots[:, None, :])[:, 0] / 2
    ratio = {}
    for tied in (True, False):
        model = ToyModel(2, 1, 2, tied=tied, relu=False, generator=torch.Generator().manual_seed(95))
        train(model, CorrelatedFeatures(2, p), importance, steps=1000, seed=96, progress=False)
        error = torch.eye(2) - (model.decoder.mT @ model.W).detach()
        loss = (importance * (error @ covariance @ error.mT).diagonal(dim1=-2, dim2=-1)).mean(-1)
        ratio[tied] = (loss / pca).tolist()
    assert ratio[True][0] == pytest.approx(1, abs=0.01)
    assert ratio[True][1] > 1.1
    assert ratio[False] == pytest.approx([1, 1], abs=0.01)


def test_ten_fixed_rows_beat_the_floor_and_fresh_rows_pay_for_it():
    generator = torch.Generator().manual_seed(99)
    rows = SparseFeatures(N, 0.9).sample(10, generator)
    model = ToyModel(N, M, relu=False, generator=generator)
    for _ in range(2000):
        model.set_gradients(rows, torch.full_like(rows, 1 / rows.numel()))
        with torch.no_grad():
            model.W -= 0.2 * model.W.grad
            model.b -= 0.2 * model.b.grad
    floor = (N - M) / N * feature_variance(0.9)
    assert (model(rows) - rows).square().mean() < 0.6 * floor
    assert linear_loss(model.W.detach(), model.b.detach(), torch.ones(N), 0.9) > 1.02 * floor
