"""Batches that are made quickly, against what they should be."""

import itertools

import pytest
import torch

from tms_utils import AnticorrelatedFeatures, CorrelatedFeatures, SparseFeatures, batches
from tms_utils.features import given_first


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_a_batch_has_no_empty_row_where_its_cost_is_written_down():
    density = torch.tensor([0.9, 0.3, 0.02])
    made = batches.batches(SparseFeatures(6, density), torch.ones(3, 6), 64, seeded(0))
    for batch in itertools.islice(made, 9):
        assert (batch.x > 0).any(1).all()
        torch.testing.assert_close(batch.empty[:, 0, 0], (1 - density) ** 6 / 6)


@pytest.mark.parametrize("density", [torch.tensor([0.3]), torch.tensor([0.9])])
def test_features_are_on_as_often_as_they_should_and_apart(density):
    features = SparseFeatures(6, density)
    importance = torch.ones(1, 6)
    generator = torch.Generator().manual_seed(4)
    drawn = itertools.islice(batches.batches(features, importance, 500, generator), 400)
    x = torch.cat([batch.x[0].clone() for batch in drawn], dim=1)  # a later one may be written over it
    some = 1 - (1 - density) ** 6 if density < 0.5 else torch.ones(1)
    on = (x > 0).float() * some.sqrt()  # as if the empty rows were there: P(both) is a product
    both = on @ on.T / x.shape[1]
    wanted = torch.full((6, 6), density.item() ** 2) + torch.eye(6) * (density - density**2)
    assert (both - wanted).abs().max() < 0.006
    values = x[0][x[0] > 0].sort().values
    uniform = torch.linspace(0, 1, len(values))
    assert (values - uniform).abs().max() < 0.01  # Kolmogorov and Smirnov's distance


@pytest.mark.parametrize("density", [0.03, 0.32])
@pytest.mark.parametrize(
    ("kind", "more", "together"),
    [
        (CorrelatedFeatures, {}, 1.0),
        (CorrelatedFeatures, {"together": 0.6}, 0.6),
        (AnticorrelatedFeatures, {}, 0.0),
    ],
)
def test_members_of_sets_come_as_their_own_sample_has_them(kind, more, together, density):
    features = kind(6, torch.tensor([density]), set_size=3, **more)
    drawn = itertools.islice(batches.batches(features, torch.ones(1, 6), 500, seeded(5)), 400)
    # A later batch may be written over an earlier one.
    first, *rest = [batch._replace(x=batch.x.clone()) for batch in drawn]
    some = first.cost[0, 0, 0] * 6 * 500  # the share of rows that are drawn
    x = torch.cat([batch.x[0] for batch in (first, *rest)], dim=-1)
    on = (x > 0).double()
    both = on @ on.T / on.shape[1] * some
    same_set = torch.block_diag(torch.ones(3, 3), torch.ones(3, 3)).bool()
    wanted = torch.where(same_set, density * together, density**2).double().fill_diagonal_(density)
    assert (both - wanted).abs().max() < 0.006
    plain = features.sample(200_000, 6)[0].T.double()
    moments = (x.double() @ x.double().T / x.shape[1] * some, plain @ plain.T / plain.shape[1])
    torch.testing.assert_close(*moments, atol=0.004, rtol=0)
    values = x[0][x[0] > 0].sort().values
    assert (values - torch.linspace(0, 1, len(values))).abs().max() < 0.02


def test_sets_that_are_drawn_in_another_way_are_left_to_it():
    class Twice(CorrelatedFeatures):
        def sample_weighted(self, batch_size, generator=None):
            x, weight = super().sample_weighted(batch_size, generator)
            return 2 * x, weight

    batch = next(batches.batches(Twice(4, 0.5), torch.ones(1, 4), 500, seeded(0)))
    assert batch.x.max() > 1.5


def test_turned_tables_are_uniform_and_pairwise_independent():
    generator = torch.Generator().manual_seed(5)
    pairs = []
    for _ in range(300):
        u = torch.rand(2, 3, 64, generator=generator)
        pairs.append(torch.stack([u, *batches.turned(u, 2, generator)]))
    tables = torch.cat(pairs, dim=-1)  # (u and two turns of it, instances, features, 300 * 64)
    assert ((tables >= 0) & (tables < 1)).all()
    for a, b in itertools.combinations(range(3), 2):
        high = (tables > 0.7).float()
        together = (high[a] * high[b]).mean(-1)
        assert (together - 0.09).abs().max() < 0.03


@pytest.mark.parametrize("density", [[[0.9, 0.3, 0.02]], [[0.5, 1.0, 0.2]], [[0.01] * 7, [1.0] * 7]])
def test_comparing_finds_the_first_feature_that_a_search_finds(density, monkeypatch):
    features = SparseFeatures(len(density[0]), torch.tensor(density))
    generator = torch.Generator().manual_seed(8)
    u = torch.rand(3, *features.density.shape, 500, generator=generator)
    points = torch.rand(3, features.n_instances, 500, generator=generator)
    points[:, :, 0], points[:, :, 1] = (
        0,
        1,
    )  # the ends, and a point that is a value of the distribution function
    points[..., 2] = features.first_cdf[:, 1]
    rest = points, features.first_cdf, features.density
    compared = batches.given_points(u.clone(), *rest)
    monkeypatch.setattr(batches, "COMPARED", 0)
    assert torch.equal(compared, batches.given_points(u.clone(), *rest))


def test_rows_given_their_first_feature_are_those_that_rejection_gives():
    features = SparseFeatures(4, torch.tensor([[0.5, 0.2, 0.9, 0.4]]))
    first = torch.full((1, 40_000), 1)
    x = given_first(
        torch.rand(1, 4, 40_000, generator=torch.Generator().manual_seed(6)), first, features.density
    )
    plain = features.sample(400_000, 7)[0]
    plain = plain[(plain[:, 0] == 0) & (plain[:, 1] > 0)].T
    assert (x[0, 0] == 0).all()
    torch.testing.assert_close(x[0].mean(-1), plain.mean(-1), atol=0.01, rtol=0)
    torch.testing.assert_close(torch.cov(x[0, 1:]), torch.cov(plain[1:]), atol=0.005, rtol=0)


def test_many_features_need_no_table_of_their_pairs():
    x, weight = SparseFeatures(100_000, 1e-4).sample_weighted(3, 0)  # such a table would hold 80 GB
    assert x.shape == (1, 3, 100_000)
    torch.testing.assert_close(weight.sum(), torch.tensor(1.0))
