// Superposition playground: n features in the plane, trained while you watch.
import { bestLinearLoss, dot, exactLinearLoss, featureNorms, geometryName, lossAndGradient, makeBatch, makeModel, makeRun, randomSource, sampleBatch, superposition } from "./maths.js";
import { animation, announcer, arrow, button, calm, checkbox, choice, colour, digits, el, fill, forMilliseconds, grouped, minus, number, picture, slider, svg } from "./ui.js";

const STEPS = 3000;
const SPARSITIES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.925, 0.95, 0.97, 0.98, 0.99];
const TOGETHER = [0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const DECAYS = [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 1];

function start(app, config) {
  let model;
  let run;
  let importance;
  let measure; // the fixed rows on which the drawn loss is measured
  let phases; // one per setting: what was asked for, and the [step, loss] pairs measured since

  // ---- controls -----------------------------------------------------------------------------
  const pairs = config.together !== undefined; // then the third slider is c, and partners have one colour
  const hue = (i) => colour(pairs ? i >> 1 : i);
  const features = slider({ label: "Features", values: pairs ? [2, 4, 6, 8] : [2, 3, 4, 5, 6, 7, 8], value: config.features,
    say: String, change: () => restart(true) });
  const sparsity = slider({ label: "Sparsity S", values: SPARSITIES, value: config.sparsity, say: String, change: () => restart() });
  const decay = pairs ? slider({ label: "Together c", values: TOGETHER, value: config.together,
    say: (c) => c || "by chance", change: () => restart() }) : slider({ label: "Importance", values: DECAYS, value: config.decay,
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
  const heat = picture(360, 200, "The matrix W transposed times W, and the bias");
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
      el("div", {}, el("h4", {}, "W\u1d40W ", el("small", {}, "and bias b")), heat))));

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
    drawBars();
    drawHeat();
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

  function drawBars() {
    const norms = featureNorms(model);
    const shared = superposition(model);
    const middle = 82;
    const up = 58 / Math.max(1.3, ...norms);
    const down = 46 / Math.max(1, ...shared.filter((_, i) => norms[i] > 0.1));
    const width = 312 / model.n;
    const bar = Math.min(30, 0.62 * width);
    const stripes = svg("pattern", { id: "stripes", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      svg("rect", { width: 5, height: 5, fill: "var(--soft)" }), svg("rect", { width: 2.4, height: 5, fill: "var(--muted)" }));
    const parts = [svg("defs", {}, stripes),
      svg("line", { x1: 40, x2: 356, y1: middle - 8 - up, y2: middle - 8 - up, stroke: "var(--line)", "stroke-dasharray": "3 4" }),
      svg("text", { x: 36, y: middle - 4 - up, "text-anchor": "end", class: "muted small" }, "1"),
      svg("line", { x1: 40, x2: 356, y1: middle + 8 + down, y2: middle + 8 + down, stroke: "var(--line)", "stroke-dasharray": "3 4" }),
      svg("text", { x: 36, y: middle + 12 + down, "text-anchor": "end", class: "muted small" }, "1")];
    for (let i = 0; i < model.n; i++) {
      const x = 44 + width * (i + 0.5) - bar / 2;
      parts.push(
        svg("rect", { x, width: bar, y: middle - 8 - up * norms[i], height: up * norms[i], rx: 2, fill: hue(i) }),
        // A feature that is hardly represented has no direction to speak of.
        ...(norms[i] > 0.1 && shared[i] > 0.01 ? [svg("rect", { x, width: bar, y: middle + 8, height: down * shared[i],
          rx: 2, fill: "url(#stripes)", stroke: "var(--muted)" })] : []),
        svg("text", { x: x + bar / 2, y: middle + 4, "text-anchor": "middle", style: "font-weight:600" }, i));
    }
    fill(bars, parts);
  }

  function drawHeat() {
    const { n, W, b } = model;
    const width = 322 / (n + 1.4);
    const height = 180 / n;
    const parts = [];
    const cell = (x, y, v) => {
      const strength = Math.min(1, Math.abs(v) / 1.4);
      const text = Math.abs(v) < 0.05 ? "0" : minus(v.toFixed(1)).replace(/^(\u2212?)0/, "$1");
      parts.push(
        svg("rect", { x, y, width: width - 1.5, height: height - 1.5, rx: 2,
          fill: strength < 0.03 ? "var(--soft)" : `rgba(var(--${v > 0 ? "positive" : "negative"}), ${(0.62 * strength).toFixed(2)})` }),
        svg("text", { x: x + width / 2 - 1, y: y + height / 2 + 3.5, "text-anchor": "middle", class: text === "0" ? "muted" : "" }, text));
    };
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) cell(22 + width * j, height * i, dot(W, 2, i, j));
      cell(22 + width * (n + 0.4), height * i, b[i]);
      parts.push(svg("text", { x: 12, y: height * (i + 0.5) + 3.5, "text-anchor": "middle", class: "muted" }, i),
        svg("text", { x: 22 + width * (i + 0.5), y: 195, "text-anchor": "middle", class: "muted" }, i));
    }
    parts.push(svg("text", { x: 22 + width * (n + 0.9), y: 195, "text-anchor": "middle" }, "b"));
    fill(heat, parts);
  }

  restart(true);
  return () => draw(true);
}
