// What many_seeds shows, as code of the course's package.
import { plain } from "./as_python.js";

export function manySeedsAsPython({ S, decay, seed, models, steps }) {
  return `from collections import Counter

import torch

from tms_utils import SparseFeatures, ToyModel, train
from tms_utils.shapes import geometry_name

model = ToyModel(5, 2, n_instances=${models}, generator=${seed})
features = SparseFeatures(5, density=${plain(1 - S)})
train(model, features, ${plain(decay)} ** torch.arange(5), steps=${steps}, batch_size=128, seed=${seed})
print(Counter(geometry_name(W) for W in model.W))
`;
}
