// Two features in one dimension (n = 2, m = 1): what the competing solutions cost, and the true optimum.
import { variance } from "./closed_forms.js";
import { batchFromDense, lossAndGradient } from "./model.js";

// Loss here is summed over the two features: E[(x_1 - x'_1)^2] + r E[(x_2 - x'_2)^2].

// With W fixed to 0 and +-1, and the bias to 0 or the mean p/2.
export function closedForms(p, r) {
  return { extra: r * variance(p), first: variance(p), both: ((1 + r) * p * p) / 6 };
}

// The true optimum at slider positions i (density) and j (importance), found by the package and sent for
// r <= 1. Row i of the table ends at r = 1 and holds in turn w1, w2 (in hundredths) and the loss (in
// ten-thousandths of the cheapest closed form's), less 100, -100 and 10000; for the smaller r before its start the optimum ignores
// the extra feature. For r > 1 the features swap.
export function optimum({ densities, ratios, optima }, i, j) {
  const middle = (ratios.length - 1) / 2; // where r = 1
  const at = optima[i].length - 3 * (1 + Math.abs(j - middle));
  const [w1, w2, share] = (at < 0 ? [0, 100, 0] : optima[i].slice(at, at + 3)).map((v, k) => v + [100, -100, 10000][k]);
  const loss = (Math.min(...Object.values(closedForms(densities[i], ratios[j]))) * share) / 10000;
  if (j <= middle) return { w: [w1 / 100, w2 / 100], loss };
  return { w: w2 < 0 ? [-w2 / 100, -w1 / 100] : [0, w1 / 100], loss };
}

// Rows with x_1, x_2 or both on. Their values: two Gauss points in each of many cells, which is exact for
// cubics, so but for the cell in which the ReLU bends the mean over the rows is the integral.
const values = (cells) => Array.from({ length: 2 * cells }, (_, k) => ((k >> 1) + 0.5 + ((k & 1) - 0.5) / Math.sqrt(3)) / cells);
const ROWS = {
  neither: batchFromDense([0, 0], 2),
  first: batchFromDense(values(250).flatMap((x) => [x, 0]), 2),
  second: batchFromDense(values(250).flatMap((x) => [0, x]), 2),
  both: batchFromDense(values(25).flatMap((x) => values(25).flatMap((y) => [x, y])), 2),
};

// A model's loss over the four patterns, without sampling: right to about four digits.
export function patternLoss(model, p, r) {
  const on = (rows) => 2 * lossAndGradient(model, [1, r], ROWS[rows]);
  return (1 - p) ** 2 * on("neither") + p * (1 - p) * (on("first") + on("second")) + p * p * on("both");
}

// What an optimum is called. No optimum has a smaller weight between 0.53 and 0.64: there it jumps.
export function nameOf([w1, w2]) {
  const less = Math.min(Math.abs(w1), Math.abs(w2));
  if (less > 0.58) return "antipodal pair";
  const ignored = Math.abs(w1) < Math.abs(w2) ? "first" : "extra";
  return less > 0.02 ? `leaning: the ${ignored} feature a little` : `ignore the ${ignored} feature`;
}
