// What the weights of a model in the plane look like, apart from its arrows: parts of pictures 360 wide.
// Feature `lit`, if any, stands out.
import { label, line, minus, svg } from "./elements.js";
import { dimensionalities, featureNorms, superposition } from "./geometry.js";
import { dot } from "./linear.js";

const dim = (lit, i) => (lit < 0 || lit === i ? 1 : 0.35);

// Bars for the norm of each feature (up) and its superposition (down, hatched); below them D, its share of a dimension.
export function normBars(model, hue, lit = -1) {
  const norms = featureNorms(model);
  const shared = superposition(model);
  const shares = dimensionalities(model);
  const middle = 82;
  const up = 58 / Math.max(1.3, ...norms);
  const down = 46 / Math.max(1, ...shared.filter((_, i) => norms[i] > 0.1));
  const width = 312 / model.n;
  const bar = Math.min(30, 0.62 * width);
  const stripes = svg("pattern", { id: "stripes", width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
    svg("rect", { width: 5, height: 5, fill: "var(--soft)" }), svg("rect", { width: 2.4, height: 5, fill: "var(--muted)" }));
  const parts = [svg("defs", {}, stripes),
    ...[[middle - 8 - up, "1"], [middle + 8 + down, "1"]].flatMap(([y, one]) =>
      [line(40, y, 356, y, "line", "3 4"), label(36, y + 4, one, "muted small", "end")]),
    label(36, 160, "D", "muted small", "end")];
  for (let i = 0; i < model.n; i++) {
    const x = 44 + width * (i + 0.5) - bar / 2;
    parts.push(svg("g", { opacity: dim(lit, i), class: i === lit ? "lit" : "" },
      svg("rect", { x, width: bar, y: middle - 8 - up * norms[i], height: up * norms[i], rx: 2, fill: hue(i) }),
      // A feature that is hardly represented has no direction to speak of.
      ...(norms[i] > 0.1 && shared[i] > 0.01 ? [svg("rect", { x, width: bar, y: middle + 8, height: down * shared[i],
        rx: 2, fill: "url(#stripes)", stroke: "var(--muted)" })] : []),
      label(x + bar / 2, middle + 4, i, "bold"),
      label(x + bar / 2, 160, norms[i] > 0.1 ? shares[i].toFixed(2) : "\u2013")));
  }
  return parts;
}

// W^T W in colours and numbers, and the bias beside it. The features lie in the plane.
export function heat({ n, W, b }, lit = -1) {
  const width = 322 / (n + 1.4);
  const height = 180 / n;
  const parts = [];
  const cell = (x, y, v, i) => {
    const strength = Math.min(1, Math.abs(v) / 1.4);
    const text = Math.abs(v) < 0.05 ? "0" : minus(v.toFixed(1)).replace(/^(\u2212?)0/, "$1");
    parts.push(svg("g", { opacity: dim(lit, i), class: i === lit ? "lit" : "" },
      svg("rect", { x, y, width: width - 1.5, height: height - 1.5, rx: 2,
        fill: strength < 0.03 ? "var(--soft)" : `rgba(var(--${v > 0 ? "positive" : "negative"}), ${(0.62 * strength).toFixed(2)})` }),
      label(x + width / 2 - 1, y + height / 2 + 3.5, text, text === "0" ? "muted" : "")));
  };
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) cell(22 + width * j, height * i, dot(W, 2, i, j), i);
    cell(22 + width * (n + 0.4), height * i, b[i], i);
    parts.push(label(12, height * (i + 0.5) + 3.5, i, "muted"), label(22 + width * (i + 0.5), 195, i, "muted"));
  }
  parts.push(label(22 + width * (n + 0.9), 195, "b"));
  return parts;
}
