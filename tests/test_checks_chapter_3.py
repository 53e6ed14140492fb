"""Chapter 3's checks: untouched stubs, right answers, and plausible wrong ones with messages of their own."""

import pytest
import torch
from checking import messages, stub

from tms_utils.checks import check_balanced, check_draw, check_gradient_size, check_one_hot


@pytest.mark.parametrize(
    ("check", "attempt"),
    [(check_balanced, stub), (check_gradient_size, None), (check_one_hot, stub), (check_draw, stub)],
)
def test_untouched_stubs_are_not_attempted(check, attempt):
    assert check(attempt).status == "not attempted"


# 3.1 ----------------------------------------------------------------------------------------


def svd(W, V):
    U, sigma, R = torch.linalg.svd(V.T @ W)
    return U, sigma, R, len(W)


def balanced(W, V):
    U, sigma, R, m = svd(W, V)
    half = sigma[:m].sqrt()[:, None]
    return half * R[:m], half * U[:, :m].T


def balanced_and_rotated(W, V):
    """Any rotation of the hidden space is as fair."""
    Q = torch.linalg.qr(torch.randn(len(W), len(W), generator=torch.Generator().manual_seed(0)))[0]
    return tuple(Q @ matrix for matrix in balanced(W, V))


def balanced_by_eigenvectors(W, V):
    """Without a singular value decomposition: solve P (W Wᵀ) P = V Vᵀ for P = MᵀM."""

    def root(A):
        values, vectors = torch.linalg.eigh(A)
        return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T

    half = root(W @ W.T)
    inverse = torch.linalg.inv(half)
    M = root(inverse @ root(half @ V @ V.T @ half) @ inverse)
    return M @ W, torch.linalg.inv(M).T @ V


def full_rank(W, V):
    U, sigma, R, _ = svd(W, V)
    return sigma.sqrt()[:, None] * R, sigma.sqrt()[:, None] * U.T


def one_sided(W, V):
    U, sigma, R, m = svd(W, V)
    return sigma[:m, None] * R[:m], U[:, :m].T


def exchanged(W, V):
    return balanced(W, V)[::-1]


def scaled_by_feature(W, V):
    factor = (V.norm(dim=0) / W.norm(dim=0)).sqrt()
    return factor * W, V / factor


def no_root(W, V):
    U, sigma, R, m = svd(W, V)
    return sigma[:m, None] * R[:m], sigma[:m, None] * U[:, :m].T


def only_one(W, V):
    return balanced(W, V)[0]


@pytest.mark.parametrize("attempt", [balanced, balanced_and_rotated, balanced_by_eigenvectors])
def test_balanced_accepts_every_fair_basis(attempt):
    assert check_balanced(attempt).status == "passed"


def test_balanced_names_the_slip():
    texts = messages(check_balanced, [full_rank, one_sided, exchanged, scaled_by_feature, no_root, only_one])
    expected = [
        "singular values",
        "square root",
        "exchanged",
        "each feature on its own",
        "differs",
        "two matrices",
    ]
    for text, part in zip(texts, expected, strict=True):
        assert part in text


def test_the_weights_themselves_are_not_balanced():
    assert check_balanced(lambda W, V: (W, V)).status == "failed"


# 3.2 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("prediction", [1e-8, 2e-8, torch.tensor(1e-8)])
def test_gradient_size_accepts_the_nearest_power_of_ten(prediction):
    assert check_gradient_size(prediction).status == "passed"


def test_gradient_size_explains_each_other_choice():
    texts = messages(check_gradient_size, [1e-2, 1e-4, 1e-6, 1e-10, 1e3])
    for text, part in zip(
        texts, ["every row", "all three", "one small factor", "too small", "far off"], strict=True
    ):
        assert part in text or part in text.lower()


@pytest.mark.parametrize("prediction", [0.0, -1.0, "1e-8?"])
def test_gradient_size_survives_nonsense(prediction):
    assert check_gradient_size(prediction).status == "failed"


# 3.3 ----------------------------------------------------------------------------------------


def two_draws(rows, n, density, generator):
    value, coin = torch.rand(2, rows, n, generator=generator)
    return torch.where(coin < density, value, 0.0)


def one_draw(rows, n, density, generator):
    u = torch.rand(rows, n, generator=generator)
    return ((u - (1 - density)) / density).clamp(min=0)


def rescaled(rows, n, density, generator):
    u = torch.rand(rows, n, generator=generator)
    return torch.where(u < density, u / density, 0.0)


def faulty(rows, n, density, generator):
    u = torch.rand(rows, n, generator=generator)
    return torch.where(u <= density, u, 0.0)


def large_ones(rows, n, density, generator):
    """The same fault at the other end: only large values survive."""
    u = torch.rand(rows, n, generator=generator)
    return torch.where(u >= 1 - density, u, 0.0)


def exchanged_density(rows, n, density, generator):
    return two_draws(rows, n, 1 - density, generator)


def one_switch_a_row(rows, n, density, generator):
    on = torch.rand(rows, 1, generator=generator) < density
    return torch.rand(rows, n, generator=generator) * on


def binary(rows, n, density, generator):
    return (torch.rand(rows, n, generator=generator) < density).float()


def half(rows, n, density, generator):
    return 0.5 * binary(rows, n, density, generator)


def transposed(rows, n, density, generator):
    return two_draws(rows, n, density, generator).T


@pytest.mark.parametrize("attempt", [two_draws, one_draw, rescaled])
def test_draw_accepts_every_repair(attempt):
    assert check_draw(attempt).status == "passed"


def test_draw_names_the_symptom():
    attempts = [faulty, large_ones, exchanged_density, one_switch_a_row, binary, half, transposed]
    parts = [
        "largest active value",
        "have mean",
        "exchanged",
        "together",
        "have mean 1.00",
        "variance",
        "shape",
    ]
    for text, part in zip(messages(check_draw, attempts), parts, strict=True):
        assert part in text, text


# 3.4 ----------------------------------------------------------------------------------------


def unit_directions():
    W = torch.randn(5, 20, generator=torch.Generator().manual_seed(7))
    return W / W.norm(dim=0)


def long_arrows():
    W = unit_directions()
    rho_squared = 1.01 / (1 - (W.T @ W - 2 * torch.eye(20)).max())
    return rho_squared.sqrt() * W, (1 - rho_squared).expand(20)


def in_the_plane():
    """Two of the five dimensions do, with very long arrows."""
    angle = 2 * torch.pi * torch.arange(20) / 20
    W = torch.zeros(5, 20)
    W[0], W[1] = angle.cos(), angle.sin()
    rho_squared = 1.001 / (1 - torch.cos(torch.tensor(2 * torch.pi / 20)))
    return rho_squared.sqrt() * W, (1 - rho_squared).expand(20)


@pytest.mark.parametrize("attempt", [long_arrows, in_the_plane])
def test_one_hot_accepts_every_model_without_loss(attempt):
    assert check_one_hot(attempt).status == "passed"


def test_one_hot_says_what_is_missing():
    W, b = long_arrows()
    attempts = [
        lambda: (unit_directions(), torch.zeros(20)),  # no bias: others answer
        lambda: (W, torch.zeros(20)),  # long arrows, no bias
        lambda: (unit_directions(), torch.full((20,), -1.0)),  # bias too deep
        lambda: (W.T, b),
        lambda: (W, b[:5]),
        lambda: W,
    ]
    parts = [
        "of the 380",
        "exactly 1",
        "answer 0 even to themselves",
        "(5, 20); got (20, 5)",
        "(20,); got (5,)",
        "W and b",
    ]
    for text, part in zip(messages(check_one_hot, attempts), parts, strict=True):
        assert part in text, text
