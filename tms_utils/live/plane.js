// The feature directions of a model in the plane, as arrows that can be taken by their tips: with the mouse, a finger
// or the keyboard.
import { arrow, fill, label, line, minus, pointedAt, svg } from "./elements.js";
import { dimensionalities, featureNorms } from "./geometry.js";

const LONGEST = 1.9; // as far as an arrow can be pulled
const TURN = Math.PI / 36; // one key press
const STRETCH = 0.05;

// `hue` gives a feature's colour. `grab(i)`, `move(i, x, y)` and `drop(i, stay)` are called as an arrow is taken, moved
// and let go (or, with stay = false, put back); `light(i)` when the reader points at or focuses one, -1 when they leave.
export function arrowPlane({ hue, grab, move, drop, light }) {
  const below = svg("g", {});
  const handles = svg("g", {});
  const above = svg("g", { "pointer-events": "none" });
  const node = svg("svg", { viewBox: "0 0 360 360", role: "group", id: "plane",
    "aria-label": "Feature directions in the plane, drawn to scale over the unit circle" }, below, above, handles);
  let model;
  let unit = 100;
  let held = -1;

  function pull(i, x, y) {
    const length = Math.hypot(x, y);
    const part = length > LONGEST ? LONGEST / length : 1;
    move(i, part * x, part * y);
  }

  function take(i) {
    if (held === i) return;
    if (held >= 0) release(true);
    held = i;
    grab(i);
  }

  function release(stay) {
    const i = held;
    held = -1;
    if (i >= 0) drop(i, stay);
  }

  function handle(i) {
    let dragged = false;
    const tip = svg("g", { class: "handle", tabindex: 0, role: "slider", "aria-label": `Arrow of feature ${i}`,
      "aria-valuemin": 0, "aria-valuemax": LONGEST }, svg("circle", { r: 16 }));
    const at = (event) => {
      const { x, y } = pointedAt(node, event);
      return [(x - 180) / unit, (180 - y) / unit];
    };
    tip.addEventListener("pointerdown", (event) => {
      tip.setPointerCapture(event.pointerId);
      tip.focus({ preventScroll: true });
      dragged = true;
      take(i);
      event.preventDefault();
    });
    tip.addEventListener("pointermove", (event) => dragged && pull(i, ...at(event)));
    for (const end of ["pointerup", "pointercancel"]) {
      tip.addEventListener(end, () => {
        if (dragged) release(true);
        dragged = false;
      });
    }
    tip.addEventListener("keydown", (event) => {
      const [turn, stretch] = { ArrowLeft: [TURN, 0], ArrowRight: [-TURN, 0], ArrowUp: [0, STRETCH], ArrowDown: [0, -STRETCH] }[event.key] ?? [0, 0];
      if (turn || stretch) {
        take(i);
        const [x, y] = [model.W[2 * i], model.W[2 * i + 1]];
        const angle = (Math.hypot(x, y) > 1e-6 ? Math.atan2(y, x) : 1 + i) + turn;
        const length = Math.max(0, Math.hypot(x, y) + stretch);
        pull(i, length * Math.cos(angle), length * Math.sin(angle));
      } else if (held === i && (event.key === "Enter" || event.key === " " || event.key === "Escape")) release(event.key !== "Escape");
      else return;
      event.preventDefault();
    });
    tip.addEventListener("focus", () => light(i));
    tip.addEventListener("blur", () => {
      if (held === i) release(true);
      light(-1);
    });
    tip.addEventListener("pointerenter", () => held < 0 && light(i));
    tip.addEventListener("pointerleave", () => held < 0 && light([...handles.children].indexOf(node.getRootNode().activeElement)));
    return tip;
  }

  // "norm 1" stands just inside the circle, where it is furthest from any arrow.
  function unitLabel(norms) {
    let best = [-Infinity, 0];
    for (let angle = 0.2; angle < 6.2; angle += 0.25) {
      const along = norms.map((norm, i) => norm > 0.3
        ? (Math.cos(angle) * model.W[2 * i] - Math.sin(angle) * model.W[2 * i + 1]) / norm : -1);
      const score = -Math.max(...along) - 0.1 * Math.abs(Math.cos(angle));
      if (score > best[0]) best = [score, angle];
    }
    const [, angle] = best;
    return label(180 + (unit - 24) * Math.cos(angle), 184 + (unit - 12) * Math.sin(angle), "norm 1", "muted small halo");
  }

  // The arrows of `shown`; feature `lit` stands out, and those of another model, `ghost`, are dashed.
  function draw(shown, { lit = -1, ghost = null } = {}) {
    model = shown;
    const norms = featureNorms(model);
    if (held < 0) unit = 172 / Math.max(1.4, 1.16 * Math.max(...norms)); // what is dragged must not change the scale
    const place = (W, i) => [180 + unit * W[2 * i], 180 - unit * W[2 * i + 1]];
    const parts = [
      line(6, 180, 354, 180, "faint"),
      line(180, 6, 180, 354, "faint"),
      svg("circle", { cx: 180, cy: 180, r: unit, fill: "none", stroke: "var(--line)", "stroke-dasharray": "3 4" }),
      unitLabel(norms),
    ];
    for (let i = 0; ghost && i < ghost.W.length / 2; i++) {
      const [x2, y2] = place(ghost.W, i);
      parts.push(svg("line", { x1: 180, y1: 180, x2, y2, stroke: hue(i), "stroke-width": 2, "stroke-dasharray": "4 4", class: "ghost" }));
    }
    const labels = []; // where the numbers go; those that would touch share a place
    for (let i = model.n - 1; i >= 0; i--) {
      const [x, y] = place(model.W, i);
      parts.push(svg("g", { opacity: lit < 0 || lit === i ? 1 : 0.4 }, arrow(180, 180, x, y, hue(i), { width: lit === i ? 4.5 : 3, head: 11 })));
      if (norms[i] > 0.12) {
        const out = 1 + 13 / (unit * norms[i]);
        const [u, v] = [180 + (x - 180) * out, 185 + (y - 180) * out];
        const near = labels.find((other) => Math.hypot(other.u - u, other.v - v) < 15);
        if (near) near.features.unshift(i);
        else labels.push({ u, v, features: [i] });
      }
    }
    const lost = norms.map((norm, i) => (norm <= 0.12 ? i : -1)).filter((i) => i >= 0);
    if (lost.length) parts.push(label(8, 350, `at the origin: ${lost.join(", ")}`, "muted", "start"));
    fill(below, parts);
    fill(above, labels.map(({ u, v, features }) => label(u, v, features.join(","), "halo number")));
    if (handles.childElementCount !== model.n) fill(handles, ...norms.map((_, i) => handle(i)));
    const shares = dimensionalities(model);
    [...handles.children].forEach((tip, i) => {
      const [x, y] = place(model.W, i);
      tip.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
      tip.setAttribute("aria-valuenow", norms[i].toFixed(2));
      tip.setAttribute("aria-valuetext", arrowInWords(model, norms, shares, i));
    });
  }

  return { node, draw };
}

export function arrowInWords({ W }, norms, shares, i) {
  const angle = Math.round((Math.atan2(W[2 * i + 1], W[2 * i]) * 180) / Math.PI);
  return `length ${norms[i].toFixed(2)} at ${minus(angle)}\u00b0, dimensionality D ${shares[i].toFixed(2)}`;
}
