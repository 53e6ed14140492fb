// Five features squeezed into a plane and read back: switch them on, and see what comes out.
import { addressed } from "./address.js";
import { squeezeAsPython } from "./squeeze_python.js";
import { announcer, button, checkbox, choice, copier, fold, slider } from "./controls.js";
import { arrow, caption, colour, el, fill, minus, picture, pointedAt, svg } from "./elements.js";
import { randomSource } from "./random.js";

// x -> h = W x -> W^T h + b -> (ReLU) x'. W: a direction [x, y] per feature.
export function squeeze(W, b, x) {
  const h = [0, 1].map((d) => W.reduce((sum, w, i) => sum + x[i] * w[d], 0));
  const before = W.map((w, i) => w[0] * h[0] + w[1] * h[1] + b[i]);
  return { h, before, after: before.map((z) => Math.max(0, z)) };
}

// The nudge of length `size` that pushes h furthest in the direction (cos, sin): in proportion to W^T u.
export function nudgeTowards(W, angle, size) {
  const along = W.map((w) => w[0] * Math.cos(angle) + w[1] * Math.sin(angle));
  const length = Math.hypot(...along) || 1;
  return along.map((c) => (size * c) / length);
}

const PRESETS = [["one feature", "on=0"], ["neighbours", "on=0,1"], ["opposite", "on=0,2"], ["no ReLU", "on=0&relu=0"]];

function start(app, { models, on, attack }, slot) {
  const n = models[0].W.length;
  const chosenModel = () => models.find(({ key }) => key === stored.value);
  const x = Array.from({ length: n }, (_, i) => (on.includes(i) ? 1 : 0));
  const random = randomSource(1);
  const status = announcer();
  const plane = picture(360, 290, "The plane: an arrow for each feature that is stored, and the point h at which the input arrives");
  const bars = picture(360, 230, "For each feature what went in and what is read back");
  const switches = x.map((_, i) => button(`${i}`, () => { x[i] = 1 - x[i]; draw(); }, { "aria-label": `Feature ${i}`, class: "switch" }));
  const stored = choice({ label: "Stored", options: models.map(({ key, name }) => [key, name]), value: models[0].key, change: () => draw() });
  const relu = checkbox({ label: "ReLU", checked: true, change: () => draw() });
  const attacked = attack !== undefined;
  const turns = Array.from({ length: 36 }, (_, k) => 10 * k);
  const size = slider({ label: "Nudge, length", values: [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1], value: attacked ? attack : 0, say: String, change: () => draw() });
  const angle = slider({ label: "Nudge, direction", values: turns, value: 0, say: (d) => `${d}\u00b0`, change: () => draw() });
  const nudge = () => nudgeTowards(chosenModel().W, (angle.value * Math.PI) / 180, attacked ? size.value : 0);
  const onOff = { // the switches in the address: on=0,2
    get text() {
      return x.map((v, i) => (v ? i : "")).filter(String).join(",") || "none";
    },
    set text(wanted) {
      const on = wanted === "none" ? [] : wanted.split(",");
      if (on.every((i) => /^\d$/.test(i) && i < n)) x.forEach((_, i) => (x[i] = on.includes(String(i)) ? 1 : 0));
    },
  };
  const share = el("div", { class: "row" });
  const more = fold("More: link, code", share);
  const address = addressed(slot, app, { on: onOff, stored, relu, ...(attacked ? { nudge: size, direction: angle } : {}), more },
    { parts: { share }, apply: () => draw() });
  const presets = attacked ? "" : address.presets(PRESETS);
  share.append(address.link(), copier("Copy as Python", () => {
    const model = chosenModel();
    const delta = nudge();
    return squeezeAsPython({ ...model, relu: relu.value, x: x.map((v, i) => v + delta[i]) });
  }, { always: true }).node);
  app.append(el("div", { class: "stack" },
    el("div", { class: "columns" },
      el("div", { class: "plane" }, caption("Squeezed", el("small", {}, "into two numbers: h, the sum of the arrows that are on")), plane),
      el("div", { class: "stack" },
        el("div", { class: "panel row" }, el("span", {}, "Switch on"), ...switches,
          button("Random input", () => { x.forEach((_, i) => (x[i] = random() < 0.25 ? 1 : 0)); draw(); })),
        el("div", { class: "row" }, stored.node, relu.node), presets,
        attacked ? el("div", { class: "panel controls" }, size.node, angle.node) : "",
        status.node,
        el("div", {}, caption("Read back", el("small", {}, "dashed: what went in; full: what comes out; hatched: ghosts that the ReLU deletes")), bars))),
    more.node));

  if (attacked) {
    plane.classList.add("drag");
    let held = false;
    const aim = (event) => {
      const { h } = squeeze(chosenModel().W, [0, 0, 0, 0, 0], x);
      const { x: u, y: v } = pointedAt(plane, event);
      const degrees = (Math.atan2((145 - v) / 68 - h[1], (u - 180) / 68 - h[0]) * 180) / Math.PI;
      angle.value = (Math.round((degrees + 360) / 10) * 10) % 360;
      draw();
    };
    plane.addEventListener("pointerdown", (event) => { held = true; plane.setPointerCapture(event.pointerId); aim(event); });
    plane.addEventListener("pointermove", (event) => held && aim(event));
    for (const end of ["pointerup", "pointercancel"]) plane.addEventListener(end, () => (held = false));
  }

  function draw() {
    const { W, b } = chosenModel();
    const delta = nudge();
    const meant = squeeze(W, b, x);
    const { h, before, after } = squeeze(W, b, x.map((v, i) => v + delta[i]));
    const out = relu.value ? after : before;
    switches.forEach((node, i) => {
      node.setAttribute("aria-pressed", x[i] > 0);
      node.style.cssText = `border: 2px solid ${colour(i)}; min-width: 36px; padding: 4px; ${x[i] ? "background: var(--soft); box-shadow: inset 0 -4px " + colour(i) : ""}`;
    });
    // The plane: arrows, then the walk from arrow to arrow to h.
    const at = ([u, v]) => [180 + 68 * u, 145 - 68 * v];
    const walk = [[0, 0]];
    W.forEach((w, i) => x[i] && walk.push([0, 1].map((d) => walk[walk.length - 1][d] + w[d])));
    const [hx, hy] = at(h);
    fill(plane,
      svg("circle", { cx: 180, cy: 145, r: 68, fill: "none", stroke: "var(--line)", "stroke-dasharray": "3 4" }),
      ...W.flatMap((w, i) => {
        const length = Math.hypot(...w);
        if (length < 0.01) return [];
        const [tx, ty] = at(w.map((c) => c * (1 + 0.2 / length)));
        return [svg("g", { opacity: x[i] ? 1 : 0.45 }, arrow(180, 145, ...at(w), colour(i), { width: x[i] ? 4 : 2.5 })),
          svg("text", { x: tx, y: ty + 4, "text-anchor": "middle", class: "halo" }, i)];
      }),
      svg("polyline", { points: walk.map((point) => at(point).map((c) => c.toFixed(1)).join()).join(" "), fill: "none", stroke: "var(--ink)", "stroke-dasharray": "2 4" }),
      ...(attacked ? [
        svg("polygon", { fill: "none", stroke: "var(--accent)", "stroke-dasharray": "2 3", points: turns.map((d) => {
          const far = nudgeTowards(W, (d * Math.PI) / 180, size.value);
          return at([0, 1].map((k) => meant.h[k] + W.reduce((sum, w, i) => sum + far[i] * w[k], 0))).map((c) => c.toFixed(1)).join();
        }).join(" ") }),
        arrow(...at(meant.h), hx, hy, "var(--accent)", { width: 3 })] : []),
      svg("circle", { cx: hx, cy: hy, r: 7, fill: "var(--ink)", stroke: "var(--card)", "stroke-width": 2 }),
      svg("text", { x: hx + 12, y: hy - 8, class: "halo", style: "font-weight:700" }, "h"));
    // The bars: one unit is 52 high, zero at 138; what falls below the picture is cut off.
    const bar = (left, value, look) => svg("rect", { x: left, width: 40, rx: 2, ...look,
      y: 138 - 52 * Math.max(0, value), height: Math.max(0.5, 52 * Math.abs(Math.max(-1.4, value))) });
    fill(bars,
      svg("defs", {}, svg("pattern", { id: "ghosts", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
        svg("rect", { width: 6, height: 6, fill: "var(--soft)" }), svg("rect", { width: 2, height: 6, fill: "var(--muted)" }))),
      svg("line", { x1: 14, x2: 350, y1: 138, y2: 138, stroke: "var(--line)" }),
      ...out.flatMap((value, i) => {
        const left = 24 + 66 * i;
        return [...(relu.value && !x[i] && before[i] < -0.005 ? [bar(left, before[i], { fill: "url(#ghosts)", stroke: "var(--muted)" })] : []),
          bar(left, value, { fill: colour(i) }),
          ...(x[i] ? [bar(left - 4, x[i], { fill: "none", stroke: "var(--ink)", width: 48, "stroke-dasharray": "4 3" })] : []),
          svg("text", { x: left + 20, y: 130 - 52 * Math.max(0, value, x[i]), "text-anchor": "middle" }, minus(value.toFixed(2))),
          svg("text", { x: left + 20, y: 226, "text-anchor": "middle", style: "font-weight:600" }, i)];
      }));
    status.say(attacked ? harm(meant, out, delta) : sentence(x, h, before, out), true);
  }

  function harm(meant, out, delta) {
    const value = (v) => minus(v.toFixed(2));
    const calm = relu.value ? meant.after : meant.before;
    const error = (y) => y.reduce((sum, v, i) => sum + (v - x[i]) ** 2, 0);
    const moved = out.map((v, i) => Math.abs(v - calm[i]));
    const most = moved.indexOf(Math.max(...moved));
    return `No input changes by more than ${value(Math.max(...delta.map(Math.abs)))}. Output ${most} goes from ${value(calm[most])} to ${value(out[most])}; the squared error from ${value(error(calm))} to ${value(error(out))}.`;
  }

  function sentence(x, h, before, out) {
    const all = [...x.keys()];
    const list = (items) => items.join(", ") || "none";
    const value = (v) => minus(v.toFixed(2));
    const read = all.filter((i) => x[i]).map((i) => `${i} as ${value(out[i])}`);
    const ghosts = all.filter((i) => !x[i] && Math.abs(out[i]) > 0.005).map((i) => `${i} at ${value(out[i])}`);
    const deleted = relu.value ? all.filter((i) => !x[i] && before[i] < -0.005).length : 0;
    if (!read.length) return "All off: nothing goes in, and nothing comes out.";
    return `h = (${h.map(value).join(", ")}). Read back: ${list(read)}. Ghosts that stay: ${list(ghosts)}.${deleted ? ` The ReLU deletes ${deleted}.` : ""}`;
  }

  draw();
  address.begin();
  return draw;
}
