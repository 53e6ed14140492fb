// Losses known in closed form. The features are independent and of density p: mean p/2, variance v(p).
import { dot } from "./linear.js";

// Variance of one feature of density p: v(p) = p/3 - p^2/4.
export function variance(p) {
  return p / 3 - (p * p) / 4;
}

// The best any linear model can do: keep the m most important features, answer p/2 for the
// others. A ReLU model can do the same, so for it this is a bound to be beaten.
export function bestLinearLoss(importance, m, p) {
  const dropped = Array.from(importance).sort((a, b) => b - a).slice(m);
  return (dropped.reduce((sum, I) => sum + I, 0) * variance(p)) / importance.length;
}

// The loss of a linear model, exactly. The features are independent, each with mean p/2 and
// variance v(p), so with A = W^T W
//   loss = (1/n) sum_j I_j [ v sum_i (delta_ij - A_ij)^2 + (p/2 - b_j - p/2 sum_i A_ij)^2 ].
export function exactLinearLoss({ n, m, W, b }, importance, p) {
  let loss = 0;
  for (let j = 0; j < n; j++) {
    let spread = 0;
    let shift = p / 2 - b[j];
    for (let i = 0; i < n; i++) {
      const A = dot(W, m, i, j);
      spread += ((i === j) - A) ** 2;
      shift -= (p / 2) * A;
    }
    loss += importance[j] * (variance(p) * spread + shift * shift);
  }
  return loss / n;
}
