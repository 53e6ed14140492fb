"""Chapter 7's checks: an untouched stub, right answers, and wrong ones with a message each."""

import pytest
import torch
from checking import expect_failures, stub

from tms_utils import CorrelatedFeatures
from tms_utils.checks import check_binary_border, check_opposite, check_three_pairs, check_who_with_whom


@pytest.mark.parametrize(
    ("check", "untouched"),
    [
        (check_who_with_whom, stub),
        (check_opposite, None),
        (check_three_pairs, stub),
        (check_binary_border, None),
    ],
)
def test_untouched_stubs_are_not_attempted(check, untouched):
    assert check(untouched).status == "not attempted"


# 7.1


def by_loops(x):
    n = x.shape[1]
    return torch.tensor(
        [[(x[x[:, j] != 0, i] != 0).float().mean().item() for j in range(n)] for i in range(n)]
    )


def by_product(x):
    on = (x != 0).float()
    return on.T @ on / on.sum(0)


@pytest.mark.parametrize("solution", [by_loops, by_product, lambda x: by_product(x).double()])
def test_any_right_way_to_count_passes(solution):
    assert check_who_with_whom(solution).status == "passed"


def test_who_with_whom():
    expect_failures(
        check_who_with_whom,
        [
            (lambda x: by_product(x).T, "the transpose"),
            (lambda x: (x != 0).float().T @ (x != 0).float() / len(x), "number of rows"),
            (lambda x: (x != 0).float().T @ (x != 0).float(), "counts of rows"),
            (lambda x: x.T @ x / x.sum(0), "multiplied the values"),
            (lambda x: torch.corrcoef((x != 0).float().T), "correlation coefficient"),
            (lambda x: by_product(x).fill_diagonal_(0), "On the diagonal"),
            (lambda x: by_product((x > 0.5).float() + 0.01 * torch.eye(len(x))[:, :3]), "expected [["),
            (lambda x: by_product(x.clamp(min=0)), "negative value"),
            (lambda x: by_product(x)[0], "got shape (3,)"),
            (lambda x: by_product(x).numpy(), "got ndarray"),
            (lambda x: (x != 0).T @ (x != 0), "not implemented for 'Bool'"),
            (lambda x: x.nonsense, "AttributeError"),
        ],
    )


# 7.2


def test_opposite():
    for right in ("other set", "Other set ", "the other set", "other"):
        assert check_opposite(right).status == "passed"
    expect_failures(
        check_opposite,
        [("same", "silence"), ("either", "costs p"), ("feature 3", "Expected"), (3, "Expected")],
    )


# 7.3


def sampler(switches=3, values=6, density_of=lambda p: p, scale=1.0, generated=True):
    """Rows of three pairs, with faults to choose."""

    def sample(rows, density, generator):
        generator = generator if generated else None
        on = torch.rand(rows, switches, generator=generator) < density_of(density)
        x = torch.rand(rows, values, generator=generator).repeat_interleave(6 // values, dim=1)
        return scale * x * on.repeat_interleave(6 // switches, dim=1)

    return sample


def by_the_package(rows, density, generator):
    return CorrelatedFeatures(6, density).sample(rows, generator)[0]


def one_draw(rows, density, generator):
    """The switch is the pair's own; each magnitude is drawn by itself."""
    on = torch.rand(rows, 3, 1, generator=generator) < density
    return (torch.rand(rows, 3, 2, generator=generator) * on).flatten(1)


@pytest.mark.parametrize("repair", [sampler(), by_the_package, one_draw])
def test_any_right_repair_passes(repair):
    assert check_three_pairs(repair).status == "passed"


def half_shared(rows, density, generator):
    on = torch.rand(rows, 3, generator=generator) < density
    shared, own = torch.rand(rows, 3, generator=generator), torch.rand(rows, 6, generator=generator)
    pick = torch.rand(rows, 6, generator=generator) < 0.7
    return on.repeat_interleave(2, 1) * torch.where(pick, shared.repeat_interleave(2, 1), own)


def repaired_in_part(rows, density, generator):
    """Pair 0 as it should be, the others constant."""
    x = sampler()(rows, density, generator)
    x[:, 2:] = 0.5 * (x[:, 2:] > 0)
    return x


def two_magnitudes(rows, density, generator):
    """The same two numbers serve all three pairs."""
    on = torch.rand(rows, 3, generator=generator) < density
    return on.repeat_interleave(2, dim=1) * torch.rand(rows, 2, generator=generator).repeat(1, 3)


def third_copies_second(rows, density, generator):
    on = (torch.rand(rows, 3, generator=generator) < density)[:, [0, 1, 1]]
    return on.repeat_interleave(2, dim=1) * torch.rand(rows, 6, generator=generator)


def test_three_pairs():
    expect_failures(
        check_three_pairs,
        [
            (sampler(values=3), "How many *different* numbers"),
            (repaired_in_part, "Active values of pair 1"),
            (two_magnitudes, "different pairs share a magnitude"),
            (third_copies_second, "Pairs 1 and 2"),
            (sampler(switches=6), "not always on together"),
            (sampler(switches=1), "a switch of its own"),
            (sampler(density_of=lambda p: 1 - p), "At density 0.3"),
            (half_shared, "have a correlation"),
            (sampler(scale=0.5), "uniform in [0, 1)"),
            (sampler(generated=False), "does not use `generator`"),
            (lambda rows, p, g: sampler()(rows, p, g).T, "Expected x of shape"),
        ],
    )


# 7.4


def test_binary_border():
    for right in (1 / 3, "0.333", torch.tensor(1 / 3)):
        assert check_binary_border(right).status == "passed"
    expect_failures(
        check_binary_border,
        [
            (4 / 7, "uniform in [0, 1)"),
            (0.5, "only one error"),
            (0.2, "2p(1 - c)"),
            (0.0, "At c = 0"),
            (1.0, "At c = 1"),
            (1.5, "a probability"),
            (float("nan"), "got nan"),
            (0.4, "do not cost the same"),
        ],
    )


def test_the_binary_border_follows_from_the_two_costs():
    """With both on an opposite pair loses 2, a merged pair nothing; with one on, nothing and 1/2."""

    def cost(w, x):
        w, x = torch.tensor(w), torch.tensor(x)
        return (x - (w * (w @ x)).relu()).square().sum().item()

    opposite, merged = [1.0, -1.0], [0.5**0.5] * 2
    both, one = [1.0, 1.0], [1.0, 0.0]
    c = 1 / 3
    totals = [c * cost(w, both) + 2 * (1 - c) * cost(w, one) for w in (opposite, merged)]
    assert totals[0] == pytest.approx(totals[1])
