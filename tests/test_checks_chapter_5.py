"""Chapter 5's checks: untouched stubs, right answers, and wrong ones that are told why."""

import pytest
import torch
from checking import stub

from tms_utils.checks import check_base_density, check_leverage, check_line_detector, check_packing
from tms_utils.geometry import dimensionality, has_line


@pytest.mark.parametrize("check", [check_leverage, check_line_detector])
def test_untouched_functions_are_not_attempted(check):
    assert check(stub).status == "not attempted"


@pytest.mark.parametrize("check", [check_packing, check_base_density])
def test_untouched_values_are_not_attempted(check):
    assert check(None).status == "not attempted"


def complaint(check, attempt) -> str:
    verdict = check(attempt)
    assert verdict.status == "failed", verdict
    return verdict.message


# 5.1 ------------------------------------------------------------------------------------------


def by_pinv(W):
    return torch.diagonal(W.mT @ torch.linalg.pinv(W @ W.mT) @ W)


def by_least_squares(W):
    return (W * (torch.linalg.pinv(W.mT))).sum(0)


@pytest.mark.parametrize("attempt", [by_pinv, by_least_squares])
def test_right_scores_pass(attempt):
    assert check_leverage(attempt).status == "passed"


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (dimensionality, "the D_i themselves"),
        (lambda W: torch.diagonal(W.mT @ torch.linalg.inv(W @ W.mT) @ W), "pseudo-inverse"),
        (lambda W: W.mT @ torch.linalg.pinv(W @ W.mT) @ W, "whole matrix"),
        (lambda W: torch.diagonal(W.mT @ (W @ W.mT) @ W), "in the middle"),
        (lambda W: W.square().sum(0), "where is the inverse"),
        (lambda W: by_pinv(W).sqrt(), "square roots"),
        (lambda W: by_pinv(W) / W.square().sum(0), "must add up to the rank"),
        (lambda W: by_pinv(W.mT), r"shape (9,); got (4,)"),
        (lambda W: by_pinv(W).tolist(), "Expected a tensor; got list"),
        (lambda W: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_wrong_scores_are_told_why(attempt, message):
    assert message in complaint(check_leverage, attempt)


# 5.2 and 5.4 ----------------------------------------------------------------------------------


def test_packing():
    assert check_packing(0.48).status == "passed"
    wrong = (25, 25 / 12, 0.5, 0.55, 0.49286, 12 / 31, 0.6)
    assert len({complaint(check_packing, answer) for answer in wrong}) == len(wrong)


def test_base_density():
    assert check_base_density(0.093).status == "passed"
    wrong = (2.5, 0.05, 0.07, 0.12)
    assert len({complaint(check_base_density, answer) for answer in wrong}) == len(wrong)


# 5.3 ------------------------------------------------------------------------------------------


def windows(D, at, *, beside=max, least=10, factor=2, both=True):
    def count(centre):
        return ((D - centre).abs() <= 0.005).sum().item()

    sides = [count(at - 0.0125), count(at + 0.0125)] if both else [count(at - 0.0125)]
    return count(at) >= least and count(at) >= factor * beside(sides)


def as_set(D, at):
    """The exercise's cell: no absolute values."""
    on = (D - at <= 0.005).sum()
    beside = max((D - (at + side) <= 0.005).sum() for side in (-0.0125, 0.0125))
    return bool(on >= 10 and on >= 2 * beside)


def half_repaired(D, at):
    on = ((D - at).abs() <= 0.005).sum()
    beside = (D - (at - 0.0125) <= 0.005).sum()
    return bool(on >= 10 and on >= 2 * beside)


def other_way_round(D, at):
    on = ((D - at).abs() <= 0.005).sum()
    beside = (D - (at + 0.0125) >= -0.005).sum()
    return bool(on >= 10 and on >= 2 * beside)


@pytest.mark.parametrize("attempt", [has_line, windows])
def test_right_detectors_pass(attempt):
    assert check_line_detector(attempt).status == "passed"


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (as_set, "misses 60 features"),
        (half_repaired, "far below is being counted"),
        (other_way_round, "far above is being counted"),
        (lambda D, at: windows(D, at, least=5), "9 features; ten"),
        (lambda D, at: windows(D, at, factor=0), "spread evenly"),
        (lambda D, at: windows(D, at, both=False), "around 0.5125"),
        (lambda D, at: windows(D, at, beside=min), "look on both sides"),
        (lambda D, at: windows(D, at, beside=sum), "not with the sum"),
    ],
)
def test_wrong_detectors_are_told_why(attempt, message):
    assert message in complaint(check_line_detector, attempt)
