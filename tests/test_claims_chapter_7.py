"""Chapter 7's claims about features that come together, with seeds that the chapter does not use."""

import math

import pytest
import torch

from tms_utils import (
    AnticorrelatedFeatures,
    CorrelatedFeatures,
    SparseFeatures,
    ToyModel,
    feature_norms,
    train,
)
from tms_utils.geometry import gram

SEEDS = 48


def trained(features_at, densities, m, seed, seeds=SEEDS, steps=1000, batch_size=64):
    """W and loss, (densities, seeds, ...), the loss of all seeds of a density on the same rows."""
    densities = torch.as_tensor(densities)
    features = features_at(densities.repeat_interleave(seeds))
    start = torch.Generator().manual_seed(seed)
    model = ToyModel(features.n_features, m, features.n_instances, generator=start)
    train(model, features, steps=steps, batch_size=batch_size, seed=seed, progress=False)
    rows = features_at(densities).sample_weighted(2**13, torch.Generator().manual_seed(seed + 1))
    x, weight = (part.repeat_interleave(seeds, dim=0) for part in rows)
    loss = (weight * (model(x) - x).square().mean(-1)).sum(-1)
    return [value.detach().unflatten(0, (-1, seeds)) for value in (model.W, loss)]


def cosines(W):
    return gram(W / feature_norms(W)[..., None, :].clamp(min=1e-9))


def partners(W):
    """The cosine between 0 and 1, between 2 and 3, ..."""
    first = torch.arange(0, W.shape[-1], 2)
    return cosines(W)[..., first, first + 1]


def test_a_pair_that_always_comes_together_merges_and_one_that_never_does_is_opposite():
    for features_at, sign in (
        (lambda p: CorrelatedFeatures(2, p), 1),
        (lambda p: AnticorrelatedFeatures(2, p), -1),
    ):
        W, loss = trained(features_at, [0.1], 1, seed=7001, seeds=8)
        best = W[0, loss[0].argmin(), 0]
        length = 0.5**0.5 if sign == 1 else 1
        assert best.abs().tolist() == pytest.approx([length, length], abs=0.02)
        assert best.prod().sign() == sign


def test_correlated_partners_stand_at_right_angles_independent_ones_by_chance():
    W, _ = trained(lambda p: CorrelatedFeatures(4, p), [0.05], 2, seed=7002)
    assert (partners(W).abs() < 0.2).all(-1).float().mean() > 0.9
    W, _ = trained(lambda p: SparseFeatures(4, p), [0.05], 2, seed=7003, seeds=72)
    opposite = (partners(W) < -0.9).all(-1).float().mean().item()
    assert abs(opposite - 1 / 3) < 4 * math.sqrt(2 / 9 / 72), (
        "one in three pairings has the partners opposite"
    )


def test_anticorrelated_partners_are_opposite_at_the_optimum_and_by_chance_in_rare_data():
    W, loss = trained(lambda p: AnticorrelatedFeatures(4, p), [0.1, 1.0], 2, seed=7004, seeds=64)
    opposite = (partners(W) < -0.9).all(-1)
    for k in range(2):
        assert opposite[k, loss[k].argmin()], "the lowest loss has them opposite"
        assert loss[k].min() < 1e-9, "at no cost at all"
    assert opposite[0].float().mean() < 0.6, "rare: many seeds miss it"
    assert opposite[1].float().mean() > 0.9, "exactly one always on: hardly any seed misses it"


def side_by_side(W):
    pair = torch.atan2(W[1], W[0]).argsort() // 2
    return bool((pair == pair.roll(1))[::2].all() or (pair == pair.roll(1))[1::2].all())


def test_six_correlated_features_sit_side_by_side_and_independent_ones_anywhere():
    share = {}
    for kind in (CorrelatedFeatures, SparseFeatures):
        W, _ = trained(lambda p, kind=kind: kind(6, p), [0.01], 2, seed=7005, seeds=64)
        W = W[0][(feature_norms(W[0]) > 0.5).all(-1) & (partners(W[0]) < 0.9).all(-1)]
        assert len(W) >= 4
        share[kind] = sum(map(side_by_side, W)) / len(W)
    assert share[CorrelatedFeatures] == 1
    assert share[SparseFeatures] < 0.7


def test_side_by_side_knows_a_hexagon_with_partners_elsewhere():
    angle = math.pi / 3 * torch.arange(6)
    hexagon = torch.stack([angle.cos(), angle.sin()])
    assert side_by_side(hexagon)
    assert side_by_side(hexagon[:, [1, 2, 3, 4, 5, 0]])
    assert not side_by_side(hexagon[:, [0, 3, 1, 4, 2, 5]])  # opposite
    assert not side_by_side(hexagon[:, [0, 2, 1, 3, 4, 5]])


def merged_pairs(W):
    kept = (feature_norms(W) > 0.5).all(-1)
    return torch.where(kept, (partners(W) > 0.95).sum(-1), -1)


def test_pairs_merge_one_by_one_as_the_data_grow_dense():
    """The lowest loss has 0, 1, 2, 3 merged pairs; at p = 0.25 most seeds have merged one too many."""
    W, loss = trained(lambda p: CorrelatedFeatures(6, p), [0.02, 0.1, 0.25, 0.45], 2, seed=7006)
    merged = merged_pairs(W)
    assert merged.gather(1, loss.argmin(1, keepdim=True)).flatten().tolist() == [0, 1, 2, 3]
    assert merged[2].mode().values == 3


def test_independent_features_do_not_merge():
    W, _ = trained(lambda p: SparseFeatures(6, p), [0.1, 0.25], 2, seed=7007, seeds=24)
    assert (merged_pairs(W) < 1).all()


def test_two_sets_of_ten_are_bases_tied_by_their_sums_and_turn_into_digons_later():
    facing, loss = {}, {}
    for steps in (500, 2000):
        W, losses = trained(
            lambda p: CorrelatedFeatures(20, p, 10), [0.02], 10, 7008, 6, steps, batch_size=128
        )
        cosine = cosines(W[0])
        facing[steps] = (cosine[:, :10, 10:] < -0.9).sum((1, 2)).float().mean()
        loss[steps] = losses[0].median()
        within = torch.stack([cosine[:, :10, :10], cosine[:, 10:, 10:]]) - torch.eye(10)
        sums = W[0].unflatten(-1, (2, 10)).sum(-1)
        tie = torch.cosine_similarity(sums[..., 0], sums[..., 1], dim=-1)
        assert within.square().mean(dim=(0, 2, 3)).median() < 0.002
        assert tie.median() < -0.9
    assert facing[500] < 2.5
    assert facing[2000] > 6
    assert loss[2000] < 0.95 * loss[500]
