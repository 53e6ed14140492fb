"""The live figures' model in a browser against PyTorch and theory: loss, gradient, Adam, samples, training."""

import numpy as np
import pytest
import torch

from tms_utils import ToyModel, geometry, theory
from tms_utils.live import squeeze
from tms_utils.live.activation_space import TRAINED_W


def random_problem(seed, n=5, m=2, rows=64, density=0.4):
    rng = np.random.default_rng(seed)
    x = np.where(rng.random((rows, n)) < density, rng.random((rows, n)), 0)
    return rng.normal(0, 0.6, (m, n)), rng.normal(0, 0.2, n), rng.random(n) + 0.2, x


LOSS = """({W, b, I, x, n, m, relu}) => {
    const model = {n, m, relu, W: Float64Array.from(W), b: Float64Array.from(b)};
    const batch = tms.batchFromDense(x, n);
    const gW = new Float64Array(n * m), gb = new Float64Array(n);
    const loss = tms.lossAndGradient(model, I, batch, gW, gb);
    const numeric = (array) => Array.from(array, (value, k) => {
        const h = 1e-6;
        array[k] = value + h; const up = tms.lossAndGradient(model, I, batch);
        array[k] = value - h; const down = tms.lossAndGradient(model, I, batch);
        array[k] = value;
        return (up - down) / (2 * h);
    });
    return {loss, alone: tms.lossAndGradient(model, I, batch), gW: [...gW], gb: [...gb], nW: numeric(model.W), nb: numeric(model.b)};
}"""


@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize(("n", "m"), [(2, 1), (5, 2), (8, 2), (8, 3)])
def test_loss_and_gradient_agree_with_finite_differences_and_pytorch(compute, n, m, relu):
    W, b, importance, x = random_problem(n * m, n, m)
    x[:7] = 0  # rows without an active feature take a path of their own
    js = compute(
        LOSS,
        {
            "W": W.T.ravel().tolist(),
            "b": b.tolist(),
            "I": importance.tolist(),
            "x": x.ravel().tolist(),
            "n": n,
            "m": m,
            "relu": relu,
        },
    )
    np.testing.assert_allclose(js["gW"], js["nW"], atol=1e-6)
    np.testing.assert_allclose(js["gb"], js["nb"], atol=1e-6)
    assert js["alone"] == pytest.approx(js["loss"], abs=1e-12)

    model = ToyModel.with_weights(torch.tensor(W), torch.tensor(b), relu=relu)
    data = torch.tensor(x)[None]
    loss = (torch.tensor(importance) * (data - model(data)) ** 2).mean()
    loss.backward()
    assert js["loss"] == pytest.approx(loss.item(), abs=1e-5)
    np.testing.assert_allclose(np.reshape(js["gW"], (n, m)).T, model.W.grad[0], atol=1e-5)
    np.testing.assert_allclose(js["gb"], model.b.grad[0], atol=1e-5)


def test_weights_start_at_the_scale_of_the_packages_models(compute):
    for n, m in [(5, 2), (2, 1), (8, 3)]:
        js = compute(
            """({n, m}) => { const random = tms.randomSource(0);
            return Array.from({length: 4000}, () => [...tms.makeModel(n, m, {random}).W]).flat(); }""",
            {"n": n, "m": m},
        )
        package = ToyModel(n, m, 4000, generator=torch.Generator().manual_seed(0)).W
        assert np.mean(js) == pytest.approx(0, abs=0.02)
        assert np.std(js) == pytest.approx(package.std().item(), rel=0.03)


def test_adam_agrees_with_pytorch(compute):
    gradients = np.random.default_rng(1).normal(size=(50, 6))
    js = compute(
        """(gradients) => { const p = new Float64Array(6); const update = tms.adam(p);
        for (const g of gradients) update(g, 0.02); return [...p]; }""",
        gradients.tolist(),
    )
    parameter = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.Adam([parameter], lr=0.02, betas=(0.9, 0.99), eps=1e-12)
    for gradient in gradients:
        parameter.grad = torch.tensor(gradient)
        optimiser.step()
    np.testing.assert_allclose(js, parameter.detach(), atol=1e-10)


@pytest.mark.parametrize("density", [1.0, 0.5, 0.1, 0.02])
def test_samples_given_that_a_feature_is_active_stand_for_all_samples(compute, density):
    n, rows = 5, 200_000
    js = compute(
        """({n, rows, density}) => {
        const batch = tms.sampleBatch(tms.makeBatch(n, rows), density, tms.randomSource(5));
        const active = new Array(n).fill(0), sum = new Array(n).fill(0), square = new Array(n).fill(0);
        let pairs = 0;
        for (let r = 0; r < rows; r++) {
            const k = batch.start[r + 1] - batch.start[r];
            pairs += k * (k - 1) / 2;
            for (let e = batch.start[r]; e < batch.start[r + 1]; e++) {
                const i = batch.feature[e], v = batch.value[e];
                active[i] += 1; sum[i] += v; square[i] += v * v;
            }
        }
        const w = batch.rowWeight;
        return {active: active.map((a) => a * w), mean: sum.map((s) => s * w), square: square.map((s) => s * w), pairs: pairs * w,
            total: rows * w + batch.emptyWeight};
        }""",
        {"n": n, "rows": rows, "density": density},
    )
    error = 5 * np.sqrt(density / rows)  # five standard errors, generously
    assert js["total"] == pytest.approx(1)
    np.testing.assert_allclose(js["active"], density, atol=error)
    np.testing.assert_allclose(js["mean"], density / 2, atol=error)
    np.testing.assert_allclose(js["square"], density / 3, atol=error)
    assert js["pairs"] == pytest.approx(10 * density**2, abs=10 * error * np.sqrt(density))


KEPT = """({S, first, relu}) => Array.from({length: 20}, (_, k) => {
    const random = tms.randomSource(first + k);
    const importance = Float64Array.from({length: 5}, (_, i) => 0.9 ** i);
    const model = tms.makeModel(5, 2, {relu, random});
    const run = tms.makeRun(model, {density: 1 - S, importance, random});
    while (run.done < run.steps) run.step();
    return {kept: tms.featureNorms(model).filter((norm) => norm > 0.5).length, name: tms.geometryName(model),
        loss: relu ? null : tms.exactLinearLoss(model, importance, 1 - S)};
})"""


def test_dense_features_keep_two_and_sparse_ones_five(compute):
    dense = compute(KEPT, {"S": 0, "first": 500, "relu": True})
    assert [run["kept"] for run in dense] == [2] * 20
    assert {run["name"] for run in dense} == {"2 dedicated dimensions"}
    sparse = compute(KEPT, {"S": 0.95, "first": 500, "relu": True})
    assert sum(run["kept"] == 5 for run in sparse) >= 19
    assert sum(run["name"] == "pentagon" for run in sparse) >= 19


def test_hysteresis(compute):
    """A pentagon trained at S = 0.95 outlives a slide to 0.8, where models from scratch hardly ever find one."""
    pentagons = compute(
        """() => [0.95, 0.8].map((from) => Array.from({length: 8}, (_, k) => {
        const importance = Float64Array.from({length: 5}, (_, i) => 0.9 ** i);
        const model = tms.makeModel(5, 2, {random: tms.randomSource(700 + k)});
        for (const S of [from, 0.8]) {
            const run = tms.makeRun(model, {density: 1 - S, importance, random: tms.randomSource(k)});
            while (run.done < run.steps) run.step();
        }
        return tms.geometryName(model);
        }).filter((name) => name === "pentagon").length)"""
    )
    assert pentagons[0] >= 5
    assert pentagons[1] <= 3


def test_a_linear_model_never_superposes_and_reaches_the_closed_form(compute):
    importance = torch.tensor([0.9**i for i in range(5)], dtype=torch.float64)
    exact = theory.linear_optimum(2, density=0.05, importance=importance).loss
    assert compute("() => tms.bestLinearLoss([1, 0.9, 0.81, 0.729, 0.6561], 2, 0.05)") == pytest.approx(exact)
    for run in compute(KEPT, {"S": 0.95, "first": 600, "relu": False}):
        assert run["kept"] == 2
        assert run["loss"] == pytest.approx(exact, rel=0.02)
        assert run["loss"] >= exact * (1 - 1e-9)


@pytest.mark.parametrize(("density", "together"), [(0.3, 1.0), (0.1, 0.5), (0.2, 0.2), (1.0, 1.0)])
def test_pairs_are_on_as_often_as_they_should_be_alone_and_together(compute, density, together):
    js = compute(
        """({density, together}) => {
        const batch = tms.sampleBatch(tms.makeBatch(4, 200000), density, tms.randomSource(6), 2, together);
        const on = [0, 0, 0, 0], both = [0, 0]; let sum = 0;
        for (let r = 0; r < batch.rows; r++) {
            const row = [...batch.feature.subarray(batch.start[r], batch.start[r + 1])];
            row.forEach((i) => on[i] += batch.rowWeight);
            sum += batch.rowWeight * batch.value.subarray(batch.start[r], batch.start[r + 1]).reduce((a, v) => a + v, 0);
            both[0] += batch.rowWeight * (row.includes(0) && row.includes(1));
            both[1] += batch.rowWeight * (row.includes(0) && row.includes(2));
        }
        return {on, both, sum, weight: batch.rowWeight * batch.rows + batch.emptyWeight}; }""",
        {"density": density, "together": together},
    )
    assert js["weight"] == pytest.approx(1)
    assert js["on"] == pytest.approx([density] * 4, abs=0.004)
    assert js["both"] == pytest.approx([density * together, density**2], abs=0.004)
    assert js["sum"] == pytest.approx(4 * density / 2, rel=0.02)


def test_exact_linear_loss_is_the_mean_over_samples(compute):
    js = compute(
        """() => { const random = tms.randomSource(3); const model = tms.makeModel(5, 2, {relu: false, random});
        model.b.set([0.1, -0.1, 0.2, 0, 0.05]); const I = [1, 0.5, 2, 1, 1];
        const batch = tms.sampleBatch(tms.makeBatch(5, 400000), 0.3, random);
        return [tms.exactLinearLoss(model, I, 0.3), tms.lossAndGradient(model, I, batch)]; }"""
    )
    assert js[0] == pytest.approx(js[1], rel=0.01)


def test_the_trained_weights_shown_are_an_optimum_other_seeds_reach(compute):
    js = compute(
        """(rows) => {
        const importance = new Float64Array(8).fill(1);
        const measure = tms.sampleBatch(tms.makeBatch(8, 100000), 0.05, tms.randomSource(12));
        const shown = {n: 8, m: 3, relu: true, W: Float64Array.from({length: 24}, (_, k) => rows[k % 3][Math.floor(k / 3)]), b: new Float64Array(8).fill(-0.24)};
        const losses = [71, 72, 73].map((seed) => { const random = tms.randomSource(seed);
            const model = tms.makeModel(8, 3, {random});
            const run = tms.makeRun(model, {density: 0.05, importance, random});
            while (run.done < run.steps) run.step();
            return tms.lossAndGradient(model, importance, measure); });
        return {shown: tms.lossAndGradient(shown, importance, measure), losses};
        }""",
        [list(row) for row in TRAINED_W],
    )
    assert js["shown"] == pytest.approx(min(js["losses"]), rel=0.02)


def test_speed(compute):
    """Prints training steps a second; guards only against a collapse, since machines differ."""
    rates = compute(
        """() => [0, 0.5, 0.9, 0.95].map((S) => {
        const random = tms.randomSource(1), importance = new Float64Array(5).fill(1);
        const run = tms.makeRun(tms.makeModel(5, 2, {random}), {density: 1 - S, importance, random, steps: 20000});
        let best = 0;
        for (let k = 0; k < 8; k++) {
            const begin = performance.now();
            for (let s = 0; s < 500; s++) run.step();
            best = Math.max(best, 500000 / (performance.now() - begin));
        }
        return Math.round(best); })"""
    )
    print("training steps a second (n = 5, batch 256) at S = 0, 0.5, 0.9, 0.95:", rates)
    assert min(rates) > 500


def test_squeeze_reads_back_what_the_model_does(compute):
    pentagon, _ = squeeze().config["models"]
    model = ToyModel.with_weights(torch.tensor(pentagon["W"]).T, torch.tensor(pentagon["b"]))
    for on in ([0], [0, 2], [1, 2, 3], []):
        x = torch.zeros(5)
        x[on] = 1
        js = compute("({W, b, x}) => tms.squeeze(W, b, x)", {**pentagon, "x": x.tolist()})
        np.testing.assert_allclose(js["after"], model(x[None, None]).detach().flatten(), atol=1e-6)
        np.testing.assert_allclose(js["h"], (model.W[0] @ x).detach(), atol=1e-6)


def test_squeezes_nudge_towards_a_feature_is_the_strongest_attack_on_it(compute):
    """In proportion to row i of W^T W, as chapter 9 derives: no other nudge of that length moves output i further."""
    pentagon, _ = squeeze().config["models"]
    W = torch.tensor(pentagon["W"]).T
    for i in range(5):
        angle = torch.atan2(W[1, i], W[0, i]).item()
        nudge = torch.tensor(
            compute("({W, angle}) => tms.nudgeTowards(W, angle, 0.3)", {"W": pentagon["W"], "angle": angle})
        )
        row = geometry.gram(W)[i]
        np.testing.assert_allclose(nudge, 0.3 * row / row.norm(), atol=1e-6)
        assert nudge.norm().item() == pytest.approx(0.3)
