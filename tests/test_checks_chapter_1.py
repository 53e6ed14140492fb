"""Chapter 1's checks: the untouched stub, right answers, and wrong ones with the message each gets."""

import pytest
import torch
from torch import nn

from tms_utils.checks import (
    check_keep_mask,
    check_linear_loss,
    check_prediction_sparse,
    check_sgd_step,
    check_train_linear,
)
from tms_utils.theory import linear_loss


def assert_verdict(verdict, status, *words):
    assert verdict.status == status, verdict
    for word in words:
        assert word in verdict.message, verdict


# 1.1 --------------------------------------------------------------------------------------------


def pieces(W, b, p):
    """Variance part, mean part and importance-free spread: what the attempts below put together."""
    missing = torch.eye(W.shape[1]) - W.T @ W
    return p / 3 - p**2 / 4, missing, b - p / 2 * missing.sum(1)


def sum_not_mean(W, b, importance, p):
    return linear_loss(W, b, importance, p) * len(b)


def no_mean(W, b, importance, p):
    v, missing, _ = pieces(W, b, p)
    return (importance * v * missing.square().sum(1)).mean()


def bias_alone(W, b, importance, p):
    v, missing, _ = pieces(W, b, p)
    return (importance * (v * missing.square().sum(1) + b**2)).mean()


def bias_with_wrong_sign(W, b, importance, p):
    v, missing, _ = pieces(W, b, p)
    return (importance * (v * missing.square().sum(1) + (b + p / 2 * missing.sum(1)) ** 2)).mean()


def second_moment(W, b, importance, p):
    _, missing, mean = pieces(W, b, p)
    return (importance * (p / 3 * missing.square().sum(1) + mean**2)).mean()


def no_interference(W, b, importance, p):
    v, missing, mean = pieces(W, b, p)
    return (importance * (v * missing.diagonal().square() + mean**2)).mean()


def no_importance(W, b, importance, p):
    return linear_loss(W, b, torch.ones_like(importance), p)


def untouched(*arguments):
    raise NotImplementedError("Exercise 1.1: your code here")


def test_linear_loss_right_and_untouched():
    assert repr(check_linear_loss(untouched)) == "Exercise 1.1: not attempted yet."
    assert_verdict(check_linear_loss(linear_loss), "passed")
    assert_verdict(check_linear_loss(lambda *a: linear_loss(*a).item()), "passed")


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (sum_not_mean, "divide by n"),
        (no_mean, "mean of the error is missing"),
        (bias_alone, "not b alone"),
        (bias_with_wrong_sign, "sign of b"),
        (second_moment, "E[x²] = p/3"),
        (no_interference, "Interference is missing"),
        (no_importance, "Importance is missing"),
        (lambda W, b, importance, p: importance, "one number"),
        (lambda W, b, importance, p: torch.tensor(1.0), "the exact one is"),
        (lambda *a: 1.002 * linear_loss(*a), "average over a sample"),
        (lambda W, b, importance, p: W @ W, "raised RuntimeError"),
    ],
)
def test_linear_loss_wrong(attempt, words):
    assert_verdict(check_linear_loss(attempt), "failed", words)


# 1.2 --------------------------------------------------------------------------------------------


def test_prediction():
    assert repr(check_prediction_sparse(None)) == "Exercise 1.2: not attempted yet."
    for right in ("C", "c", " C. ", "(c)"):
        assert_verdict(check_prediction_sparse(right), "passed")


@pytest.mark.parametrize(
    ("letter", "words"),
    [
        ("A", "copied exactly"),
        ("B", "ReLU"),
        ("D", "importances still differ"),
        ("E", "one of the letters"),
        (3, "got 3"),
    ],
)
def test_prediction_wrong(letter, words):
    assert_verdict(check_prediction_sparse(letter), "failed", words)


# 1.3 --------------------------------------------------------------------------------------------


def plain_tensors(n, m, generator):
    return [torch.zeros(n), torch.randn(m, n, generator=generator)]


def parameters(n, m, generator):
    return [parameter.requires_grad_() for parameter in plain_tensors(n, m, generator)]


def scaled_afterwards(n, m, generator):
    b, W = parameters(n, m, generator)
    return [b, 0.3 * W]


def backward(params, x):
    b, W = params
    loss = (x @ W.T @ W + b - x).square().mean()
    loss.backward()
    return loss


def step_that_stops_half_way(params, x, lr):
    backward(params, x)
    for parameter in params:
        parameter.data -= lr * parameter.grad
        parameter.grad.zero()


def step(params, x, lr):
    backward(params, x)
    for parameter in params:
        parameter.data -= lr * parameter.grad
        parameter.grad.zero_()


def step_with_optimiser(params, x, lr):
    optimiser = torch.optim.SGD(params, lr)
    optimiser.zero_grad()
    backward(params, x)
    optimiser.step()


def step_without_clearing(params, x, lr):
    backward(params, x)
    for parameter in params:
        parameter.data -= lr * parameter.grad


def step_that_clears_too_early(params, x, lr):
    backward(params, x)
    for parameter in params:
        parameter.grad.zero_()
        parameter.data -= lr * parameter.grad


def step_that_rebinds(params, x, lr):
    backward(params, x)
    for parameter in params:
        parameter = parameter - lr * parameter.grad


def step_uphill(params, x, lr):
    backward(params, x)
    for parameter in params:
        parameter.data += lr * parameter.grad
        parameter.grad = None


def step_on_the_sum(params, x, lr):
    backward(params, x)
    for parameter in params:
        parameter.data -= lr * x.numel() * parameter.grad
        parameter.grad = None


def test_sgd_step_right():
    assert_verdict(check_sgd_step(parameters, step), "passed")
    assert_verdict(check_sgd_step(parameters, step_with_optimiser), "passed")


@pytest.mark.parametrize(
    ("make", "attempt", "words"),
    [
        (plain_tensors, step_that_stops_half_way, ["requires_grad"]),
        (parameters, step_that_stops_half_way, ["AttributeError", "Half a step", "b has moved, W has not"]),
        (scaled_afterwards, step, ["no leaf"]),
        (parameters, step_without_clearing, ["first step is right", "backward() adds"]),
        (parameters, step_that_clears_too_early, ["has not moved"]),
        (parameters, step_that_rebinds, ["has not moved"]),
        (parameters, step_uphill, ["uphill"]),
        (parameters, step_on_the_sum, ["not by lr times"]),
    ],
)
def test_sgd_step_wrong(make, attempt, words):
    assert_verdict(check_sgd_step(make, attempt), "failed", *words)


# 1.4 --------------------------------------------------------------------------------------------


def train_with(*, gradients=True, flag=False, weighted=True, lr=0.01):
    """A trainer with or without the chapter's faults."""

    def train_linear(importance, steps=1000, seed=0):
        generator = torch.Generator().manual_seed(seed)
        n = len(importance)
        W = nn.Parameter(0.1 * torch.randn(5, n, generator=generator))
        b = nn.Parameter(torch.zeros(n))
        optimiser = torch.optim.Adam([W, b], lr=lr)
        weight = importance if weighted else torch.ones(n)
        for _ in range(steps):
            x = torch.rand(64, n, generator=generator)
            with torch.set_grad_enabled(gradients):
                loss = (weight * (x @ W.T @ W + b - x).square()).mean()
            if flag:
                loss.requires_grad = True
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return W.detach()

    return train_linear


def test_train_linear_right():
    assert_verdict(check_train_linear(train_with()), "passed")


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (train_with(gradients=False, flag=True, weighted=False), ["exactly what it was before", "W.grad"]),
        (train_with(gradients=False, flag=True), ["exactly what it was before"]),
        (train_with(gradients=False), ["does not require grad"]),
        (train_with(weighted=False), ["unweighted", "Which loss"]),
        (train_with(lr=1e-5), ["does not hold the 5 most important"]),
        (lambda importance, steps=1, seed=0: None, ["should return W"]),
    ],
)
def test_train_linear_wrong(attempt, words):
    assert_verdict(check_train_linear(attempt), "failed", *words)


def test_train_linear_with_the_flag_left_behind():
    """Half a repair: gradients are on again, and the line that hid the fault now raises."""

    def half_repaired(importance, steps=1000, seed=0):
        W = nn.Parameter(torch.ones(5, len(importance)))
        for _ in range(steps):
            loss = (importance * W).sum()
            loss.requires_grad = False
        return W.detach()

    assert_verdict(check_train_linear(half_repaired), "failed", "only ever hid the fault")


# 1.5 --------------------------------------------------------------------------------------------


def draws(batch, n, generator):
    return torch.rand(batch, n, generator=generator), torch.rand(batch, n, generator=generator)


def two_draws(batch, n, sparsity, generator):
    value, u = draws(batch, n, generator)
    return torch.where(u < sparsity, 0.0, value)


def one_draw_rescaled(batch, n, sparsity, generator):
    u = torch.rand(batch, n, generator=generator)
    return ((u - sparsity) / (1 - sparsity)).clamp(min=0)


def swapped(batch, n, sparsity, generator):
    value, u = draws(batch, n, generator)
    return value.masked_fill(u > sparsity, 0)


def value_is_the_mask(batch, n, sparsity, generator):
    value = torch.rand(batch, n, generator=generator)
    return torch.where(value <= 1 - sparsity, value, 0.0)


def mask_shared_by_rows(batch, n, sparsity, generator):
    value = torch.rand(batch, n, generator=generator)
    return value * (torch.rand(n, generator=generator) > sparsity)


def mask_shared_by_features(batch, n, sparsity, generator):
    value = torch.rand(batch, n, generator=generator)
    return value * (torch.rand(batch, 1, generator=generator) > sparsity)


def global_generator(batch, n, sparsity, generator):
    return torch.rand(batch, n) * (torch.rand(batch, n) > sparsity)


def half_as_sparse(batch, n, sparsity, generator):
    return two_draws(batch, n, sparsity / 2, generator)


@pytest.mark.parametrize("right", [two_draws, one_draw_rescaled])
def test_keep_mask_right(right):
    assert_verdict(check_keep_mask(right), "passed")


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (swapped, "S and p are swapped"),
        (value_is_the_mask, "draw the mask from numbers of its own"),
        (mask_shared_by_rows, "draw per row"),
        (mask_shared_by_features, "mask per feature"),
        (global_generator, "does not use `generator`"),
        (half_as_sparse, "expected 10%"),
        (lambda batch, n, sparsity, generator: torch.rand(n, batch), "(20000, 10)"),
    ],
)
def test_keep_mask_wrong(attempt, words):
    assert_verdict(check_keep_mask(attempt), "failed", words)
