"""Exercises of chapter 3, "Sparsity sweeps"."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tms_utils.checks.chapter_03_exact import check_lifted, check_one_hot
from tms_utils.checks.draws import sparse_sampler
from tms_utils.checks.exercise import Slip, as_number, as_tensor, exercise, require

__all__ = [
    "check_balanced",
    "check_draw",
    "check_gradient_size",
    "check_lifted",
    "check_one_hot",
]

# 3.1 ----------------------------------------------------------------------------------------


def _split(
    W: Tensor, V: Tensor, for_W: Callable, for_V: Callable, keep: int | None = None
) -> tuple[Tensor, Tensor]:
    """W' and V' from the singular values of VᵀW, of which each side gets a function."""
    U, sigma, R = torch.linalg.svd(V.mT @ W)
    m = keep or len(W)
    return for_W(sigma[:m, None]) * R[:m], for_V(sigma[:m, None]) * U[:, :m].mT


def _balanced(W: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
    return _split(W, V, torch.sqrt, torch.sqrt)


def _scaled(W: Tensor, V: Tensor) -> tuple[Tensor, Tensor]:
    factor = (V.norm(dim=0) / W.norm(dim=0)).sqrt()
    return factor * W, V / factor


_FULL_RANK = Slip(
    lambda W, V: _split(W, V, torch.sqrt, torch.sqrt, keep=W.shape[1]),
    "W' and V' have shapes {got}; (hidden, features) = {shape} is expected. Keep only the first m singular values: the "
    "others are zero.",
)
_ONE_SIDED = Slip(
    lambda W, V: _split(W, V, lambda sigma: sigma, torch.ones_like),
    "The product is right, but W'W'ᵀ and V'V'ᵀ differ: one side carries more than the other. Give each the square root "
    "of the singular values.",
)
_UNCHANGED = Slip(
    lambda W, V: (W, V), "Those are W and V as they came, and W Wᵀ is not V Vᵀ: nothing has been balanced."
)
_EXCHANGED = Slip(
    lambda W, V: _balanced(W, V)[::-1], "V'ᵀW' is the transpose of VᵀW: you have exchanged the two sides."
)
_BY_FEATURE = Slip(
    _scaled,
    "The diagonal of V'ᵀW' is right, but not the rest. Scaling each feature on its own is not a change of basis: it "
    "changes what features do to each other.",
)
_NO_ROOT = Slip(
    lambda W, V: _split(W, V, lambda sigma: sigma, lambda sigma: sigma),
    "V'ᵀW' has each singular value of VᵀW squared: both sides got all of it. Give each the square root.",
)
_ONLY_ONE = Slip(lambda W, V: _balanced(W, V)[0], "Return two matrices: W' and V'.")


@exercise(
    "3.1",
    right=_balanced,
    slips=[_FULL_RANK, _ONE_SIDED, _UNCHANGED, _EXCHANGED, _BY_FEATURE, _NO_ROOT, _ONLY_ONE],
)
def check_balanced(attempt: Callable) -> str:
    """``attempt(W, V)`` on a random pair of matrices, in no basis that it could know."""
    m, n = 4, 9
    W, V = torch.randn(2, m, n, generator=torch.Generator().manual_seed(31))
    result = attempt(W.clone(), V.clone())
    is_pair = isinstance(result, list | tuple) or getattr(result, "ndim", 0) == 3
    require(is_pair and len(result) == 2, _ONLY_ONE)
    new_W, new_V = (as_tensor(matrix, what=what) for matrix, what in zip(result, ("W'", "V'"), strict=True))
    shapes = tuple(new_W.shape), tuple(new_V.shape)
    require(shapes == ((m, n), (m, n)), _FULL_RANK, got=f"{shapes[0]} and {shapes[1]}", shape=(m, n))

    def same(A: Tensor, B: Tensor) -> bool:
        return bool((A - B).norm() < 1e-3 * B.norm())

    product, new = V.T @ W, new_V.T @ new_W
    if not same(new, product):
        require(not same(new, product.T), _EXCHANGED)
        require(not same(new.diag(), product.diag()), _BY_FEATURE)
        squared_W, squared_V = _NO_ROOT.answer(W, V)
        require(not same(new, squared_V.T @ squared_W), _NO_ROOT)
        wrong = (new - product).norm() / product.norm()
        require(
            False,
            f"V'ᵀW' differs from VᵀW by {wrong:.0%} of its size: the model would answer something else.",
        )
    balanced = same(new_W @ new_W.T, new_V @ new_V.T)
    require(balanced or not same(new_W, W), _UNCHANGED)
    require(balanced, _ONE_SIDED)
    return "Norms can be compared again: no other change of basis keeps both sides equal, rotations apart."


# 3.2 ----------------------------------------------------------------------------------------

_SIZES = {
    exponent: Slip(10.0**exponent, message)
    for exponent, message in {
        -2: "Far too large: that would do for the most important feature on in every row.",
        -4: "Too large. Have you multiplied by all three: 1/n, the importance and the density?",
        -6: "Too large by about a hundred: one small factor is missing. Is feature 19 on in every row, or in one of a "
        "thousand?",
        -7: "Near, but too large. After 1/n · I · p ≈ 6e-8, the rest is about a third: E[x²] = 1/3, and 4 |W| ≈ 1.",
        -9: "Near, but too small. After 1/n · I · p ≈ 6e-8, the rest is about a third: E[x²] = 1/3, and 4 |W| ≈ 1.",
        -10: "Too small by about a hundred. The density counts once: rows in which feature 19 is off give its direction "
        "almost nothing, but those in which it is on count in full.",
    }.items()
}
_EXPONENT = Slip(-8, "A length is above 0. If you mean the exponent, write {value:g} as 1e{value:g}.")
_ZERO = Slip(0.0, "Very small, but not 0: the feature is on now and then, and answered wrongly.")


@exercise(
    "3.2",
    right=1e-8,
    slips=[*_SIZES.values(), _EXPONENT, _ZERO],
    choices=["1e-2", "1e-4", "1e-6", "1e-8", "1e-10"],
)
def check_gradient_size(prediction: Any) -> str:
    """The nearest power of ten to (4/3) |W_19| (1 - |W_19|²) I_19 p / n, which is 2e-8."""
    value = as_number(prediction)
    require(value >= 0, _EXPONENT, value=value)
    require(value > 0, _ZERO)
    exponent = round(math.log10(value))
    require(exponent not in _SIZES, _SIZES.get(exponent, ""))
    require(exponent == -8, f"About 10^{exponent} is far off; multiply 1/n, I and p first.")
    return "It is as large as Adam's default ε, which is meant to be negligible beside the gradients."


# 3.3 ----------------------------------------------------------------------------------------

check_draw = sparse_sampler(
    "3.3",
    came="4374a50463757964",
    offer=lambda draw: lambda rows, n, density, generator: draw((rows, n), density, generator),
    ask=lambda attempt, rows, p, generator: attempt(rows, 10, p, generator),
    shape=lambda rows: {"rows": rows, "n": 10},
    praise="Sparser must mean rarer, not smaller: else the loss falls with p³, and a sweep over p changes two things at once.",
)
