"""Chapter 8's checks: an untouched stub, right answers, and wrong ones with a message each."""

import math

import numpy as np
import pytest
import torch
from checking import expect_failures, stub

from tms_utils.checks import check_best_polygon, check_history, check_smaller_start, check_steps_until
from tms_utils.theory import feature_variance, polygon_optimum


@pytest.mark.parametrize(
    ("check", "untouched"),
    [
        (check_steps_until, stub),
        (check_smaller_start, None),
        (check_history, stub),
        (check_best_polygon, None),
    ],
)
def test_untouched_stubs_are_not_attempted(check, untouched):
    assert check(untouched).status == "not attempted"


# 8.1


def logit(a):
    return math.log(a / (1 - a))


def steps(level, start, importance, density, n, lr):
    return (logit(level) - logit(start)) * n / (8 * feature_variance(density) * importance * lr)


def as_tensor(level, start, importance, density, n, lr):
    rate = torch.tensor(8 * feature_variance(density) * importance / n)
    return (torch.logit(torch.tensor(level)) - torch.logit(torch.tensor(start))) / rate / lr


def by_small_steps(level, start, importance, density, n, lr):
    """The logistic equation, followed in small steps of time."""
    rate, a, time = 8 * feature_variance(density) * importance / n, start, 0.0
    while a < level:
        a += 0.0005 * a * (1 - a)
        time += 0.0005 / rate
    return time / lr


@pytest.mark.parametrize("solution", [steps, as_tensor, by_small_steps])
def test_any_right_way_to_count_steps_passes(solution):
    assert check_steps_until(solution).status == "passed"


def test_wrong_steps_are_told_why():
    expect_failures(
        check_steps_until,
        [
            (lambda *case: None, "returns None"),
            (lambda *case: math.inf, "is a finite number"),
            (lambda *case: -steps(*case), "sign"),
            (lambda level, *rest: steps(0.5, *rest), "whatever `level` is"),
            (lambda *case: 2 * steps(*case), "Its square grows"),
            (lambda level, start, *rest: steps(level, start**2, *rest), "squared length already"),
            (lambda a, s, i, p, n, lr: (logit(a) - logit(s)) * n / (8 * p * i * lr), "variance v(p)"),
            (lambda *case: steps(*case[:5], 1.0), "Right for a learning rate of 1"),
            (lambda a, s, i, *rest: steps(a, s, 1.0, *rest), "importance is missing"),
            (lambda *case: steps(*case) * case[-1] ** 2, "divide"),
            (lambda *case: steps(*case) / 2, "Half as long"),
            (lambda *case: steps(*case) / case[4], "number of features is missing"),
            (
                lambda a, s, i, p, n, lr: math.log(a / s) * n / (8 * feature_variance(p) * i * lr),
                "exponential",
            ),
            (lambda level, start, *rest: steps(0.5, start, *rest) * 2 * level, "0.99, 0.0001"),
            (lambda *case: steps(*case) / 3, "0.5, 0.0001"),
        ],
    )


# 8.2


@pytest.mark.parametrize("answer", ["C", " c "])
def test_the_right_prediction_passes(answer):
    assert check_smaller_start(answer).status == "passed"


def test_wrong_predictions_are_told_why():
    expect_failures(
        check_smaller_start,
        [("A", "exponential"), ("B", "rates of their own"), ("D", 'Expected "A"'), (3, "got 3")],
    )


# 8.3


def rebinding(W, gradient, lr, steps):
    kept = []
    for _ in range(steps):
        kept.append(W)
        W = W - lr * gradient(W)
    return kept


def copying(W, gradient, lr, steps):
    W, kept = W.clone(), []
    for _ in range(steps):
        kept.append(W.detach().clone())
        W -= lr * gradient(W)
    return kept


@pytest.mark.parametrize("solution", [rebinding, copying, lambda *case: torch.stack(rebinding(*case))])
def test_repaired_histories_pass(solution):
    assert check_history(solution).status == "passed"


def faulty(W, gradient, lr, steps):
    kept = []
    for _ in range(steps):
        kept.append(W)
        W -= lr * gradient(W)
    return kept


def own_weights_but_one_tensor(W, *rest):
    return faulty(W.clone(), *rest)


def kept_afterwards(W, gradient, lr, steps):
    return rebinding(W, gradient, lr, steps + 1)[1:]


def writes_into_the_callers(W, gradient, lr, steps):
    kept = []
    for _ in range(steps):
        kept.append(W.clone())
        W -= lr * gradient(W)
    return kept


def test_wrong_histories_are_told_why():
    expect_failures(
        check_history,
        [
            (lambda *case: None, "returns None"),
            (lambda *case: rebinding(*case)[:-1], "one entry for each"),
            (lambda *case: [0.0] * 4, "tensor of the shape of W"),
            (faulty, "one and the same tensor"),
            (kept_afterwards, "before any step"),
            (lambda W, gradient, lr, steps: rebinding(W, gradient, 2 * lr, steps), "Entry 1 is"),
            (lambda W, gradient, lr, steps: [W - k * lr * gradient(W) for k in range(steps)], "Entry 2 is"),
            (writes_into_the_callers, "caller's W has changed"),
        ],
    )
    assert "one and the same tensor" in check_history(own_weights_but_one_tensor).message


# 8.4


@pytest.mark.parametrize("answer", [7, 7.0, torch.tensor(7), np.int64(7)])
def test_seven_is_best(answer):
    assert check_best_polygon(answer).status == "passed"


def test_wrong_polygons_are_told_why():
    expect_failures(
        check_best_polygon,
        [
            (8, "octagon"),
            (6, "dearer"),
            (5, "Not 5"),
            (12, "from 3 to 8; got 12"),
            (6.5, "got 6.5"),
            ("heptagon", "got 'heptagon'"),
            ([7], "got [7]"),
        ],
    )


def test_what_the_check_says_of_polygons_is_so():
    each = {k: polygon_optimum(k).loss for k in range(3, 9)}
    dropped = 1 / 3 - 1 / 32
    total = {k: (k * each[k] + (8 - k) * dropped) / 8 for k in each}
    assert min(total, key=total.get) == 7
    said = {
        7: (f"{total[7]:.4f}", f"{total[6]:.4f}"),
        6: (f"{total[6]:.4f}", f"{total[7]:.4f}"),
        8: (f"{each[8]:.4f}", f"{each[7]:.4f}"),
        5: (f"{dropped:.3f}", f"{each[6]:.3f}"),
    }
    for k, numbers in said.items():
        assert all(number in check_best_polygon(k).message for number in numbers), k
