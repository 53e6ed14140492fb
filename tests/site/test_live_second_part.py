"""The live figures of chapters 12 and 13 in a browser: gradients, scores, and what the chapters say they show."""

import numpy as np
import pytest
import torch

from tms_utils.live.memory import memory
from tms_utils.live.read_out import read_out
from tms_utils.training import learning_rate

W = read_out().config["W"]

READING = """({W, lambda, k}) => {
    const random = tms.randomSource(3);
    const reader = tms.makeReader(k, random);
    for (let j = 0; j < k; j++) reader.c[j] = 0.1 * random() - 0.05;
    const rows = tms.hiddenRows(W, 0.4, 40, random);
    const g = {V: new Float64Array(2 * k), E: new Float64Array(2 * k), c: new Float64Array(k)};
    const loss = tms.readerLoss(reader, rows, lambda, g);
    return {loss, V: [...reader.V], E: [...reader.E], c: [...reader.c], rows: rows.map(({h, weight}) => [...h, weight]),
        gV: [...g.V], gE: [...g.E], gc: [...g.c]};
}"""


@pytest.mark.parametrize("penalty", [0, 0.3])
def test_the_autoencoder_has_pytorchs_loss_and_gradient(compute, penalty):
    js = compute(READING, {"W": W, "lambda": penalty, "k": 5})
    V, E = (torch.tensor(js[key]).double().view(5, 2).requires_grad_() for key in ("V", "E"))
    c = torch.tensor(js["c"]).double().requires_grad_()
    rows = torch.tensor(js["rows"]).double()
    h, weight = rows[:, :2], rows[:, 2]
    assert weight.sum().item() == pytest.approx(1)
    a = (h @ E.T + c).relu()
    if not penalty:
        a = a * (a >= a.amax(-1, keepdim=True))
    error = ((a @ torch.nn.functional.normalize(V, dim=1) - h) ** 2).sum(-1)
    loss = (weight * (error + penalty * a.sum(-1))).sum()
    loss.backward()
    assert js["loss"] == pytest.approx(loss.item(), abs=1e-6)
    for key, tensor in (("gV", V), ("gE", E), ("gc", c)):
        np.testing.assert_allclose(js[key], tensor.grad.flatten(), atol=1e-6)


def test_the_schedule_is_the_packages(compute):
    js = compute("() => Array.from({length: 50}, (_, k) => tms.learningRate(k, 50, 0.02))", None)
    np.testing.assert_allclose(js, [learning_rate(k, 50, 0.02) for k in range(50)], atol=1e-12)


RUNS = """({W, lambda, seeds}) => {
    const rows = tms.hiddenRows(W, 0.02, 1500, tms.randomSource(99));
    return Array.from({length: seeds}, (_, seed) => {
        const random = tms.randomSource(seed);
        const run = tms.makeReading(tms.makeReader(5, random), {W, density: 0.02, lambda, random});
        while (run.done < 600) run.step();
        const {found, explained} = tms.readingScore(run.reader, W, rows, lambda === 0);
        return [found.filter(Boolean).length, explained];
    });
}"""


def test_a_strong_penalty_finds_more_and_explains_less(compute):
    strong, weak = (
        np.array(compute(RUNS, {"W": W, "lambda": penalty, "seeds": 12})) for penalty in (0.4, 0.02)
    )
    assert strong[:, 0].mean() > 3 > 2 > weak[:, 0].mean()
    assert np.median(strong[:, 1]) < 0.95 < 0.99 < np.median(weak[:, 1])


TABLES = """({rows, decay, seeds}) => {
    const fresh = tms.unitRows(100, 0.03, 1000, tms.randomSource(99999));
    return Array.from({length: seeds}, (_, seed) => {
        const random = tms.randomSource(seed);
        const run = tms.makeMemory(tms.makeModel(100, 2, {random}), tms.unitRows(100, 0.03, rows, random), decay);
        while (run.done < 2000) run.step();
        const lost = tms.lostOf(run.model, fresh);
        return [tms.lostOf(run.model, run.table).filter((v) => v < 0.05).length, lost.reduce((s, v) => s + v, 0) / 1000];
    });
}"""


def test_rows_have_length_one_and_none_is_empty(compute):
    table = compute(
        """() => { const t = tms.unitRows(100, 0.03, 300, tms.randomSource(5));
        return {start: [...t.start], value: [...t.value].slice(0, t.start[300]), constant: tms.constantLoss(t)}; }""",
        None,
    )
    rows = np.split(np.array(table["value"]), table["start"][1:-1])
    assert len(rows) == 300
    assert min(len(row) for row in rows) > 0
    np.testing.assert_allclose([np.linalg.norm(row) for row in rows], 1)
    assert 0.9 < table["constant"] < 1


def test_few_rows_are_stored_and_the_bump_goes_with_the_decay(compute):
    few = np.array(compute(TABLES, {"rows": 5, "decay": 0.01, "seeds": 3}))
    assert (few[:, 0] >= 4).all()
    bump = np.array(compute(TABLES, {"rows": 80, "decay": 0.01, "seeds": 2}))
    calm = np.array(compute(TABLES, {"rows": 80, "decay": 1, "seeds": 2}))
    assert bump[:, 1].min() > 1.5 * calm[:, 1].max()
    assert calm[:, 1].max() < 1.2


def test_bad_arguments_get_a_clear_error():
    for call in (lambda: read_out(penalty=0.41), lambda: read_out(latents=7), lambda: memory(rows=4)):
        with pytest.raises(ValueError, match="expected .* to be one of"):
            call()
