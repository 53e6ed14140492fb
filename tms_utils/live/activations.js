// Where h = W x goes in three dimensions: samples, and how a picture of them is turned.
import { palette } from "./palette.js";

// Hidden activations h = W x of `count` samples. With k > 0 exactly k features are active,
// with k = 0 each is active with probability 0.05 (and samples with none are left out).
// The colour is the mean of the active features' colours, weighted by their values.
export function sampleActivations(W, k, count, random) {
  const n = W[0].length;
  const rgb = palette.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const samples = [];
  while (samples.length < count) {
    let active = [];
    if (k === 0) active = [...Array(n).keys()].filter(() => random() < 0.05);
    while (active.length < Math.min(k, n)) {
      const i = Math.floor(random() * n);
      if (!active.includes(i)) active.push(i);
    }
    if (active.length === 0) continue;
    const x = active.map(() => random());
    const h = W.map((row) => active.reduce((sum, i, a) => sum + row[i] * x[a], 0));
    const total = x.reduce((sum, v) => sum + v, 1e-9);
    const mix = [0, 1, 2].map((c) => active.reduce((sum, i, a) => sum + (rgb[i % rgb.length][c] * x[a]) / total, 0));
    samples.push({ h, active, paint: `rgb(${mix.map(Math.round).join(",")})` });
  }
  return samples;
}

// Rotate the view (a 3 x 3 matrix, rows = screen axes) about screen axis 0 (across) or 1 (up).
export function rotate(view, axis, angle) {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const [p, q] = axis === 0 ? [1, 2] : [2, 0];
  const out = view.map((row) => [...row]);
  for (let d = 0; d < 3; d++) {
    out[p][d] = c * view[p][d] - s * view[q][d];
    out[q][d] = s * view[p][d] + c * view[q][d];
  }
  return out;
}
