// What the weights of a model in the plane look like, apart from its arrows: parts of pictures 360 wide.
import { dot, featureNorms, superposition } from "./geometry.js";
import { minus, svg } from "./ui.js";

// Bars for the norm of each feature (up) and its superposition (down, hatched).
export function normBars(model, hue) {
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
  return parts;
}

// W^T W in colours and numbers, and the bias beside it. The features lie in the plane.
export function heat({ n, W, b }) {
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
  return parts;
}
