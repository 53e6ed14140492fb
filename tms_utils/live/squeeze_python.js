// What squeeze shows, as code of the course's package.
import { matrix, nested, plain } from "./as_python.js";

export function squeezeAsPython({ W, b, relu, x }) {
  return `import torch

from tms_utils import ToyModel

W = ${matrix(nested(W.flat(), W.length, 2))}  # (hidden, features)
b = torch.tensor([${b.map(plain).join(", ")}])
model = ToyModel.with_weights(W, b, relu=${relu ? "True" : "False"})
x = torch.tensor([${x.map(plain).join(", ")}], dtype=torch.float)
with torch.no_grad():
    print("h", model.hidden(x[None, None])[0, 0].tolist())
    print("read back", model(x[None, None])[0, 0].tolist())
`;
}
