// The loss of a model while it trains, one part for each setting in turn: a picture 360 wide and 150 high.
import { grouped, label, line, minus, svg } from "./elements.js";

// `phases`: {S, best, points: [{step, loss}]} each, best <= 0 where there is no dashed line. `now` is the point to mark,
// [phase, step, loss]; `ghost` holds the points of another run.
export function lossCurve(phases, steps, now, ghost) {
  const values = phases.flatMap(({ points, best }) => [...points.map(({ loss }) => loss), best]).filter((v) => v > 1e-12);
  const top = Math.max(...values) * 1.4;
  const low = Math.min(...values) / 1.6;
  const left = 44;
  const width = (356 - left) / phases.length;
  const x = (k, step) => left + width * (k + Math.sqrt(step / steps)); // square-root scale
  const y = (v) => 8 + (116 * Math.log(top / Math.min(top, Math.max(v, low)))) / Math.log(top / low);
  const parts = [line(left, 124, 356, 124, "line")];
  const trace = (k, points, look) => svg("polyline", { fill: "none", "stroke-linejoin": "round", ...look,
    points: points.map(({ step, loss }) => `${x(k, step).toFixed(1)},${y(loss).toFixed(1)}`).join(" ") });
  for (let e = -7; e <= 0; e++) {
    for (const lead of [1, 2, 5]) {
      const v = Number(`${lead}e${e}`);
      if (v < low || v > top || (lead !== 1 && top / low > 30)) continue;
      parts.push(line(left, y(v), 356, y(v), "faint"), label(left - 6, y(v) + 4, v >= 0.001 ? v : minus(v.toExponential(0)), "muted small", "end"));
    }
  }
  if (ghost) parts.push(trace(phases.length - 1, ghost, { stroke: "var(--muted)", "stroke-width": 1.6, "stroke-dasharray": "2 3", class: "ghost" }));
  phases.forEach(({ best, points, S, moved }, k) => {
    if (best > 0) parts.push(line(x(k, 0), y(best), x(k + 1, 0), y(best), "ink", "6 4", { "stroke-width": 1.5 }));
    if (phases.length > 1) parts.push(label(x(k, 0) + 3, 140, moved ? "moved" : `S ${S}`, "muted tiny", "start"));
    if (k > 0) parts.push(line(x(k, 0), 8, x(k, 0), 142, "line"));
    parts.push(trace(k, points, { stroke: "var(--accent)", "stroke-width": 2.2 }));
  });
  if (phases.length === 1) {
    for (const step of [0, 100, 500, 1000, 2000, 3000]) {
      parts.push(line(x(0, step), 124, x(0, step), 128, "line"),
        label(x(0, step), 140, step === 0 ? "step 0" : grouped(step), "muted small", step === 0 ? "start" : step === steps ? "end" : "middle"));
    }
  }
  const [k, step, loss] = now;
  parts.push(svg("circle", { cx: x(k, step), cy: y(loss), r: 3.5, fill: "var(--accent)" }));
  return parts;
}
