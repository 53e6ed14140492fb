"""The line statistic, and the bound on the fractions of a dimension."""

import torch

from tms_utils.geometry import dimensionality, has_line, leverage, line_counts
from tms_utils.polytopes import POLYTOPES, polytope


def test_counts_on_a_line_and_in_the_fuller_window_beside_it():
    D = torch.tensor([0.5, 0.504, 0.496, 0.4875, 0.4872, 0.5125, 0.7])
    assert line_counts(D, 0.5) == (3, 2)


def test_digons_make_a_line_at_one_half_and_nowhere_else():
    D = dimensionality(torch.block_diag(*[polytope("digon")] * 6))
    assert has_line(D, 1 / 2)
    assert not any(has_line(D, at) for at in (1.0, 3 / 4, 2 / 3, 2 / 5, 3 / 8))


def test_too_few_features_make_no_line():
    D = torch.full((9,), 0.5)
    assert not has_line(D, 0.5)
    assert has_line(D, 0.5, at_least=9)


def test_controls_without_lines_fail():
    generator = torch.Generator().manual_seed(1)
    uniform = torch.rand(
        4000, generator=generator
    )  # about 40 in every window: enough, but no more than beside
    blurred = 0.5 + 0.02 * torch.randn(60, generator=generator)
    for at in (1.0, 3 / 4, 2 / 3, 1 / 2, 2 / 5, 3 / 8):
        assert not has_line(uniform, at)
        assert not has_line(blurred, at)


def test_leverage_bounds_dimensionality_and_adds_up_to_the_rank():
    generator = torch.Generator().manual_seed(2)
    W = torch.randn(300, 6, 15, generator=generator, dtype=torch.float64)
    W[:150] = W[:150] @ torch.diag(torch.linspace(0.01, 3, 15, dtype=torch.float64))
    W[:50, 4:] = 0  # rank 4
    D, bound = dimensionality(W), leverage(W)
    assert (bound - D >= -1e-9).all()
    rank = torch.linalg.matrix_rank(W).to(bound)
    torch.testing.assert_close(bound.sum(-1), rank)
    assert set(rank.tolist()) == {4.0, 6.0}
    assert (D.sum(-1) < rank - 0.01).all()  # nothing random is a sum of tight blocks


def test_equality_for_orthogonal_tight_blocks_of_any_size():
    scaled = [
        size * polytope(name)
        for size, name in zip(torch.linspace(0.5, 2, len(POLYTOPES)), POLYTOPES, strict=True)
    ]
    W = torch.block_diag(*scaled)
    torch.testing.assert_close(dimensionality(W), leverage(W))
