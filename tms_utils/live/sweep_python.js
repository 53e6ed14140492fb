// What sweep shows, as code of the course's package.
import { plain } from "./as_python.js";

export function sweepAsPython({ n, m, p, decay, seed, steps }) {
  return `import torch

from tms_utils import SparseFeatures, ToyModel, geometry, train

model = ToyModel(${n}, ${m}, generator=${seed})
features = SparseFeatures(${n}, density=${plain(p)})
train(model, features, ${plain(decay)} ** torch.arange(${n}), steps=${steps}, seed=${seed})
W = model.W.detach()[0]
print("features kept:", int((geometry.feature_norms(W) > 0.5).sum()))
print("their shares of a dimension add up to", round(geometry.dimensionality(W).sum().item(), 1))
`;
}
