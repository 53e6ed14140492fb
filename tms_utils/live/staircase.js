// A linear model learns one feature after another, and its loss is a staircase: n = 8, m = 4, without samples or noise.
import { addressed } from "./address.js";
import { variance } from "./closed_forms.js";
import { announcer, button, choice, copier, fold, number, sayDecay, slider, speakDecay } from "./controls.js";
import { caption, colour, digits, el, fill, grouped, label, line, picture, svg } from "./elements.js";
import { adam } from "./model.js";
import { normal, randomSource } from "./random.js";
import { staircaseAsPython } from "./staircase_python.js";
import { animation, calm } from "./ui.js";

const N = 8;
const M = 4;
const V = variance(0.2);
const STEPS = { descent: 1500, adam: 2500 };
const SECONDS = 5; // from the first step to the last
const PRESETS = [["tiny start", "scale=0.0001"], ["large start", "scale=1"], ["with Adam", "scale=0.01&optimiser=adam"], ["all equal", "importance=1"]];

// The expected loss of a linear model with its best bias, and its gradient in W, written to `gradient`:
//   R = 1 - W^T W,   L = v/n sum I_j R_ij^2,   dL/dW_i = -2 v/n sum_j (I_i + I_j) R_ij W_j
export function stairLoss(W, importance, gradient) {
  let loss = 0;
  gradient.fill(0);
  for (let i = 0; i < N; i++) {
    for (let j = 0; j < N; j++) {
      let R = i === j ? 1 : 0;
      for (let d = 0; d < M; d++) R -= W[i * M + d] * W[j * M + d];
      loss += (V / N) * importance[j] * R * R;
      for (let d = 0; d < M; d++) gradient[i * M + d] -= ((2 * V) / N) * (importance[i] + importance[j]) * R * W[j * M + d];
    }
  }
  return loss;
}

// The whole run: squared lengths and loss at every step.
export function climb(start, importance, optimiser, steps) {
  const W = start.slice();
  const gradient = new Float64Array(W.length);
  const update = adam(W, { beta2: 0.999, epsilon: 1e-8 });
  const lengths = [];
  const losses = [];
  for (let step = 0; step < steps; step++) {
    losses.push(stairLoss(W, importance, gradient));
    lengths.push(Array.from({ length: N }, (_, i) => W.subarray(i * M, (i + 1) * M).reduce((sum, w) => sum + w * w, 0)));
    if (optimiser === "adam") update(gradient, 0.001);
    else gradient.forEach((g, k) => (W[k] -= g));
  }
  return { lengths, losses };
}

// When gradient descent should have learned half of features 0 to 3: ln((1 - a) / a) / r with r = 8 v I / n, where a is the
// squared length of what a first column has at right angles to those before it (Gram and Schmidt).
export function turnsComing(W, importance) {
  const basis = [];
  return Array.from({ length: M }, (_, i) => {
    const rest = Array.from(W.subarray(i * M, (i + 1) * M));
    for (const e of basis) {
      const along = e.reduce((sum, v, d) => sum + v * rest[d], 0);
      e.forEach((v, d) => (rest[d] -= along * v));
    }
    const a = rest.reduce((sum, v) => sum + v * v, 0);
    basis.push(rest.map((v) => v / Math.sqrt(a)));
    return (Math.log((1 - a) / a) * N) / (8 * V * importance[i]);
  });
}

const halfLearned = (lengths, i) => lengths.findIndex((row) => row[i] > 0.5);

function start(app, config, slot) {
  const { choices } = config;
  let first; // the weights at the start
  let importance;
  let run;
  let shown = 0; // up to which step
  let started = false;

  const scale = slider({ label: "Size of the first weights", values: choices.scale, value: config.scale, change: () => restart() });
  const optimiser = choice({ label: "Steps by", options: [["descent", "Gradient descent"], ["adam", "Adam"]], value: config.optimiser, change: () => restart() });
  const decay = slider({ label: "Importance", values: choices.importance, value: config.importance, say: sayDecay, speak: speakDecay, change: () => restart() });
  const seed = number({ label: "Seed", value: config.seed, change: () => restart() });
  const time = slider({ label: "Time", values: [0], value: 0, say: (step) => `step ${grouped(step)}`, change: (step) => {
    player.pause();
    shown = step;
    draw(true);
  } });
  const play = button("Play", () => {
    if (player.playing) player.pause();
    else {
      if (shown >= steps() - 1) shown = 0;
      player.play();
    }
    draw(true);
  }, { class: "main" });
  const status = announcer();
  const left = picture(360, 250, "Squared length of each feature's direction against the step; marks at the top say when each should be half learned");
  const right = picture(360, 200, "Loss against the step; dotted, what is lost when none, one, two, three or four features are learned");
  const share = el("div", { class: "row" });
  const more = fold("More: importance, seed, link, code", el("div", { class: "stack" },
    el("div", { class: "panel controls" }, decay.node),
    el("div", { class: "row" }, button("New seed", () => { seed.value = (seed.value + 1) % 10000; restart(); }), seed.node), share));
  const address = addressed(slot, app, { scale, optimiser, importance: decay, seed, more }, { parts: { play, time: time.node, share }, apply: () => restart() });
  const presets = address.presets(PRESETS);
  share.append(address.link(), copier("Copy as Python", () =>
    staircaseAsPython({ W: first, n: N, m: M, decay: decay.value, optimiser: optimiser.value, steps: steps() }), { always: true }).node);
  app.append(el("div", { class: "playground" },
    el("div", { class: "plane" }, caption("\u2016W\u1d62\u2016\u00b2", el("small", {}, "marks at the top: predicted from the first weights, half learned")), left),
    el("div", { class: "stack" },
      el("div", { class: "panel controls" }, scale.node),
      el("div", { class: "row" }, play, optimiser.node), presets, status.node,
      el("div", {}, caption("Loss", el("small", {}, "dotted: 0, 1, 2, 3, 4 features learned")), right, time.node)),
    more.node));
  const steps = () => STEPS[optimiser.value];

  function restart() {
    importance = Float64Array.from({ length: N }, (_, i) => decay.value ** i);
    const random = randomSource(seed.value);
    first = Float64Array.from({ length: N * M }, () => scale.value * normal(random));
    run = climb(first, importance, optimiser.value, steps());
    time.values = [...Array(steps()).keys()];
    shown = calm() ? steps() - 1 : 0;
    if (started && !calm()) player.play();
    draw(true);
  }

  let clock = 0;
  const player = animation(app, () => {
    const now = performance.now();
    shown = Math.min(steps() - 1, shown + Math.ceil((Math.min(100, now - clock) * steps()) / (1000 * SECONDS)));
    clock = now;
    const more = shown < steps() - 1;
    if (!more) player.pause();
    draw(!more);
    return more;
  }, { seen: () => {
    started = true;
    if (calm()) return;
    player.play();
  } });

  function draw(now = false) {
    const { lengths, losses } = run;
    const learned = [...Array(M).keys()].map((i) => halfLearned(lengths, i));
    const reached = learned.map((step, i) => (step >= 0 && step <= shown ? `${i} at ${grouped(step)}` : "")).filter(Boolean);
    const others = lengths[shown].filter((length, i) => i >= M && length > 0.5).length;
    status.say(`Step ${grouped(shown)} of ${grouped(steps() - 1)}. Loss ${digits(losses[shown])}. Half learned: ${reached.join(", ") || "none yet"}${others ? `; and ${others} of features ${M} to ${N - 1}` : ""}.`, now);
    time.value = shown;
    play.textContent = player.playing ? "Pause" : shown >= steps() - 1 ? "Again" : "Play";
    const x = (step) => 34 + (320 * step) / (steps() - 1);
    const every = Math.max(1, Math.round(steps() / 300));
    const curve = (value, y, look) => svg("polyline", { fill: "none", "stroke-width": 2.2, "stroke-linejoin": "round", ...look,
      points: [...Array(Math.floor(shown / every) + 1).keys()].map((k) => `${x(k * every).toFixed(1)},${y(value(k * every)).toFixed(1)}`).join(" ") });
    const axis = (y) => [line(34, y, 354, y, "line"), ...[0, 500, 1000, 1500, 2000].filter((step) => step < steps() - 40 || step === 0).map((step) =>
      label(x(step), y + 16, step ? grouped(step) : "step 0", "muted small", step ? "middle" : "start"))];
    const height = (a) => 226 - 170 * Math.min(1.15, a);
    const marks = optimiser.value === "adam" ? [] : turnsComing(first, importance)
      .flatMap((step, i) => (step > 0 && step < steps() ? [svg("path", { d: `M${x(step).toFixed(1)} 26l-5 -9h10z`, fill: colour(i) }), label(x(step), 12, i, "small")] : []));
    fill(left, axis(226), ...[0, 0.5, 1].flatMap((a) => [line(34, height(a), 354, height(a), "faint"), label(28, height(a) + 4, a, "muted small", "end")]), marks,
      ...[...Array(N).keys()].reverse().map((i) => curve((step) => lengths[step][i], height, { stroke: i < M ? colour(i) : "var(--line)", "stroke-width": i < M ? 2.4 : 1.4 })),
      ...learned.flatMap((step, i) => (step >= 0 && step <= shown ? [label(x(step) - 8, height(0.5) - 3, i, "halo bold")] : [])));
    const top = losses[0] * 1.04;
    const fall = (loss) => 176 - (166 * loss) / top;
    const stairs = [...Array(M + 1).keys()].map((k) => (V / N) * importance.slice(k).reduce((sum, I) => sum + I, 0));
    fill(right, axis(176), ...stairs.map((loss, k) => [line(34, fall(loss), 354, fall(loss), "line", "2 4"), label(28, fall(loss) + 4, k, "muted small", "end")]).flat(),
      curve((step) => losses[step], fall, { stroke: "var(--accent)" }));
  }

  restart();
  address.begin();
  return () => draw(true);
}
