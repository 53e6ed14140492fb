"""Correlated and anticorrelated features, and exactly k of all: who is on with whom, that weighted rows are unbiased, what is refused."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_utils import AnticorrelatedFeatures, CorrelatedFeatures, Features, KActiveFeatures
from tms_utils.sets import SetFeatures

ROWS = 2**13
quick = settings(deadline=None, max_examples=25, derandomize=True)
densities = st.floats(0.002, 1.0)


@quick
@given(densities, st.sampled_from([(4, 2), (6, 3), (3, 1), (4, 4)]), st.integers(0, 999))
def test_correlated_sets_switch_together(p, sizes, seed):
    n, size = sizes
    x = CorrelatedFeatures(n, p, set_size=size).sample(ROWS, seed)[0]
    on = (x > 0).unflatten(-1, (-1, size))
    assert (on.all(-1) | ~on.any(-1)).float().mean() > 0.999
    set_on = on.any(-1).float().mean(0)
    assert (set_on - p).abs().max() < 6 * (p * (1 - p) / ROWS) ** 0.5 + 1e-3


def test_correlated_sets_have_independent_magnitudes_and_switches():
    x = CorrelatedFeatures(4, 0.5).sample(2**15, 0)[0]
    active = x[x[:, 0] > 0]
    assert torch.corrcoef(active[:, :2].T)[0, 1].abs() < 0.05
    on = (x > 0).float()
    assert torch.corrcoef(on[:, [0, 2]].T)[0, 1].abs() < 0.05


@quick
@given(st.floats(0.01, 0.9), st.floats(0, 1), st.integers(0, 999))
def test_a_correlated_feature_is_on_with_its_density_and_its_partner_with_together(p, share, seed):
    together = p + share * (1 - p)  # from independent to all or none
    on = CorrelatedFeatures(4, p, together=together).sample(ROWS, seed)[0] > 0
    both = (on[:, 0] & on[:, 1]).float().mean().item()
    other_set = (on[:, 0] & on[:, 2]).float().mean().item()
    for measured, expected in ((on.float().mean().item(), p), (both, p * together), (other_set, p * p)):
        assert abs(measured - expected) < 6 * (expected * (1 - expected) / ROWS) ** 0.5 + 1e-3


def test_one_together_per_instance():
    features = CorrelatedFeatures(2, 0.2, together=torch.tensor([0.2, 1.0])).expand(2)
    x, weight = features.to("cpu").sample_weighted(2**14, 0)
    both = (weight * (x > 0).all(-1)).sum(-1)
    assert both.tolist() == pytest.approx([0.04, 0.2], abs=0.01)


@quick
@given(densities, st.sampled_from([(4, 2), (6, 3), (4, 4)]), st.integers(0, 999))
def test_anticorrelated_sets_have_at_most_one_member_on(p, sizes, seed):
    """p is the density of a set here; that of a feature is p / size."""
    n, size = sizes
    features = AnticorrelatedFeatures(n, p / size, set_size=size)
    x = features.sample(ROWS, seed)[0]
    on = (x > 0).unflatten(-1, (-1, size))
    assert on.sum(-1).max() <= 1
    each = (x > 0).float().mean(0)
    assert (each - features.density[0]).abs().max() < 6 * (p / size / ROWS) ** 0.5 + 1e-3


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_one_of_an_anticorrelated_set_may_always_be_on(size):
    """Three times the third that a float can hold is 1 only up to rounding."""
    x = AnticorrelatedFeatures(2 * size, 1 / size, set_size=size).sample(200, 0)
    assert ((x > 0).sum(-1) == 2).float().mean() > 0.99


@pytest.mark.parametrize(
    "features",
    [CorrelatedFeatures(4, 0.1), CorrelatedFeatures(4, 0.1, together=0.6), AnticorrelatedFeatures(4, 0.1)],
    ids=["all or none", "often together", "never together"],
)
def test_weighted_rows_of_sets_have_the_plain_rows_statistics(features):
    """How often a feature is on, alone and with another, and a mean that is neither linear nor quadratic."""

    def statistics(x):
        on = (x > 0).float()
        pairs = on[..., [0, 0]] * on[..., [1, 2]]
        return torch.cat([on, pairs, (x[..., :1] - x[..., 1:2]).relu().sqrt()], dim=-1)

    x, weight = features.sample_weighted(2**16, 1)
    assert (x[:, 0] == 0).all()
    assert (x[:, 1:] > 0).any(-1).float().mean() > 0.8, "nearly every other row has something on"
    values = statistics(x)
    mean = (weight[..., None] * values).sum(1)
    # Evenly spread draws vary less than independent ones, so this error is an upper bound.
    error = ((weight[..., None] * values.shape[1] * values).var(1) / values.shape[1]).sqrt()
    plain = statistics(features.sample(2**18, 2))
    error = (error.square() + plain.var(1) / 2**18).sqrt()
    assert ((mean - plain.mean(1)).abs() < 5 * error + 1e-6).all()


# Nothing changes a distribution -------------------------------------------------------------


def share_on(features):
    x, weight = features.sample_weighted(2**13, 0)
    return (weight[..., None] * (x > 0)).sum(1).mean().item()


@pytest.mark.parametrize("name", ["together", "_together", "set_size", "density", "sets", "set_density"])
def test_an_attribute_cannot_be_set_again(name):
    features = CorrelatedFeatures(4, 0.05, together=1.0)
    features.sample_weighted(4)
    with pytest.raises(AttributeError, match=f"does not change: cannot set {name}; make a new Correlated"):
        setattr(features, name, torch.full((1, 4), 0.25))
    assert share_on(features) == pytest.approx(0.05, abs=0.005)


def test_writing_into_together_changes_nothing():
    handed_in = torch.tensor([1.0])
    features = CorrelatedFeatures(4, 0.05, together=handed_in)
    handed_in[:] = 0.25
    features.together[:] = 0.25
    assert (features.together == 1).all()
    assert share_on(features) == pytest.approx(0.05, abs=0.005)


def test_expanded_and_moved_sets_forget_what_they_computed():
    features = CorrelatedFeatures(4, 0.2, together=0.5)
    features.sample_weighted(4)
    x, weight = features.expand(3).to("cpu", torch.float64).sample_weighted(2**14, 0)
    assert x.shape == (3, 2**14, 4)
    assert x.dtype == weight.dtype == torch.float64
    both = (weight * (x[..., :2] > 0).all(-1)).sum(-1)
    assert both.tolist() == pytest.approx([0.1] * 3, abs=0.01)


class Echoes(SetFeatures):
    """All members of a set have one magnitude."""

    def members(self, sets, u):
        return sets.repeat_interleave(self.set_size, dim=-1)


def test_a_set_of_ones_own_needs_its_members_only():
    features = Echoes(6, torch.tensor([0.1, 0.6]), 3)
    x, weight = features.sample_weighted(2**13, 0)
    assert (x.unflatten(-1, (2, 3)) == x[..., ::3, None]).all()
    on = (weight[..., None] * (x > 0)).sum(1)
    torch.testing.assert_close(on, features.density, atol=0.02, rtol=0)
    with pytest.raises(NotImplementedError, match="SetFeatures has no members of its own"):
        SetFeatures(6, 0.5).sample(4)


# Common to all ------------------------------------------------------------------------------


ALL = [
    CorrelatedFeatures(6, torch.tensor([0.2, 0.7]), set_size=3),
    CorrelatedFeatures(6, torch.tensor([0.2, 0.7]), set_size=3, together=0.8),
    AnticorrelatedFeatures(6, torch.tensor([0.1, 0.3]), set_size=3),
]


@pytest.mark.parametrize("features", ALL, ids=["all or none", "often together", "never together"])
def test_density_is_that_of_a_feature(features):
    assert isinstance(features, Features)
    on = (features.sample(2**14, 0) > 0).float().mean(1)
    torch.testing.assert_close(on, features.density, atol=0.02, rtol=0)


@pytest.mark.parametrize("features", ALL, ids=["all or none", "often together", "never together"])
def test_the_generator_alone_decides(features):
    state = torch.get_rng_state()
    first, second = (features.sample(9, 5) for _ in range(2))
    other = features.sample(9, 6)
    assert first.shape == (2, 9, 6)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state), "the global random state was touched"


def test_instances_are_drawn_apart():
    for features in (CorrelatedFeatures(6, 0.5, set_size=3), AnticorrelatedFeatures(6, 0.3, set_size=3)):
        x = features.expand(2).sample(50, 0)
        assert not torch.equal(x[0], x[1])


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: CorrelatedFeatures(5, 0.5, set_size=2), r"multiple of set_size = 2; got n_features = 5"),
        (lambda: CorrelatedFeatures(4, 0.5, together=0.4), r"together from density = 0.5 to 1; got 0.4"),
        (lambda: CorrelatedFeatures(4, 0.5, together=1.5), r"together from density = 0.5 to 1; got 1.5"),
        (lambda: CorrelatedFeatures(4, 0.5, together=float("nan")), r"to 1; got nan"),
        (
            lambda: CorrelatedFeatures(4, torch.tensor([0.1, 0.2]), together=torch.ones(3)),
            r"together to be a number or .* instances = 2; got shape \(3,\)",
        ),
        (
            lambda: CorrelatedFeatures(4, torch.tensor([[0.1, 0.2, 0.1, 0.2]])),
            "one density for all members of a set",
        ),
        (lambda: AnticorrelatedFeatures(4, 0.5, set_size=8), r"multiple of set_size = 8"),
        (lambda: AnticorrelatedFeatures(4, 0.5, set_size=0), r"set_size to be a whole number >= 1; got 0"),
        (
            lambda: AnticorrelatedFeatures(4, 0.6),
            r"density in \(0, 1 / set_size\] = \(0, 0.5\], .*; got 0.6",
        ),
        (lambda: AnticorrelatedFeatures(6, torch.tensor([0.3, 0.4]), set_size=3), "got 0.4"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(build, message):
    with pytest.raises(ValueError, match=message):
        build()


# Exactly k active ---------------------------------------------------------------------------


@quick
@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), st.integers(0, 999))
def test_exactly_k_features_are_active(sizes, seed):
    n, k = sizes
    x = KActiveFeatures(n, k, n_instances=2).sample(500, seed)
    assert x.shape == (2, 500, n)
    assert ((x > 0).sum(-1) == k).float().mean() > 0.999  # a value may be exactly 0


def test_every_set_of_k_is_equally_likely():
    x = KActiveFeatures(5, 2).sample(2**14, 0)[0]
    sets = ((x > 0) * 2 ** torch.arange(5)).sum(1)
    counts = sets.bincount(minlength=32)
    counts = counts[counts > 0]
    assert len(counts) == 10
    expected = 2**14 / 10
    assert (counts - expected).abs().max() < 6 * expected**0.5
    assert x[x > 0].mean() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("k", range(4))
def test_the_density_of_k_active_features_is_that_of_one_feature(k):
    features = KActiveFeatures(3, k, n_instances=2)
    torch.testing.assert_close(features.density, torch.full((2, 3), k / 3))
