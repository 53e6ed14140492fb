"""Exercises 3.4 and 3.5: matrices that store twenty features without loss, found without training."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.exercise import Slip, as_tensor, exercise, require

__all__ = ["check_lifted", "check_one_hot"]

# 3.4 ----------------------------------------------------------------------------------------


def _directions() -> Tensor:
    W = torch.randn(5, 20, generator=torch.Generator().manual_seed(7))
    return W / W.norm(dim=0)


def _long_arrows(longer: float = 1.01) -> tuple[Tensor, Tensor]:
    """All of one length, so long that no other output rises above the bias (``longer`` = 1: just)."""
    W = _directions()
    rho_squared = longer / (1 - (W.T @ W - 2 * torch.eye(20)).max())
    return rho_squared.sqrt() * W, (1 - rho_squared).expand(20)


_OTHERS_ANSWER = Slip(
    lambda: (_directions(), torch.zeros(20)),
    "Each feature answers 1 to itself, but {wrong} of the 380 other answers are above 0, up to {largest:.2f}. Longer "
    "arrows and a deeper bias raise the bar.",
)
_TOO_LOUD = Slip(
    lambda: (_long_arrows()[0], torch.zeros(20)),
    "A feature's answer to itself must be exactly 1; yours range from {smallest:.3f} to {largest:.3f}. Choose b_i = 1 - "
    "|W_i|².",
)
_SILENT = Slip(
    lambda: (_directions(), torch.full((20,), -1.0)),
    "{silent} of the 20 features answer 0 even to themselves: |W_i|² + b_i must be 1, and b_i is about {b:.2f}.",
)
_TOO_SHORT = Slip(
    lambda: _long_arrows(longer=0.97),
    "Nearly: each feature answers 1 to itself, but {wrong} of the 380 other answers are above 0, up to {largest:.2f}. "
    "Make all arrows a little longer, and b deeper with them.",
)
_TRANSPOSED = Slip(
    lambda: (_long_arrows()[0].T, _long_arrows()[1]),
    "Expected W of shape (5, 20), (hidden, features); got {got}.",
)
_SHORT_BIAS = Slip(
    lambda: (_long_arrows()[0], _long_arrows()[1][:5]), "Expected b of shape (20,), one a feature; got {got}."
)
_ONLY_W = Slip(lambda: _long_arrows()[0], "Return W and b.")


@exercise(
    "3.4",
    right=_long_arrows,
    slips=[_OTHERS_ANSWER, _TOO_LOUD, _SILENT, _TOO_SHORT, _TRANSPOSED, _SHORT_BIAS, _ONLY_W],
)
def check_one_hot(attempt: Callable) -> str:
    """``attempt()`` returns W and b that reproduce the rows of the identity."""
    result = attempt()
    require(isinstance(result, list | tuple) and len(result) == 2, _ONLY_W)
    W, b = (as_tensor(part, what=what).float() for part, what in zip(result, "Wb", strict=True))
    require(W.shape == (5, 20), _TRANSPOSED, got=tuple(W.shape))
    require(b.shape == (20,), _SHORT_BIAS, got=tuple(b.shape))
    require(W.isfinite().all() and b.isfinite().all(), "W and b must be finite numbers.")
    out = (W.T @ W + b).relu()  # row i: the answer to x = e_i
    own, others = out.diag(), out - out.diag().diag()
    silent, wrong = int((own < 1e-3).sum()), int((others > 1e-3).sum())
    require(silent == 0, _SILENT, silent=silent, b=b.min())
    require(((own - 1).abs() < 1e-3).all(), _TOO_LOUD, smallest=own.min(), largest=own.max())
    slip = _TOO_SHORT if others.max() < 0.1 else _OTHERS_ANSWER
    require(wrong == 0, slip, wrong=wrong, largest=others.max())
    return "Without magnitudes to report, any number of features fits: unit rows make another task of it."


# 3.5 ----------------------------------------------------------------------------------------


def _lifted(deep: float = 1.0, long: float = 1.0) -> tuple[Tensor, Tensor]:
    """A circle lifted to height 1, read from below: V_i · W_j = (cos(angle between them) - c) / (1 - c)."""
    angle = torch.arange(20) * (2 * math.pi / 20)
    c = math.cos(2 * math.pi / 20)
    W = torch.stack([angle.cos(), angle.sin(), torch.ones(20)])
    return W, W * torch.tensor([[1.0], [1.0], [-c * deep]]) * (long / (1 - c * deep))


_HEARD = Slip(
    lambda: _lifted(deep=0.0),
    "V_i · W_i is 1, but {wrong} of the 380 products V_i · W_j are above 0, up to {largest:.2f}. On a circle neighbours "
    "are loud; a third coordinate can subtract the same number from all products.",
)
_NOT_ONE = Slip(
    lambda: _lifted(long=0.05),
    "V_i · W_i must be 1; yours range from {smallest:.3f} to {largest:.3f}. How long must V_i be?",
)
_THREE = Slip(
    lambda: tuple(matrix.T for matrix in _lifted()),
    "Expected W and V of shape (3, 20), (hidden, features); got {got}.",
)
_NO_V = Slip(lambda: _lifted()[0], "Return two matrices, W and V.")


@exercise("3.5", right=_lifted, slips=[_HEARD, _NOT_ONE, _THREE, _NO_V])
def check_lifted(attempt: Callable) -> str:
    """``attempt()`` returns W and V with V_i · W_i = 1 and every other product at most 0."""
    result = attempt()
    is_pair = isinstance(result, list | tuple) or getattr(result, "ndim", 0) == 3
    require(is_pair and len(result) == 2, _NO_V)
    W, V = (as_tensor(part, what=what).double() for part, what in zip(result, "WV", strict=True))
    shapes = tuple(W.shape), tuple(V.shape)
    require(shapes == ((3, 20), (3, 20)), _THREE, got=f"{shapes[0]} and {shapes[1]}")
    own, others = (V.T @ W).diag(), (V.T @ W).fill_diagonal_(0)
    require(((own - 1).abs() < 1e-3).all(), _NOT_ONE, smallest=own.min(), largest=own.max())
    require(others.max() < 1e-3, _HEARD, wrong=int((others >= 1e-3).sum()), largest=others.max())
    return "All twenty, in three dimensions: how many fit at wide angles is a question for tied models only."
