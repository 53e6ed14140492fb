// The phase diagram of two features in one dimension (n = 2, m = 1), by pointing at it.
import { makeModel, makeRun, randomSource, variance } from "./maths.js";
import { animation, announcer, arrow, button, calm, choice, colour, digits, el, fill, forMilliseconds, minus, picture, slider, svg } from "./ui.js";

// ---- exact losses ---------------------------------------------------------------------------
// Loss here is summed over the two features: E[(x_1 - x'_1)^2] + r E[(x_2 - x'_2)^2].

// With W fixed to 0 and +-1, and the bias to 0 or the mean p/2.
export function closedForms(p, r) {
  return { extra: r * variance(p), first: variance(p), both: ((1 + r) * p * p) / 6 };
}

// Gauss-Legendre nodes and weights on [0, 1].
function gaussLegendre(N) {
  const nodes = [];
  const weights = [];
  for (let i = 0; i < N; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (N + 0.5));
    let slope = 1;
    for (let k = 0; k < 8; k++) {
      let [before, now] = [1, x];
      for (let j = 2; j <= N; j++) [before, now] = [now, ((2 * j - 1) * x * now - (j - 1) * before) / j];
      slope = (N * (x * now - before)) / (x * x - 1);
      x -= now / slope;
    }
    nodes.push((1 + x) / 2);
    weights.push(1 / ((1 - x * x) * slope * slope));
  }
  return { nodes, weights };
}
const { nodes, weights } = gaussLegendre(16);
const clamp = (x) => Math.min(1, Math.max(0, x));

// The integral over x in [0, 1] of (x - ReLU(s x + b))^2, for s >= 0.
function ownError(s, b) {
  const lo = s > 1e-12 ? clamp(-b / s) : b > 0 ? 0 : 1; // the ReLU passes for x > lo
  const u = 1 - s;
  return lo ** 3 / 3 + (u * u * (1 - lo ** 3)) / 3 - u * b * (1 - lo * lo) + b * b * (1 - lo);
}

// The integral over y in [0, 1] of ReLU(t y + b)^2.
function crossError(t, b) {
  let lo = 0;
  let hi = 1;
  if (Math.abs(t) < 1e-12) return Math.max(0, b) ** 2;
  if (t > 0) lo = clamp(-b / t);
  else hi = clamp(-b / t);
  return (t * t * (hi ** 3 - lo ** 3)) / 3 + t * b * (hi * hi - lo * lo) + b * b * (hi - lo);
}

// One feature's expected error, summed over the four on/off patterns: neither active, only it,
// only the other, both (there the integral over the other one is Gauss-Legendre).
function expectedError(s, t, b, p) {
  const S = 1 - p;
  let both = 0;
  for (let k = 0; k < nodes.length; k++) both += weights[k] * ownError(s, t * nodes[k] + b);
  return S * S * Math.max(0, b) ** 2 + p * S * (ownError(s, b) + crossError(t, b)) + p * p * both;
}

// The exact loss at W = (w1, w2) and bias (b1, b2).
export function exactLoss([w1, w2, b1, b2], p, r) {
  return expectedError(w1 * w1, w1 * w2, b1, p) + r * expectedError(w2 * w2, w1 * w2, b2, p);
}

// Nelder and Mead's simplex search: good enough for four smooth parameters.
export function minimise(f, start, { size = 0.15, evaluations = 400, tolerance = 1e-9 } = {}) {
  const n = start.length;
  const at = (x) => ({ x, f: f(x) });
  let simplex = [at(start), ...start.map((_, i) => at(start.map((v, j) => v + (i === j ? size : 0))))];
  for (let k = 0; k < evaluations; k++) {
    simplex.sort((a, b) => a.f - b.f);
    const [best, worst] = [simplex[0], simplex[n]];
    if (worst.f - best.f < tolerance * best.f) break;
    const centre = start.map((_, j) => simplex.slice(0, n).reduce((sum, q) => sum + q.x[j], 0) / n);
    const along = (t) => at(centre.map((v, j) => v + t * (worst.x[j] - v)));
    const reflected = along(-1);
    if (reflected.f < best.f) {
      const further = along(-2);
      simplex[n] = further.f < reflected.f ? further : reflected;
    } else if (reflected.f < simplex[n - 1].f) simplex[n] = reflected;
    else {
      const nearer = along(reflected.f < worst.f ? -0.5 : 0.5);
      if (nearer.f < Math.min(reflected.f, worst.f)) simplex[n] = nearer;
      else simplex = simplex.map((q, i) => (i ? at(q.x.map((v, j) => (v + best.x[j]) / 2)) : q));
    }
  }
  return simplex.reduce((a, b) => (a.f < b.f ? a : b));
}

// The true optimum: the best of the two one-feature solutions and of searches from three
// antipodal starts. Returns { x: [w1, w2, b1, b2], f: loss }, with w1 >= 0.
export function optimum(p, r) {
  const f = (x) => exactLoss(x, p, r);
  const forms = closedForms(p, r);
  const found = [
    { x: [1, 0, 0, p / 2], f: forms.extra },
    { x: [0, 1, p / 2, 0], f: forms.first },
    ...[[1, -1, 0, 0], [1, -0.4, 0, 0.1], [0.4, -1, 0.1, 0]].map((start) => minimise(f, start)),
  ];
  // Among equals, prefer the simpler solution listed first.
  const best = found.reduce((a, b) => (b.f < a.f * (1 - 1e-6) ? b : a));
  if (best.x[0] < 0) best.x = [-best.x[0], -best.x[1], best.x[2], best.x[3]];
  return best;
}

// What an optimum is called. No optimum has a smaller weight between 0.53 and 0.64: there it jumps.
export function nameOf([w1, w2]) {
  const less = Math.min(Math.abs(w1), Math.abs(w2));
  if (less > 0.58) return "antipodal pair";
  const ignored = Math.abs(w1) < Math.abs(w2) ? "first" : "extra";
  return less > 0.02 ? `leaning: the ${ignored} feature a little` : `ignore the ${ignored} feature`;
}

// The importance r < 1 above which the optimum stops ignoring the extra feature and starts, without
// a jump, to lean: the extra weight -epsilon and the first bias epsilon B cost less than they gain.
export function leaningOnset(p) {
  const v = variance(p);
  const cost = (B) => p * (v + (p / 2 - B) ** 2 / 4) + (1 - p) * ((1 - p) * B * B + (p * B ** 3) / 3);
  let least = Infinity;
  for (let B = 0; B <= 1; B += 0.005) least = Math.min(least, cost(B) / v);
  return least;
}

// ---- the figure -----------------------------------------------------------------------------

// The onset of leaning as points [p, r], from where it meets the jump (p = 0.51, r = 0.56) to p = 1.
const ONSET = Array.from({ length: 50 }, (_, k) => 0.51 + 0.01 * k).map((p) => [p, leaningOnset(p)]);
const DENSITIES = Array.from({ length: 41 }, (_, k) => 10 ** (-k / 20)); // 1 to 0.01
const RATIOS = Array.from({ length: 41 }, (_, k) => 10 ** (-1 + k / 20)); // 0.1 to 10
const FORMS = [
  ["extra", "Ignore the extra feature", [1, 0], 0],
  ["first", "Ignore the first feature", [0, 1], 1],
  ["both", "Antipodal pair", [1, -1], 2],
];
const GRID = 40;
const SIDE = 300;
const LEFT = 46;
const say = (v) => String(+v.toPrecision(2));

function start(app, config) {
  let trained = null; // what the models trained at the last click came to
  let job = null; // the models being trained
  let cells = null; // the true optimum on the grid, computed while the reader looks on
  let queue = [];
  const nearest = (values, v) => values.reduce((a, b) => (Math.abs(Math.log(b / v)) < Math.abs(Math.log(a / v)) ? b : a));

  const density = slider({ label: "Density p", values: DENSITIES, value: nearest(DENSITIES, config.density), say, change: moved });
  const ratio = slider({ label: "Importance r", values: RATIOS, value: nearest(RATIOS, config.ratio), say, change: moved });
  const map = choice({ label: "Map", options: [["closed", "Closed forms"], ["true", "True optimum"]], value: "closed", change: () => {
    if (map.value === "true" && !cells) {
      // r and 1/r are the same problem with the features swapped: half the grid is enough.
      cells = new Array(GRID * GRID).fill(null);
      queue = cells.map((_, k) => k).slice(cells.length / 2).sort((a, b) => ((a * 37) % 101) - ((b * 37) % 101));
    }
    if (queue.length) player.play();
    paint();
    draw(true);
  } });
  const canvas = el("canvas");
  const plane = picture(360, 350, "Map of density (sparser to the right) against relative importance, with the region in which each solution is best");
  const table = picture(360, 250, "Loss of each solution at the chosen point");
  const title = el("p", { class: "name" });
  const kicker = el("p", { class: "note" }); // of which map the title speaks
  const status = announcer();
  plane.classList.add("drag");
  const backdrop = svg("image", { x: LEFT, y: 6, width: SIDE, height: SIDE, preserveAspectRatio: "none" });
  const overlay = svg("g");
  plane.append(backdrop, overlay);

  app.append(el("div", { class: "stack" },
    el("div", { class: "row apart" }, map.node, button("Train here", train, { class: "main" })),
    el("div", { class: "columns" },
      el("div", { class: "stack" }, plane, el("div", { class: "panel controls" }, density.node, ratio.node)),
      el("div", { class: "stack" }, el("div", {}, kicker, title, status.node), table,
        el("p", { class: "note" }, "Losses are summed over both features: twice the mean. Dashed: where the closed forms, with weights fixed to 0 or \u00b11, exchange ranks. The true optimum leaves weights and biases free: for r between 0.56 and 1.8 it first leans, keeping a little of the less important feature (from the dotted line on), then jumps to a pair. Arrow 1 is the first feature, 2 the extra one. Click the map to train eight models there.")))));

  const toX = (p) => LEFT + (SIDE * Math.log10(1 / p)) / 2;
  const toY = (r) => 6 + (SIDE * (1 - Math.log10(r))) / 2;

  function moved() {
    if (!job) player.pause();
    draw();
    if (queue.length) player.play();
  }

  function pointed(event) {
    const box = plane.getBoundingClientRect();
    const u = clamp((((event.clientX - box.left) / box.width) * 360 - LEFT) / SIDE);
    const v = clamp((((event.clientY - box.top) / box.height) * 350 - 6) / SIDE);
    density.value = DENSITIES[Math.round(40 * u)];
    ratio.value = RATIOS[Math.round(40 * (1 - v))];
    wanted = true;
    player.play();
  }
  let wanted = false;
  plane.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" || event.buttons) pointed(event);
  });
  plane.addEventListener("click", (event) => {
    pointed(event);
    train();
  });

  // ---- training: eight models from different seeds, judged by their exact loss ---------------
  function train() {
    const [p, r] = [density.value, ratio.value];
    const runs = Array.from({ length: 8 }, (_, k) => {
      const random = randomSource(1000 + k);
      return makeRun(makeModel(2, 1, { random }), { density: p, importance: Float64Array.of(1, r), random, steps: 1500, rows: 128 });
    });
    job = { p, r, runs };
    trained = null;
    player.play();
  }

  const player = animation(app, () => {
    if (wanted) {
      wanted = false;
      draw();
    }
    if (job) {
      const more = forMilliseconds(calm() ? 14 : 9, () => {
        for (const run of job.runs) run.step();
        return job.runs[0].done < 1500;
      });
      const results = job.runs.map(({ model: { W, b } }) => ({ W, loss: exactLoss([W[0], W[1], b[0], b[1]], job.p, job.r) }));
      const best = results.reduce((a, b) => (b.loss < a.loss ? b : a));
      const agree = results.filter(({ loss }) => loss < 1.02 * best.loss).length;
      trained = { ...job, done: job.runs[0].done, W: best.W[0] < 0 ? [-best.W[0], -best.W[1]] : [...best.W], loss: best.loss, agree };
      if (!more) job = null;
      draw(!job);
    } else if (queue.length && map.value === "true") {
      forMilliseconds(9, () => {
        const k = queue.pop();
        const [i, j] = [Math.floor(k / GRID), k % GRID];
        const { x } = optimum(10 ** ((-2 * (j + 0.5)) / GRID), 10 ** ((2 * (i + 0.5)) / GRID - 1));
        cells[k] = [Math.abs(x[0]), Math.abs(x[1])];
        cells[(GRID - 1 - i) * GRID + j] = [Math.abs(x[1]), Math.abs(x[0])];
        return queue.length > 0;
      });
      paint();
    }
    return job !== null || queue.length > 0;
  });

  // ---- pictures -----------------------------------------------------------------------------
  function tint(k, strength) {
    const base = app.classList.contains("dark") ? [22, 27, 34] : [255, 255, 255];
    const paint = [1, 3, 5].map((at) => parseInt(colour(k).slice(at, at + 2), 16));
    return base.map((v, c) => v + strength * (paint[c] - v));
  }

  // The regions: closed forms by the best of three; the true optimum by its name, a pair paler the
  // shorter its shorter arrow.
  function paint() {
    const strength = app.classList.contains("dark") ? 0.5 : 0.36;
    const colours = FORMS.map(([, , , k]) => tint(k, strength));
    const ground = tint(0, 0);
    const closed = map.value === "closed";
    const N = closed ? 100 : GRID;
    canvas.width = canvas.height = N;
    const context = canvas.getContext("2d");
    const image = context.createImageData(N, N);
    for (let i = 0; i < N; i++) {
      for (let j = 0; j < N; j++) {
        let rgb = ground;
        if (closed) {
          const forms = closedForms(10 ** ((-2 * (j + 0.5)) / N), 10 ** ((2 * (i + 0.5)) / N - 1));
          rgb = colours[FORMS.reduce((a, [key], k) => (forms[key] < forms[FORMS[a][0]] ? k : a), 0)];
        } else if (cells[i * N + j]) {
          const [w1, w2] = cells[i * N + j];
          const less = Math.min(w1, w2);
          if (less > 0.58) rgb = tint(2, strength * Math.min(1, less));
          else if (less > 0.02) rgb = tint(3, strength * (0.6 + less));
          else rgb = w1 >= w2 ? colours[0] : colours[1];
        }
        image.data.set([...rgb, 255], 4 * ((N - 1 - i) * N + j));
      }
    }
    context.putImageData(image, 0, 0);
    backdrop.setAttribute("href", canvas.toDataURL());
  }

  function drawPlane() {
    const parts = [];
    const line = (points, dash) => svg("polyline", { points: points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "),
      fill: "none", stroke: "var(--ink)", "stroke-width": 1.4, "stroke-dasharray": dash });
    // Boundaries: p = 4 r / (2 + 5 r), p = 4 / (5 + 2 r), and r = 1, which meet at p = 4/7.
    const below = RATIOS.filter((r) => r <= 1);
    const above = RATIOS.filter((r) => r >= 1);
    parts.push(line(below.map((r) => [toX((4 * r) / (2 + 5 * r)), toY(r)]), "5 3"),
      line(above.map((r) => [toX(4 / (5 + 2 * r)), toY(r)]), "5 3"),
      line([[toX(1), toY(1)], [toX(4 / 7), toY(1)]], "5 3"));
    if (map.value === "true") {
      for (const side of [1, -1]) {
        parts.push(line(ONSET.map(([p, r]) => [toX(p), toY(r ** side)]), "1.5 3"),
          svg("line", { x1: toX(0.37), x2: toX(0.68), y1: toY(1) + 2 * side, y2: toY(0.85 ** side), stroke: "var(--ink)" }));
      }
      parts.push(svg("text", { x: toX(0.36), y: toY(1) + 4, style: "font-weight:600" }, "leaning"));
    }
    const words = (x, y, ...lines) => svg("text", { x, y, "text-anchor": "middle", style: "font-weight:600" },
      ...lines.map((text, k) => svg("tspan", { x, dy: k ? 15 : 0 }, text)));
    parts.push(words(toX(0.5), toY(0.16), "ignore", "extra"), words(toX(0.5), toY(6.6), "ignore", "first"),
      words(toX(0.045), toY(1) + 4, "antipodal pair"));
    for (const v of [1, 0.3, 0.1, 0.03, 0.01]) parts.push(svg("text", { x: toX(v), y: 322, "text-anchor": "middle", class: "muted" }, v));
    for (const v of [0.1, 0.3, 1, 3, 10]) parts.push(svg("text", { x: LEFT - 7, y: toY(v) + 4, "text-anchor": "end", class: "muted" }, v));
    parts.push(svg("rect", { x: LEFT, y: 6, width: SIDE, height: SIDE, fill: "none", stroke: "var(--line)" }),
      svg("text", { x: LEFT + SIDE / 2, y: 342, "text-anchor": "middle" }, "density p (sparser \u2192)"),
      svg("text", { transform: `translate(11 ${6 + SIDE / 2}) rotate(-90)`, "text-anchor": "middle" }, "relative importance r"));
    if (trained) parts.push(svg("rect", { x: toX(trained.p) - 6, y: toY(trained.r) - 6, width: 12, height: 12, fill: "none",
      stroke: "var(--ink)", "stroke-width": 2, transform: `rotate(45 ${toX(trained.p)} ${toY(trained.r)})` }));
    const [x, y] = [toX(density.value), toY(ratio.value)];
    parts.push(svg("circle", { cx: x, cy: y, r: 6, fill: "var(--card)", stroke: "var(--ink)", "stroke-width": 2.4 }));
    fill(overlay, parts);
  }

  // One row: a name, the two weights as arrows on a line, a bar, a number.
  function row(y, name, [w1, w2], loss, scale, { paint, best = false }) {
    const centre = 92;
    const parts = [svg("text", { x: 0, y: y + 10, style: best ? "font-weight:700" : "" }, best ? `\u25b8 ${name}` : name),
      svg("line", { x1: centre - 84, x2: centre + 84, y1: y + 29, y2: y + 29, stroke: "var(--faint)" }),
      svg("line", { x1: centre, x2: centre, y1: y + 23, y2: y + 35, stroke: "var(--line)" })];
    [w1, w2].forEach((w, i) => {
      if (Math.abs(w) < 0.02) return;
      const lift = w1 * w2 > 0 ? (i ? 33 : 25) : 29;
      parts.push(arrow(centre, y + lift, centre + 56 * w, y + lift, colour(i), { width: 3, head: 9 }),
        svg("text", { x: centre + 56 * w + (w > 0 ? 9 : -9), y: y + lift + 4, "text-anchor": "middle", class: "small" }, i + 1));
    });
    const width = Math.min(1, loss / scale) * 100;
    parts.push(svg("rect", { x: 190, y: y + 20, width: Math.max(1.5, width), height: 16, rx: 2, fill: paint, "fill-opacity": 0.8 }),
      svg("text", { x: 196 + width, y: y + 33, style: best ? "font-weight:700" : "" }, digits(loss)));
    return parts;
  }

  function draw(now = false) {
    const [p, r] = [density.value, ratio.value];
    const forms = closedForms(p, r);
    const best = optimum(p, r);
    const winner = FORMS.reduce((a, form) => (forms[form[0]] < forms[a[0]] ? form : a));
    const scale = Math.min(Math.max(forms.extra, forms.first, forms.both), 4 * forms[winner[0]]);
    const parts = FORMS.map((form, k) => row(48 * k, form[1], form[2], forms[form[0]], scale, { paint: colour(form[3]), best: form === winner }));
    parts.push(row(150, "True optimum", best.x, best.f, scale, { paint: "var(--muted)" }));
    if (trained) {
      const label = trained.done < 1500 ? `Training, step ${trained.done}` : `Trained at p ${say(trained.p)}, r ${say(trained.r)} (${trained.agree} of 8)`;
      parts.push(row(200, label, trained.W, trained.loss, scale, { paint: "var(--accent)" }));
    } else parts.push(svg("text", { x: 0, y: 222, class: "muted" }, "Nothing trained yet: click the map, or \u201cTrain here\u201d."));
    fill(table, parts.flat());
    title.textContent = map.value === "true" ? nameOf(best.x) : winner[1].toLowerCase();
    kicker.textContent = map.value === "true" ? "True optimum" : "Cheapest of the closed forms";
    const [w1, w2] = best.x.map((w) => minus(w.toFixed(2)));
    const said = trained && trained.done >= 1500
      ? ` Trained: ${trained.agree} of 8 models reach loss ${digits(trained.loss)}.` : "";
    status.say(`At p ${say(p)}, r ${say(r)}. True optimum: W = (${w1}, ${w2}), ${nameOf(best.x)}.${said}`, now || !job);
    drawPlane();
  }

  const redraw = () => {
    paint();
    draw(true);
  };
  redraw();
  return redraw;
}
