// A table of rows, seen again and again: few are stored as a polygon of points; of many, features are.
import { addressed } from "./address.js";
import { announcer, button, choice, fold, number, slider } from "./controls.js";
import { caption, colour, el, fill, grouped, picture, svg } from "./elements.js";
import { adam, lossAndGradient, makeBatch, makeModel, sampleBatch } from "./model.js";
import { randomSource } from "./random.js";
import { learningRate } from "./schedule.js";
import { trainer } from "./trainer.js";
import { forMilliseconds } from "./ui.js";

const STEPS = 2000;
const FRESH = 1000;

// A table of rows of length 1, none of them empty.
export function unitRows(n, density, count, random) {
  const table = sampleBatch(makeBatch(n, count), density, random);
  for (let r = 0; r < count; r++) {
    const row = table.value.subarray(table.start[r], table.start[r + 1]);
    const length = Math.hypot(...row);
    row.forEach((v, k) => (row[k] = v / length));
  }
  table.rowWeight = 1 / count;
  table.emptyWeight = 0;
  return table;
}

// h = W x of each row of a table, in the plane.
export function hiddenOf({ W }, { rows, start, feature, value }) {
  return Array.from({ length: rows }, (_, r) => {
    const h = [0, 0];
    for (let k = start[r]; k < start[r + 1]; k++) for (const d of [0, 1]) h[d] += value[k] * W[2 * feature[k] + d];
    return h;
  });
}

// The squared error |x' - x|^2 of each row.
export function lostOf(model, table) {
  const { n, W, b } = model;
  const x = new Float64Array(n);
  return hiddenOf(model, table).map((h, r) => {
    let lost = 0;
    for (let k = table.start[r]; k < table.start[r + 1]; k++) x[table.feature[k]] = table.value[k];
    for (let j = 0; j < n; j++) lost += (Math.max(0, W[2 * j] * h[0] + W[2 * j + 1] * h[1] + b[j]) - x[j]) ** 2;
    x.fill(0);
    return lost;
  });
}

// What an answer that is the same for every row loses at least: the answer is then the mean row.
export function constantLoss({ n, rows, feature, value, start }) {
  const mean = new Float64Array(n);
  for (let k = 0; k < start[rows]; k++) mean[feature[k]] += value[k] / rows;
  return 1 - mean.reduce((sum, v) => sum + v * v, 0);
}

// A training run on the whole table, with weight decay; call step() until done.
export function makeMemory(model, table, decay) {
  const gW = new Float64Array(model.W.length);
  const gb = new Float64Array(model.n);
  const importance = new Float64Array(model.n).fill(1);
  const update = [adam(model.W), adam(model.b)];
  return { model, table, done: 0, step() {
    lossAndGradient(model, importance, table, gW, gb);
    const rate = learningRate(this.done, STEPS, 0.02);
    model.W.forEach((w, k) => (model.W[k] = w * (1 - rate * decay)));
    update[0](gW, rate);
    update[1](gb, rate);
    this.done += 1;
  } };
}

const mean = (values) => values.reduce((sum, v) => sum + v, 0) / values.length;

const PRESETS = [["five rows", "rows=5"], ["forty", "rows=40"], ["too many to store", "rows=640"]];

function start(app, { n, density, rows, decay, seed: first, choices }, slot) {
  const fresh = unitRows(n, density, FRESH, randomSource(99999));
  const constant = constantLoss(fresh);
  const finished = []; // { T, decay, lost } of every run that came to its end
  let run;
  let sweeping = false;

  const count = slider({ label: "Rows in the table", values: choices.rows, value: rows, say: grouped, change: () => restart() });
  const shrink = choice({ label: "Weight decay", options: choices.decay.map((d) => [d, String(d)]), value: decay, change: () => restart() });
  const seed = number({ label: "Seed", value: first, change: () => restart() });
  const status = announcer();
  const training = trainer(app, { steps: STEPS, done: () => run?.done ?? 0, draw, again: () => restart(), every: 2,
    train() {
      const until = run.done < 200 ? run.done + 4 : run.done + 40;
      forMilliseconds(12, () => {
        run.step();
        return run.done < Math.min(until, STEPS);
      });
    },
    finish() {
      finished.push({ T: count.value, decay: shrink.value, lost: mean(lostOf(run.model, fresh)) });
      const next = choices.rows[choices.rows.indexOf(count.value) + 1];
      if (!sweeping || next === undefined) return false;
      training.show(true);
      count.value = next;
      restart(true);
      return true;
    } });
  const planes = picture(360, 240, "Left, the directions of the hundred features; right, the hidden vector of each row of the table");
  const chart = picture(360, 240, "What fresh rows lose, against the number of rows in the table, for each finished run");
  const share = el("div", { class: "row" });
  const more = fold("More: weight decay, seed, link", el("div", { class: "stack" },
    el("div", { class: "row" }, shrink.node, button("New table", () => { another(); restart(); }), seed.node), share));
  const another = () => (seed.value = (seed.value + 1) % 10000);
  const address = addressed(slot, app, { rows: count, decay: shrink, seed, more }, { parts: { play: training.play, share }, apply: (asked) => restart(false, asked) });
  const presets = address.presets(PRESETS);
  share.append(address.link());
  app.append(el("div", { class: "stack" },
    el("div", { class: "columns" },
      el("div", { class: "plane" }, caption("Features", el("small", {}, "left, W\u1d62"), " and rows ", el("small", {}, "right, h = W x; dashed: length 1")), planes),
      el("div", { class: "stack" },
        el("div", { class: "panel controls" }, count.node),
        el("div", { class: "row" }, training.play, button("Few to many", () => { another(); count.value = choices.rows[0]; restart(true); }), presets),
        status.node,
        el("div", {}, caption("On fresh rows", el("small", {}, "what a row of length 1 loses; dashed: a constant answer")), chart))),
    more.node));

  function restart(sweep = false, asked = false) {
    sweeping = sweep;
    const random = randomSource(seed.value);
    training.renew(() => {
      run = makeMemory(makeModel(n, 2, { random }), unitRows(n, density, count.value, random), shrink.value);
    }, sweep, asked);
  }

  function draw(now = false) {
    const stored = lostOf(run.model, run.table).filter((lost) => lost < 0.05).length;
    status.say(`Step ${grouped(run.done)} of ${grouped(STEPS)}: ${stored} of ${grouped(run.table.rows)} rows stored. Fresh rows lose ${
      mean(lostOf(run.model, fresh)).toFixed(2)}; a constant answer would lose ${constant.toFixed(2)}.`, now);
    drawPlanes();
    drawChart();
  }

  // Two planes, each to a scale on which its longest arrow fits.
  function drawPlanes() {
    const features = Array.from({ length: n }, (_, i) => [run.model.W[2 * i], run.model.W[2 * i + 1]]);
    const plane = (points, cx, paint) => {
      const unit = 82 / Math.max(1.1, ...points.map((p) => Math.hypot(...p)));
      return [svg("circle", { cx, cy: 110, r: unit, fill: "none", stroke: "var(--line)", "stroke-dasharray": "3 4" }),
        ...points.flatMap(([u, v], i) => [
          svg("line", { x1: cx, y1: 110, x2: (cx + unit * u).toFixed(1), y2: (110 - unit * v).toFixed(1), stroke: paint(i), "stroke-width": 1.2, opacity: 0.55 }),
          svg("circle", { cx: (cx + unit * u).toFixed(1), cy: (110 - unit * v).toFixed(1), r: 2.4, fill: paint(i) })])];
    };
    fill(planes, ...plane(features, 90, () => colour(0)), ...plane(hiddenOf(run.model, run.table), 270, () => colour(1)),
      svg("text", { x: 90, y: 226, "text-anchor": "middle", class: "muted" }, `${n} features`),
      svg("text", { x: 270, y: 226, "text-anchor": "middle", class: "muted" }, `${grouped(run.table.rows)} rows`));
  }

  // Both axes by factors; losses from 0.5 to 50.
  function drawChart() {
    const [least, most] = [choices.rows[0], choices.rows[choices.rows.length - 1]];
    const x = (T) => 46 + (300 * Math.log(T / least)) / Math.log(most / least);
    const y = (lost) => 200 - (180 * Math.log(Math.max(0.5, Math.min(50, lost)) / 0.5)) / Math.log(100);
    fill(chart,
      ...[0.5, 1, 2, 5, 10, 20, 50].flatMap((v) => [
        svg("line", { x1: 46, x2: 350, y1: y(v), y2: y(v), stroke: "var(--faint)" }),
        svg("text", { x: 38, y: y(v) + 4, "text-anchor": "end", class: "muted" }, v)]),
      svg("line", { x1: 46, x2: 350, y1: y(constant), y2: y(constant), stroke: "var(--ink)", "stroke-dasharray": "5 4" }),
      ...choices.rows.map((T) => svg("text", { x: x(T), y: 218, "text-anchor": "middle", class: T === count.value ? "small" : "small muted",
        style: T === count.value ? "font-weight:700" : "" }, T)),
      svg("text", { x: 197, y: 236, "text-anchor": "middle", class: "muted" }, "rows in the table"),
      ...finished.map((f) => svg("circle", { cx: x(f.T).toFixed(1), cy: y(f.lost).toFixed(1), r: 5,
        fill: f.decay === shrink.value ? "var(--accent)" : "var(--soft)", stroke: f.decay === shrink.value ? "var(--card)" : "var(--muted)" })));
  }

  restart();
  address.begin();
  return () => training.show(true);
}
