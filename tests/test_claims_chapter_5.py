"""Chapter 5's claims about the geometry of features, with seeds that the chapter does not use."""

import pytest
import torch

from tms_utils import (
    SparseFeatures,
    ToyModel,
    dimensionality,
    dimensions_per_feature,
    estimate_loss,
    feature_norms,
    train,
)
from tms_utils.geometry import geometry_groups, has_line, leverage
from tms_utils.polytopes import polytope
from tms_utils.theory import exact_loss, nearest_minimum

NAMED = (1.0, 3 / 4, 2 / 3, 1 / 2, 2 / 5, 3 / 8)
INVERSE_P = (1.5, 3.0, 8.0)


# Uniform superposition ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def uniform():
    """400 features in 30 dimensions: W before and after training, (density, hidden, feature)."""
    p = 1 / torch.tensor(INVERSE_P)
    model = ToyModel(400, 30, len(p), generator=torch.Generator().manual_seed(314))
    model.b.data[:] = p[:, None] / 2
    before = model.W.detach().clone()
    train(model, SparseFeatures(400, p), steps=600, batch_size=512, lr=0.02, seed=159, progress=False)
    return before, model.W.detach()


@pytest.mark.slow
def test_dimensions_per_feature_stick_at_one_and_one_half(uniform):
    first, second, last = dimensions_per_feature(uniform[1]).tolist()
    assert abs(first - 1) < 0.03
    assert abs(second - 0.5) < 0.05
    assert last < 0.35


@pytest.mark.slow
def test_there_is_a_line_at_one_half_on_the_plateau_only(uniform):
    before, after = (dimensionality(W) for W in uniform)
    found = [[has_line(D, at) for at in NAMED] for D in after]
    assert found == [[False] * 6, [at == 1 / 2 for at in NAMED], [False] * 6]
    assert not any(has_line(D, at) for D in before for at in NAMED)


@pytest.mark.slow
def test_pairs_at_right_angles_on_the_plateau_and_a_tangle_beyond(uniform):
    _, plateau, beyond = ([len(group) for group in geometry_groups(W)] for W in uniform[1])
    assert plateau.count(2) >= 22  # of the 30 that fit; the chapter's seeds have 25 and more
    assert max(beyond) > 80


@pytest.mark.slow
def test_trained_shares_keep_the_bound_and_nearly_reach_it(uniform):
    W = uniform[1]
    assert (dimensionality(W) <= leverage(W) + 1e-3).all()
    sums = dimensionality(W).sum(-1)
    assert ((sums > 29.5) & (sums < 30 + 1e-3)).all()


# One feature gets rarer -----------------------------------------------------------------------


def densities(p: float, r: float) -> torch.Tensor:
    return torch.tensor([p / r, p, p, p, p], dtype=torch.float64)


def pentagon(p: float, r: float):
    return nearest_minimum(1.15 * polytope("pentagon"), torch.full((5,), -0.2), densities(p, r))


def two_digons(p: float, r: float):
    W = torch.tensor([[0.0, 1, -1, 0, 0], [0, 0, 0, 1, -1]])
    return nearest_minimum(W, torch.tensor([p / r / 2, 0, 0, 0, 0]), densities(p, r))


@pytest.mark.parametrize(
    ("p", "before", "after"), [(0.1, 2.3, 2.45), (0.05, 3.6, 3.85), (0.02, 5.2, 5.6), (0.01, 6.1, 6.6)]
)
def test_the_exact_losses_cross_between(p, before, after):
    """With other nodes than the chapter's, so that the crossing is not an accident of the quadrature."""
    for r, pentagon_is_better in ((before, True), (after, False)):
        five, four = (
            exact_loss(m.W, m.b, densities(p, r), nodes=(100, 30, 9, 5, 4))
            for m in (pentagon(p, r), two_digons(p, r))
        )
        assert bool(five < four) == pentagon_is_better


def test_at_the_papers_ratio_the_pentagon_is_still_better_on_sampled_data():
    minima = [pentagon(0.05, 2.5), two_digons(0.05, 2.5)]
    model = ToyModel(5, 2, 2, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.W.copy_(torch.stack([m.W for m in minima]))
        model.b.copy_(torch.stack([m.b for m in minima]))
    features = SparseFeatures(5, densities(0.05, 2.5)[None].float())
    five, four = estimate_loss(model, features, batch_size=2**17, seed=265).tolist()
    assert five < 0.9 * four


def test_a_pentagon_exists_beyond_the_crossing_but_not_for_ever():
    assert feature_norms(pentagon(0.05, 6.0).W)[0] > 0.9
    assert feature_norms(pentagon(0.05, 12.0).W)[0] < 0.1


def test_training_is_certain_at_the_ends_and_undecided_between():
    ratios, runs = (1.0, 2.5, 12.0), 24
    p = torch.cat([densities(0.05, r).float().expand(runs, 5) for r in ratios])
    model = ToyModel(5, 2, len(p), generator=torch.Generator().manual_seed(358))
    train(model, SparseFeatures(5, p), seed=979, progress=False)
    kept = (feature_norms(model.W.detach()) > 0.5).all(-1).unflatten(0, (3, runs)).sum(-1)
    first, middle, last = kept.tolist()
    assert first >= 22
    # Shares of 0.4 to 0.7 were measured with other seeds: 24 runs then fall outside 3..22 once in 5,000 times.
    assert 3 <= middle <= 22
    assert last <= 1
