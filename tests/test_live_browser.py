"""The live figures in a real browser: their numbers against PyTorch and theory, and their manners.

Every request that leaves the machine is blocked and counted as a failure, and so is every message on the
browser's console. Needs Chromium or Chrome; without one these tests skip (in CI they fail).
"""

import functools
import http.server
import json
import os
import re
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from tms_utils import ToyModel, live, theory
from tms_utils.live.activation_space import TRAINED_W

pytestmark = pytest.mark.browser

PACKAGE = Path(live.__file__).parent
LONG = 120_000  # milliseconds: the machine may be busy


class Quiet(http.server.SimpleHTTPRequestHandler):
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A served folder with the JavaScript files and one page per figure, plus one with all of them twice."""
    path = tmp_path_factory.mktemp("site")
    for file in PACKAGE.glob("*.js"):
        (path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    (path / "blank.html").write_text("<!doctype html><link rel=icon href=data:,><title>blank</title>")
    bodies = {name: getattr(live, name)()._repr_html_() for name in live.__all__}
    bodies["all"] = "".join(bodies.values()) * 2
    bodies["far"] = bodies["playground"] + "<p style='height:4000px'>A long page.</p>"
    for name, body in bodies.items():
        (path / f"{name}.html").write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><link rel=icon href=data:,><title>live</title>'
            f'<meta name="viewport" content="width=device-width"><body style="margin:8px">{body}</body></html>',
            encoding="utf-8",
        )
    return path


@pytest.fixture(scope="module")
def server(folder):
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture
def visit(browser, folder, server):
    """Open one of the folder's pages, over http or from the disk; fail on any outside request or console message."""
    complaints, contexts = [], []

    def guard(route):
        if route.request.url.startswith((server, "file://", "data:")):
            route.continue_()
        else:
            complaints.append(f"request to {route.request.url}")
            route.abort()

    def opened(page, *, scheme="http", **options):
        context = browser.new_context(**options)
        contexts.append(context)
        context.route("**/*", guard)
        tab = context.new_page()
        tab.set_default_timeout(LONG)
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.goto(f"{server}/{page}.html" if scheme == "http" else f"file://{folder}/{page}.html")
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="module")
def compute(browser, server):
    """Run JavaScript with the figures' modules at hand: maths, phase and space."""
    page = browser.new_page()
    page.set_default_timeout(LONG)
    page.goto(f"{server}/blank.html")
    # The figures' own modules read ``mount`` and the like from ui.js; importing them draws nothing.
    page.evaluate(
        """async () => {
        window.maths = await import("/maths.js");
        window.phase = await import("/phase_diagram.js");
        window.space = await import("/activation_space.js"); }"""
    )
    yield page.evaluate
    page.close()


def status(page, k=0) -> str:
    return page.locator("[role=status]").nth(k).inner_text()


def wait_for(page, pattern: str, k=0) -> str:
    """The figure's spoken line, as soon as it matches."""
    end = time.monotonic() + LONG / 1000
    while time.monotonic() < end:
        if re.search(pattern, text := status(page, k)):
            return text
        page.wait_for_timeout(50)
    raise AssertionError(f"expected {pattern!r}; the figure says {text!r}")


# ---- numbers ---------------------------------------------------------------------------------


def random_problem(seed, n=5, m=2, rows=64, density=0.4):
    rng = np.random.default_rng(seed)
    x = np.where(rng.random((rows, n)) < density, rng.random((rows, n)), 0)
    return rng.normal(0, 0.6, (m, n)), rng.normal(0, 0.2, n), rng.random(n) + 0.2, x


LOSS = """({W, b, I, x, n, m, relu}) => {
    const model = {n, m, relu, W: Float64Array.from(W), b: Float64Array.from(b)};
    const batch = maths.batchFromDense(x, n);
    const gW = new Float64Array(n * m), gb = new Float64Array(n);
    const loss = maths.lossAndGradient(model, I, batch, gW, gb);
    const numeric = (array) => Array.from(array, (value, k) => {
        const h = 1e-6;
        array[k] = value + h; const up = maths.lossAndGradient(model, I, batch);
        array[k] = value - h; const down = maths.lossAndGradient(model, I, batch);
        array[k] = value;
        return (up - down) / (2 * h);
    });
    return {loss, alone: maths.lossAndGradient(model, I, batch), gW: [...gW], gb: [...gb], nW: numeric(model.W), nb: numeric(model.b)};
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

    model = ToyModel(n, m, relu=relu).double()
    with torch.no_grad():
        model.W.copy_(torch.tensor(W)[None])
        model.b.copy_(torch.tensor(b)[None])
    data = torch.tensor(x)[None]
    loss = (torch.tensor(importance) * (data - model(data)) ** 2).mean()
    loss.backward()
    assert js["loss"] == pytest.approx(loss.item(), abs=1e-5)
    np.testing.assert_allclose(np.reshape(js["gW"], (n, m)).T, model.W.grad[0], atol=1e-5)
    np.testing.assert_allclose(js["gb"], model.b.grad[0], atol=1e-5)


def test_adam_agrees_with_pytorch(compute):
    gradients = np.random.default_rng(1).normal(size=(50, 6))
    js = compute(
        """(gradients) => { const p = new Float64Array(6); const update = maths.adam(p);
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
        const batch = maths.sampleBatch(maths.makeBatch(n, rows), density, maths.randomSource(5));
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
    const random = maths.randomSource(first + k);
    const importance = Float64Array.from({length: 5}, (_, i) => 0.9 ** i);
    const model = maths.makeModel(5, 2, {relu, random});
    const run = maths.makeRun(model, {density: 1 - S, importance, random});
    while (run.done < run.steps) run.step();
    return {kept: maths.featureNorms(model).filter((norm) => norm > 0.5).length, name: maths.geometryName(model),
        loss: relu ? null : maths.exactLinearLoss(model, importance, 1 - S)};
})"""


def test_dense_features_keep_two_and_sparse_ones_five(compute):
    dense = compute(KEPT, {"S": 0, "first": 500, "relu": True})
    assert [run["kept"] for run in dense] == [2] * 20
    assert {run["name"] for run in dense} == {"two orthogonal features"}
    sparse = compute(KEPT, {"S": 0.95, "first": 500, "relu": True})
    assert sum(run["kept"] == 5 for run in sparse) >= 19
    assert sum(run["name"] == "pentagon" for run in sparse) >= 19


def test_hysteresis(compute):
    """A pentagon trained at S = 0.95 outlives a slide to 0.8, where models from scratch hardly ever find one."""
    pentagons = compute(
        """() => [0.95, 0.8].map((from) => Array.from({length: 8}, (_, k) => {
        const importance = Float64Array.from({length: 5}, (_, i) => 0.9 ** i);
        const model = maths.makeModel(5, 2, {random: maths.randomSource(700 + k)});
        for (const S of [from, 0.8]) {
            const run = maths.makeRun(model, {density: 1 - S, importance, random: maths.randomSource(k)});
            while (run.done < run.steps) run.step();
        }
        return maths.geometryName(model);
        }).filter((name) => name === "pentagon").length)"""
    )
    assert pentagons[0] >= 5
    assert pentagons[1] <= 3


def test_a_linear_model_never_superposes_and_reaches_the_closed_form(compute):
    importance = torch.tensor([0.9**i for i in range(5)], dtype=torch.float64)
    exact = theory.linear_optimum(2, importance, 0.05).loss
    assert compute("() => maths.bestLinearLoss([1, 0.9, 0.81, 0.729, 0.6561], 2, 0.05)") == pytest.approx(
        exact
    )
    for run in compute(KEPT, {"S": 0.95, "first": 600, "relu": False}):
        assert run["kept"] == 2
        assert run["loss"] == pytest.approx(exact, rel=0.02)
        assert run["loss"] >= exact * (1 - 1e-9)


@pytest.mark.parametrize(("density", "together"), [(0.3, 1.0), (0.1, 0.5), (0.2, 0.2), (1.0, 1.0)])
def test_pairs_are_on_as_often_as_they_should_be_alone_and_together(compute, density, together):
    js = compute(
        """({density, together}) => {
        const batch = maths.sampleBatch(maths.makeBatch(4, 200000), density, maths.randomSource(6), 2, together);
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
        """() => { const random = maths.randomSource(3); const model = maths.makeModel(5, 2, {relu: false, random});
        model.b.set([0.1, -0.1, 0.2, 0, 0.05]); const I = [1, 0.5, 2, 1, 1];
        const batch = maths.sampleBatch(maths.makeBatch(5, 400000), 0.3, random);
        return [maths.exactLinearLoss(model, I, 0.3), maths.lossAndGradient(model, I, batch)]; }"""
    )
    assert js[0] == pytest.approx(js[1], rel=0.01)


@pytest.mark.parametrize(
    ("angles", "norms", "name"),
    [
        ([0, 90], [1, 1], "two orthogonal features"),
        ([0, 180], [1, 1], "one antipodal pair"),
        ([0, 180, 90], [1, 1, 0.9], "antipodal pair and one feature"),
        ([0, 180, 90, 270], [1, 1, 1, 1], "two antipodal pairs"),
        ([0, 180, 102, 282], [1, 1, 1, 1], "two antipodal pairs"),
        ([0, 120, 240], [1, 1, 1], "triangle"),
        ([0, 72, 144, 216, 288], [1.2, 1.1, 1, 1.1, 1.2], "pentagon"),
        ([3, 141, 70, 220, 285], [1] * 5, "pentagon"),
        ([0, 60, 120, 180, 240, 300], [1] * 6, "hexagon"),
        ([360 * k / 7 for k in range(7)], [1] * 7, "heptagon"),
        ([45 * k for k in range(8)], [1] * 8, "octagon"),
        ([0, 72, 144, 216, 288], [1, 1, 1, 1, 0.1], "irregular"),
        ([0, 10], [1, 1], "irregular"),
        ([0, 40, 144, 216, 288], [1] * 5, "irregular"),
        ([0], [1], "one feature"),
        ([0, 90], [0.2, 0.1], "nothing represented"),
    ],
)
def test_geometries_are_named(compute, angles, norms, name):
    angles = np.radians(np.array(angles) + 17)
    W = np.stack([norms * np.cos(angles), norms * np.sin(angles)], axis=1)
    assert (
        compute("({W, n}) => maths.geometryName({n, m: 2, W})", {"W": W.ravel().tolist(), "n": len(norms)})
        == name
    )


def test_phase_diagrams_exact_loss(compute):
    # At the closed forms' weights and biases it is the closed form.
    for p, r in [(0.9, 0.2), (0.3, 1), (0.05, 7)]:
        exact = compute(
            "({p, r}) => [[1, 0, 0, p / 2], [0, 1, p / 2, 0], [1, -1, 0, 0]].map((x) => phase.exactLoss(x, p, r))",
            {"p": p, "r": r},
        )
        v = theory.feature_variance(p)
        np.testing.assert_allclose(exact, [r * v, v, (1 + r) * p**2 / 6], rtol=1e-9)
    # Elsewhere it is the mean over many samples of the model's own loss.
    rng = np.random.default_rng(0)
    x = np.where(rng.random((1_000_000, 2)) < 0.4, rng.random((1_000_000, 2)), 0)
    for weights in ([0.9, -0.6, -0.05, 0.1], [0.7, 0.5, 0.1, -0.2], [1.1, -1.0, 0.02, 0.03]):
        w, b = np.array(weights[:2]), np.array(weights[2:])
        error = (x - np.maximum(0, (x @ w)[:, None] * w + b)) ** 2
        sampled = error[:, 0].mean() + 2 * error[:, 1].mean()
        assert compute("(x) => phase.exactLoss(x, 0.4, 2)", weights) == pytest.approx(sampled, rel=0.01)


def test_phase_diagrams_optimum(compute):
    points = [(p, r) for p in (1.0, 0.6, 0.3, 0.1, 0.03) for r in (0.1, 0.5, 1, 2, 10)]
    for p, r in points:
        best, swapped = compute(
            "({p, r}) => [phase.optimum(p, r), phase.optimum(p, 1 / r)]", {"p": p, "r": r}
        )
        v = theory.feature_variance(p)
        assert best["f"] <= min(r * v, v, (1 + r) * p**2 / 6) + 1e-12
        assert best["f"] == pytest.approx(r * swapped["f"], rel=1e-4)  # the features may be swapped
        nudges = compute(
            """({x, p, r}) => Array.from({length: 300}, (_, k) => { const random = maths.randomSource(k);
            return phase.exactLoss(x.map((v) => v + 0.05 * maths.normal(random)), p, r); })""",
            {"x": best["x"], "p": p, "r": r},
        )
        assert min(nudges) >= best["f"] - 1e-7
    # Far from r = 1 the second weight jumps to zero. Near it, the first jumps, then goes on to zero continuously.
    weights = compute(
        "(r) => [0.16, 0.17, 0.18, 0.19, 0.2].map((p) => Math.abs(phase.optimum(p, r).x[1]))", 0.1
    )
    assert max(-np.diff(weights)) > 0.4
    weights = compute(
        "(r) => [...Array(21).keys()].map((k) => Math.abs(phase.optimum(0.56 + 0.01 * k, r).x[0]))", 1.2
    )
    falls = -np.diff(weights)
    assert weights[0] > 0.8
    assert weights[-1] < 0.06
    assert sorted(falls)[-1] > 0.3
    assert sorted(falls)[-2] < 0.06


def test_phase_diagrams_optimum_is_the_packages(compute):
    """Searched here by Nelder and Mead, there by Newton's method on an exact quadrature; at random points."""
    rng = np.random.default_rng(11)
    p, r = 10 ** rng.uniform(-2, 0, 60), 10 ** rng.uniform(-1, 0, 60)
    found = compute("(points) => points.map(([p, r]) => phase.optimum(p, r))", np.stack([p, r], 1).tolist())
    exact = theory.two_feature_optimum(torch.tensor(p), torch.tensor(r))
    np.testing.assert_allclose([best["f"] for best in found], 2 * exact.loss, rtol=1e-4)
    np.testing.assert_allclose(np.abs([best["x"][:2] for best in found]), exact.w.abs(), atol=0.01)


def test_phase_diagram_names_the_optimum(compute):
    """At r = 0.8 and falling density: ignore, lean (from 0.728, without a jump), then a pair (below 0.6)."""
    names = compute(
        "(ps) => ps.map((p) => phase.nameOf(phase.optimum(p, 0.8).x))", [0.9, 0.74, 0.715, 0.605, 0.58, 0.1]
    )
    lean = "leaning: the extra feature a little"
    assert names == ["ignore the extra feature"] * 2 + [lean] * 2 + ["antipodal pair"] * 2
    mirrored = compute("() => phase.nameOf(phase.optimum(0.65, 1 / 0.8).x)")
    assert mirrored == "leaning: the first feature a little"
    # Far from r = 1 there is no leaning.
    assert lean not in compute(
        "() => Array.from({length: 40}, (_, k) => phase.nameOf(phase.optimum(0.02 + k / 41, 0.4).x))"
    )


@pytest.mark.parametrize("p", [0.55, 0.7, 0.9])
def test_leaning_starts_where_the_formula_says(compute, p):
    """The exact optimum, found by the package: exactly 0 just below the onset, small and not 0 just above."""
    onset = compute("(p) => phase.leaningOnset(p)", p)
    below = theory.two_feature_optimum(torch.tensor(p), torch.tensor(onset - 0.001)).w.abs().min()
    above = theory.two_feature_optimum(torch.tensor(p), torch.tensor(min(1, onset + 0.001))).w.abs().min()
    assert below < 1e-3
    assert 0.005 < above < 0.1


# Known minimal energies of N equal charges on the unit sphere.
THOMSON = {
    4: 3.674235,
    5: 6.474691,
    6: 9.985281,
    7: 14.452977,
    8: 19.675288,
    9: 25.759987,
    10: 32.716949,
    12: 49.165253,
}


@pytest.mark.parametrize("n", THOMSON)
def test_thomson_energies(compute, n):
    energy = compute(
        """(n) => Math.min(...[1, 2, 3].map((seed) => { const random = maths.randomSource(seed);
        const from = Array.from({length: n}, () => [0, 1, 2].map(() => maths.normal(random)));
        return space.thomsonEnergy(space.thomsonMinimiser(from)); }))""",
        n,
    )
    assert energy == pytest.approx(THOMSON[n], abs=1e-5)


def test_hulls_of_known_solids(compute):
    cube = [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
    octahedron = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]
    assert len(compute("(points) => space.hullEdges(points)", cube)) == 12
    assert len(compute("(points) => space.hullEdges(points)", octahedron)) == 12
    antiprism = "(columns) => space.hullEdges(space.thomsonMinimiser(columns))"
    assert len(compute(antiprism, np.transpose(TRAINED_W).tolist())) == 16


def test_the_trained_weights_shown_are_an_optimum_other_seeds_reach(compute):
    js = compute(
        """(rows) => {
        const importance = new Float64Array(8).fill(1);
        const measure = maths.sampleBatch(maths.makeBatch(8, 100000), 0.05, maths.randomSource(12));
        const shown = {n: 8, m: 3, relu: true, W: Float64Array.from({length: 24}, (_, k) => rows[k % 3][Math.floor(k / 3)]), b: new Float64Array(8).fill(-0.24)};
        const losses = [71, 72, 73].map((seed) => { const random = maths.randomSource(seed);
            const model = maths.makeModel(8, 3, {random});
            const run = maths.makeRun(model, {density: 0.05, importance, random});
            while (run.done < run.steps) run.step();
            return maths.lossAndGradient(model, importance, measure); });
        return {shown: maths.lossAndGradient(shown, importance, measure), losses};
        }""",
        [list(row) for row in TRAINED_W],
    )
    assert js["shown"] == pytest.approx(min(js["losses"]), rel=0.02)


def test_speed(compute):
    """Prints training steps a second; guards only against a collapse, since machines differ."""
    rates = compute(
        """() => [0, 0.5, 0.9, 0.95].map((S) => {
        const random = maths.randomSource(1), importance = new Float64Array(5).fill(1);
        const run = maths.makeRun(maths.makeModel(5, 2, {random}), {density: 1 - S, importance, random, steps: 20000});
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


# ---- pages -----------------------------------------------------------------------------------


PAINTED = (
    """() => ["begin", "end", "painted"].map((name) => performance.getEntriesByName(name)[0]?.startTime)"""
)
DRAWN = """
    performance.mark("end");
    const figure = document.querySelector("[class^=tms-live]").shadowRoot;
    const canvas = figure.querySelector("canvas");
    window.atEnd = {
        shapes: figure.querySelectorAll("svg line, svg polygon, svg rect, svg circle").length,
        inked: canvas ? canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.filter((v) => v > 0).length : 0,
        says: figure.querySelector("[role=status]").textContent,
        frames: window.framesAsked,
    };
    requestAnimationFrame(() => { const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => performance.mark("painted"); port2.postMessage(0); });
"""


@pytest.mark.parametrize("name", live.__all__)
def test_the_first_picture_is_drawn_by_the_script_itself(visit, folder, name):
    """Before any animation frame, any training or any later event. Prints the milliseconds; judges only the order."""
    body = (folder / f"{name}.html").read_text(encoding="utf-8")
    begin = """
    performance.mark("begin");
    window.framesAsked = 0;
    const real = requestAnimationFrame;
    window.requestAnimationFrame = (frame) => { window.framesAsked += 1; return real(frame); };
    """
    body = body.replace('<script type="module">', '<script type="module">' + begin)
    (folder / f"{name}-timed.html").write_text(
        body.replace("</script>", DRAWN + "</script>"), encoding="utf-8"
    )
    page = visit(f"{name}-timed")
    page.wait_for_function("performance.getEntriesByName('painted').length")
    start, end, painted = page.evaluate(PAINTED)
    print(f"{name}: first picture drawn after {end - start:.0f} ms, on screen after {painted - start:.0f} ms")
    drawn = page.evaluate("window.atEnd")
    assert drawn["frames"] == 0
    assert drawn["shapes"] + drawn["inked"] / 1000 > 20, drawn
    untrained = {"playground": "Step 0 of", "many_seeds": "not trained yet", "phase_diagram": "At p",
                 "activation_space": "2 active"}  # fmt: skip
    assert untrained[name] in drawn["says"]


def test_playground_by_keyboard(visit):
    page = visit("playground", scheme="file")
    first = float(re.search(r"Loss (\S+)\. ", wait_for(page, r"Step \d"))[1])
    page.get_by_label("Fast").check(force=True)
    last = wait_for(page, r"Step 3,000")
    assert float(re.search(r"Loss (\S+)\. ", last)[1]) < first
    assert "pentagon" in last or "two antipodal pairs" in last

    sparsity = page.get_by_label("Sparsity S")
    sparsity.focus()
    page.keyboard.press("Home")
    assert sparsity.get_attribute("aria-valuetext") == "0"
    wait_for(page, r"Step 3,000.*2 of 5 features kept: two orthogonal features")
    # Keeping the weights goes on from where they are: the loss curve shows one part for each sparsity.
    assert page.locator(".charts svg text", has_text=re.compile("^S 0")).count() == 0
    page.get_by_label("Keep weights").check()
    sparsity.focus()
    for _ in range(13):
        page.keyboard.press("ArrowRight")
    assert sparsity.get_attribute("aria-valuetext") == "0.95"
    wait_for(page, r"Step 3,000")
    assert page.locator(".charts svg text", has_text=re.compile("^S 0")).count() > 1
    # A fresh start forgets them.
    page.get_by_role("button", name="Restart").click()
    assert page.locator(".charts svg text", has_text=re.compile("^S 0")).count() == 0
    wait_for(page, r"Step 3,000.*pentagon")


def test_playground_linear_and_other_sizes(visit):
    page = visit("playground")
    page.get_by_label("Fast").check(force=True)
    page.get_by_label("Linear").check(force=True)
    wait_for(page, r"Step 3,000.*2 of 5 features kept")
    assert page.get_by_text("exact optimum").count() == 1
    page.get_by_label("ReLU").check(force=True)
    page.get_by_label("Features").focus()
    page.keyboard.press("End")
    page.get_by_label("Sparsity S").focus()
    page.keyboard.press("End")
    wait_for(page, r"Step 3,000 .* of 8 features kept")


def test_step_and_pause(visit):
    page = visit("playground", reduced_motion="reduce")
    assert re.fullmatch(r"Step 0 of 3,000\. Loss 0\.\d+\. Not trained yet\.", status(page))
    assert page.locator(".name").inner_text() == "Untrained"
    page.get_by_role("button", name="Step").click()
    page.get_by_role("button", name="Step").click()
    wait_for(page, r"^Step 2 ")
    page.wait_for_timeout(300)
    assert status(page).startswith("Step 2 "), "with reduced motion nothing moves unasked"
    page.get_by_role("button", name="Play").click()
    wait_for(page, r"Step 3,000")


def test_nothing_runs_off_screen_or_in_a_hidden_tab(visit):
    page = visit("far")
    page.get_by_label("Slow").check(force=True)

    def step():
        return int(re.search(r"Step ([\d,]+)", page.get_by_role("status").inner_text())[1].replace(",", ""))

    counter = "() => (window.frames_drawn = (window.frames_drawn || 0))"
    page.evaluate(
        "() => { const real = requestAnimationFrame; window.frames_drawn = 0; window.requestAnimationFrame = (f) => { window.frames_drawn += 1; return real(f); }; }"
    )
    page.wait_for_timeout(600)
    assert page.evaluate(counter) > 3, "on screen it runs"
    page.evaluate("scrollTo(0, 3500)")
    page.wait_for_timeout(400)
    before = page.evaluate(counter)
    page.wait_for_timeout(600)
    assert page.evaluate(counter) == before, "off screen it rests"
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(600)
    assert page.evaluate(counter) > before, "back on screen it goes on"
    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', {value: true, configurable: true}); document.dispatchEvent(new Event('visibilitychange')); }"
    )
    page.wait_for_timeout(300)
    before = page.evaluate(counter)
    page.wait_for_timeout(600)
    assert page.evaluate(counter) == before, "in a hidden tab it rests"
    page.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')); }")
    page.wait_for_timeout(600)
    assert page.evaluate(counter) > before
    assert step() > 0


def test_many_seeds(visit):
    page = visit("many_seeds")
    text = wait_for(page, r"step 2,000 of 2,000")
    assert sum(map(int, re.findall(r" (\d+)(?=[,.]|$)", text.split(": ", 1)[1]))) == 24
    page.get_by_label("Sparsity S").focus()
    page.keyboard.press("Home")
    wait_for(page, r"Sparsity 0, step 2,000 of 2,000: two orthogonal features 24\.")


def test_phase_diagram(visit):
    page = visit("phase_diagram")
    wait_for(page, r"At p 0\.32, r 0\.5\.")
    density = page.get_by_role("slider", name="Density p")
    density.focus()
    page.keyboard.press("Home")
    wait_for(page, r"At p 1, r 0\.5\. True optimum: W = \(1\.00, 0\.00\)")
    page.keyboard.press("End")
    wait_for(page, r"At p 0\.01, r 0\.5\. True optimum: W = \(1\.0\d, −(1\.0|0\.9)\d\)")
    page.get_by_role("button", name="Train here").click()
    trained = wait_for(page, r"Trained: \d of 8")
    assert int(re.search(r"Trained: (\d) of 8", trained)[1]) >= 1
    # Pointing moves, clicking trains.
    box = page.locator("svg.drag").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.7 * box["height"])
    wait_for(page, r"At p 0\.[4-9]")
    page.mouse.click(box["x"] + 0.3 * box["width"], box["y"] + 0.75 * box["height"])
    wait_for(page, r"Training|Trained: \d of 8")
    page.get_by_label("True optimum").check(force=True)
    page.wait_for_timeout(500)


def test_activation_space_rotates(visit):
    page = visit("activation_space", has_touch=True)
    assert "28 parallelograms" in wait_for(page, "2 active")
    page.get_by_role("button", name="Rotate left").click()
    seen = {status(page)}
    view = page.get_by_role("application")
    view.focus()
    for key in ("ArrowRight", "ArrowUp"):
        for _ in range(8):
            page.keyboard.press(key)
        seen.add(status(page))
    box = view.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 220, box["y"] + 160, steps=5)
    page.mouse.up()
    seen.add(status(page))
    assert len(seen) == 4, seen
    page.get_by_label("3", exact=True).check(force=True)
    wait_for(page, "56 parallelepipeds")
    page.get_by_label("1", exact=True).check(force=True)
    wait_for(page, "8 rays")
    page.get_by_label("Thomson minimiser").check()
    wait_for(page, r"Thomson energy 19\.6753")


def test_any_number_of_figures_on_a_page(visit):
    page = visit("all")
    assert page.locator(".app").count() == 8
    assert page.evaluate(
        "[...document.querySelectorAll('[class^=tms-live]')].every((slot) => slot.shadowRoot)"
    )
    # Nothing has leaked: the page has the same global names as an empty one.
    names = "() => Object.getOwnPropertyNames(window).filter((name) => !/^\\d+$/.test(name))"
    assert set(page.evaluate(names)) == set(visit("blank").evaluate(names))
    page.evaluate("scrollTo(0, 1e6)")
    page.wait_for_timeout(300)


@pytest.mark.parametrize("name", live.__all__)
def test_figures_fit_the_page(visit, name):
    page = visit(name)
    for width in (320, 360, 1280):
        page.set_viewport_size({"width": width, "height": 740})
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        # No control is wider than the page, and all are tall enough to touch (24 px, WCAG 2.2 AA).
        for locator in page.locator("button, input").all():
            box = locator.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        assert min(locator.bounding_box()["height"] for locator in page.locator("button").all()) >= 24


@pytest.mark.parametrize("system", ["light", "dark"])
def test_themes_are_followed_live(visit, system):
    page = visit("playground", color_scheme=system, reduced_motion="reduce")
    ground = "getComputedStyle(document.querySelector('[class^=tms-live]').shadowRoot.querySelector('.app')).backgroundColor"
    white, black = "rgb(255, 255, 255)", "rgb(22, 27, 34)"
    assert page.evaluate(ground) == (black if system == "dark" else white)
    for change, colour in [
        ("document.body.dataset.jpThemeLight = 'false'", black),  # JupyterLab
        ("document.body.dataset.jpThemeLight = 'true'", white),
        ("document.documentElement.setAttribute('theme', 'dark')", black),  # Colab
        ("document.documentElement.dataset.theme = 'light'", white),  # the book
        ("document.documentElement.dataset.theme = 'dark'", black),
    ]:
        page.evaluate(change)
        page.wait_for_timeout(50)
        assert page.evaluate(ground) == colour, change


@pytest.mark.parametrize("name", live.__all__)
def test_every_control_has_a_name(visit, name):
    page = visit(name)
    tree = page.locator(".app").aria_snapshot()
    controls = re.findall(r"- (slider|button|checkbox|radio|spinbutton|img|application)\b(.*)", tree)
    assert len(controls) >= 5
    assert all(rest.strip().startswith('"') for _, rest in controls), tree


def test_still_picture_without_scripts_and_in_print(visit):
    page = visit("all", java_script_enabled=False)
    assert page.get_by_role("img").count() == 8
    assert all(picture.bounding_box()["width"] > 200 for picture in page.get_by_role("img").all())
    page = visit("playground")
    picture = page.locator("img")
    assert not picture.is_visible()
    page.emulate_media(media="print")
    assert picture.is_visible()
    assert not page.locator(".app").is_visible()


def test_keys_stay_in_the_figure(visit):
    page = visit("playground")
    page.evaluate(
        "() => { window.heard = 0; document.addEventListener('keydown', () => (window.heard += 1)); }"
    )
    page.get_by_label("Sparsity S").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.heard") == 0
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("window.heard") == 1


def test_the_configuration_survives_quoting():
    html = live.activation_space()._repr_html_()
    config = re.search(r'data-config="([^"]*)"', html)[1].replace("&quot;", '"')
    assert json.loads(config)["W"] == [list(row) for row in TRAINED_W]


# ---- the built site --------------------------------------------------------------------------

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"


@pytest.fixture(scope="module")
def site():
    """The address of the built site, served from this machine."""
    if not SITE.is_dir():
        message = "the site is not built; type: make book"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(message)
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(SITE))
    ) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


def drive_playground(page, figure, line):
    figure.get_by_label("Fast").check(force=True)
    figure.get_by_role("button", name="Restart").click()
    started = float(re.search(r"Loss (\S+)\. ", line(r"Step \d"))[1])
    figure.get_by_label("Sparsity S").focus()
    page.keyboard.press("Home")
    line(r"Step 3,000.*two orthogonal features")
    for _ in range(13):
        page.keyboard.press("ArrowRight")
    ended = float(re.search(r"Loss (\S+)\. ", line(r"Step 3,000.*5 of 5 features kept: pentagon"))[1])
    assert ended < started


def drive_pairs(page, figure, line):
    """Chapter 7: partners that always come together stand at right angles, and merge in dense data."""
    figure.get_by_label("Fast").check(force=True)
    assert figure.get_by_label("Linear").count() == 0
    figure.get_by_label("Together c").focus()
    page.keyboard.press("End")
    line(r"Step 3,000.*4 of 4 features kept: two antipodal pairs")
    names = figure.locator("#plane text").all_text_contents()
    assert {"0", "1", "2", "3"} <= set(names)
    figure.get_by_label("Sparsity S").focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    line(r"Step 3,000.*2 merged pairs")


def drive_many_seeds(page, figure, line):
    figure.get_by_label("Sparsity S").focus()
    page.keyboard.press("Home")
    line(r"Sparsity 0, step .*two orthogonal features [12]\d")


def drive_phase_diagram(page, figure, line):
    figure.get_by_role("slider", name="Density p").focus()
    page.keyboard.press("End")
    line(r"At p 0\.01, r 0\.5\. True optimum: W = \(1\.0\d, −(1\.0|0\.9)\d\)")
    figure.get_by_role("button", name="Train here").click()
    line(r"Trained: \d of 8")


def drive_activation_space(page, figure, line):
    figure.get_by_role("button", name="Rotate left").click()
    before = line("View from")
    figure.get_by_role("application").focus()
    for _ in range(6):
        page.keyboard.press("ArrowUp")
    assert line("View from") != before
    figure.get_by_label("2", exact=True).check(force=True)
    line(r"^2 active: 28 parallelograms")


ON_PAGES = {  # the figures of each page in their order, and what a reader does with each
    "book/index.html": {"playground": drive_playground},
    "notebooks/02_relu_superposition.html": {"playground": drive_playground, "many-seeds": drive_many_seeds},
    "notebooks/04_phase_change.html": {"phase-diagram": drive_phase_diagram},
    "notebooks/05_feature_geometry.html": {"activation-space": drive_activation_space},
    "notebooks/06_activation_space.html": {"activation-space": drive_activation_space},
    "notebooks/07_correlated_features.html": {"playground": drive_pairs},
}


@pytest.mark.parametrize("path", ON_PAGES)
def test_figures_run_in_the_built_site_over_http(browser, site, path):
    drive_page(browser, site, path, "http", 1280, "light")


@pytest.mark.parametrize("path", [p for p in ON_PAGES if re.search("0[246]", p)])  # each kind of figure once
def test_figures_run_in_the_built_site_from_the_disk(browser, site, path):
    drive_page(browser, site, path, "file", 360, "dark")


def drive_page(browser, site, path, scheme, width, theme):
    """Over http on a wide light page, from the disk on a narrow dark one; every other host is out of reach."""
    complaints = []
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=theme)
    start = site if scheme == "http" else SITE.as_uri()

    def guard(route):
        if route.request.url.startswith((start, "data:", "blob:")):
            if (
                "mathjax" in route.request.url
            ):  # formulas are test_site's business, and take as long as a figure
                return route.fulfill(body="", content_type="text/javascript")
            return route.continue_()
        complaints.append(f"request to {route.request.url}")
        return route.abort()

    context.route("**/*", guard)
    page = context.new_page()
    page.set_default_timeout(LONG)
    page.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{start}/{path}")
    kinds = page.evaluate(
        "[...document.querySelectorAll('[class^=tms-live]')].map((slot) => slot.className.replace(/^tms-live-|-\\w{8}$/g, ''))"
    )
    assert kinds == list(ON_PAGES[path])
    for k, kind in enumerate(kinds):
        figure = page.locator("[class^=tms-live]").nth(k)
        figure.scroll_into_view_if_needed()
        ground = figure.locator(".app").evaluate("(app) => getComputedStyle(app).backgroundColor")
        assert ground == ("rgb(22, 27, 34)" if theme == "dark" else "rgb(255, 255, 255)")
        box = figure.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width

        def line(pattern, figure=figure):
            end = time.monotonic() + LONG / 1000
            while not re.search(pattern, text := figure.get_by_role("status").inner_text()):
                assert time.monotonic() < end, f"expected {pattern!r}; the figure says {text!r}"
                page.wait_for_timeout(50)
            return text

        ON_PAGES[path][kind](page, figure, line)
    context.close()
    # The theme complains of itself on a reader's first visit.
    assert [said for said in complaints if "invalid theme mode" not in said] == []
