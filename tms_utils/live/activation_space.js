// Activation space in three dimensions: where h = W x goes when k of the features are active.
import { rotate, sampleActivations } from "./activations.js";
import { addressed } from "./address.js";
import { activationsAsPython } from "./activation_space_python.js";
import { announcer, button, checkbox, choice, copier, fold, slider } from "./controls.js";
import { colour, el, minus } from "./elements.js";
import { randomSource } from "./random.js";
import { animation, calm } from "./ui.js";

const TURN = Math.PI / 36; // one arrow key press

// How a view is written in the address: its axes to the right and towards the reader.
const poseOf = ([right, , toward]) => [...right, ...toward].map((x) => +x.toFixed(2)).join(",");

// Six numbers, an axis to the right and one towards the reader -> three axes at right angles; nothing if that cannot be.
export function facing(six) {
  const unit = (v) => v.map((x) => x / Math.hypot(...v));
  const right = unit(six.slice(0, 3));
  const along = right.reduce((sum, x, k) => sum + x * six[k + 3], 0);
  const toward = unit(right.map((x, k) => six[k + 3] - along * x));
  const up = [0, 1, 2].map((k) => toward[(k + 1) % 3] * right[(k + 2) % 3] - toward[(k + 2) % 3] * right[(k + 1) % 3]);
  return six.length === 6 && up.every(Number.isFinite) ? [right, up, toward] : undefined;
}

function start(app, config, slot) {
  const { W, edges, thomson } = config; // W: three rows, one column per feature
  const n = W[0].length;
  const directions = Array.from({ length: n }, (_, i) => W.map((row) => row[i]));
  const norms = directions.map((w) => Math.hypot(...w));
  const meanNorm = norms.reduce((sum, v) => sum + v, 0) / n;
  const minimiser = thomson.points.map((point) => point.map((x) => meanNorm * x));
  let samples = [];
  let view = rotate(rotate([[1, 0, 0], [0, 1, 0], [0, 0, 1]], 1, 0.6), 0, 0.45);
  const atFirst = poseOf(view);
  let spinning = false;
  let drawnWidth = 0;

  const k = choice({ label: "Active", value: String(config.k), change: resample,
    options: [["1", "1"], ["2", "2"], ["3", "3"], ["0", "any"]] });
  const spotlight = slider({ label: "Only samples with feature", values: [-1, ...Array(n).keys()], value: -1,
    say: (i) => (i < 0 ? "any" : String(i)), change: () => draw(true) });
  const points = checkbox({ label: "Samples", checked: true, change: () => draw() });
  const trained = checkbox({ label: "Trained directions", checked: true, change: () => draw() });
  const ideal = checkbox({ label: "Thomson minimiser", checked: false, change: () => draw(true) });
  const spin = button("Spin", () => {
    if (!spinning) return spinAround();
    turn(1, 0);
  }, { class: "main" });
  const status = announcer();
  const canvas = el("canvas", { class: "drag", tabindex: 0, role: "application",
    "aria-label": "Three-dimensional view of activation space. Drag, or press the arrow keys, to rotate." });
  const label = () => (spin.textContent = spinning ? "Stop" : "Spin");
  const share = el("div", { class: "row" });
  const more = fold("More: how to turn it, link, code", el("div", { class: "stack" },
    el("p", { class: "note" }, "Drag the picture (on a phone sideways; the buttons tilt it), or focus it and press the arrow keys. A sample\u2019s colour mixes those of its active features. \u25cb trained direction W\u1d62, \u25c7 Thomson minimiser, scaled to the mean norm; thin lines join neighbours."), share));
  const pose = { // how the reader has turned it
    get text() {
      return spinning ? atFirst : poseOf(view);
    },
    set text(wanted) {
      const axes = facing(wanted.split(",").map(Number));
      if (!axes || wanted === pose.text) return;
      view = axes;
      spinning = false;
      player.pause();
      label();
    },
  };
  const address = addressed(slot, app, { view: pose, k, only: spotlight, samples: points, trained, thomson: ideal, more }, { parts: { spin, share }, apply: resample });
  share.append(address.link(), copier("Copy as Python", () => activationsAsPython({ W, k: +k.value }), { always: true }).node);
  app.append(el("div", { class: "space" },
    el("div", { class: "view" }, canvas),
    el("div", { class: "stack" }, k.node,
      el("div", { class: "panel" }, spotlight.node),
      el("div", { class: "row" }, points.node, trained.node, ideal.node),
      el("div", { class: "row" }, spin,
        ...[["\u2190", 1, -1, "left"], ["\u2192", 1, 1, "right"], ["\u2191", 0, -1, "up"], ["\u2193", 0, 1, "down"]].map(([sign, axis, way, name]) =>
          button(sign, () => turn(axis, 3 * way * TURN), { "aria-label": `Rotate ${name}` }))),
      status.node),
    more.node));

  // One turn, in some twenty seconds: a picture that turned for ever would keep a core busy for as long.
  let turned = 0;
  let clock = 0;
  const player = animation(app, () => {
    const now = performance.now();
    if (now - clock < 30) return true; // thirty pictures a second are enough
    const angle = Math.min(0.05, (0.32 * (now - clock)) / 1000, 2 * Math.PI - turned);
    clock = now;
    turned += angle;
    view = rotate(view, 1, angle);
    if (turned > 2 * Math.PI - 1e-9) {
      spinning = false;
      label();
    }
    draw(!spinning);
    return spinning;
  }, { seen: () => (calm() || pose.text !== atFirst ? draw(true) : spinAround()) });
  function spinAround() {
    spinning = true;
    turned = 0;
    player.play();
    label();
    draw(true);
  }

  function resample() {
    const random = randomSource(7);
    samples = sampleActivations(W, +k.value, [2500, 1200, 2500, 3000][+k.value], random);
    draw(true);
  }

  function turn(axis, angle) {
    spinning = false;
    player.pause();
    label();
    view = rotate(view, axis, angle);
    draw(true);
  }

  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    held = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!held) return;
    turn(1, (event.clientX - held[0]) * 0.009);
    turn(0, (event.clientY - held[1]) * 0.009);
    held = [event.clientX, event.clientY];
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => (held = null));
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [1, -TURN], ArrowRight: [1, TURN], ArrowUp: [0, -TURN], ArrowDown: [0, TURN] }[event.key];
    if (!move) return;
    event.preventDefault();
    turn(...move);
  });
  new ResizeObserver(() => {
    if (canvas.clientWidth !== drawnWidth) draw();
  }).observe(canvas);

  const kinds = { 1: `${n} rays`, 2: `${(n * (n - 1)) / 2} parallelograms`,
    3: `${(n * (n - 1) * (n - 2)) / 6} parallelepipeds`, 0: "mostly rays and parallelograms" };

  // ---- picture ------------------------------------------------------------------------------
  function draw(now = false) {
    const width = canvas.clientWidth;
    if (!width || !samples.length) return;
    drawnWidth = width;
    const ratio = Math.min(2, devicePixelRatio || 1);
    if (canvas.width !== Math.round(width * ratio)) canvas.width = canvas.height = Math.round(width * ratio);
    const context = canvas.getContext("2d");
    const style = getComputedStyle(app);
    const [ink, muted, card] = ["--ink", "--muted", "--card"].map((name) => style.getPropertyValue(name));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, width);
    const radius = Math.max(...norms, meanNorm);
    const reach = +k.value === 1 || !points.value ? 1.2 : +k.value === 2 ? 1.55 : 1.85;
    const scale = width / 2 / (radius * reach);
    const project = (v) => {
      const [x, y, z] = view.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]);
      return [width / 2 + scale * x, width / 2 - scale * y, z / radius];
    };
    const items = []; // everything that can hide something, drawn back to front
    if (points.value) {
      const size = width < 400 ? 2.2 : 2.8;
      for (const { h, active, paint } of samples) {
        if (spotlight.value >= 0 && !active.includes(spotlight.value)) continue;
        const [x, y, z] = project(h);
        items.push([z, () => {
          context.globalAlpha = 0.5 + 0.35 * Math.min(1, Math.max(0, z + 0.7));
          context.fillStyle = paint;
          context.fillRect(x - size / 2, y - size / 2, size, size);
        }]);
      }
    }
    const stroke = (a, b, paint, thick, dash, alpha) => {
      context.globalAlpha = alpha;
      context.strokeStyle = paint;
      context.lineWidth = thick;
      context.setLineDash(dash);
      context.beginPath();
      context.moveTo(a[0], a[1]);
      context.lineTo(b[0], b[1]);
      context.stroke();
    };
    const depth = (z) => 0.35 + 0.65 * Math.min(1, Math.max(0, 0.5 + 0.5 * z));
    function solid(vertices, links, dash) {
      const at = vertices.map(project);
      for (const [i, j] of links) {
        const z = (at[i][2] + at[j][2]) / 2;
        items.push([z, () => stroke(at[i], at[j], muted, 1.2, dash, 0.25 + 0.55 * depth(z))]);
      }
      return at;
    }
    const centre = project([0, 0, 0]);
    if (trained.value) {
      const at = solid(directions, edges, []);
      at.forEach((end, i) => {
        items.push([end[2] / 2, () => stroke(centre, end, colour(i), 2.6, [], depth(end[2]))]);
        items.push([end[2] + 0.5, () => {
          context.globalAlpha = 1;
          context.setLineDash([]);
          context.fillStyle = card;
          context.strokeStyle = colour(i);
          context.lineWidth = 3;
          context.beginPath();
          context.arc(end[0], end[1], 10, 0, 7);
          context.fill();
          context.stroke();
          context.fillStyle = ink;
          context.font = "700 12px system-ui, sans-serif";
          context.textAlign = "center";
          context.textBaseline = "middle";
          context.fillText(i, end[0], end[1] + 0.5);
        }]);
      });
    }
    if (ideal.value) {
      for (const [x, y, z] of solid(minimiser, thomson.edges, [4, 4])) {
        items.push([z + 0.6, () => {
          context.globalAlpha = depth(z);
          context.setLineDash([]);
          context.strokeStyle = ink;
          context.lineWidth = 2;
          context.beginPath();
          for (const [dx, dy] of [[0, -14], [14, 0], [0, 14], [-14, 0]]) context.lineTo(x + dx, y + dy);
          context.closePath();
          context.stroke();
        }]);
      }
    }
    items.sort((a, b) => a[0] - b[0]);
    for (const [, paint] of items) paint();
    context.globalAlpha = 1;
    const only = spotlight.value >= 0 ? `, only those with feature ${spotlight.value}` : "";
    const overlay = ideal.value ? ` Thomson energy ${thomson.energy.toFixed(4)}; trained directions lie within ${thomson.widest}\u00b0 of it.` : "";
    if (spinning && !now) return; // the line stays as it is: a view that moves is not worth reading out
    const [, , toward] = view;
    const from = ` View from (${toward.map((x) => minus(x.toFixed(1)).replace("\u22120.0", "0.0")).join(", ")}).`;
    status.say(`${+k.value === 0 ? "Any number active (S = 0.95)" : `${k.value} active`}: ${kinds[k.value]}${only}.${overlay}${spinning ? "" : from}`, now);
  }

  resample();
  address.begin();
  return () => draw(true);
}
