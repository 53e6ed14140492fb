"""Chapter 8's claims about learning, with seeds that the chapter does not use."""

import math

import pytest
import torch

from tms_utils import CorrelatedFeatures, SparseFeatures, ToyModel, dimensionality, train
from tms_utils.geometry import geometry_name
from tms_utils.theory import feature_variance, linear_loss, polygon_optimum

N, M, P = 8, 4, 0.2
IMPORTANCE = 0.7 ** torch.arange(N, dtype=torch.float64)
V = feature_variance(P)


def gradient(W):
    R = torch.eye(N) - W.mT @ W
    return -2 * V / N * W @ (IMPORTANCE[:, None] * R + R * IMPORTANCE)


def start(scale, seed, seeds=24):
    return scale * torch.randn(
        seeds, M, N, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)
    )


def half_learned(W, steps=2500, optimiser=None):
    """The step at which each feature's squared length exceeds one half: (seeds, features)."""
    W = W.clone().requires_grad_()
    optimiser = (optimiser or (lambda parameters: torch.optim.SGD(parameters, lr=1.0)))([W])
    long = []
    for _ in range(steps):
        W.grad = gradient(W.detach())
        long.append((W.detach() ** 2).sum(-2) > 0.5)
        optimiser.step()
    return torch.stack(long).int().argmax(0).double()


def predicted(a):
    return ((1 - a) / a).log() * N / (8 * V * IMPORTANCE[:M])


def gram_schmidt(W):
    return torch.linalg.qr(W).R.diagonal(dim1=-2, dim2=-1) ** 2


def test_the_gradient_is_that_of_the_linear_loss():
    W = torch.randn(M, N, dtype=torch.float64, generator=torch.Generator().manual_seed(800)).requires_grad_()
    loss = linear_loss(W, (P / 2) * (1 - (W.mT @ W).sum(-1)), IMPORTANCE, P)
    (by_autograd,) = torch.autograd.grad(loss, W)
    # At the best bias the loss does not change with the bias to first order.
    torch.testing.assert_close(by_autograd, gradient(W.detach()))


def test_the_first_weights_tell_when_a_feature_is_learned():
    W = start(1e-4, seed=801)
    measured = half_learned(W)[:, :M]
    off = (predicted(gram_schmidt(W)) / measured - 1).abs()
    assert (off < 0.05).double().mean() > 0.95
    control = (predicted((W**2).sum(-2)[:, :M]) / measured - 1).abs()
    assert (control < 0.05).double().mean() < 0.8


def test_the_prediction_fails_for_a_large_start():
    W = start(0.1, seed=802)
    off = (predicted(gram_schmidt(W)) / half_learned(W)[:, :M] - 1).abs()
    assert (off < 0.05).double().mean() < 0.5


def test_a_start_ten_times_smaller_costs_each_feature_the_same_factor():
    W = start(1e-3, seed=803)
    later = (half_learned(W / 10) - half_learned(W))[:, :M].median(0).values
    on_paper = math.log(100) * N / (8 * V * IMPORTANCE[:M])
    torch.testing.assert_close(later, on_paper, rtol=0.05, atol=0)


def test_descent_learns_in_order_of_importance_and_adam_hardly():
    W = start(0.01, seed=804, seeds=64)
    share = []
    for optimiser in (None, lambda parameters: torch.optim.Adam(parameters, lr=0.001)):
        half = half_learned(W, optimiser=optimiser)[:, :M]
        share.append((half.diff(dim=-1) > 0).all(-1).double().mean())
    assert share[0] > 0.75
    assert share[1] < 0.5


MAGNITUDES = (torch.arange(24) + 0.5) / 24
ROWS = torch.cat([MAGNITUDES[:, None] * torch.eye(6)[i] for i in range(6)])
DROPPED = 7 / 24
LEVEL = {k: (k * polygon_optimum(k).loss + (6 - k) * DROPPED) / 6 for k in (4, 5, 6)}


def descend_relu(model, steps, lr=0.1):
    """Train in place; losses (steps, seeds), summed over features."""
    x = ROWS.expand(model.n_instances, -1, -1)
    cost = torch.full((model.n_instances, 1, 1), 1 / len(ROWS))
    losses = []
    for _ in range(steps):
        losses.append(model.set_gradients(x, cost))
        with torch.no_grad():
            for parameter in (model.W, model.b):
                parameter -= lr * parameter.grad
    return torch.stack(losses)


def relu_models(scale, seed):
    model = ToyModel(6, 2, 64)
    model.W.data = scale * torch.randn(64, 2, 6, generator=torch.Generator().manual_seed(seed))
    return model


@pytest.fixture(scope="module")
def ends():
    model = relu_models(0.001, 805)
    return descend_relu(model, steps=3000), model


def test_one_active_feature_at_a_time_ends_on_one_of_three_levels(ends):
    losses, model = ends
    at = torch.stack([(losses[-1] - level).abs() < 0.001 for level in LEVEL.values()])
    assert at.any(0).sum() >= 63  # a slow one may still be on its way
    names = [geometry_name(W) for W in model.W.detach()]
    for reached, name in zip(at, ("2 digons", "pentagon", "hexagon"), strict=True):
        assert {names[k] for k in reached.nonzero().flatten()} <= {name}
    digons, pentagons, hexagons = at.sum(-1).tolist()
    assert hexagons < digons < pentagons
    assert pentagons > 32


def test_all_wait_at_the_level_where_everything_is_dropped(ends):
    losses, _ = ends
    torch.testing.assert_close(losses[100], torch.full((64,), DROPPED), rtol=0.002, atol=0)


def test_a_smaller_start_delays_the_fall_by_a_logarithm(ends):
    def fall(losses):
        return (losses < 0.2).int().argmax(0).double()

    delay = fall(ends[0]) - fall(descend_relu(relu_models(0.1, 805), steps=1000))
    assert delay.mean().item() == pytest.approx(math.log(100**2) / (0.1 * 4 / 9), rel=0.05)


def test_two_digons_are_a_valley(ends):
    losses, model = ends
    stuck = (losses[-1] - LEVEL[4]).abs() < 0.001
    W, b = model.W.detach()[stuck], model.b.detach()[stuck]
    assert len(W) >= 3
    back = []
    for size in (0.05, 0.3):
        shaken = ToyModel(6, 2, len(W))
        shaken.W.data = W + size * torch.randn(W.shape, generator=torch.Generator().manual_seed(806))
        shaken.b.data = b.clone()
        descend_relu(shaken, steps=2000)
        back.append(sum(geometry_name(W) == "2 digons" for W in shaken.W.detach()))
    assert back[0] == len(W)
    assert back[1] < len(W) / 2


def test_an_octahedron_begins_as_two_sums_at_right_angles():
    sets = CorrelatedFeatures(6, 0.05, 3)
    model = ToyModel(6, 3, 24, generator=torch.Generator().manual_seed(807))
    model.W.data *= 0.03
    record = train(model, sets, steps=2500, lr=0.01, seed=807, record_every=10, record_weights=True)
    x, weight = sets.sample_weighted(2**12, torch.Generator().manual_seed(808))

    def state(step):
        W, b = record.W[step // 10], record.b[step // 10]
        loss = (weight * ((x @ W.mT @ W + b[:, None]).relu() - x).square().mean(-1)).sum(-1) / 0.05
        sums = W.unflatten(-1, (2, 3)).sum(-1)
        cosine = torch.cosine_similarity(sums[..., 0], sums[..., 1], dim=-1)
        return loss.median().item(), (torch.linalg.svdvals(W) > 0.5).sum(-1).median().item(), cosine

    loss, dimensions, cosine = state(250)
    assert loss == pytest.approx(1 / 18, rel=0.1)
    assert dimensions == 2
    assert (cosine.abs() < 0.2).double().mean() > 0.5
    loss, dimensions, cosine = state(1000)
    assert loss < 0.02
    assert dimensions == 3
    assert (cosine < -0.95).double().mean() > 0.9
    assert sum(geometry_name(W) == "3 digons" for W in record.W[60]) < 8
    assert sum(geometry_name(W) == "3 digons" for W in record.W[-1]) > 18


def test_features_settle_at_a_level_and_stay():
    model = ToyModel(60, 20, 3, generator=torch.Generator().manual_seed(809))
    many = SparseFeatures(60, 0.3)
    record = train(model, many, steps=2000, lr=0.005, seed=809, record_every=10, record_weights=True)
    D = dimensionality(record.W)
    final = D[-20:].mean(0)
    at_level = torch.stack([(final - height).abs() < 0.02 for height in (0, 1 / 3, 0.375, 0.4, 0.5)]).any(0)
    assert at_level.double().mean() > 0.6
    for height in (0, 1 / 3, 0.375, 0.4, 0.5):
        near = ((D - height).abs() < 0.02).double()
        rested = (near.unfold(0, 30, 1).mean(-1) == 1).any(0)
        assert (rested & ((final - height).abs() > 0.05)).double().mean() < 0.05
        if height in (0, 0.5):
            assert rested.double().mean() > 0.2  # so that resting is seen at all
