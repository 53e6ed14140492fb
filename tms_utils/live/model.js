// The toy model of the live figures: sparse data, the exact gradient, Adam. Double precision throughout.
//
//   h = W x                     hidden activations, m numbers
//   x' = ReLU(W^T h + b)        reconstruction, n numbers (no ReLU in the linear model)
//   loss = mean over rows and features of  I_i (x_i - x'_i)^2
//
// W is stored feature by feature: W[i * m + d] is coordinate d of feature i's direction W_i.
import { normal } from "./random.js";

// ---- data -----------------------------------------------------------------------------------

// A batch keeps only the entries that are not zero, row after row, and only the rows that have
// any. Row r holds entries start[r] .. start[r + 1] - 1; its weight in the loss is rowWeight.
// Rows without an active feature all look alike, so they count once, with weight emptyWeight.
export function makeBatch(n, rows) {
  return {
    n,
    rows: 0,
    start: new Int32Array(rows + 1),
    feature: new Int32Array(rows * n),
    value: new Float64Array(rows * n),
    rowWeight: 0,
    emptyWeight: 0,
  };
}

// Draw rows *given that at least one feature is active*: each x_i is 0 with probability
// S = 1 - density and else uniform in [0, 1). The empty rows, a fraction S^n of all, enter the
// loss exactly through emptyWeight, so no work is spent on them and nothing is biased.
// With size 2, pairs are drawn in this way instead; a feature of a pair is on with probability together.
export function sampleBatch(batch, density, random, size = 1, together = 1) {
  const { start, feature, value } = batch;
  const n = batch.n / size;
  const rows = start.length - 1;
  density /= together;
  const empty = (1 - density) ** n;
  const logS = Math.log(1 - density); // -Infinity when density = 1
  let k = 0;
  for (let r = 0; r < rows; r++) {
    // The first active feature is geometric, cut off at n; each later one is an own coin.
    const first = density < 1 ? Math.floor(Math.log(1 - random() * (1 - empty)) / logS) : 0;
    for (let i = Math.min(first, n - 1); i < n; i++) {
      if (i > first && random() >= density) continue;
      for (let j = size * i; j < size * (i + 1); j++) {
        if (together < 1 && random() >= together) continue;
        feature[k] = j;
        value[k++] = random();
      }
    }
    start[r + 1] = k;
  }
  batch.rows = rows;
  batch.rowWeight = (1 - empty) / rows;
  batch.emptyWeight = empty;
  return batch;
}

// The same structure from a dense array x[row * n + i]: the plain mean over its rows.
export function batchFromDense(x, n) {
  const total = x.length / n;
  const batch = makeBatch(n, total);
  let k = 0;
  for (let row = 0; row < total; row++) {
    const before = k;
    for (let i = 0; i < n; i++) {
      if (x[row * n + i] !== 0) {
        batch.feature[k] = i;
        batch.value[k++] = x[row * n + i];
      }
    }
    if (k > before) batch.start[++batch.rows] = k;
  }
  batch.rowWeight = 1 / total;
  batch.emptyWeight = (total - batch.rows) / total;
  return batch;
}

// ---- model ----------------------------------------------------------------------------------

// A fresh model: W normal with half the Xavier scale, as ToyModel's, and b = 0.
export function makeModel(n, m, { relu = true, random }) {
  const scale = 0.5 * Math.sqrt(2 / (n + m));
  const W = Float64Array.from({ length: n * m }, () => scale * normal(random));
  return { n, m, relu, W, b: new Float64Array(n) };
}

// Loss of a model on a batch; with gW and gb given, its gradient is written there.
//   dL/dz_j = 2 w I_j (x'_j - x_j) [z_j > 0] / n,       z = W^T h + b
//   dL/db_j = dL/dz_j,   dL/dW_j = dL/dz_j h + x_j dL/dh,   dL/dh = sum_j dL/dz_j W_j
export function lossAndGradient(model, importance, batch, gW = null, gb = null) {
  const { n, m, relu, W, b } = model;
  const { rows, start, feature, value, rowWeight, emptyWeight } = batch;
  if (m === 2 && gW) return lossAndGradientInPlane(model, importance, batch, gW, gb);
  const x = new Float64Array(n);
  const h = new Float64Array(m);
  const dh = new Float64Array(m);
  let loss = 0;
  if (gW) gW.fill(0);
  if (gb) gb.fill(0);
  for (let r = 0; r < rows; r++) {
    const first = start[r];
    const last = start[r + 1];
    for (let d = 0; d < m; d++) h[d] = dh[d] = 0;
    for (let k = first; k < last; k++) {
      const i = feature[k];
      x[i] = value[k];
      for (let d = 0; d < m; d++) h[d] += value[k] * W[i * m + d]; // h = W x
    }
    for (let j = 0; j < n; j++) {
      let z = b[j];
      for (let d = 0; d < m; d++) z += W[j * m + d] * h[d]; // z = W^T h + b
      const error = (relu && z <= 0 ? 0 : z) - x[j];
      loss += rowWeight * importance[j] * error * error;
      if (gW && error !== 0 && !(relu && z <= 0)) {
        const dz = (2 * rowWeight * importance[j] * error) / n;
        gb[j] += dz;
        for (let d = 0; d < m; d++) {
          gW[j * m + d] += dz * h[d];
          dh[d] += dz * W[j * m + d];
        }
      }
    }
    for (let k = first; k < last; k++) {
      const i = feature[k];
      if (gW) for (let d = 0; d < m; d++) gW[i * m + d] += value[k] * dh[d];
      x[i] = 0;
    }
  }
  return (loss + emptyRows(model, importance, emptyWeight, gb)) / n;
}

// Rows without an active feature: h = 0, so x'_j = ReLU(b_j).
function emptyRows({ n, relu, b }, importance, emptyWeight, gb) {
  let loss = 0;
  for (let j = 0; j < n; j++) {
    const out = relu && b[j] <= 0 ? 0 : b[j];
    loss += emptyWeight * importance[j] * out * out;
    if (gb) gb[j] += (2 * emptyWeight * importance[j] * out) / n;
  }
  return loss;
}

// The same, written out for m = 2: the loop in which the page spends its time. Summing
// dL/dz_j h over rows and adding x_j dL/dh only where x_j is active keeps it to one pass.
function lossAndGradientInPlane({ n, relu, W, b }, importance, batch, gW, gb) {
  const { rows, start, feature, value, rowWeight, emptyWeight } = batch;
  const x = new Float64Array(n);
  const scale = Float64Array.from(importance, (I) => (2 * rowWeight * I) / n);
  const floor = relu ? 0 : -Infinity;
  let loss = 0;
  gW.fill(0);
  gb.fill(0);
  for (let r = 0; r < rows; r++) {
    const first = start[r];
    const last = start[r + 1];
    let h0 = 0;
    let h1 = 0;
    for (let k = first; k < last; k++) {
      const i = feature[k];
      x[i] = value[k];
      h0 += value[k] * W[2 * i];
      h1 += value[k] * W[2 * i + 1];
    }
    let dh0 = 0;
    let dh1 = 0;
    for (let j = 0; j < n; j++) {
      const w0 = W[2 * j];
      const w1 = W[2 * j + 1];
      const z = w0 * h0 + w1 * h1 + b[j];
      if (z > floor) {
        const error = z - x[j];
        const dz = scale[j] * error;
        loss += 0.5 * dz * error;
        gb[j] += dz;
        gW[2 * j] += dz * h0;
        gW[2 * j + 1] += dz * h1;
        dh0 += dz * w0;
        dh1 += dz * w1;
      } else loss += 0.5 * scale[j] * x[j] * x[j];
    }
    for (let k = first; k < last; k++) {
      const i = feature[k];
      gW[2 * i] += value[k] * dh0;
      gW[2 * i + 1] += value[k] * dh1;
      x[i] = 0;
    }
  }
  return loss + emptyRows({ n, relu, b }, importance, emptyWeight, gb) / n;
}

// ---- training -------------------------------------------------------------------------------

// Adam (Kingma & Ba 2015) on one array of parameters.
export function adam(parameters, { beta1 = 0.9, beta2 = 0.99, epsilon = 1e-12 } = {}) {
  const mean = new Float64Array(parameters.length);
  const square = new Float64Array(parameters.length);
  let c1 = 1;
  let c2 = 1;
  return (gradient, rate) => {
    c1 *= beta1;
    c2 *= beta2;
    for (let k = 0; k < parameters.length; k++) {
      const g = gradient[k];
      mean[k] = beta1 * mean[k] + (1 - beta1) * g;
      square[k] = beta2 * square[k] + (1 - beta2) * g * g;
      parameters[k] -= (rate * mean[k]) / (1 - c1) / (Math.sqrt(square[k] / (1 - c2)) + epsilon);
    }
  };
}

// A training run of `steps` steps: call step() until done. The learning rate falls from `rate`
// to zero along a half cosine, so that a finished run has settled.
export function makeRun(model, { density, importance, random, size, together, steps = 3000, rate = 0.02, rows = 256 }) {
  const batch = makeBatch(model.n, rows);
  const gW = new Float64Array(model.W.length);
  const gb = new Float64Array(model.n);
  const updateW = adam(model.W);
  const updateB = adam(model.b);
  return {
    model,
    steps,
    done: 0,
    step() {
      sampleBatch(batch, density, random, size, together);
      const loss = lossAndGradient(model, importance, batch, gW, gb);
      const eta = rate * 0.5 * (1 + Math.cos((Math.PI * this.done) / steps));
      updateW(gW, eta);
      updateB(gb, eta);
      this.done += 1;
      return loss;
    },
  };
}
