// The learning rate of the package's `learning_rate`: up along a line for a tenth of the steps, then down along a cosine.
export function learningRate(step, steps, peak) {
  const ramp = Math.max(1, Math.round(0.1 * steps));
  if (step < ramp) return (peak * (step + 1)) / ramp;
  return peak * 0.5 * (1 + Math.cos((Math.PI * (step - ramp + 1)) / (steps - ramp + 1)));
}
