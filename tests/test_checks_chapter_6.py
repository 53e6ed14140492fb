"""Chapter 6's checks: untouched stub, right answers, and wrong ones that each get their own message."""

import itertools
import math

import pytest
import torch

from tms_utils import dimensionality
from tms_utils.checks import (
    check_crossing,
    check_fingerprint,
    check_mean_loss,
    check_nine_features,
    check_sample_k_active,
)


def untouched(*_args, **_kwargs):
    raise NotImplementedError("Exercise 6.x: your code here")


def passes(check, attempt) -> bool:
    verdict = check(attempt)
    return verdict.status == "passed" and len(verdict.message) > 20


def complaint(check, attempt) -> str:
    verdict = check(attempt)
    assert verdict.status == "failed", verdict
    return verdict.message


@pytest.mark.parametrize("check", [check_sample_k_active, check_fingerprint, check_mean_loss])
def test_an_untouched_function_is_not_attempted(check):
    assert check(untouched).status == "not attempted"


@pytest.mark.parametrize("check", [check_crossing, check_nine_features])
def test_an_untouched_prediction_is_not_attempted(check):
    assert check(None).status == "not attempted"


# 6.1 ------------------------------------------------------------------------------------------


def right_sample(rows, n, k, generator):
    order = torch.rand(rows, n, generator=generator)
    values = torch.rand(rows, k, generator=generator)
    return torch.zeros(rows, n).scatter_(1, order.topk(k, dim=1).indices, values)


def also_right(rows, n, k, generator):
    rank = torch.rand(rows, n, generator=generator).argsort(1).argsort(1)
    return torch.rand(rows, n, generator=generator) * (rank < k)


def each_on_its_own(rows, n, k, generator):
    return torch.rand(rows, n, generator=generator) * (torch.rand(rows, n, generator=generator) < k / n)


def on_and_off_swapped(rows, n, k, generator):
    return right_sample(rows, n, n - k, generator)


def one_set_for_all(rows, n, k, generator):
    return torch.rand(rows, n, generator=generator) * (torch.randperm(n, generator=generator) < k)


def neighbours_only(rows, n, k, generator):
    start = torch.randint(n, (rows, 1), generator=generator)
    return torch.rand(rows, n, generator=generator) * (((torch.arange(n) - start) % n) < k)


def first_ones_more_often(rows, n, k, generator):
    rank = (
        (torch.rand(rows, n, generator=generator) - 0.05 * torch.arange(n))
        .argsort(1, descending=True)
        .argsort(1)
    )
    return torch.rand(rows, n, generator=generator) * (rank < k)


def largest_kept_as_values(rows, n, k, generator):
    u = torch.rand(rows, n, generator=generator)
    return u * (u >= u.topk(k, dim=1).values[:, -1:])


def loop(rows, n, k, generator):
    x = torch.rand(rows, n, generator=generator)
    for i in range(rows):
        x[i, torch.randperm(n, generator=generator)[: n - k]] = 0
    return x


def global_generator(rows, n, k, generator):
    with torch.random.fork_rng():
        torch.random.seed()
        return right_sample(rows, n, k, None)


@pytest.mark.parametrize("attempt", [right_sample, also_right])
def test_right_samplers_pass(attempt):
    assert passes(check_sample_k_active, attempt)


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (each_on_its_own, "only on average"),
        (on_and_off_swapped, "Did you swap on and off"),
        (one_set_for_all, "Draw a set for each row"),
        (neighbours_only, "Only 8 of the 56 sets"),
        (first_ones_more_often, "not equally likely"),
        (largest_kept_as_values, "draw the values separately"),
        (loop, "still a loop"),
        (global_generator, "draw from `generator` only"),
        (lambda rows, n, k, g: right_sample(rows, n, k, g).T, "Expected shape"),
        (lambda rows, n, k, g: right_sample(rows, n, k, g).tolist(), "Expected a tensor; got list"),
        (lambda rows, n, k, g: 2 * right_sample(rows, n, k, g), "must lie in"),
        (lambda rows, n, k, g: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_wrong_samplers_are_told_why(attempt, message):
    assert message in complaint(check_sample_k_active, attempt)


# 6.2 and 6.5 ----------------------------------------------------------------------------------


def test_crossing():
    assert passes(check_crossing, "b")
    messages = [complaint(check_crossing, answer) for answer in ("a", "c", "d", "e", 3)]
    assert len(set(messages)) == 5
    assert "whole line" in messages[0]


def test_nine_features():
    assert passes(check_nine_features, 21)
    messages = [complaint(check_nine_features, answer) for answer in (36, 18, 14, 12, 27, 42, 20)]
    assert len(set(messages)) == 7
    assert "number of triangles" in messages[2]


# 6.3 ------------------------------------------------------------------------------------------


def cosines(W):
    W = W / W.norm(dim=0)
    return W.T @ W


def angle_spectrum(W):
    i, j = torch.triu_indices(8, 8, 1)
    return torch.arccos(cosines(W)[i, j].clamp(-1, 1)).sort().values


@pytest.mark.parametrize(
    "fingerprint",
    [
        angle_spectrum,
        lambda W: torch.linalg.eigvalsh(cosines(W).relu()),
        lambda W: cosines(W).relu().square().sum().item(),
        lambda W: (cosines(W) ** 4).sum(0).sort().values.tolist(),
        lambda W: torch.cdist((W / W.norm(dim=0)).T, (W / W.norm(dim=0)).T).flatten().sort().values,
    ],
)
def test_right_fingerprints_pass(fingerprint):
    assert passes(check_fingerprint, fingerprint)


@pytest.mark.parametrize(
    ("fingerprint", "message"),
    [
        (lambda W: W.flatten(), "when W is rotated"),
        (lambda W: cosines(W).flatten(), "change places"),
        (lambda W: (W.T @ W).flatten().sort().values, "gets longer"),
        (lambda W: dimensionality(W).sort().values, "same for the cube"),
        (lambda W: torch.linalg.eigvalsh(cosines(W)), "same for the cube"),
        (lambda W: torch.arccos(1.0001 * cosines(W)).flatten().sort().values, "clamp"),
    ],
)
def test_wrong_fingerprints_are_told_why(fingerprint, message):
    assert message in complaint(check_fingerprint, fingerprint)


# 6.4 ------------------------------------------------------------------------------------------


def mse(model, x):
    return torch.nn.functional.mse_loss(model(x), x).item()


@pytest.mark.parametrize(
    "mean_loss",
    [
        lambda model, batches: sum(mse(model, x) for x in batches) / len(batches),
        lambda model, batches: sum(mse(model, x) * len(x) for x in batches) / sum(len(x) for x in batches),
        lambda model, batches: mse(model, torch.cat(batches)),
    ],
)
def test_right_losses_pass(mean_loss):
    assert passes(check_mean_loss, mean_loss)


@pytest.mark.parametrize(
    ("mean_loss", "message"),
    [
        (
            lambda model, batches: sum(mse(model, x) for x in batches) / len(batches[0]),
            "already a mean over rows",
        ),
        (lambda model, batches: sum(mse(model, x) for x in batches), "times the number of batches"),
        (lambda model, batches: 8 * mse(model, torch.cat(batches)), "eight times as much"),
        (lambda model, batches: sum(mse(model, x) for x in batches) / 4, "must not depend on the cut"),
        (lambda model, batches: 0.5, "the mean squared error of these rows is"),
    ],
)
def test_wrong_losses_are_told_why(mean_loss, message):
    assert message in complaint(check_mean_loss, mean_loss)


def test_the_sets_a_check_expects_are_all_there():
    x = right_sample(20_000, 8, 3, torch.Generator().manual_seed(4))
    seen = {tuple(row.nonzero().flatten().tolist()) for row in x > 0}
    assert seen == set(itertools.combinations(range(8), 3))
    assert len(seen) == math.comb(8, 3)
