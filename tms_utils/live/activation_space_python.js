// What activation_space shows, as code of the course's package.
import { matrix, plain } from "./as_python.js";

export function activationsAsPython({ W, k }) {
  const n = W[0].length;
  return `import matplotlib.pyplot as plt
import torch

from tms_utils import KActiveFeatures, SparseFeatures, plotting

W = ${matrix(W.map((row) => `[${row.map(plain).join(", ")}]`))}  # (hidden, features)
features = ${k ? `KActiveFeatures(${n}, ${k})` : `SparseFeatures(${n}, density=0.05)`}
x = features.sample(3000, torch.Generator().manual_seed(7))[0]  # (batch, features)
h = x @ W.T  # (batch, hidden)
axes = plt.figure().add_subplot(projection="3d")
plotting.plot_directions(W, ax=axes)
axes.scatter(*h.T, s=2, c="0.5")
plt.show()
`;
}
