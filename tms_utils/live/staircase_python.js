// What staircase shows, as code of the course's package.
export function staircaseAsPython({ W, n, m, decay, optimiser, steps }) {
  const rows = Array.from({ length: m }, (_, d) => Array.from({ length: n }, (_, i) => +W[i * m + d].toPrecision(5)).join(", "));
  return `import torch

from tms_utils import theory

n, v = ${n}, theory.feature_variance(0.2)
importance = ${decay} ** torch.arange(n, dtype=torch.float64)
# The first weights of the page's run, (hidden, features).
W = torch.tensor([
${rows.map((row) => `    [${row}],\n`).join("")}], dtype=torch.float64, requires_grad=True)
optimiser = torch.optim.${optimiser === "adam" ? "Adam([W], lr=0.001)" : "SGD([W], lr=1.0)"}
lengths, losses = [], []
for step in range(${steps}):
    R = torch.eye(n) - W.mT @ W  # what is not yet reconstructed
    loss = v / n * (importance * R**2).sum()  # with the best bias
    lengths.append((W**2).sum(0).detach())
    losses.append(loss.item())
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
half = (torch.stack(lengths) > 0.5).int().argmax(0)
print("loss", losses[-1], "half learned at steps", half[:${m}].tolist())
`;
}
