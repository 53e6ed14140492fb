"""The four feature distributions: what they draw, that weighted rows are unbiased, and what they refuse."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_utils import AnticorrelatedFeatures, CorrelatedFeatures, KActiveFeatures, SparseFeatures

ROWS = 2**13
quick = settings(deadline=None, max_examples=25, derandomize=True)
densities = st.floats(0.002, 1.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def weighted_mean_and_error(values, weight):
    """The estimate of the mean over rows, and its standard error if rows were independent.

    Evenly spread draws vary less than independent ones, so the error is an upper bound.
    """
    mean = (weight[..., None] * values).sum(1)
    rows = values.shape[1]
    spread = (weight[..., None] * rows * values).var(1)
    return mean, (spread / rows).sqrt()


# Sparse features ----------------------------------------------------------------------------


@quick
@given(st.lists(densities, min_size=1, max_size=6), st.integers(0, 999))
def test_sparse_entries_are_on_with_their_density_and_then_uniform(p, seed):
    p = torch.tensor([p])  # one instance, a density for each feature
    x = SparseFeatures(p.shape[1], p).sample(ROWS, generator(seed))
    assert x.shape == (1, ROWS, p.shape[1])
    assert (x >= 0).all()
    assert (x < 1).all()
    on = (x > 0).float().mean(1)
    assert (on - p).abs().le(6 * (p * (1 - p) / ROWS).sqrt() + 1e-6).all()
    for i in range(p.shape[1]):
        values = x[0, x[0, :, i] > 0, i]
        if len(values) > 20:
            assert abs(values.mean() - 0.5) < 6 * (1 / 12 / len(values)) ** 0.5


def test_density_per_instance_and_per_feature():
    by_instance = SparseFeatures(3, torch.tensor([1.0, 0.1])).sample(ROWS, generator())
    assert (by_instance[0] > 0).all()
    assert (by_instance[1] > 0).float().mean() == pytest.approx(0.1, abs=0.02)
    by_feature = SparseFeatures(2, torch.tensor([[0.9, 0.1]])).sample(ROWS, generator())
    assert (by_feature > 0).float().mean((0, 1)).tolist() == pytest.approx([0.9, 0.1], abs=0.03)


def test_a_larger_value_is_not_likelier_to_be_kept():
    """Mask and value come from one random number; they must still be independent."""
    x = SparseFeatures(1, 0.3).sample(2**16, generator())
    histogram = torch.histc(x[x > 0], bins=10, min=0, max=1)
    expected = histogram.sum() / 10
    assert (histogram - expected).abs().max() < 6 * expected.sqrt()


# Weighted rows ------------------------------------------------------------------------------


@quick
@given(
    st.lists(st.lists(densities, min_size=4, max_size=4), min_size=1, max_size=3),
    st.integers(0, 999),
)
def test_weighted_rows_give_the_moments_of_plain_ones(p, seed):
    """Exact moments of independent sparse features: E[on] = p, E[x] = p/2, E[x²] = p/3, E[x_i x_j] = p_i p_j / 4."""
    p = torch.tensor(p)
    x, weight = SparseFeatures(4, p).sample_weighted(ROWS, generator(seed))
    assert weight.sum(1) == pytest.approx(torch.ones(len(p)), abs=1e-4)
    pairs = torch.combinations(torch.arange(4))
    exact = torch.cat(
        [p, p / 2, p / 3, p[:, pairs[:, 0]] * p[:, pairs[:, 1]] / 4, (1 - p).prod(1, keepdim=True)], dim=1
    )
    products = x[..., pairs[:, 0]] * x[..., pairs[:, 1]]
    empty = (x == 0).all(-1, keepdim=True).float()
    values = torch.cat([(x > 0).float(), x, x**2, products, empty], dim=-1)
    mean, error = weighted_mean_and_error(values, weight)
    assert (mean - exact).abs().le(6 * error + 2e-4).all(), (mean - exact, error)


@quick
@given(densities, st.integers(1, 6), st.integers(0, 999))
def test_weighted_rows_have_one_empty_row_and_no_other(p, n, seed):
    x, weight = SparseFeatures(n, p).sample_weighted(64, generator(seed))
    assert (x[:, 0] == 0).all()
    # A value is exactly 0 with probability 2⁻²⁴: count rows with an active feature up to that.
    assert (x[:, 1:] > 0).any(-1).all()
    assert weight[0, 0].item() == pytest.approx((1 - p) ** n, abs=1e-5)
    assert (weight[:, 1:] == weight[:, 1:2]).all()


def test_weighted_and_plain_rows_agree_on_a_loss():
    """A functional that is neither linear nor quadratic, on features of different density."""
    features = SparseFeatures(3, torch.tensor([[0.5, 0.05, 0.2]]))

    def f(x):
        return (x.sum(-1) - 0.8).relu().sqrt()[..., None]

    plain = f(features.sample(2**17, generator(1)))
    x, weight = features.sample_weighted(2**17, generator(2))
    mean, error = weighted_mean_and_error(f(x), weight)
    plain_error = plain.std() / 2 ** (17 / 2)
    assert abs(mean.item() - plain.mean().item()) < 5 * (error.item() ** 2 + plain_error**2) ** 0.5


@pytest.mark.parametrize("p", [1e-6, 1.0])
def test_weighted_rows_at_the_ends(p):
    x, weight = SparseFeatures(20, p).sample_weighted(4096, generator())
    assert torch.isfinite(x).all()
    assert weight.sum() == pytest.approx(1, abs=1e-4)
    if p == 1:
        assert weight[0, 0] == 0
        assert (x[:, 1:] > 0).all()
    else:
        first = (x[0, 1:] > 0).float().mean(0)  # each feature is as often the active one
        assert first.tolist() == pytest.approx([0.05] * 20, abs=0.005)


def test_features_with_k_active_weigh_each_row_alike():
    x, weight = KActiveFeatures(4, 2).sample_weighted(50, generator())
    assert x.shape == (1, 50, 4)
    assert (weight == 1 / 50).all()


@pytest.mark.parametrize(
    "features",
    [CorrelatedFeatures(4, 0.1), CorrelatedFeatures(4, 0.1, together=0.6), AnticorrelatedFeatures(4, 0.2)],
    ids=["all or none", "often together", "never together"],
)
def test_weighted_rows_of_sets_have_the_plain_rows_statistics(features):
    """How often a feature is on, alone and with another, and a mean that is neither linear nor quadratic."""

    def statistics(x):
        on = (x > 0).float()
        pairs = on[..., [0, 0]] * on[..., [1, 2]]
        return torch.cat([on, pairs, (x[..., :1] - x[..., 1:2]).relu().sqrt()], dim=-1)

    x, weight = features.sample_weighted(2**16, generator(1))
    assert (x[:, 0] == 0).all()
    assert (x[:, 1:] > 0).any(-1).float().mean() > 0.8, "nearly every other row has something on"
    mean, error = weighted_mean_and_error(statistics(x), weight)
    plain = statistics(features.sample(2**18, generator(2)))
    error = (error.square() + plain.var(1) / 2**18).sqrt()
    assert ((mean - plain.mean(1)).abs() < 5 * error + 1e-6).all()


# Exactly k active ---------------------------------------------------------------------------


@quick
@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), st.integers(0, 999))
def test_exactly_k_features_are_active(sizes, seed):
    n, k = sizes
    x = KActiveFeatures(n, k, n_instances=2).sample(500, generator(seed))
    assert x.shape == (2, 500, n)
    assert ((x > 0).sum(-1) == k).float().mean() > 0.999  # a value may be exactly 0


def test_every_set_of_k_is_equally_likely():
    x = KActiveFeatures(5, 2).sample(2**14, generator())[0]
    sets = ((x > 0) * 2 ** torch.arange(5)).sum(1)
    counts = sets.bincount(minlength=32)
    counts = counts[counts > 0]
    assert len(counts) == 10
    expected = 2**14 / 10
    assert (counts - expected).abs().max() < 6 * expected**0.5
    assert x[x > 0].mean() == pytest.approx(0.5, abs=0.02)


# Correlated and anticorrelated --------------------------------------------------------------


@quick
@given(densities, st.sampled_from([(4, 2), (6, 3), (3, 1), (4, 4)]), st.integers(0, 999))
def test_correlated_sets_switch_together(p, sizes, seed):
    n, size = sizes
    x = CorrelatedFeatures(n, p, set_size=size).sample(ROWS, generator(seed))[0]
    on = (x > 0).unflatten(-1, (-1, size))
    assert (on.all(-1) | ~on.any(-1)).float().mean() > 0.999
    set_on = on.any(-1).float().mean(0)
    assert (set_on - p).abs().max() < 6 * (p * (1 - p) / ROWS) ** 0.5 + 1e-3


def test_correlated_sets_have_independent_magnitudes_and_switches():
    x = CorrelatedFeatures(4, 0.5).sample(2**15, generator())[0]
    active = x[x[:, 0] > 0]
    assert torch.corrcoef(active[:, :2].T)[0, 1].abs() < 0.05
    on = (x > 0).float()
    assert torch.corrcoef(on[:, [0, 2]].T)[0, 1].abs() < 0.05


@quick
@given(st.floats(0.01, 0.9), st.floats(0, 1), st.integers(0, 999))
def test_a_correlated_feature_is_on_with_its_density_and_its_partner_with_together(p, share, seed):
    together = p + share * (1 - p)  # from independent to all or none
    on = CorrelatedFeatures(4, p, together=together).sample(ROWS, generator(seed))[0] > 0
    both = (on[:, 0] & on[:, 1]).float().mean().item()
    other_set = (on[:, 0] & on[:, 2]).float().mean().item()
    for measured, expected in ((on.float().mean().item(), p), (both, p * together), (other_set, p * p)):
        assert abs(measured - expected) < 6 * (expected * (1 - expected) / ROWS) ** 0.5 + 1e-3


def test_one_together_per_instance():
    features = CorrelatedFeatures(2, 0.2, together=torch.tensor([0.2, 1.0])).expand(2)
    x, weight = features.to("cpu").sample_weighted(2**14, generator())
    both = (weight * (x > 0).all(-1)).sum(-1)
    assert both.tolist() == pytest.approx([0.04, 0.2], abs=0.01)


@quick
@given(densities, st.sampled_from([(4, 2), (6, 3), (4, 4)]), st.integers(0, 999))
def test_anticorrelated_sets_have_at_most_one_member_on(p, sizes, seed):
    n, size = sizes
    x = AnticorrelatedFeatures(n, p, set_size=size).sample(ROWS, generator(seed))[0]
    on = (x > 0).unflatten(-1, (-1, size))
    assert on.sum(-1).max() <= 1
    each = (x > 0).float().mean(0)
    assert (each - p / size).abs().max() < 6 * (p / size / ROWS) ** 0.5 + 1e-3


# Common to all ------------------------------------------------------------------------------


ALL = [
    SparseFeatures(6, torch.tensor([0.2, 0.7])),
    KActiveFeatures(6, 3, n_instances=2),
    CorrelatedFeatures(6, torch.tensor([0.2, 0.7]), set_size=3),
    CorrelatedFeatures(6, torch.tensor([0.2, 0.7]), set_size=3, together=0.8),
    AnticorrelatedFeatures(6, torch.tensor([0.2, 0.7]), set_size=3),
]


@pytest.mark.parametrize("features", ALL, ids=lambda f: type(f).__name__)
def test_the_generator_alone_decides(features):
    state = torch.get_rng_state()
    first, second = (features.sample(9, generator(5)) for _ in range(2))
    other = features.sample(9, generator(6))
    assert first.shape == (2, 9, 6)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state), "the global random state was touched"


@pytest.mark.parametrize("features", ALL, ids=lambda f: type(f).__name__)
def test_instances_are_drawn_apart(features):
    same = type(features)(6, 3) if isinstance(features, KActiveFeatures) else type(features)(6, 0.5)
    x = same.expand(2).sample(50, generator())
    assert not torch.equal(x[0], x[1])


def test_expand_repeats_one_instance_and_keeps_an_equal_number():
    one, two = SparseFeatures(3, 0.5), SparseFeatures(3, torch.tensor([0.1, 0.2]))
    assert one.expand(4).n_instances == 4
    assert one.n_instances == 1
    assert torch.equal(two.expand(2).density, two.density)
    with pytest.raises(ValueError, match="expected features with 1 or 3 instances.*got 2"):
        two.expand(3)


def test_expanded_features_forget_what_they_computed_for_fewer():
    features = SparseFeatures(3, 0.5)
    features.sample_weighted(4, generator())
    x, weight = features.expand(5).sample_weighted(4, generator())
    assert x.shape == (5, 4, 3)
    assert weight.shape == (5, 4)
    moved = features.to("cpu")
    assert moved.device.type == "cpu"
    assert moved is not features


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: SparseFeatures(3, 0.0), r"density = 1 - S in \(0, 1\]; got 0"),
        (lambda: SparseFeatures(3, 1.5), r"\(0, 1\]; got 1.5"),
        (lambda: SparseFeatures(3, -0.1), r"\(0, 1\]; got -0.1"),
        (lambda: SparseFeatures(3, float("nan")), r"\(0, 1\]; got nan"),
        (lambda: SparseFeatures(3, torch.tensor([0.5, 2.0])), r"\(0, 1\]; got 2"),
        (lambda: SparseFeatures(3, torch.ones(2, 4)), r"\(instances, 3\); got shape \(2, 4\)"),
        (lambda: SparseFeatures(3, torch.ones(2, 3, 1)), r"got shape \(2, 3, 1\)"),
        (lambda: SparseFeatures(3, torch.ones(0)), r"got shape \(0, 3\)"),
        (lambda: SparseFeatures(0, 0.5), r"n_features to be a whole number >= 1; got 0"),
        (lambda: SparseFeatures(3, 0.5).sample(0), r"batch_size to be a whole number >= 1; got 0"),
        (lambda: SparseFeatures(3, 0.5).sample_weighted(1), r"batch_size >= 2.*got 1"),
        (lambda: KActiveFeatures(3, 4), r"k between 0 and n_features = 3; got 4"),
        (lambda: KActiveFeatures(3, -1), r"got -1"),
        (lambda: KActiveFeatures(3, 1, n_instances=0), r"n_instances"),
        (lambda: CorrelatedFeatures(5, 0.5, set_size=2), r"multiple of set_size = 2; got n_features = 5"),
        (lambda: CorrelatedFeatures(4, 0.5, together=0.4), r"together from density = 0.5 to 1; got 0.4"),
        (lambda: CorrelatedFeatures(4, 0.5, together=1.5), r"together from density = 0.5 to 1; got 1.5"),
        (lambda: CorrelatedFeatures(4, 0.5, together=float("nan")), r"to 1; got nan"),
        (
            lambda: CorrelatedFeatures(4, torch.tensor([0.1, 0.2]), together=torch.ones(3)),
            r"together to be a number or 2 numbers; got 3",
        ),
        (
            lambda: CorrelatedFeatures(4, torch.tensor([[0.1, 0.2, 0.1, 0.2]])),
            "one density for all members of a set",
        ),
        (lambda: AnticorrelatedFeatures(4, 0.5, set_size=8), r"multiple of set_size = 8"),
        (lambda: AnticorrelatedFeatures(4, 0.5, set_size=0), r"set_size to be a whole number >= 1; got 0"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(build, message):
    with pytest.raises(ValueError, match=message):
        build()
