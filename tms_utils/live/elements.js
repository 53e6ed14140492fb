// What pictures are made of: elements, numbers as text, arrows.
import { palette } from "./palette.js"; // the course's colours, sent by figure.py

export const colour = (i) => palette[i % palette.length];

function make(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}
export const el = (tag, attributes = {}, ...children) =>
  make(document.createElement(tag), attributes, children);
export const svg = (tag, attributes = {}, ...children) =>
  make(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);

// Replace what an element holds.
export const fill = (node, ...children) => node.replaceChildren(...children.flat());

// A picture that scales with its box. The description is what a screen reader says.
export function picture(width, height, description) {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": description });
}

// A word or number in a picture: on the middle of (x, y), or with another anchor; `look` is a class.
export const label = (x, y, words, look = "", anchor = "middle", more = {}) =>
  svg("text", { x, y, "text-anchor": anchor, class: look, ...more }, words);

// A straight line.
export const line = (x1, y1, x2, y2, stroke, dash, more = {}) =>
  svg("line", { x1, y1, x2, y2, stroke: `var(--${stroke})`, "stroke-dasharray": dash, ...more });

// What a picture shows, above it. Not a heading: its words may change while a model trains.
export const caption = (text, ...small) => el("p", { class: "caption" }, text, " ", ...small);

// Where in a picture, in its own units, the reader points.
export const pointedAt = (node, event) => new DOMPoint(event.clientX, event.clientY).matrixTransform(node.getScreenCTM().inverse());

export const minus = (text) => String(text).replace("-", "\u2212");
export const grouped = (k) => String(Math.round(k)).replace(/\B(?=(\d{3})+$)/g, ",");
export const digits = (x) => (x === 0 ? "0" : minus(x < 1e-4 ? x.toExponential(1) : x.toPrecision(3)));

// An arrow from (x0, y0) to (x1, y1) with its head at the tip.
export function arrow(x0, y0, x1, y1, paint, { width = 2.5, head = 9 } = {}) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  const size = Math.min(head, length);
  const ux = (x1 - x0) / (length || 1);
  const uy = (y1 - y0) / (length || 1);
  const bx = x1 - size * ux;
  const by = y1 - size * uy;
  const point = (x, y) => `${x.toFixed(1)},${y.toFixed(1)}`;
  const wing = 0.42 * size;
  return svg(
    "g",
    {},
    svg("line", { x1: x0.toFixed(1), y1: y0.toFixed(1), x2: bx.toFixed(1), y2: by.toFixed(1),
      stroke: paint, "stroke-width": width, "stroke-linecap": "round" }),
    svg("polygon", { fill: paint, points: [point(x1, y1), point(bx - wing * uy, by + wing * ux),
      point(bx + wing * uy, by - wing * ux)].join(" ") }),
  );
}
