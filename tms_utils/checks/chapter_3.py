"""Checks of chapter 3, "Sparsity sweeps"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.verdict import exercise, require
from tms_utils.features import SparseFeatures
from tms_utils.models import ToyModel

__all__ = ["check_balanced", "check_draw", "check_gradient_size", "check_one_hot"]


@exercise("3.1")
def check_balanced(attempt: Callable) -> str:
    """``attempt(W, V)`` on a random pair of matrices, in no basis that it could know."""
    generator = torch.Generator().manual_seed(31)
    m, n = 4, 9
    W, V = torch.randn(2, m, n, generator=generator)
    result = attempt(W.clone(), V.clone())
    require(isinstance(result, tuple) and len(result) == 2, "Return two matrices: W' and V'.")
    new_W, new_V = (torch.as_tensor(matrix).detach() for matrix in result)
    for name, matrix in (("W'", new_W), ("V'", new_V)):
        require(
            matrix.shape == (m, n),
            f"{name} has shape {tuple(matrix.shape)}; (hidden, features) = {(m, n)} is expected. "
            "Keep only the first m singular values: the others are zero.",
        )
    product = V.T @ W
    wrong = (new_V.T @ new_W - product).norm() / product.norm()
    slips = (
        (new_V.T @ new_W, product.T, "V'ᵀW' is the transpose of VᵀW: you have exchanged the two sides."),
        (
            (new_V.T @ new_W).diagonal(),
            product.diagonal(),
            "The diagonal of V'ᵀW' is right, but not the rest. Scaling each feature on its own is not "
            "a change of basis: it changes what features do to each other.",
        ),
    )
    for given, same, message in slips:
        require(wrong < 1e-3 or (given - same).norm() > 1e-3 * same.norm(), message)
    require(
        wrong < 1e-3,
        f"V'ᵀW' differs from VᵀW by {wrong:.0%} of its size: the model would answer something else.",
    )
    gram_W, gram_V = new_W @ new_W.T, new_V @ new_V.T
    require(
        (gram_W - gram_V).norm() < 1e-3 * gram_W.norm(),
        "The product is right, but W'W'ᵀ and V'V'ᵀ differ: one side carries more than the other. "
        "Give each the square root of the singular values.",
    )
    return "Norms can be compared again: no other change of basis keeps both sides equal, rotations apart."


@exercise("3.2")
def check_gradient_size(prediction: float | Tensor) -> str:
    """The nearest power of ten to the gradient of feature 19's own term, at p = 0.001."""
    n, m, density = 20, 5, 0.001
    importance = 0.7 ** torch.arange(n)
    features = SparseFeatures(n, density).expand(32)
    model = ToyModel(n, m, 32, generator=torch.Generator().manual_seed(32))
    x, weight = features.sample_weighted(2**11, torch.Generator().manual_seed(33))
    own = importance * (torch.arange(n) == n - 1)
    model.set_gradients(x, weight[..., None] * own / n)
    right = round(model.W.grad[:, :, -1].norm(dim=1).median().log10().item())
    exponent = round(torch.tensor(float(prediction)).log10().item())
    misses = {
        right + 6: "Far too large: that would do for the most important feature on in every row.",
        right + 4: "Too large. Have you multiplied by all three: 1/n, the importance and the density?",
        right
        + 2: "Too large by about a hundred: one small factor is missing. Is feature 19 on in every row, "
        "or in one of a thousand?",
        right - 2: "Too small by about a hundred. The density counts once: rows in which feature 19 is off "
        "give its direction almost nothing, but those in which it is on count in full.",
    }
    require(
        exponent == right,
        misses.get(exponent, f"About 10^{exponent} is far off; multiply 1/n, I and p first."),
    )
    return "It is as large as Adam's default ε, which is meant to be negligible beside the gradients."


@exercise("3.3")
def check_draw(attempt: Callable) -> str:
    """``attempt(rows, n, density, generator)`` must switch and draw independently."""
    rows, n = 2**14, 10
    for density in (1.0, 0.5, 0.1, 0.02):
        x = torch.as_tensor(attempt(rows, n, density, torch.Generator().manual_seed(34)))
        require(x.shape == (rows, n), f"Expected shape (rows, n) = {(rows, n)}; got {tuple(x.shape)}.")
        on = x != 0
        share = on.float().mean().item()
        error = 6 * (density * (1 - density) / x.numel()) ** 0.5 + 1e-3
        require(
            abs(share - (1 - density)) > error or abs(share - density) <= error,
            f"At density {density:g} a share of {share:.2f} is on: you have exchanged density and sparsity.",
        )
        require(
            abs(share - density) <= error,
            f"At density {density:g} a share of {share:.3f} of the entries is on; it should be {density:g}.",
        )
        values = x[on]
        require(bool((values > 0).all() and (values <= 1).all()), "Active values must lie between 0 and 1.")
        mean, largest = values.mean().item(), values.max().item()
        require(
            largest > 1.2 * density or density > 0.8,
            f"At density {density:g} the largest active value is {largest:.2f}. The number that decides *whether* "
            "an entry is on also decides *how large* it is, so only small values survive.",
        )
        noise = 6 * (1 / 12 / len(values)) ** 0.5
        require(
            abs(mean - 0.5) <= noise,
            f"At density {density:g} active values have mean {mean:.2f}; those of U[0, 1) have 0.50.",
        )
        require(
            abs(values.var().item() - 1 / 12) < noise,
            f"At density {density:g} active values have variance {values.var():.3f}; those of U[0, 1) have 0.083.",
        )
        both = (on[:, 0] & on[:, 1]).float().mean().item()
        require(
            abs(both - density**2) <= 6 * (density**2 / rows) ** 0.5,
            "Features switch on together: draw the switch of each entry on its own, not one for a whole row.",
        )
    return "Sparser must mean rarer, not smaller: else the loss falls with p³, and its gradients soon reach Adam's ε."


@exercise("3.4")
def check_one_hot(attempt: Callable) -> str:
    """``attempt()`` returns W and b that reproduce the rows of the identity."""
    result = attempt()
    require(isinstance(result, tuple) and len(result) == 2, "Return W and b.")
    W, b = (torch.as_tensor(tensor).detach().float() for tensor in result)
    require(W.shape == (5, 20), f"Expected W of shape (5, 20); got {tuple(W.shape)}.")
    require(b.shape == (20,), f"Expected b of shape (20,); got {tuple(b.shape)}.")
    out = (W.T @ W + b).relu()  # row i: the answer to x = e_i
    own, others = out.diagonal(), out - torch.diag(out.diagonal())
    _require_own(own, others, b)
    wrong = int((others > 1e-3).sum())
    require(
        wrong == 0,
        f"Each feature answers 1 to itself, but {wrong} of the 380 other answers are above 0, "
        f"up to {others.max():.2f}. Longer arrows and a deeper bias raise the bar.",
    )
    return "Without magnitudes to report, any number of features fits: unit rows make another task of it."


def _require_own(own: Tensor, others: Tensor, b: Tensor) -> None:
    silent = int((own < 1e-3).sum())
    require(
        silent == 0,
        f"{silent} of the 20 features answer 0 even to themselves: |W_i|² + b_i must be 1, and b_i is about {b.min():.2f}.",
    )
    require(
        bool(((own - 1).abs() < 1e-3).all()),
        f"A feature's answer to itself must be exactly 1; yours range from {own.min():.3f} to {own.max():.3f}. "
        "Choose b_i = 1 - |W_i|².",
    )
