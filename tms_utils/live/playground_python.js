// What playground shows, as code of the course's package.
import { matrix, nested, plain } from "./as_python.js";

// One run of the playground: `stages` are its sparsities in turn, weights kept from one to the next.
export function playgroundAsPython({ n, W, b, relu, stages, decay, together, seed, steps }) {
  const features = together === undefined ? `SparseFeatures(${n}, density)`
    : `CorrelatedFeatures(${n}, density, set_size=2, together=${together === 0 ? "density" : `max(density, ${plain(together)})`})`;
  return `import torch

from tms_utils import ${together === undefined ? "SparseFeatures" : "CorrelatedFeatures"}, ToyModel, dimensionality, train
from tms_utils.shapes import geometry_name

# The weights from which the page's run began, (hidden, features).
W = ${matrix(nested(W, n, 2))}
b = torch.tensor([${[...b].map(plain).join(", ")}])
model = ToyModel.with_weights(W, b, relu=${relu ? "True" : "False"})
importance = ${together === undefined ? plain(decay) : "1.0"} ** torch.arange(${n})
for density in [${stages.map((S) => plain(1 - S)).join(", ")}]:  # = 1 - S
    features = ${features}
    record = train(model, features, importance, steps=${steps}, batch_size=256, lr=0.02, seed=${seed})
print("loss", record.loss[-1, 0].item(), "on the last batch")
print(geometry_name(model.W[0]), dimensionality(model.W[0]))
`;
}
