// Twenty features in five dimensions, at one density after another: what a model keeps, and what it costs the others.
import { addressed } from "./address.js";
import { announcer, button, copier, fold, number, sayDecay, slider, speakDecay } from "./controls.js";
import { caption, el, fill, grouped, label, line, picture, svg } from "./elements.js";
import { dimensionalities, featureNorms } from "./geometry.js";
import { dot } from "./linear.js";
import { makeModel, makeRun } from "./model.js";
import { randomSource } from "./random.js";
import { sweepAsPython } from "./sweep_python.js";
import { trainer } from "./trainer.js";
import { forMilliseconds } from "./ui.js";

const N = 20;
const M = 5;
const STEPS = 1000;
const PRESETS = [["always on", "p=1"], ["one in ten", "p=0.1"], ["one in a thousand", "p=0.001"]];

// How many features are kept, |W_i| > 1/2, and what their shares of a dimension add up to.
export function countsOf(model) {
  const kept = featureNorms(model).filter((norm) => norm > 0.5).length;
  return { kept, shares: dimensionalities(model).reduce((sum, D) => sum + D, 0) };
}

function start(app, config, slot) {
  const { choices } = config;
  const finished = []; // { p, kept, importance } of every run that came to its end
  let run;
  let queue = []; // [p, seed] of runs that are to follow by themselves

  const density = slider({ label: "Density p", values: choices.density, value: config.density, change: () => restart() });
  const decay = slider({ label: "Importance", values: choices.importance, value: config.importance, say: sayDecay, speak: speakDecay, change: () => restart() });
  const seed = number({ label: "Seed", value: config.seed, change: () => restart() });
  const status = announcer();
  const training = trainer(app, { steps: STEPS, done: () => run?.done ?? 0, draw, again: () => restart(),
    train() {
      const until = queue.length || run.done > 150 ? STEPS : run.done + 3; // the start can be watched
      forMilliseconds(12, () => {
        run.step();
        return run.done < until;
      });
    },
    finish() {
      finished.push({ p: density.value, kept: countsOf(run.model).kept, importance: decay.value });
      return next();
    },
    paused() {
      queue = [];
    } });
  const map = picture(360, 250, "The matrix W\u1d40W with the bias as a last column, and the norm of each feature's direction as a bar");
  const chart = picture(360, 220, "Features kept by each finished run, against the density");
  const share = el("div", { class: "row" });
  const more = fold("More: importance, seed, link, code", el("div", { class: "stack" },
    el("div", { class: "panel controls" }, decay.node),
    el("div", { class: "row" }, button("New seed", () => { seed.value = (seed.value + 1) % 10000; restart(); }), seed.node), share));
  const series = el("div", { class: "row" },
    button("Eight seeds", () => begin(Array.from({ length: 8 }, (_, k) => [density.value, (seed.value + k) % 10000]))),
    button("All densities", () => begin(choices.density.map((p) => [p, seed.value]))));
  const address = addressed(slot, app, { p: density, importance: decay, seed, more }, { parts: { play: training.play, series, share }, apply: (asked) => restart(false, asked) });
  const presets = address.presets(PRESETS);
  share.append(address.link(), copier("Copy as Python", () =>
    sweepAsPython({ n: N, m: M, p: density.value, decay: decay.value, seed: seed.value, steps: STEPS }), { always: true }).node);
  app.append(el("div", { class: "stack" },
    el("div", { class: "columns" },
      el("div", { class: "plane" }, caption("W\u1d40W and b", el("small", {}, "blue: negative, red: positive; right: \u2016W\u1d62\u2016, in colour over \u00bd")), map),
      el("div", { class: "stack" },
        el("div", { class: "panel controls" }, density.node),
        el("div", { class: "row" }, training.play, series), presets, status.node,
        el("div", {}, caption("Features kept", el("small", {}, "of 20, a dot for each finished run; dotted: m = 5")), chart))),
    more.node));

  function begin(runs) {
    queue = runs;
    next();
  }
  function next() {
    if (!queue.length) return false;
    training.show(true);
    [[density.value, seed.value], ...queue] = queue;
    restart(true);
    return true;
  }

  function restart(go = false, asked = false) {
    if (!go) queue = [];
    const random = randomSource(seed.value);
    const importance = Float64Array.from({ length: N }, (_, i) => decay.value ** i);
    training.renew(() => {
      run = makeRun(makeModel(N, M, { random }), { density: density.value, importance, random, steps: STEPS, rows: 128 });
    }, go, asked);
  }

  function draw(now = false) {
    const { kept, shares } = countsOf(run.model);
    status.say(`Density ${density.value}, seed ${seed.value}, step ${grouped(run.done)} of ${grouped(STEPS)}: ${kept} of ${N} features kept; their shares of a dimension add up to ${shares.toFixed(1)}.`, now);
    drawMap();
    drawChart();
  }

  // A square for each entry, the deeper the larger, up to 1.
  function drawMap() {
    const { W, b } = run.model;
    const norms = featureNorms(run.model);
    const square = (row, column, v) => (Math.abs(v) < 0.02 ? [] : svg("rect", { x: 22 + 11 * column, y: 6 + 11 * row, width: 11, height: 11,
      fill: v < 0 ? "#2166ac" : "#b2182b", opacity: Math.min(1, Math.abs(v)).toFixed(2) }));
    const rows = [...Array(N).keys()];
    fill(map,
      svg("rect", { x: 22, y: 6, width: 220, height: 220, fill: "none", stroke: "var(--line)" }),
      svg("rect", { x: 248, y: 6, width: 11, height: 220, fill: "none", stroke: "var(--line)" }),
      ...rows.flatMap((i) => [
        ...rows.map((j) => square(i, j, dot(W, M, i, j))).flat(), square(i, 226 / 11, b[i]),
        svg("rect", { x: 268, y: 7 + 11 * i, width: (60 * Math.min(1.5, norms[i])).toFixed(1), height: 9, fill: `var(--${norms[i] > 0.5 ? "accent" : "line"})` })]).flat(),
      ...[0, 5, 10, 15, 19].flatMap((i) => [label(17, 15 + 11 * i, i, "muted small", "end"), label(27.5 + 11 * i, 241, i, "muted small")]),
      label(253.5, 241, "b", "muted small"), line(298, 6, 298, 226, "muted", "2 4"), label(298, 241, "\u00bd", "muted small"));
  }

  function drawChart() {
    const { density: all } = choices;
    const x = (p) => 52 + (284 * all.indexOf(p)) / (all.length - 1);
    const y = (kept) => 180 - 8.5 * kept;
    const spread = (k) => 12 * (((k * 0.618) % 1) - 0.5); // so that equal runs do not hide each other
    fill(chart,
      ...[0, 5, 10, 15, 20].flatMap((kept) => [line(36, y(kept), 356, y(kept), kept === M ? "muted" : "faint", kept === M ? "2 4" : "none"), label(28, y(kept) + 4, kept, "muted small", "end")]),
      ...all.map((p) => label(x(p), 200, p === 1 ? "1" : String(p).slice(1), p === density.value ? "small bold" : "muted small")),
      label(204, 216, "density p, sparser to the right", "muted small"),
      ...finished.map(({ p, kept, importance }, k) => svg("circle", { cx: (x(p) + spread(k)).toFixed(1), cy: y(kept), r: 4,
        fill: importance === decay.value ? "var(--accent)" : "none", stroke: importance === decay.value ? "var(--card)" : "var(--muted)" })));
  }

  restart();
  address.begin();
  return () => training.show(true);
}
