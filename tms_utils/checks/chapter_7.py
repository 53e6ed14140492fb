"""Checks of chapter 7, "Features that come together"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.verdict import exercise, require

__all__ = [
    "check_binary_border",
    "check_opposite",
    "check_three_pairs",
    "check_who_with_whom",
]


@exercise("7.1")
def check_who_with_whom(who_with_whom: Callable) -> str:
    """``who_with_whom(x)``, (rows, features) -> (features, features): P(i on | j on) at (i, j)."""
    # Feature 0 is on in six rows, in two of them with feature 1; feature 2 only ever comes with feature 0.
    x = torch.zeros(10, 3)
    x[:6, 0] = torch.tensor([0.9, 0.1, 0.2, 0.7, 0.5, 0.3])
    x[4:9, 1] = torch.tensor([0.4, 0.8, 0.6, 0.2, 0.9])
    x[:3, 2] = torch.tensor([0.05, 0.5, 0.95])
    on = (x != 0).float()
    both = on.T @ on
    right = both / on.sum(0)

    given = who_with_whom(x.clone())
    require(
        isinstance(given, Tensor) and given.shape == (3, 3),
        "Expected a tensor of shape (features, features) = (3, 3); got "
        + (f"shape {tuple(given.shape)}." if isinstance(given, Tensor) else f"{type(given).__name__}."),
    )

    def close(other: Tensor) -> bool:
        return torch.allclose(given.float(), other.float(), atol=1e-5, equal_nan=True)

    require(
        not close(right.T),
        "That is P(j on | i on), the transpose: entry (i, j) is about the rows with *j* on, so each column is "
        "divided by one number.",
    )
    require(
        not close(both / len(x)),
        "You divided by the number of rows: that is P(both on). Divide by how often j is on.",
    )
    require(not close(both), "These are counts of rows; divide each column by how often its feature is on.")
    values = x.T @ x
    require(
        not (close(values) or close(values / x.sum(0)) or close(values / on.sum(0))),
        "You multiplied the values. Whether a feature is on does not depend on how large it is: turn x into "
        "zeros and ones first.",
    )
    require(
        not close(torch.corrcoef(x.T)) and not close(torch.corrcoef(on.T)),
        "That is a correlation coefficient, which is symmetric. P(i on | j on) is not, if one of the two is rarer.",
    )
    require(
        torch.allclose(given.float().diagonal(), torch.ones(3)),
        f"On the diagonal is P(i on | i on) = 1; you have {given.diagonal().tolist()}.",
    )
    require(
        close(right),
        f"On ten rows with three features you return {given.tolist()}; expected {right.tolist()}.",
    )
    negative = who_with_whom(torch.tensor([[-1.0, 0.5], [0.0, 2.0]]))
    require(
        torch.allclose(negative.float(), torch.tensor([[1.0, 0.5], [1.0, 1.0]])),
        "With a negative value the answer changes. A feature is on if it is not 0.",
    )
    return "Feature 2 never comes without feature 0, though 0 often comes without 2: the matrix is not symmetric."


_OPPOSITE = {
    "same set": "The three of a set are always on together: a digon among them would silence its smaller half in every "
    "row with that set on, at a cost in proportion to p.",
    "either": 'Not here. "Either" is what 7.4 found for *anti*-correlated features, where the wrong arrangement costs '
    "only p². Here it costs p, and training notices that before the digons have formed.",
}


@exercise("7.2")
def check_opposite(opposite_zero: object) -> str:
    """Which set the feature opposite feature 0 belongs to in an octahedron of two correlated sets: the other."""
    answer = str(opposite_zero).strip().lower().removeprefix("the ")
    answer = {"same": "same set", "other": "other set"}.get(answer, answer)
    require(
        answer in (*_OPPOSITE, "other set"),
        f'Expected "same set", "other set" or "either"; got {opposite_zero!r}.',
    )
    require(answer == "other set", _OPPOSITE.get(answer, ""))
    return "Those of a set at right angles, strangers opposite: each set is an orthonormal basis of the three dimensions."


@exercise("7.3")
def check_three_pairs(sample_three_pairs: Callable) -> str:
    """Partners on together, their magnitudes independent?"""
    rows, density = 20_000, 0.3
    x = sample_three_pairs(rows, density, torch.Generator().manual_seed(7))
    require(
        isinstance(x, Tensor) and x.shape == (rows, 6),
        f"Expected x of shape (rows, features) = ({rows}, 6); got {getattr(x, 'shape', type(x).__name__)}.",
    )
    on = x != 0
    first, second = on[:, 0::2], on[:, 1::2]
    require(
        (first == second).float().mean() > 0.999,
        "Now the partners are not always on together: one switch has to serve both members of a pair.",
    )
    require(
        not torch.allclose(x[:, 0::2], x[:, 1::2]),
        "Merging a pair of these loses nothing. How many *different* numbers does a row with one pair on carry?",
    )
    share = on.float().mean(0)
    require(
        (share - density).abs().max() < 0.02,
        f"At density {density:g} the features are on in {share.min():.0%} to {share.max():.0%} of the rows.",
    )
    for k, j in ((0, 1), (0, 2), (1, 2)):
        across = (first[:, k] & first[:, j]).float().mean()
        require(
            abs(across - density**2) < 0.02,
            f"Pairs {k} and {j} are on together in {across:.0%} of the rows; independent pairs would be in "
            f"{density**2:.0%}. Each pair needs a switch of its own.",
        )
    for k in range(3):
        active = x[first[:, k], 2 * k : 2 * k + 2]
        require(
            0.95 < active.max() <= 1 and active.min() < 0.05 and abs(active.mean() - 0.5) < 0.02,
            f"Active values of pair {k} lie between {active.min():.2f} and {active.max():.2f}, with mean "
            f"{active.mean():.2f}; they should be uniform in [0, 1).",
        )
        correlation = torch.corrcoef(active.T)[0, 1]
        require(
            correlation.abs() < 0.06,
            f"The two magnitudes of pair {k} have a correlation of {correlation:.2f}; draw one number per feature.",
        )
    across = torch.corrcoef(x[first.all(-1)].T) - torch.eye(6)  # some 540 rows with everything on
    require(
        across.abs().max() < 0.25,
        "Features of different pairs share a magnitude: draw one number for each of the six.",
    )
    again = sample_three_pairs(rows, density, torch.Generator().manual_seed(7))
    require(torch.equal(x, again), "The same generator gave other rows: some draw does not use `generator`.")
    return (
        "A switch for each pair, a magnitude for each feature. Merging now costs 1/12 each time a pair is on."
    )


@exercise("7.4")
def check_binary_border(binary_border: object) -> str:
    """The c above which merging is cheaper if active features are exactly 1: 1/3."""
    c = float(binary_border)
    require(0 <= c <= 1, f"c is a probability; got {c:g}.")
    slips = [
        (4 / 7, "4/7 is the border for magnitudes uniform in [0, 1). Here an active feature is exactly 1."),
        (
            1 / 2,
            "Did you count only one error somewhere? With both on, *both* outputs of an opposite pair are 0 and should be "
            "1. With one on, *both* outputs of a merged pair are 1/2.",
        ),
        (
            1 / 5,
            "Nearly. When one of a merged pair is on, both outputs answer 1/2, so both are wrong: 1/4 + 1/4. And there "
            "are two features that can be the one that is on: 2p(1 - c).",
        ),
        (0, "At c = 0 the opposite pair costs nothing and the merged pair does."),
        (1, "At c = 1 the merged pair costs nothing and the opposite pair does."),
    ]
    for slip, message in slips:
        require(abs(c - slip) > 0.005, message)
    require(abs(c - 1 / 3) < 0.005, f"At c = {c:g} the two do not cost the same. Compare 2pc with p(1 - c).")
    return "A merged pair has no error at all when both are on, so it pays earlier than with magnitudes to tell apart."
