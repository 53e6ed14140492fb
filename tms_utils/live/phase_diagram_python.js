// What phase_diagram shows, as code of the course's package.

export function phaseDiagramAsPython({ p, r, steps }) {
  return `import torch

from tms_utils import SparseFeatures, ToyModel, train
from tms_utils.theory import two_feature_loss, two_feature_optimum

p, r = ${p}, ${r}  # density, importance of the second feature
model = ToyModel(2, 1, n_instances=8, generator=0)
train(model, SparseFeatures(2, density=p), [1, r], steps=${steps}, batch_size=128)
W, b = model.W.detach()[:, 0].double(), model.b.detach().double()
print("trained", 2 * two_feature_loss(W, b, density=p, r=r))  # the sum over the features
found = two_feature_optimum(density=torch.tensor(p).double(), r=torch.tensor(r).double())
print("optimum", 2 * found.loss.item(), found.w.tolist())
`;
}
