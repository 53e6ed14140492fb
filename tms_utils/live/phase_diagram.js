// The phase diagram of two features in one dimension (n = 2, m = 1), by pointing at it.
import { addressed } from "./address.js";
import { phaseDiagramAsPython } from "./phase_diagram_python.js";
import { announcer, button, choice, copier, fold, slider } from "./controls.js";
import { arrow, colour, digits, el, fill, minus, picture, pointedAt, svg } from "./elements.js";
import { makeModel, makeRun } from "./model.js";
import { randomSource } from "./random.js";
import { closedForms, nameOf, optimum, patternLoss } from "./two_features.js";
import { animation, calm, forMilliseconds } from "./ui.js";

const FORMS = [
  ["extra", "Ignore the extra feature", [1, 0], 0],
  ["first", "Ignore the first feature", [0, 1], 1],
  ["both", "Antipodal pair", [1, -1], 2],
];
const SIDE = 300;
const LEFT = 46;
const STEPS = 1500;
const PRESETS = [["ignore", "p=0.8913&r=0.1995"], ["pair", "p=0.1&r=0.5012"], ["leaning", "p=0.5623&r=0.7943&map=true"], ["where three meet", "p=0.5623&r=1"]];
const say = (v) => String(+v.toPrecision(2));
const clamp = (x) => Math.min(1, Math.max(0, x));

function start(app, config, slot) {
  let trained = null; // what the models trained at the last click came to
  let job = null; // the models being trained
  const { densities, ratios, onset } = config;
  const nearest = (values, v) => values.reduce((a, b) => (Math.abs(Math.log(b / v)) < Math.abs(Math.log(a / v)) ? b : a));

  const density = slider({ label: "Density p", values: densities, value: nearest(densities, config.density), say, change: moved });
  const ratio = slider({ label: "Importance r", values: ratios, value: nearest(ratios, config.r), say, change: moved });
  const map = choice({ label: "Map", options: [["closed", "Closed forms"], ["true", "True optimum"]], value: "closed", change: () => {
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
  const share = el("div", { class: "row" });
  const more = fold("More: what is drawn, link, code", el("div", { class: "stack" },
    el("p", { class: "note" }, "Losses are summed over both features: twice the mean. Dashed: where the closed forms, with weights fixed to 0 or \u00b11, exchange ranks. The true optimum leaves weights and biases free: for r between 0.56 and 1.8 it first leans, keeping a little of the less important feature (from the dotted line on), then jumps to a pair. Arrow 1 is the first feature, 2 the extra one."), share));
  const address = addressed(slot, app, { p: density, r: ratio, map, more }, { parts: { share }, apply: () => {
    paint();
    moved();
  } });
  const presets = address.presets(PRESETS);
  share.append(address.link(), copier("Copy as Python", () => phaseDiagramAsPython({ p: density.value, r: ratio.value, steps: STEPS }), { always: true }).node);
  const backdrop = svg("image", { x: LEFT, y: 6, width: SIDE, height: SIDE, preserveAspectRatio: "none" });
  const overlay = svg("g");
  plane.append(backdrop, overlay);

  app.append(el("div", { class: "stack" },
    el("div", { class: "columns" },
      el("div", { class: "plane" }, plane),
      el("div", { class: "stack" }, el("div", { class: "panel controls" }, density.node, ratio.node),
        el("div", { class: "row" }, button("Train here", train, { class: "main" }), map.node), presets,
        el("div", {}, kicker, title, status.node), table)),
    more.node));

  const toX = (p) => LEFT + (SIDE * Math.log10(1 / p)) / 2;
  const toY = (r) => 6 + (SIDE * (1 - Math.log10(r))) / 2;

  function moved() {
    if (!job) player.pause();
    draw();
  }

  function pointed(event) {
    const { x, y } = pointedAt(plane, event);
    const u = clamp((x - LEFT) / SIDE);
    const v = clamp((y - 6) / SIDE);
    density.value = densities[Math.round(40 * u)];
    ratio.value = ratios[Math.round(40 * (1 - v))];
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
      return makeRun(makeModel(2, 1, { random }), { density: p, importance: Float64Array.of(1, r), random, steps: STEPS, rows: 128 });
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
        return job.runs[0].done < STEPS;
      });
      const results = job.runs.map(({ model }) => ({ W: model.W, loss: patternLoss(model, job.p, job.r) }));
      const best = results.reduce((a, b) => (b.loss < a.loss ? b : a));
      const agree = results.filter(({ loss }) => loss < 1.02 * best.loss).length;
      trained = { ...job, done: job.runs[0].done, W: best.W[0] < 0 ? [-best.W[0], -best.W[1]] : [...best.W], loss: best.loss, agree };
      if (!more) job = null;
      draw(!job);
    }
    return job !== null;
  });

  // ---- pictures -----------------------------------------------------------------------------
  function tint(k, strength) {
    const base = app.classList.contains("dark") ? [22, 27, 34] : [255, 255, 255];
    const paint = [1, 3, 5].map((at) => parseInt(colour(k).slice(at, at + 2), 16));
    return base.map((v, c) => v + strength * (paint[c] - v));
  }

  // The regions: closed forms by the best of three; the true optimum by its name, a pair paler the
  // shorter its shorter arrow. Then a pixel stands for a point of the sliders' grid.
  function paint() {
    const strength = app.classList.contains("dark") ? 0.5 : 0.36;
    const colours = FORMS.map(([, , , k]) => tint(k, strength));
    const closed = map.value === "closed";
    const N = closed ? 100 : densities.length;
    canvas.width = canvas.height = N;
    const context = canvas.getContext("2d");
    const image = context.createImageData(N, N);
    for (let i = 0; i < N; i++) {
      for (let j = 0; j < N; j++) {
        let rgb;
        if (closed) {
          const forms = closedForms(10 ** ((-2 * (j + 0.5)) / N), 10 ** ((2 * (i + 0.5)) / N - 1));
          rgb = colours[FORMS.reduce((a, [key], k) => (forms[key] < forms[FORMS[a][0]] ? k : a), 0)];
        } else {
          const [w1, w2] = optimum(config, j, i).w.map(Math.abs);
          const less = Math.min(w1, w2);
          if (less > 0.58) rgb = tint(2, strength * Math.min(1, less));
          else if (less > 0.02) rgb = tint(3, strength * (0.6 + less));
          else rgb = w1 >= w2 ? colours[0] : colours[1];
        }
        image.data.set([...rgb, 255], 4 * ((N - 1 - i) * N + j));
      }
    }
    context.putImageData(image, 0, 0);
    backdrop.setAttribute("href", (closed ? canvas : trimmed(canvas)).toDataURL());
  }

  // The map ends in the middle of its outermost pixels: half of each is cut off.
  function trimmed(source) {
    const target = el("canvas", { width: 160, height: 160 });
    const pixel = 160 / (source.width - 1);
    target.getContext("2d").drawImage(source, -pixel / 2, -pixel / 2, 160 + pixel, 160 + pixel);
    return target;
  }

  function drawPlane() {
    const parts = [];
    const line = (points, dash) => svg("polyline", { points: points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "),
      fill: "none", stroke: "var(--ink)", "stroke-width": 1.4, "stroke-dasharray": dash });
    // Boundaries: p = 4 r / (2 + 5 r), p = 4 / (5 + 2 r), and r = 1, which meet at p = 4/7.
    const below = ratios.filter((r) => r <= 1);
    const above = ratios.filter((r) => r >= 1);
    parts.push(line(below.map((r) => [toX((4 * r) / (2 + 5 * r)), toY(r)]), "5 3"),
      line(above.map((r) => [toX(4 / (5 + 2 * r)), toY(r)]), "5 3"),
      line([[toX(1), toY(1)], [toX(4 / 7), toY(1)]], "5 3"));
    if (map.value === "true") {
      for (const side of [1, -1]) {
        parts.push(line(onset.map(([p, r]) => [toX(p), toY(r ** side)]), "1.5 3"),
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
    const best = optimum(config, densities.indexOf(p), ratios.indexOf(r));
    const winner = FORMS.reduce((a, form) => (forms[form[0]] < forms[a[0]] ? form : a));
    const scale = Math.min(Math.max(forms.extra, forms.first, forms.both), 4 * forms[winner[0]]);
    const parts = FORMS.map((form, k) => row(48 * k, form[1], form[2], forms[form[0]], scale, { paint: colour(form[3]), best: form === winner }));
    parts.push(row(150, "True optimum", best.w, best.loss, scale, { paint: "var(--muted)" }));
    if (trained) {
      const label = trained.done < STEPS ? `Training, step ${trained.done}` : `Trained at p ${say(trained.p)}, r ${say(trained.r)} (${trained.agree} of 8)`;
      parts.push(row(200, label, trained.W, trained.loss, scale, { paint: "var(--accent)" }));
    } else parts.push(svg("text", { x: 0, y: 222, class: "muted" }, "Nothing trained yet: click the map, or \u201cTrain here\u201d."));
    fill(table, parts.flat());
    title.textContent = map.value === "true" ? nameOf(best.w) : winner[1].toLowerCase();
    kicker.textContent = map.value === "true" ? "True optimum" : "Cheapest of the closed forms";
    const [w1, w2] = best.w.map((w) => minus(w.toFixed(2)));
    const said = trained && trained.done >= STEPS
      ? ` Trained: ${trained.agree} of 8 models reach loss ${digits(trained.loss)}.` : "";
    status.say(`At p ${say(p)}, r ${say(r)}. True optimum: W = (${w1}, ${w2}), ${nameOf(best.w)}.${said}`, now || !job);
    drawPlane();
  }

  const redraw = () => {
    paint();
    draw(true);
  };
  redraw();
  address.begin();
  return redraw;
}
