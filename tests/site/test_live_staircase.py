"""The staircase of chapter 8 in a browser: its loss and gradient, and when each feature's turn comes."""

import numpy as np
import pytest
import torch

from tms_utils import dimensionality, shapes, theory

N, M = 8, 4
IMPORTANCE = 0.7 ** torch.arange(N, dtype=torch.float64)


def linear_loss(W):
    """The expected loss of a linear model with its best bias, as section 8.1 writes it."""
    R = torch.eye(N) - W.mT @ W
    return theory.feature_variance(0.2) / N * (IMPORTANCE[:, None] * R**2).sum()


def test_loss_and_gradient_are_pytorchs(compute):
    W = torch.randn(M, N, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    linear_loss(W).backward()
    js = compute(
        """({W, I}) => { const gradient = new Float64Array(32);
        return {loss: tms.stairLoss(Float64Array.from(W), I, gradient), gradient: [...gradient]}; }""",
        {"W": W.detach().T.flatten().tolist(), "I": IMPORTANCE.tolist()},
    )
    assert js["loss"] == pytest.approx(linear_loss(W).item())
    np.testing.assert_allclose(np.reshape(js["gradient"], (N, M)).T, W.grad, atol=1e-12)


CLIMB = """({scale, seeds, optimiser, I}) => Array.from({length: seeds}, (_, seed) => {
    const random = tms.randomSource(seed);
    const first = Float64Array.from({length: 32}, () => scale * tms.normal(random));
    const {lengths, losses} = tms.climb(first, I, optimiser, 2000);
    return {first: [...first], half: [0, 1, 2, 3].map((i) => lengths.findIndex((row) => row[i] > 0.5)),
        predicted: tms.turnsComing(first, I), loss: losses.at(-1)};
})"""


def test_features_are_learned_when_the_first_weights_say(compute):
    runs = compute(CLIMB, {"scale": 0.0001, "seeds": 16, "optimiser": "descent", "I": IMPORTANCE.tolist()})
    v = theory.feature_variance(0.2)
    near = 0
    for run in runs:
        W = torch.tensor(run["first"]).view(N, M).T
        a = torch.linalg.qr(W[:, :M]).R.diagonal() ** 2
        on_paper = ((1 - a) / a).log() * N / (8 * v * IMPORTANCE[:M])
        np.testing.assert_allclose(run["predicted"], on_paper, rtol=1e-6)
        near += (np.abs(np.array(run["half"]) / run["predicted"] - 1) < 0.05).sum()
        assert run["half"] == sorted(run["half"])
        assert run["loss"] == pytest.approx((v / N * IMPORTANCE[M:].sum()).item(), rel=0.05)
    assert near >= 0.9 * 4 * len(runs)


def test_with_adam_the_first_features_come_together(compute):
    """The control: the same weights, another optimiser, no staircase."""
    runs = compute(CLIMB, {"scale": 0.01, "seeds": 16, "optimiser": "adam", "I": IMPORTANCE.tolist()})
    spread = [run["half"][1] / run["half"][0] for run in runs]
    assert np.median(spread) < 1.2


def test_dimensionalities_are_the_packages(compute):
    for seed in range(3):
        W = torch.randn(2, 6, generator=torch.Generator().manual_seed(seed))
        js = compute(
            "(W) => tms.dimensionalities({n: 6, m: 2, W: Float64Array.from(W)})", W.T.flatten().tolist()
        )
        np.testing.assert_allclose(js, dimensionality(W), rtol=1e-5)


@pytest.mark.parametrize(
    ("order", "name"),
    [
        ([0, 2, 1, 3], "2 digons, partners at right angles"),
        ([0, 1, 2, 3], "2 digons, partners opposite"),
        ([0, 0, 2, 2], "2 merged pairs"),
    ],
)
def test_partners_are_named_in_the_words_of_chapter_7(compute, order, name):
    """Directions 0 and 1 are opposite, and so are 2 and 3."""
    directions = torch.tensor([[1.0, 0], [-1, 0], [0, 1], [0, -1]])[order]
    js = compute("(W) => tms.partnersName({n: 4, m: 2, W: W.flat()})", directions.tolist())
    assert js == name
    if "digons" in name:
        assert shapes.geometry_name(directions.T) == "2 digons"
