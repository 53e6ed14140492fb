"""What ``phase_diagram`` knows of the true optimum: ``python -m tms_utils.live.optima`` writes the file anew.

The package needs some seconds to find it, too long for a figure to wait, so it is kept in two_features.json.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from tms_utils.theory import competing_losses, two_feature_optimum

FILE = Path(__file__).with_name("two_features.json")


def table() -> dict[str, list]:
    """The sliders' values, the optimum at each, and the line from which on it leans.

    ``optima`` has a list for each density, for rising r up to 1: w_1 and w_2 in hundredths, and how many
    ten-thousandths of the cheapest of ``competing_losses`` the loss is, in turn, each less what it is for a
    perfect pair: 100, -100 and 10,000. It starts where the optimum no longer ignores the second feature. ``onset`` has points (density, r).
    """
    densities = [float(f"{10 ** (-k / 20):.4g}") for k in range(41)]
    ratios = [float(f"{10 ** (k / 20 - 1):.4g}") for k in range(41)]
    p, r = torch.tensor(densities).double()[:, None], torch.tensor(ratios[:21]).double()
    found = two_feature_optimum(density=p, r=r)
    cheapest = torch.stack([*competing_losses(density=p, r=r).values()]).amin(0)
    parts = torch.cat([100 * found.w, 10_000 * (found.loss / cheapest)[..., None]], -1).round().int()
    parts -= torch.tensor([100, -100, 10_000])
    optima = []
    for rows in parts.tolist():
        start = next(k for k, (_, w2, _) in enumerate(rows) if w2 != 100)
        optima.append([number for row in rows[start:] for number in row])
    at = 0.5 + torch.arange(1, 51, dtype=torch.float64) / 100
    onset = [[round(x, 2), round(y, 4)] for x, y in zip(at.tolist(), leaning_onset(at).tolist(), strict=True)]
    return {"densities": densities, "ratios": ratios, "optima": optima, "onset": onset}


def leaning_onset(density: Float[Tensor, " points"]) -> Float[Tensor, " points"]:
    """The r above which the optimum no longer ignores the second feature entirely, for densities above 0.5."""
    low, high = torch.full_like(density, 0.5), torch.ones_like(density)
    for _ in range(12):
        r = (low + high) / 2
        ignored = two_feature_optimum(density=density, r=r).w.abs().amin(-1) < 1e-3
        low, high = torch.where(ignored, r, low), torch.where(ignored, high, r)
    return (low + high) / 2


if __name__ == "__main__":
    FILE.write_text(json.dumps(table(), separators=(",", ":")) + "\n", encoding="utf-8")
