"""Exercises of chapters 5 to 8, beyond the generic test: other right ways, wrong ones without a slip, true messages."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from scipy.spatial import ConvexHull

from tms_utils import CorrelatedFeatures
from tms_utils.checks import chapter_05, chapter_06, chapter_07, chapter_08
from tms_utils.geometry import dimensionality, dimensions_per_feature, has_line, leverage
from tms_utils.shapes import polytope, square_antiprism, thomson_energy
from tms_utils.theory import feature_variance, nearest_minimum, polygon_optimum


def cosines(W):
    W = W / W.norm(dim=0)
    return W.T @ W


def angles(W):
    i, j = torch.triu_indices(8, 8, 1)
    return torch.arccos(cosines(W)[i, j].clamp(-1, 1)).sort().values


def by_pinv_in_numpy(W):
    W = W.numpy()
    return np.einsum("ki,ki->i", W, np.linalg.pinv(W @ W.T) @ W)


def line_in_numpy(D, at):
    on, below, above = ((np.abs(D.numpy() - c) <= 0.005).sum() for c in (at, at - 0.0125, at + 0.0125))
    return on >= 10 and on >= 2 * max(below, above)


def by_order(rows, n, k, generator):
    order = torch.rand(rows, n, generator=generator).argsort(1)
    return torch.where(order < k, torch.rand(rows, n, generator=generator), 0.0).numpy()


def by_scatter(rows, n, k, generator):
    order = torch.rand(rows, n, generator=generator)
    values = torch.rand(rows, k, generator=generator)
    return torch.zeros(rows, n).scatter_(1, order.topk(k, dim=1).indices, values)


def batch_by_batch(model, batches):
    squared = [(model(x) - x).square().sum() for x in batches]
    return sum(squared) / sum(x.numel() for x in batches)


def count_row_by_row(x):
    n = range(x.shape[1])
    return np.array([[(x[x[:, j] != 0, i] != 0).float().mean().item() for j in n] for i in n])


def by_the_package(rows, density, generator):
    return CorrelatedFeatures(6, density).sample(rows, generator)[0]


def pair_by_pair(rows, density, generator):
    on = torch.rand(rows, 3, 1, generator=generator) < density
    return (torch.rand(rows, 3, 2, generator=generator) * on).flatten(1)


def descend(level, start, importance, density, n, lr):
    """Gradient descent itself, a whole number of steps."""
    w, rate, steps = math.sqrt(start), 4 * feature_variance(density) * importance / n, 0
    while w**2 < level:
        w += lr * rate * w * (1 - w**2)
        steps += 1
    return steps


def copying(W, gradient, lr, steps):
    W, kept = W.clone(), []
    for _ in range(steps):
        kept.append(W.clone())
        W -= lr * gradient(W)
    return torch.stack(kept)


@pytest.mark.parametrize(
    ("check", "attempt"),
    [
        (chapter_05.check_leverage, lambda W: (W * torch.linalg.pinv(W.mT)).sum(0).tolist()),
        (chapter_05.check_leverage, by_pinv_in_numpy),
        (chapter_05.check_packing, Fraction(12, 25)),
        (chapter_05.check_packing, np.float32(0.48)),
        (chapter_05.check_line_detector, has_line),
        (chapter_05.check_line_detector, line_in_numpy),
        (chapter_05.check_base_density, torch.tensor([0.093])),
        (chapter_05.check_base_density, np.float64(0.09)),
        (chapter_06.check_sample_k_active, by_scatter),
        (chapter_06.check_sample_k_active, by_order),
        (chapter_06.check_crossing, "(B)"),
        (chapter_06.check_fingerprint, angles),
        (chapter_06.check_fingerprint, lambda W: thomson_energy(W / W.norm(dim=0))),
        (chapter_06.check_fingerprint, lambda W: torch.linalg.eigvalsh(cosines(W).relu()).tolist()),
        (chapter_06.check_mean_loss, batch_by_batch),
        (chapter_06.check_mean_loss, lambda *case: float(batch_by_batch(*case))),
        (chapter_06.check_nine_features, np.int64(21)),
        (chapter_06.check_nine_features, torch.tensor(21.0)),
        (chapter_06.check_best_bet, "C."),
        (chapter_06.check_bound, 10.9),
        (chapter_06.check_bound, torch.tensor(10.857)),
        (chapter_07.check_who_with_whom, count_row_by_row),
        (chapter_07.check_three_pairs, by_the_package),
        (chapter_07.check_who_with_whom, lambda x: count_row_by_row(x).tolist()),
        (chapter_07.check_opposite, "(Other set)"),
        (chapter_07.check_three_pairs, pair_by_pair),
        (chapter_07.check_binary_border, torch.tensor([1 / 3])),
        (chapter_07.check_binary_border, np.float32(0.333)),
        (chapter_07.check_gets_through, 0.035),
        (chapter_07.check_gets_through, torch.tensor(0.0416)),
        (chapter_08.check_steps_until, descend),
        (chapter_08.check_steps_until, lambda *case: torch.tensor(descend(*case))),
        (chapter_08.check_smaller_start, " c)"),
        (chapter_08.check_history, copying),
        (chapter_08.check_history, lambda *case: [W.tolist() for W in copying(*case)]),
        (chapter_08.check_other_weights, {"random": "false", "sums": np.bool_(False), "unequal": "True"}),
        (chapter_08.check_best_polygon, np.int64(7)),
    ],
)
def test_any_right_way_passes(check, attempt):
    assert check(attempt).status == "passed", check(attempt)


def always_a_half(rows, n, k, generator):
    return 0.5 * (by_scatter(rows, n, k, generator) > 0)


def a_few_rows_short(rows, n, k, generator):
    x = by_scatter(rows, n, k, generator)
    x[::50] = 0
    return x


def one_tensor_of_its_own(W, gradient, lr, steps):
    W, kept = W.clone(), []
    for _ in range(steps):
        kept.append(W)
        W -= lr * gradient(W)
    return kept


@pytest.mark.parametrize(
    ("check", "attempt", "words"),
    [
        (chapter_05.check_leverage, lambda W: leverage(W).flip(0), "the score of feature"),
        (chapter_05.check_packing, 0.6, "How many dimensions"),
        (chapter_05.check_base_density, "0.093", "Expected a number"),
        (chapter_06.check_sample_k_active, always_a_half, "0.50 and 0.29"),
        (chapter_06.check_sample_k_active, a_few_rows_short, "0 to 3 active features"),
        (chapter_06.check_fingerprint, lambda W: torch.linalg.eigvalsh(cosines(W)), "same, to rounding"),
        (chapter_06.check_fingerprint, lambda W: dimensionality(W)[:0], "no numbers at all"),
        (chapter_06.check_mean_loss, lambda model, batches: 0.5, "it reports [0.5, 0.5, 0.5]"),
        (chapter_06.check_bound, 12.5, "Put k = p n into the rule"),
        (chapter_07.check_who_with_whom, lambda x: (x != 0).T @ (x != 0), "not implemented for 'Bool'"),
        (chapter_07.check_three_pairs, lambda *case: by_the_package(*case).sqrt(), "should be uniform"),
        (chapter_07.check_opposite, "opposite", "Expected one of"),
        (chapter_07.check_gets_through, 4.2, "from 0 to 1"),
        (chapter_07.check_gets_through, 0.15, "Not 0.15"),
        (chapter_08.check_steps_until, lambda *case: descend(*case) / 3, "(0.5, 0.0001"),
        (chapter_08.check_other_weights, {"sums": False, "random": False}, "Expected the keys"),
        (chapter_08.check_history, one_tensor_of_its_own, "one and the same tensor"),
        (chapter_08.check_best_polygon, 6.5, "Not 6.5"),
        (chapter_08.check_best_polygon, 12, "from 3 to 8"),
    ],
)
def test_other_wrong_ways_are_told_why(check, attempt, words):
    verdict = check(attempt)
    assert verdict.status == "failed", verdict
    assert words in verdict.message, verdict


# What the checks hold for right, from where it comes --------------------------------------------


def test_the_packing():
    parts = [polytope("tetrahedron"), *[polytope("pentagon")] * 3, *[polytope("digon")] * 3]
    assert dimensions_per_feature(torch.block_diag(*parts)).item() == pytest.approx(
        chapter_05.check_packing.right
    )


@pytest.mark.parametrize(("density", "better"), [(0.0871, "pentagon"), (0.0989, "digons")])
def test_the_ends_of_the_base_densities_that_pass(density, better):
    assert chapter_05.check_base_density(density).status == "passed"
    p = torch.tensor([density / 2.5, *[density] * 4], dtype=torch.float64)
    digons = torch.tensor([[0, 1, -1, -1, 1], [0, 1, 1, -1, -1]]) / 2**0.5
    b = torch.tensor([density / 5, 0, 0, 0, 0])
    loss = {
        "pentagon": nearest_minimum(1.15 * polytope("pentagon"), torch.full((5,), -0.2), density=p).loss,
        "digons": nearest_minimum(digons, b, density=p).loss,
    }
    assert min(loss, key=loss.get) == better


def test_the_edges_of_nine_corners():
    corners = torch.randn(9, 3, generator=torch.Generator().manual_seed(0))
    faces = ConvexHull((corners / corners.norm(dim=1, keepdim=True)).numpy()).simplices
    edges = {tuple(sorted(edge)) for a, b, c in faces.tolist() for edge in ((a, b), (b, c), (c, a))}
    assert len(edges) == chapter_06.check_nine_features.right


def test_the_best_bet():
    """Of all sets of three features of an antiprism that explain an activation: which one is it?"""
    W = square_antiprism(0.27**0.5)
    sets = torch.combinations(torch.arange(8), 3)
    columns = W.T[sets].mT
    generator = torch.Generator().manual_seed(0)
    true = torch.randint(len(sets), (4000,), generator=generator)
    x = torch.rand(4000, 3, 1, generator=generator, dtype=torch.float64)
    found = torch.linalg.solve(columns, (columns[true] @ x)[:, None])[..., 0]  # (rows, sets, values)
    fits = ((found > -1e-9) & (found < 1 + 1e-9)).all(-1)
    volume = torch.linalg.det(columns).abs().expand(fits.shape)
    share = {"a": (1 / fits.sum(-1)).mean().item()}
    for letter, score in {"b": found.sum(-1), "c": volume, "d": -volume}.items():
        bet = torch.where(fits, score, torch.inf).argmin(-1)
        share[letter] = (bet == true).double().mean().item()
    assert max(share, key=share.get) == chapter_06.check_best_bet.right
    assert share["a"] == pytest.approx(0.36, abs=0.02)
    assert share["c"] < 0.5
    assert max(share["b"], share["d"]) < 1 / 3


def test_the_bound_that_is_quoted():
    rule = {p: 1 / (2 * p * math.log(1 / p)) for p in (0.2, 0.05, 0.01, 0.001)}
    assert chapter_06.check_bound.right == pytest.approx(rule[0.01])
    said = chapter_06.check_bound(rule[0.01]).message
    assert all(
        number in said
        for number in ("About 11", f"{rule[0.2]:.1f}", f"{rule[0.05]:.1f}", f"{rule[0.001]:.0f}")
    )


def test_the_binary_border():
    """With both on an opposite pair loses 2, a merged pair nothing; with one on, nothing and 1/2."""

    def cost(w, x):
        w, x = torch.tensor(w), torch.tensor(x)
        return (x - (w * (w @ x)).relu()).square().sum().item()

    c = chapter_07.check_binary_border.right
    opposite, merged = (
        c * cost(w, [1.0, 1.0]) + 2 * (1 - c) * cost(w, [1.0, 0.0]) for w in ([1.0, -1.0], [0.5**0.5] * 2)
    )
    assert opposite == pytest.approx(merged)


def test_what_gets_through():
    """Ten magnitudes, cosines that add up to -1 and whose squares add up to 1."""
    normal = torch.distributions.Normal(-0.5, math.sqrt(1 / 12))
    assert 1 - normal.cdf(torch.tensor(0.0)).item() == pytest.approx(
        chapter_07.check_gets_through.right, abs=1e-4
    )


def test_what_is_said_of_polygons():
    each = {k: polygon_optimum(k).loss for k in range(3, 9)}
    dropped = 1 / 3 - 1 / 32
    total = {k: (k * each[k] + (8 - k) * dropped) / 8 for k in each}
    assert min(total, key=total.get) == chapter_08.check_best_polygon.right
    said = {
        7: (f"{total[7]:.4f}", f"{total[6]:.4f}"),
        6: (f"{total[6]:.4f}", f"{total[7]:.4f}"),
        8: (f"{each[8]:.4f}", f"{each[7]:.4f}"),
        5: (f"{dropped:.3f}", f"{each[6]:.3f}"),
        4: (f"{dropped:.3f}", f"{total[4]:.4f}"),
    }
    for k, numbers in said.items():
        assert all(number in chapter_08.check_best_polygon(k).message for number in numbers), k
