"""Sparse features and k active ones: what they draw, that weighted rows are unbiased, that nothing can change them."""

import copy
import pickle

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tms_utils import CorrelatedFeatures, Features, KActiveFeatures, SparseFeatures
from tms_utils.validate import as_generator

ROWS = 2**13
quick = settings(deadline=None, max_examples=25, derandomize=True)
densities = st.floats(0.002, 1.0)


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
    x = SparseFeatures(p.shape[1], p).sample(ROWS, seed)
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
    by_instance = SparseFeatures(3, torch.tensor([1.0, 0.1])).sample(ROWS, 0)
    assert (by_instance[0] > 0).all()
    assert (by_instance[1] > 0).float().mean() == pytest.approx(0.1, abs=0.02)
    by_feature = SparseFeatures(2, torch.tensor([[0.9, 0.1]])).sample(ROWS, 0)
    assert (by_feature > 0).float().mean((0, 1)).tolist() == pytest.approx([0.9, 0.1], abs=0.03)


def test_a_larger_value_is_not_likelier_to_be_kept():
    """Mask and value come from one random number; they must still be independent."""
    x = SparseFeatures(1, 0.3).sample(2**16, 0)
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
    x, weight = SparseFeatures(4, p).sample_weighted(ROWS, seed)
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
    x, weight = SparseFeatures(n, p).sample_weighted(64, seed)
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

    plain = f(features.sample(2**17, 1))
    x, weight = features.sample_weighted(2**17, 2)
    mean, error = weighted_mean_and_error(f(x), weight)
    plain_error = plain.std() / 2 ** (17 / 2)
    assert abs(mean.item() - plain.mean().item()) < 5 * (error.item() ** 2 + plain_error**2) ** 0.5


@pytest.mark.parametrize("p", [1e-6, 1.0])
def test_weighted_rows_at_the_ends(p):
    x, weight = SparseFeatures(20, p).sample_weighted(4096, 0)
    assert torch.isfinite(x).all()
    assert weight.sum() == pytest.approx(1, abs=1e-4)
    if p == 1:
        assert weight[0, 0] == 0
        assert (x[:, 1:] > 0).all()
    else:
        first = (x[0, 1:] > 0).float().mean(0)  # each feature is as often the active one
        assert first.tolist() == pytest.approx([0.05] * 20, abs=0.005)


def test_features_with_k_active_weigh_each_row_alike():
    x, weight = KActiveFeatures(4, 2).sample_weighted(50, 0)
    assert x.shape == (1, 50, 4)
    assert (weight == 1 / 50).all()


# The worked example of SparseFeatures.sample_weighted ---------------------------------------


def test_the_worked_example_of_first_active_features():
    """Two features of density 1/2, three rows that have something on."""
    features = SparseFeatures(2, 0.5)
    assert features.some_active.item() == pytest.approx(3 / 4)
    assert features.first_cdf[0].tolist() == pytest.approx([2 / 3, 1])
    first = features.first_active(3, as_generator(0))
    assert first.tolist() == [[0, 0, 1]]
    u = features.uniform(2, 3, generator=as_generator(1))[0].T
    x = features.rows_given_first(first, as_generator(1))[0]
    torch.testing.assert_close(x[:2], torch.stack([u[:2, 0], (2 * u[:2, 1] - 1).relu()], dim=1))
    assert x[2].tolist() == [0, u[2, 1].item()]


def test_an_empty_row_takes_its_weight_from_the_others():
    x, weight = Features.with_empty_row(torch.ones(2, 5, 3), torch.tensor([0.2, 1.0]))
    assert (x[:, 0] == 0).all()
    assert (x[:, 1:] == 1).all()
    torch.testing.assert_close(weight, torch.tensor([[0.8] + [0.05] * 4, [0.0] + [0.25] * 4]))
    with pytest.raises(ValueError, match="batch_size to be a whole number >= 2; got 1"):
        Features.with_empty_row(torch.ones(2, 1, 3), 0.5)


# Nothing changes a distribution -------------------------------------------------------------


def share_on(features):
    x, weight = features.sample_weighted(2**12, 0)
    return (weight[..., None] * (x > 0)).sum(1).mean().item()


@pytest.mark.parametrize(
    "name", ["density", "n_features", "n_instances", "device", "first_cdf", "sample", "_density"]
)
@pytest.mark.parametrize("drawn", [False, True])
def test_an_attribute_cannot_be_set_again(name, drawn):
    features = SparseFeatures(3, 0.5)
    if drawn:
        features.sample_weighted(4)
    with pytest.raises(
        AttributeError, match=f"a distribution does not change: cannot set {name}; make a new Sparse"
    ):
        setattr(features, name, torch.tensor([[0.1, 0.1, 0.1]]))
    assert share_on(features) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("drawn", [False, True])
def test_writing_into_a_density_changes_nothing(drawn):
    handed_in = torch.full((1, 3), 0.5)
    features = SparseFeatures(3, handed_in)
    if drawn:
        features.sample_weighted(4)
    handed_in[:] = 0.05
    features.density[:] = 0.05
    assert (features.density == 0.5).all()
    assert share_on(features) == pytest.approx(0.5, abs=0.02)
    assert share_on(features.expand(2)) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))])
def test_copies_draw_the_same(copied):
    features = SparseFeatures(3, torch.tensor([0.5, 0.1]))
    features.sample_weighted(4)
    for a, b in zip(features.sample_weighted(9, 1), copied(features).sample_weighted(9, 1), strict=True):
        assert torch.equal(a, b)


# A distribution of one's own ----------------------------------------------------------------


class Binary(Features):
    """The example of the docstring."""

    def sample(self, batch_size, generator=None):
        generator = as_generator(generator, self.device)
        u = self.uniform(batch_size, self.n_features, generator=generator)
        return (u < self.density[:, None]).to(u)


class Table(Features):
    """Rows of a table, which goes along wherever the features go."""

    def __init__(self, rows):
        super().__init__(rows.shape[-1], (rows > 0).double().mean(0, keepdim=True))
        self.rows, self.index = rows, torch.arange(len(rows))

    def sample(self, batch_size, generator=None):
        return self.rows[self.index[:batch_size]].expand(self.n_instances, -1, -1)


def test_a_sample_is_all_that_a_distribution_needs():
    features = Binary(3, torch.tensor([0.2, 0.9])).expand(2)
    x, weight = features.sample_weighted(2**12, 0)
    assert torch.equal(x, features.sample(2**12, as_generator(0)))
    assert (weight == 2**-12).all()
    assert x.mean((1, 2)).tolist() == pytest.approx([0.2, 0.9], abs=0.03)
    assert Binary(3, 0.2).expand(5).sample(4).shape == (5, 4, 3)


def test_its_tensors_go_along_and_its_other_rows_broadcast():
    features = Table(torch.tensor([[0.0, 0.5], [0.25, 0.5]]))
    assert features.density.tolist() == [[0.5, 1.0]]
    double = features.expand(3).to("cpu", torch.float64)
    assert double.rows.dtype == double.density.dtype == double.dtype == torch.float64
    assert double.index.dtype == torch.int64
    assert double.sample(2).shape == (3, 2, 2)
    assert features.rows.dtype == torch.float32
    with pytest.raises(AttributeError, match="cannot set rows; make a new Table"):
        features.rows = torch.zeros(1)


def test_a_seed_may_not_reach_two_draws():
    with pytest.raises(ValueError, match=r"got 3. Begin your sample with generator = as_generator\("):
        SparseFeatures(3, 0.5).uniform(4, generator=3)


def test_a_distribution_without_a_sample_says_so():
    with pytest.raises(NotImplementedError, match="Features has no sample of its own"):
        Features(3, 0.5).sample_weighted(4)


# Common to all ------------------------------------------------------------------------------


ALL = [SparseFeatures(6, torch.tensor([0.2, 0.7])), KActiveFeatures(6, 3, n_instances=2)]


@pytest.mark.parametrize("features", ALL, ids=lambda f: type(f).__name__)
def test_the_generator_alone_decides(features):
    state = torch.get_rng_state()
    first, second = (features.sample(9, 5) for _ in range(2))
    other = features.sample(9, 6)
    assert first.shape == (2, 9, 6)
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state), "the global random state was touched"


def test_instances_are_drawn_apart():
    for features in (SparseFeatures(6, 0.5), KActiveFeatures(6, 3)):
        x = features.expand(2).sample(50, 0)
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
    features.sample_weighted(4, 0)
    x, weight = features.expand(5).sample_weighted(4, 0)
    assert x.shape == (5, 4, 3)
    assert weight.shape == (5, 4)


def test_draws_in_double_precision():
    """In their dtype, and whatever PyTorch's default is."""
    features = SparseFeatures(3, 0.5).to("cpu", torch.float64)
    assert all(drawn.dtype == torch.float64 for drawn in features.sample_weighted(4, 0))
    torch.set_default_dtype(torch.float64)
    try:
        for made in (SparseFeatures(3, 0.5), KActiveFeatures(3, 1)):
            assert all(drawn.dtype == torch.float64 for drawn in made.sample_weighted(4, 0))
    finally:
        torch.set_default_dtype(torch.float32)


def test_density_takes_every_shape_with_one_meaning():
    column = torch.tensor([[0.1], [0.2]])
    table = column.expand(2, 3)
    for given_density in (column[:, 0], column, table, column[:, 0].numpy(), [0.1, 0.2], [[0.1], [0.2]]):
        torch.testing.assert_close(SparseFeatures(3, given_density).density, table)
    assert SparseFeatures(3, torch.tensor([[0.1, 0.2, 0.3]])).n_instances == 1
    assert SparseFeatures(3, 1).density.tolist() == [[1, 1, 1]]


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
        (lambda: SparseFeatures(3, torch.ones(0)), r"got shape \(0,\)"),
        (lambda: SparseFeatures(0, 0.5), r"n_features to be a whole number >= 1; got 0"),
        (lambda: SparseFeatures(3, 0.5).sample(0), r"batch_size to be a whole number >= 1; got 0"),
        (lambda: SparseFeatures(3, 0.5).sample_weighted(1), r"batch_size to be a whole number >= 2; got 1"),
        (lambda: KActiveFeatures(3, 4), r"k between 0 and n_features = 3; got 4"),
        (lambda: KActiveFeatures(3, -1), r"k to be a whole number >= 0; got -1"),
        (lambda: KActiveFeatures(3, 1, n_instances=0), r"n_instances"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(build, message):
    with pytest.raises(ValueError, match=message):
        build()


# Fair comparisons ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "features",
    [
        SparseFeatures(6, torch.tensor([0.2, 0.2, 0.7])),
        KActiveFeatures(6, 3, n_instances=3),
        CorrelatedFeatures(6, torch.tensor([0.2, 0.2, 0.7]), set_size=3, together=0.8),
    ],
)
def test_paired_instances_of_one_density_get_the_same_rows(features):
    x, weight = features.paired().sample_weighted(64, 0)
    assert torch.equal(x[0], x[1])
    assert torch.equal(weight[0], weight[1])
    apart, _ = features.sample_weighted(64, 0)
    assert not torch.equal(apart[0], apart[1])
    assert torch.equal(
        features.paired().expand(3).to("cpu").sample(8, 1)[0], features.paired().sample(8, 1)[1]
    )


def test_rows_of_ones_own_must_fit():
    class Whole(Features):
        def sample(self, batch_size, generator=None):
            return torch.ones(self.n_instances, batch_size, self.n_features, dtype=torch.int64)

    class Flat(Features):
        def sample(self, batch_size, generator=None):
            return torch.ones(batch_size, self.n_features)

    with pytest.raises(
        ValueError, match=r"sample to give torch.float32 of shape \(1, 4, 3\); got torch.int64"
    ):
        Whole(3, 0.5).sample_weighted(4)
    with pytest.raises(ValueError, match=r"of shape \(1, 4, 3\); got torch.float32 of shape \(4, 3\)"):
        Flat(3, 0.5).sample_weighted(4)
