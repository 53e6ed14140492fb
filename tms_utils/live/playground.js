// Superposition playground: n features in the plane, trained while you watch.
import { heat, normBars } from "./charts.js";
import { bestLinearLoss, exactLinearLoss } from "./closed_forms.js";
import { dot, featureNorms, geometryName } from "./geometry.js";
import { lossAndGradient, makeBatch, makeModel, makeRun, sampleBatch } from "./model.js";
import { randomSource } from "./random.js";
import { animation, announcer, arrow, button, calm, checkbox, choice, colour, digits, el, fill, forMilliseconds, grouped, minus, number, picture, slider, svg } from "./ui.js";

const STEPS = 3000;

function start(app, config) {
  let model;
  let run;
  let importance;
  let measure; // the fixed rows on which the drawn loss is measured
  let phases; // one per setting: what was asked for, and the [step, loss] pairs measured since

  // ---- controls -----------------------------------------------------------------------------
  const pairs = config.together !== undefined; // then the third slider is c, and partners have one colour
  const hue = (i) => colour(pairs ? i >> 1 : i);
  const features = slider({ label: "Features", values: config.choices.features, value: config.features,
    say: String, change: () => restart(true) });
  const sparsity = slider({ label: "Sparsity S", values: config.choices.sparsity, value: config.sparsity, say: String, change: () => restart() });
  const decay = pairs ? slider({ label: "Together c", values: config.choices.together, value: config.together,
    say: (c) => c || "by chance", change: () => restart() }) : slider({ label: "Importance", values: config.choices.decay, value: config.decay,
    say: (q) => (q === 1 ? "all equal" : `${q}\u2071`), change: () => restart() });
  const kind = choice({ label: "Output", options: [["relu", "ReLU"], ["linear", "Linear"]], value: "relu", change: () => restart() });
  const speed = choice({ label: "Speed", options: [["slow", "Slow"], ["normal", "Normal"], ["fast", "Fast"]], value: "normal", change: () => {} });
  const keep = checkbox({ label: "Keep weights when a slider moves" });
  const seed = number({ label: "Seed", value: config.seed, change: () => restart(true) });
  const play = button("Play", toggle, { class: "main" });
  const status = announcer();
  const title = el("p", { class: "name" });
  const dashed = el("small"); // what the dashed line in the loss curve is
  const plane = picture(360, 360, "Feature directions in the plane, drawn to scale over the unit circle");
  const curve = picture(360, 150, "Loss against training step, on a logarithmic scale");
  const bars = picture(360, 150, "Norm and superposition of each feature");
  const heatmap = picture(360, 200, "The matrix W transposed times W, and the bias");
  plane.id = "plane";

  app.append(el("div", { class: "playground" },
    el("div", { class: "panel controls" }, features.node, sparsity.node, decay.node),
    el("div", { class: "row buttons" }, play,
      button("Step", () => { player.pause(); advance(1); draw(true); }),
      button("Restart", () => restart(true)),
      button("New seed", () => { seed.value = (seed.value + 1) % 10000; restart(true); }),
      seed.node, pairs ? "" : kind.node, speed.node, keep.node),
    el("div", { class: "plane" }, title, status.node, plane,
      el("p", { class: "note" }, "Arrow i is W\u1d62, the direction of feature i, drawn to scale.")),
    el("div", { class: "charts stack" },
      el("div", {}, el("h4", {}, "Loss ", dashed), curve),
      el("div", {}, el("h4", {}, "Norm ", el("small", {}, "(up) and superposition (down, hatched)")), bars),
      el("div", {}, el("h4", {}, "W\u1d40W ", el("small", {}, "and bias b")), heatmap))));

  // ---- training -----------------------------------------------------------------------------
  function restart(anew = false) {
    const n = features.value;
    importance = Float64Array.from({ length: n }, (_, i) => (pairs ? 1 : decay.value ** i));
    const relu = kind.value === "relu";
    const density = 1 - sparsity.value;
    if (anew || !keep.value || !model) {
      model = makeModel(n, 2, { relu, random: randomSource(seed.value) });
      phases = [];
    } else {
      model.relu = relu;
      if (run.done === 0) phases.pop(); // nothing was trained under the last setting
    }
    const [size, together] = pairs ? [2, Math.max(density, decay.value)] : [];
    measure = sampleBatch(makeBatch(n, 16384), density, randomSource(271828), size, together);
    run = makeRun(model, { density, importance, size, together, random: randomSource(seed.value + 31337), steps: STEPS });
    phases.push({ S: sparsity.value, relu, best: pairs ? -1 : bestLinearLoss(importance, 2, density), points: [] });
    phases = phases.slice(-6);
    record();
    if (!calm() && started) player.play();
    draw(true);
  }

  function record() {
    const loss = model.relu
      ? lossAndGradient(model, importance, measure)
      : exactLinearLoss(model, importance, 1 - sparsity.value);
    phases[phases.length - 1].points.push([run.done, loss]);
  }

  function advance(steps) {
    for (let k = 0; k < steps && run.done < STEPS; k++) run.step();
    record();
    return run.done < STEPS;
  }

  // How far to train before the next picture: ever further, since the start is where things move.
  // With reduced motion there is a new picture only every 500 steps.
  function frame() {
    if (calm()) return advance(500);
    if (speed.value === "slow") return advance(1);
    if (speed.value === "normal") return advance(Math.max(1, Math.round(run.done / 50)));
    forMilliseconds(10, () => (run.step(), run.done < STEPS));
    return advance(0);
  }

  let started = false;
  const player = animation(app, () => {
    const more = frame();
    if (!more) player.pause();
    draw(!more);
    return more;
  }, { seen: () => {
    started = true;
    if (!calm()) player.play();
    draw(true);
  } });

  function toggle() {
    if (player.playing) player.pause();
    else {
      if (run.done >= STEPS) restart(!keep.value);
      player.play();
    }
    draw(true);
  }

  // "2 merged pairs" if the arrows of so many partners point the same way; nothing if none do.
  function mergedPairs() {
    const { n, W } = model;
    const norms = featureNorms(model);
    let merged = 0;
    for (let i = 0; pairs && i < n; i += 2) merged += dot(W, 2, i, i + 1) > 0.95 * norms[i] * norms[i + 1];
    return merged && `${merged} merged pair${merged > 1 ? "s" : ""}`;
  }

  // ---- pictures -----------------------------------------------------------------------------
  function draw(now = false) {
    const untrained = run.done === 0 && phases.length === 1;
    const name = untrained ? "untrained" : mergedPairs() || geometryName(model);
    const loss = phases[phases.length - 1].points.at(-1)[1];
    const kept = featureNorms(model).filter((norm) => norm > 0.5).length;
    title.textContent = name;
    status.say(`Step ${grouped(run.done)} of ${grouped(STEPS)}. Loss ${digits(loss)}. ${untrained ? "Not trained yet" : `${kept} of ${model.n} features kept: ${name}`}.`, now);
    drawPlane();
    drawCurve();
    fill(bars, normBars(model, hue));
    fill(heatmap, heat(model));
    play.textContent = player.playing ? "Pause" : run.done >= STEPS ? "Again" : "Play";
  }

  // "norm 1" stands just inside the circle, where it is furthest from any arrow.
  function unitLabel(unit, norms) {
    let best = [-Infinity, 0];
    for (let angle = 0.2; angle < 6.2; angle += 0.25) {
      const along = norms.map((norm, i) => norm > 0.3
        ? (Math.cos(angle) * model.W[2 * i] - Math.sin(angle) * model.W[2 * i + 1]) / norm : -1);
      const score = -Math.max(...along) - 0.1 * Math.abs(Math.cos(angle));
      if (score > best[0]) best = [score, angle];
    }
    const [, angle] = best;
    return svg("text", { x: 180 + (unit - 24) * Math.cos(angle), y: 184 + (unit - 12) * Math.sin(angle),
      "text-anchor": "middle", class: "muted small halo" }, "norm 1");
  }

  function drawPlane() {
    const norms = featureNorms(model);
    const unit = 172 / Math.max(1.4, 1.16 * Math.max(...norms));
    const parts = [
      svg("line", { x1: 6, x2: 354, y1: 180, y2: 180, stroke: "var(--faint)" }),
      svg("line", { y1: 6, y2: 354, x1: 180, x2: 180, stroke: "var(--faint)" }),
      svg("circle", { cx: 180, cy: 180, r: unit, fill: "none", stroke: "var(--line)", "stroke-dasharray": "3 4" }),
      unitLabel(unit, norms),
    ];
    const labels = []; // where the numbers go; those that would touch share a place
    for (let i = model.n - 1; i >= 0; i--) {
      const x = 180 + unit * model.W[2 * i];
      const y = 180 - unit * model.W[2 * i + 1];
      parts.push(arrow(180, 180, x, y, hue(i), { width: 3, head: 11 }));
      if (norms[i] > 0.12) {
        const out = 1 + 13 / (unit * norms[i]);
        const [u, v] = [180 + (x - 180) * out, 185 + (y - 180) * out];
        const near = labels.find((label) => Math.hypot(label.u - u, label.v - v) < 15);
        if (near) near.features.unshift(i);
        else labels.push({ u, v, features: [i] });
      }
    }
    const lost = norms.map((norm, i) => (norm <= 0.12 ? i : -1)).filter((i) => i >= 0);
    if (lost.length) parts.push(svg("text", { x: 8, y: 350, class: "muted" }, `at the origin: ${lost.join(", ")}`));
    fill(plane, parts, labels.map(({ u, v, features }) => svg("text", { x: u, y: v, "text-anchor": "middle",
      class: "halo", style: "font-size:15px;font-weight:650" }, features.join(","))));
  }

  function drawCurve() {
    const values = phases.flatMap(({ points, best }) => [...points.map(([, v]) => v), best]).filter((v) => v > 1e-12);
    const top = Math.max(...values) * 1.4;
    const low = Math.min(...values) / 1.6;
    const left = 44;
    const width = (356 - left) / phases.length;
    const x = (k, step) => left + width * (k + Math.sqrt(step / STEPS)); // square-root scale
    const y = (v) => 8 + (116 * Math.log(top / Math.max(v, low))) / Math.log(top / low);
    const parts = [svg("line", { x1: left, x2: 356, y1: 124, y2: 124, stroke: "var(--line)" })];
    for (let e = -7; e <= 0; e++) {
      for (const lead of [1, 2, 5]) {
        const v = Number(`${lead}e${e}`);
        if (v < low || v > top || (lead !== 1 && top / low > 30)) continue;
        parts.push(svg("line", { x1: left, x2: 356, y1: y(v), y2: y(v), stroke: "var(--faint)" }),
          svg("text", { x: left - 6, y: y(v) + 4, "text-anchor": "end", class: "muted small" }, v >= 0.001 ? v : minus(v.toExponential(0))));
      }
    }
    phases.forEach(({ best, points, S }, k) => {
      if (best > 0) parts.push(svg("line", { x1: x(k, 0), x2: x(k + 1, 0), y1: y(best), y2: y(best),
        stroke: "var(--ink)", "stroke-width": 1.5, "stroke-dasharray": "6 4" }));
      if (phases.length > 1) parts.push(svg("text", { x: x(k, 0) + 3, y: 140, class: "muted tiny" }, `S ${S}`));
      if (k > 0) parts.push(svg("line", { x1: x(k, 0), x2: x(k, 0), y1: 8, y2: 142, stroke: "var(--line)" }));
      const line = points.map(([step, v]) => `${x(k, step).toFixed(1)},${y(v).toFixed(1)}`).join(" ");
      parts.push(svg("polyline", { points: line, fill: "none", stroke: "var(--accent)", "stroke-width": 2.2, "stroke-linejoin": "round" }));
    });
    if (phases.length === 1) {
      for (const step of [0, 100, 500, 1000, 2000, 3000]) {
        parts.push(svg("line", { x1: x(0, step), x2: x(0, step), y1: 124, y2: 128, stroke: "var(--line)" }),
          svg("text", { x: x(0, step), y: 140, "text-anchor": step === 0 ? "start" : step === STEPS ? "end" : "middle", class: "muted small" },
            step === 0 ? "step 0" : grouped(step)));
      }
    }
    const k = phases.length - 1;
    const { best, relu, points } = phases[k];
    dashed.textContent = pairs ? "" : best > 0 ? `dashed: ${relu ? "best linear model" : "exact optimum"}, ${digits(best)}` : "the optimum is 0";
    const [step, loss] = points.at(-1);
    parts.push(svg("circle", { cx: x(k, step), cy: y(loss), r: 3.5, fill: "var(--accent)" }));
    fill(curve, parts);
  }

  restart(true);
  return () => draw(true);
}
