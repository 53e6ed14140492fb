"""Checks of chapter 6: activation space."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.verdict import exercise, require

__all__ = [
    "check_crossing",
    "check_fingerprint",
    "check_mean_loss",
    "check_nine_features",
    "check_sample_k_active",
]


@exercise("6.1")
def check_sample_k_active(sample_k_active) -> str:
    rows, n, k = 20_000, 8, 3
    x = sample_k_active(rows, n, k, torch.Generator().manual_seed(0))
    require(isinstance(x, Tensor), f"Expected a tensor; got {type(x).__name__}.")
    require(x.shape == (rows, n), f"Expected shape (rows, n_features) = {(rows, n)}; got {tuple(x.shape)}.")
    require(((x >= 0) & (x < 1)).all(), "Every value must lie in [0, 1); yours do not.")

    active = x > 0
    count = active.sum(1)
    if not (count == k).float().mean() > 0.999:
        require(
            (count == count[0]).all(),
            f"Rows have {count.min()} to {count.max()} active features, {count.float().mean():.2f} on average. "
            f"Switching each feature on by itself gives k only on average; here every row needs exactly k = {k}.",
        )
        require(
            False, f"Every row has {count[0]} active features; expected k = {k}. Did you swap on and off?"
        )
    seen, times = torch.unique(active, dim=0, return_counts=True)
    require(
        len(seen) > 1, "Every row has the same active features. Draw a set for each row, not one for all."
    )
    expected = rows / math.comb(n, k)
    require(
        len(seen) == math.comb(n, k),
        f"Only {len(seen)} of the {math.comb(n, k)} sets of {k} features ever occur; all should, equally often.",
    )
    require(
        (times - expected).abs().max() < 6 * expected**0.5,
        f"Sets are not equally likely: in {rows} rows they occur {times.min()} to {times.max()} times, "
        f"where about {expected:.0f} was expected.",
    )
    mean = x[active].mean().item()
    require(
        abs(mean - 0.5) < 0.01,
        f"The active values average {mean:.2f}, not 0.50. If you kept the largest random numbers as values, they "
        "are large because they were chosen: draw the values separately.",
    )
    again = sample_k_active(rows, n, k, torch.Generator().manual_seed(0))
    require(
        torch.equal(x, again),
        "The same generator seed gave two different samples: draw from `generator` only.",
    )

    allowed = 0.1 + 10 * _cpu_seconds(lambda: torch.rand(100_000, n, generator=torch.Generator()).topk(k))
    require(
        _cpu_seconds(lambda: sample_k_active(100_000, n, k, torch.Generator().manual_seed(1))) < allowed,
        "Right, but 100,000 rows take far longer than they need to: there is still a loop over rows in it.",
    )
    return "Ranking random numbers makes every set equally likely: a random order, cut off after k."


@exercise("6.2")
def check_crossing(answer) -> str:
    wrong = {
        "a": "Two planes through the origin share a whole line. If that line runs inside both sheets, so do they.",
        "c": "For a patch, both sheets would have to lie in one plane, and four directions with them.",
        "d": "Every sheet starts at the origin, where all features are off.",
    }
    require(answer not in wrong, wrong.get(answer, ""))
    require(answer == "b", f'Expected "a", "b", "c" or "d"; got {answer!r}.')
    return (
        "A segment has no area, so a random activation of two features has one explanation. The antiprism has "
        "18 such crossings, the fewest with which one can join 8 points on a sphere pair by pair."
    )


@exercise("6.3")
def check_fingerprint(fingerprint) -> str:
    generator = torch.Generator().manual_seed(0)
    cube, antiprism = _two_squares(1 / 3, 0.0), _two_squares(1 / 3, 45.0)

    def of(W: Tensor) -> Tensor:
        value = torch.as_tensor(fingerprint(W)).flatten().double()
        require(
            torch.isfinite(value).all(),
            "Your fingerprint holds NaN or infinity. Rounding can push a cosine beyond 1: clamp it before arccos.",
        )
        return value

    def differ(a: Tensor, b: Tensor) -> float:
        if a.shape != b.shape:
            return math.inf
        return float((a - b).abs().max() / (1 + a.abs().max()))

    for shape in (_two_squares(0.28, 45.0), cube):
        original = of(shape)
        rotation = torch.linalg.qr(torch.randn(3, 3, generator=generator)).Q
        require(
            differ(original, of(rotation @ shape)) < 1e-3,
            "It changes when W is rotated, which changes nothing for the model. Use only products W_i · W_j.",
        )
        order = torch.randperm(8, generator=generator)
        require(
            differ(original, of(shape[:, order])) < 1e-3,
            "It changes when features change places. Sort the numbers, or make them symmetric.",
        )
        require(
            differ(original, of(1.3 * shape)) < 1e-3,
            "It changes when W gets longer as a whole. Divide each column by its length first.",
        )
    require(
        differ(of(cube), of(antiprism)) > 1e-2,
        "It is the same for the cube and for the antiprism of height² 1/3. D_i and the eigenvalues of WWᵀ both "
        "are: they add up squared cosines of either sign. Use the cosines one by one, or only the positive ones.",
    )
    return "It depends on W only through the angles, forgets the order, and still tells the two apart."


@exercise("6.4")
def check_mean_loss(mean_loss) -> str:
    x = torch.rand(128, 8, generator=torch.Generator().manual_seed(0))

    def model(x: Tensor) -> Tensor:
        return 0.9 * x

    truth = (0.1 * x).square().mean().item()
    batches = list(x.split(32))
    got = float(mean_loss(model, batches))

    def close(value: float) -> bool:
        return math.isclose(got, value, rel_tol=1e-4)

    require(
        not close(4 * truth / 32),
        f"It reports {got:.6f} for 4 batches of 32 rows whose mean squared error is {truth:.6f}, and another "
        "number if the same rows come in batches of 64. mse_loss is already a mean over rows.",
    )
    require(
        not close(4 * truth),
        f"It reports {got:.6f} for a mean squared error of {truth:.6f}: the mean of one batch, times the number "
        "of batches. Something is still left to divide by.",
    )
    require(
        not close(8 * truth),
        f"It reports {got:.6f} for a mean squared error of {truth:.6f}: eight times as much. The loss is a mean "
        "over rows and over the 8 features.",
    )
    require(close(truth), f"It reports {got:.6f}; the mean squared error of these rows is {truth:.6f}.")
    other = float(mean_loss(model, list(x.split(64))))
    require(
        math.isclose(other, truth, rel_tol=1e-4),
        f"Right for batches of 32, but {other:.6f} for the same rows in batches of 64: it must not depend on the cut.",
    )
    return "A reported loss is comparable only if it does not change with the batch size."


@exercise("6.5")
def check_nine_features(pairs) -> str:
    wrong = {
        36: "36 is every pair. Only pairs whose tips form an edge of the polytope are recovered.",
        18: "18 is the answer for eight features. A ninth corner adds edges.",
        14: "14 is the number of triangles. Pairs are edges.",
        12: "12 is the number of triangles for eight features. Pairs are edges, and there are nine corners.",
        27: "27 counts three edges a corner. By Euler's formula F = 2 V - 4 triangles; each has 3 edges, shared by 2.",
        42: "42 counts every edge twice: each belongs to two triangles.",
    }
    require(pairs not in wrong, wrong.get(pairs, ""))
    require(pairs == 21, f"Got {pairs}. With 3 F = 2 E in V - E + F = 2 you get E = 3 V - 6.")
    return (
        "21 of 36, a smaller share than 18 of 28. In three dimensions edges grow like 3 n, pairs like n²/2: "
        "with many features almost no pair is recovered."
    )


def _cpu_seconds(run: Callable[[], object]) -> float:
    """CPU time, which other programs on the machine do not change."""
    start = time.thread_time()
    run()
    return time.thread_time() - start


def _two_squares(height2: float, twist: float) -> Tensor:
    """Two squares on the unit sphere, one turned by ``twist`` degrees: 45 is an antiprism, 0 with 1/3 a cube."""
    up = torch.tensor([1.0] * 4 + [-1.0] * 4)
    angle = torch.arange(8) * math.pi / 2 + (up < 0) * math.radians(twist)
    radius = math.sqrt(1 - height2)
    return torch.stack([radius * angle.cos(), radius * angle.sin(), math.sqrt(height2) * up])
