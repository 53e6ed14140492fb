// A sparse autoencoder looks for the pentagon's directions: it sees only the hidden vectors h, never W.
import { addressed } from "./address.js";
import { announcer, button, fold, number, slider } from "./controls.js";
import { arrow, caption, colour, el, fill, grouped, minus, picture, svg } from "./elements.js";
import { adam } from "./model.js";
import { normal, randomSource } from "./random.js";
import { learningRate } from "./schedule.js";
import { trainer } from "./trainer.js";
import { forMilliseconds } from "./ui.js";

const STEPS = 600;
const ROWS = 128;
const FOUND = 0.99; // the cosine from which on a direction counts as found

// One hidden vector of a row that is not empty, by inversion of the first active feature.
export function drawHidden(W, density, random) {
  const n = W.length;
  const empty = (1 - density) ** n;
  const first = Math.min(n - 1, Math.floor(Math.log(1 - random() * (1 - empty)) / Math.log(1 - density)));
  const h = [0, 0];
  for (let i = first; i < n; i++) {
    if (i > first && random() >= density) continue;
    const x = random();
    h[0] += x * W[i][0];
    h[1] += x * W[i][1];
  }
  return h;
}

// A fresh autoencoder with k latents. V: directions before they are scaled to length 1; E, c: the encoder.
export function makeReader(k, random) {
  const V = Float64Array.from({ length: 2 * k }, () => normal(random));
  const reader = { k, V, E: new Float64Array(2 * k), c: new Float64Array(k) };
  directions(reader).forEach((d, j) => reader.E.set(d, 2 * j));
  return reader;
}

export const directions = ({ k, V }) => Array.from({ length: k }, (_, j) => {
  const length = Math.hypot(V[2 * j], V[2 * j + 1]);
  return [V[2 * j] / length, V[2 * j + 1] / length];
});

// How strongly each latent is on: a = ReLU(E h + c), or only the largest of them.
export function latents({ k, E, c }, h, top) {
  const a = Float64Array.from({ length: k }, (_, j) => Math.max(0, E[2 * j] * h[0] + E[2 * j + 1] * h[1] + c[j]));
  const largest = Math.max(...a);
  return top ? a.map((v) => (v === largest ? v : 0)) : a;
}

export const rebuilt = (D, a) => [0, 1].map((d) => D.reduce((sum, direction, j) => sum + a[j] * direction[d], 0));

// Loss |h^ - h|^2 + lambda sum a over weighted rows; its gradient is written to g = { V, E, c }.
export function readerLoss(reader, rows, lambda, g = null) {
  const D = directions(reader);
  const gD = D.map(() => [0, 0]);
  let loss = 0;
  if (g) for (const part of Object.values(g)) part.fill(0);
  for (const { h, weight } of rows) {
    const a = latents(reader, h, lambda === 0);
    const error = rebuilt(D, a).map((v, d) => v - h[d]);
    loss += weight * (error[0] ** 2 + error[1] ** 2 + lambda * a.reduce((sum, v) => sum + v, 0));
    if (!g) continue;
    D.forEach((direction, j) => {
      if (a[j] <= 0) return;
      const da = weight * (2 * (error[0] * direction[0] + error[1] * direction[1]) + lambda);
      g.c[j] += da;
      for (const d of [0, 1]) {
        g.E[2 * j + d] += da * h[d];
        gD[j][d] += 2 * weight * a[j] * error[d];
      }
    });
  }
  // Through D = V / |V|: only what is at right angles to D counts.
  if (g) D.forEach((direction, j) => {
    const along = gD[j][0] * direction[0] + gD[j][1] * direction[1];
    const length = Math.hypot(reader.V[2 * j], reader.V[2 * j + 1]);
    for (const d of [0, 1]) g.V[2 * j + d] = (gD[j][d] - along * direction[d]) / length;
  });
  return loss;
}

// Rows of weights that sum to 1: the empty row, h = 0, once, and `count` others.
export function hiddenRows(W, density, count, random) {
  const empty = (1 - density) ** W.length;
  const others = Array.from({ length: count }, () => ({ h: drawHidden(W, density, random), weight: (1 - empty) / count }));
  return [{ h: [0, 0], weight: empty }, ...others];
}

// A training run; call step() until done.
export function makeReading(reader, { W, density, lambda, random }) {
  const g = { V: new Float64Array(2 * reader.k), E: new Float64Array(2 * reader.k), c: new Float64Array(reader.k) };
  const update = { V: adam(reader.V), E: adam(reader.E), c: adam(reader.c) };
  return { reader, lambda, done: 0, step() {
    readerLoss(reader, hiddenRows(W, density, ROWS, random), lambda, g);
    const rate = learningRate(this.done, STEPS, 0.02);
    for (const part of ["V", "E", "c"]) update[part](g[part], rate);
    this.done += 1;
  } };
}

// Which true directions some latent points along, and the explained share of |h|^2.
export function readingScore(reader, W, rows, top) {
  const D = directions(reader);
  const found = W.map((w) => D.some((d) => (d[0] * w[0] + d[1] * w[1]) / Math.hypot(...w) > FOUND));
  let lost = 0;
  let all = 0;
  for (const { h, weight } of rows) {
    const back = rebuilt(D, latents(reader, h, top));
    lost += weight * ((back[0] - h[0]) ** 2 + (back[1] - h[1]) ** 2);
    all += weight * (h[0] ** 2 + h[1] ** 2);
  }
  return { found, explained: 1 - lost / all };
}

function start(app, { W, density, lambda, latents: k, seed: first, choices }, slot) {
  const judged = hiddenRows(W, density, 1500, randomSource(99));
  const finished = []; // { lambda, k, found, explained } of every run that came to its end
  let run;
  let series = 0; // runs that are still to follow by themselves

  const penalty = slider({ label: "Penalty \u03bb", values: choices.lambda, value: lambda, say: (v) => (v ? String(v) : "none: top-1"), change: () => restart() });
  const size = slider({ label: "Latents", values: choices.latents, value: k, say: String, change: () => restart() });
  const seed = number({ label: "Seed", value: first, change: () => restart() });
  const status = announcer();
  const training = trainer(app, { steps: STEPS, done: () => run?.done ?? 0, draw, again: () => restart(),
    train() {
      const until = series ? STEPS : run.done + 4; // slow enough to be watched, unless there are twelve
      forMilliseconds(12, () => {
        run.step();
        return run.done < Math.min(until, STEPS);
      });
    },
    finish() {
      const { found, explained } = readingScore(run.reader, W, judged, run.lambda === 0);
      finished.push({ lambda: run.lambda, k: run.reader.k, found: found.filter(Boolean).length, explained });
      if (series > 1) {
        series -= 1;
        another();
        restart(true);
        return true;
      }
      series = 0;
      return false;
    } });
  const plane = picture(360, 300, "The plane: the model\u2019s true directions, pale, and the autoencoder\u2019s, dark or in colour where they are found");
  const chart = picture(360, 300, "Each finished run as a point: how much it explains, and how many directions it has found");
  const share = el("div", { class: "row" });
  const more = fold("More: latents, seed, link", el("div", { class: "stack" },
    el("div", { class: "panel controls" }, size.node), el("div", { class: "row" }, seed.node), share));
  const another = () => (seed.value = (seed.value + 1) % 10000);
  const address = addressed(slot, app, { penalty, latents: size, seed, more }, { parts: { play: training.play, share }, apply: (asked) => restart(false, asked) });
  share.append(address.link());
  app.append(el("div", { class: "stack" },
    el("div", { class: "columns" },
      el("div", { class: "plane" }, caption("What it sees and finds", el("small", {}, "dots: hidden vectors; pale: the truth; dashed: not found")), plane),
      el("div", { class: "stack" },
        el("div", { class: "panel controls" }, penalty.node),
        el("div", { class: "row" }, training.play,
          button("New seed", () => { another(); restart(); }),
          button("Twelve seeds", () => { series = 12; another(); restart(true); })),
        status.node,
        el("div", {}, caption("Finished runs", el("small", {}, "this penalty and size in colour, earlier ones grey")), chart))),
    more.node));

  function restart(go = false, asked = false) {
    if (!go) series = 0;
    const random = randomSource(seed.value);
    training.renew(() => {
      run = makeReading(makeReader(size.value, random), { W, density, lambda: penalty.value, random });
    }, go, asked);
  }

  function draw(now = false) {
    const { found, explained } = readingScore(run.reader, W, judged, run.lambda === 0);
    const many = found.filter(Boolean).length;
    status.say(`Seed ${seed.value}, step ${grouped(run.done)} of ${STEPS}: ${many} of ${W.length} directions found, ${minus((100 * explained).toFixed(0))} % of h explained.`, now);
    drawPlane(found);
    drawChart();
  }

  function drawPlane(found) {
    const at = ([u, v]) => [180 + 88 * u, 150 - 88 * v];
    const unit = directions(run.reader);
    fill(plane,
      ...judged.slice(1, 260).map(({ h }) => svg("circle", { cx: at(h)[0].toFixed(1), cy: at(h)[1].toFixed(1), r: 1.6, fill: "var(--muted)", opacity: 0.5 })),
      ...W.map((w, i) => svg("g", { opacity: 0.35 }, arrow(180, 150, ...at(w), colour(i), { width: 7, head: 16 }))),
      ...unit.map((d) => {
        const near = W.findIndex((w) => (d[0] * w[0] + d[1] * w[1]) / Math.hypot(...w) > FOUND);
        const drawn = arrow(180, 150, ...at(d), near < 0 ? "var(--ink)" : colour(near), { width: 2.5 });
        if (near < 0) drawn.firstChild.setAttribute("stroke-dasharray", "5 4");
        return drawn;
      }),
      ...W.map((w, i) => {
        const [x, y] = at(w.map((c) => 1.16 * c));
        return svg("text", { x, y: y + 4, "text-anchor": "middle", class: "halo", style: found[i] ? "font-weight:700" : "" }, i);
      }));
  }

  // Explained from 60 % to 100 % to the right, directions found upwards.
  function drawChart() {
    const x = (v) => 44 + (290 * (Math.max(0.6, Math.min(1, v)) - 0.6)) / 0.4;
    const y = (count) => 250 - 42 * count;
    const mine = (f) => f.lambda === penalty.value && f.k === size.value;
    const spread = (k) => 7 * (((k * 0.618) % 1) - 0.5); // so that equal runs do not hide each other
    fill(chart,
      ...[0, 1, 2, 3, 4, 5].flatMap((count) => [
        svg("line", { x1: 44, x2: 350, y1: y(count), y2: y(count), stroke: "var(--faint)" }),
        svg("text", { x: 34, y: y(count) + 4, "text-anchor": "end" }, count)]),
      ...[0.6, 0.8, 1].map((v) => svg("text", { x: x(v), y: 276, "text-anchor": "middle", class: "muted" }, `${Math.round(100 * v)} %`)),
      svg("text", { x: 197, y: 294, "text-anchor": "middle", class: "muted" }, "of h explained (60 % or less at the left edge)"),
      svg("text", { x: 14, y: 20, class: "muted" }, "directions found"),
      ...finished.map((f, k) => [f, k]).sort((a, b) => mine(a[0]) - mine(b[0])).map(([f, k]) => svg("circle", { cx: x(f.explained).toFixed(1), cy: (y(f.found) + spread(k)).toFixed(1),
        r: 5, fill: mine(f) ? "var(--accent)" : "var(--soft)", stroke: mine(f) ? "var(--card)" : "var(--muted)" })));
  }

  restart();
  address.begin();
  return () => training.show(true);
}
