"""Chapter 6's claims about activation space, with seeds that the chapter does not use."""

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from scipy.spatial import ConvexHull
from sklearn.linear_model import Lasso

from tms_utils import KActiveFeatures, SparseFeatures, ToyModel, dimensionality, feature_norms, train
from tms_utils.geometry import gram
from tms_utils.theory import one_sparse_loss

SEEDS = 12


def trained(bias: bool, density: float = 0.05) -> ToyModel:
    model = ToyModel(8, 3, SEEDS, bias=bias, generator=torch.Generator().manual_seed(271))
    train(model, SparseFeatures(8, density), seed=828, progress=False)
    return model.requires_grad_(False)


@pytest.fixture(scope="module")
def plain():
    return trained(bias=False)


@pytest.fixture(scope="module")
def biased():
    return trained(bias=True)


def two_squares(height2: float, twist: float = 45) -> torch.Tensor:
    up = torch.tensor([1.0] * 4 + [-1.0] * 4)
    angle = torch.arange(8) * math.pi / 2 + (up < 0) * math.radians(twist)
    radius = math.sqrt(1 - height2)
    return torch.stack([radius * angle.cos(), radius * angle.sin(), math.sqrt(height2) * up])


def spectrum(W: torch.Tensor) -> torch.Tensor:
    cosine = gram(torch.nn.functional.normalize(W, dim=-2))
    i, j = torch.triu_indices(8, 8, 1)
    return torch.rad2deg(torch.arccos(cosine[..., i, j].clamp(-1, 1))).sort(-1).values


HEIGHTS = torch.linspace(0.15, 0.45, 301)
FAMILY = spectrum(torch.stack([two_squares(h.item()) for h in HEIGHTS]))


def fit(W: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Best height² and root-mean-square distance in degrees from a square antiprism."""
    distance, best = (spectrum(W)[:, None] - FAMILY).square().mean(-1).sqrt().min(-1)
    return HEIGHTS[best], distance


def positive_interference(W: torch.Tensor) -> float:
    cosine = gram(torch.nn.functional.normalize(W, dim=-2))
    return float((cosine.clamp(min=0).square().sum((-2, -1)) - 8).mean() / 8)


def test_every_seed_is_a_square_antiprism(plain, biased):
    for model in (plain, biased):
        assert (fit(model.W)[1] < 5).all()
        assert (feature_norms(model.W) > 0.5).all()


def test_the_distance_rejects_what_is_no_antiprism():
    random = torch.randn(500, 3, 8, generator=torch.Generator().manual_seed(314))
    others = torch.stack([two_squares(1 / 3, 0), two_squares(1 / 3, 22.5), two_squares(0.25, 30)])
    assert (fit(random)[1] > 5).all()
    assert (fit(others)[1] > 5).all()


def test_dimensionality_alone_does_not_tell_the_cube_from_an_antiprism():
    for twist in (0, 20, 45):
        assert torch.allclose(dimensionality(two_squares(1 / 3, twist)), torch.tensor(3 / 8), atol=1e-5)
    assert positive_interference(two_squares(1 / 3, 0)) == pytest.approx(1 / 3, abs=1e-4)
    assert positive_interference(two_squares(1 / 3, 45)) == pytest.approx(0.2604, abs=1e-3)


def test_sum_of_dimensionalities_stays_below_three_and_falls_with_a_bias(plain, biased):
    plain_sum, biased_sum = (dimensionality(model.W).sum(-1) for model in (plain, biased))
    assert (plain_sum <= 3).all()
    assert biased_sum.max() < plain_sum.min()


def test_length_without_a_bias_is_that_of_the_sparse_limit(plain):
    predicted = (1 + positive_interference(plain.W)) ** -0.5
    assert float(feature_norms(plain.W).mean()) == pytest.approx(predicted, abs=0.01)


def test_a_bias_helps_at_one_active_feature_and_hurts_from_three_on(plain, biased):
    def error(model, k):
        x = KActiveFeatures(8, k).sample(4000, torch.Generator().manual_seed(161)).expand(SEEDS, -1, -1)
        return (model(x) - x).square().sum(-1).mean()

    assert error(biased, 1) < 0.3 * error(plain, 1)
    assert error(biased, 3) > 1.05 * error(plain, 3)
    assert error(biased, 4) > 1.05 * error(plain, 4)


def test_sparser_data_flatten_the_antiprism_towards_the_limit_of_one_active_feature(plain, biased):
    sparser = trained(bias=True, density=0.005)
    heights = [fit(model.W)[0].mean().item() for model in (plain, biased, sparser)]
    assert heights[0] > heights[1] + 0.01 > heights[2] + 0.015
    assert heights[2] == pytest.approx(0.2686, abs=0.004)
    assert float(feature_norms(sparser.W).mean()) == pytest.approx(1.163, abs=0.01)
    assert float(sparser.b.mean()) == pytest.approx(-0.264, abs=0.01)


def test_the_limit_is_a_minimum_of_the_exact_loss():
    def loss(height2, length, bias):
        W = length * two_squares(height2).double()
        return float(one_sparse_loss(W, torch.full((8,), bias).double())[0].sum())

    best = loss(0.2686, 1.163, -0.264)
    assert best == pytest.approx(0.012709, abs=2e-6)
    for step in ((0.02, 0, 0), (-0.02, 0, 0), (0, 0.03, 0), (0, -0.03, 0), (0, 0, 0.03), (0, 0, -0.03)):
        assert loss(0.2686 + step[0], 1.163 + step[1], -0.264 + step[2]) > best


def test_training_leaves_the_cube():
    model = ToyModel(8, 3, 4)
    with torch.no_grad():
        noise = torch.randn(4, 3, 8, generator=torch.Generator().manual_seed(57))
        model.W.copy_(two_squares(1 / 3, 0) + 0.001 * noise)
    assert (fit(model.W.detach())[1] > 15).all()
    train(model, SparseFeatures(8, 0.05), seed=58, progress=False)
    assert (fit(model.W.detach())[1] < 5).all()


def test_the_smallest_sum_recovers_exactly_the_faces(biased):
    """18 pairs and 12 triples by Euler's formula, in models that know nothing of it."""
    generator = torch.Generator().manual_seed(99)
    W = biased.W[5].double().numpy()
    triangles = [tuple(sorted(t)) for t in ConvexHull(W.T).simplices.tolist()]
    for k, n_faces in ((1, 8), (2, 18), (3, 12), (4, 0)):
        faces = {face for t in triangles for face in itertools.combinations(t, k)} if k < 4 else set()
        assert len(faces) == n_faces
        for active in itertools.combinations(range(8), k):
            x = np.zeros(8)
            x[list(active)] = 0.1 + 0.9 * torch.rand(k, generator=generator).numpy()
            found = linprog(np.ones(8), A_eq=W, b_eq=W @ x, bounds=(0, None)).x
            assert (np.abs(found - x).max() < 1e-6) == (active in faces), active


def test_two_active_features_have_one_explanation_and_three_have_several(biased):
    W = biased.W[7].double()
    for k, wanted in ((2, lambda mean: mean == 1), (3, lambda mean: 3.5 < mean < 5.5)):
        sets = torch.tensor(list(itertools.combinations(range(8), k)))
        x = KActiveFeatures(8, k).sample(1000, torch.Generator().manual_seed(12))[0].double()
        h, columns = x @ W.T, W.T[sets].mT
        found = torch.linalg.pinv(columns) @ h.T
        fits = (columns @ found - h.T).norm(dim=1) < 1e-6
        count = (fits & (found > -1e-9).all(1) & (found < 1 + 1e-9).all(1)).sum(0)
        assert wanted(count.double().mean().item())


def test_lasso_recovers_what_the_read_out_cannot_with_80_features_in_20_dimensions():
    model = ToyModel(80, 20, generator=torch.Generator().manual_seed(77))
    train(model, SparseFeatures(80, 0.05), seed=78, progress=False)
    W = model.W[0].detach().double().numpy()
    random = np.random.default_rng(79).normal(size=(20, 80))
    x = KActiveFeatures(80, 4).sample(150, torch.Generator().manual_seed(80))
    read_out, x = model(x).detach()[0].numpy(), x[0].double().numpy()

    def recovered(guess):
        return (np.abs(guess - x).max(1) < 0.1).mean()

    def lasso(V):
        return Lasso(alpha=0.001, positive=True, fit_intercept=False, max_iter=100_000).fit(V, V @ x.T).coef_

    assert recovered(lasso(W)) > 0.85
    assert recovered(lasso(random / np.linalg.norm(random, axis=0))) > 0.85
    assert recovered(read_out) < 0.3
    x12 = KActiveFeatures(80, 12).sample(100, torch.Generator().manual_seed(81))[0].double().numpy()
    x = x12  # and far beyond the threshold it fails
    assert recovered(lasso(W)) < 0.3
