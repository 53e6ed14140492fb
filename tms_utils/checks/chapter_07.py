"""Exercises of chapter 7, "Features that come together"."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from tms_utils.checks.chapter_07_sampling import check_three_pairs
from tms_utils.checks.exercise import Slip, as_tensor, choice, exercise, number, require

__all__ = [
    "check_binary_border",
    "check_gets_through",
    "check_opposite",
    "check_three_pairs",
    "check_who_with_whom",
]


def _on(x: Tensor) -> Tensor:
    return (x != 0).float()


def _together(x: Tensor) -> Tensor:
    """In how many rows both features are on."""
    return _on(x).T @ _on(x)


def _right_shares(x: Tensor) -> Tensor:
    return _together(x) / _on(x).sum(0)


@exercise(
    "7.1",
    right=_right_shares,
    slips=[
        Slip(
            lambda x: _right_shares(x).T,
            "That is P(j on | i on), the transpose: entry (i, j) is about the rows with *j* on, so each column is "
            "divided by one number.",
        ),
        Slip(
            lambda x: _together(x) / len(x),
            "You divided by the number of rows: that is P(both on). Divide by how often j is on.",
        ),
        Slip(_together, "These are counts of rows; divide each column by how often its feature is on."),
        Slip(
            lambda x: x.T @ x,
            "That is xᵀx, sums of products of the values. Turn x into zeros and ones, and then count.",
        ),
        Slip(
            lambda x: x.T @ x / x.sum(0),
            "You multiplied the values. Whether a feature is on does not depend on how large it is: turn x into "
            "zeros and ones first.",
        ),
        Slip(
            lambda x: x.T @ x / _on(x).sum(0),
            "You divide by how often j is on, which is right, but above it stand products of values, not a count.",
        ),
        Slip(
            lambda x: torch.corrcoef(_on(x).T),
            "That is a correlation coefficient, which is symmetric. P(i on | j on) is not, if one of the two is rarer.",
        ),
        Slip(
            lambda x: torch.corrcoef(x.T),
            "That is the correlation coefficient of the values. Here it matters only whether a feature is on, and "
            "the answer is not symmetric.",
        ),
        Slip(
            lambda x: _right_shares(x).fill_diagonal_(0),
            "On the diagonal is P(i on | i on) = 1; you have 0 there. All else is right.",
        ),
        Slip(
            lambda x: _right_shares(x.clamp(min=0)),
            "With a negative value the answer changes. A feature is on if it is not 0.",
        ),
    ],
)
def check_who_with_whom(attempt: Callable) -> str:
    """``attempt(x)``, (rows, features) -> (features, features): P(i on | j on) at (i, j)."""
    # Feature 0 is on in six rows, in two of them with feature 1; feature 2 only ever comes with feature 0.
    x = torch.zeros(10, 3)
    x[:6, 0] = torch.tensor([0.9, 0.1, 0.2, 0.7, 0.5, 0.3])
    x[4:9, 1] = torch.tensor([0.4, 0.8, 0.6, 0.2, 0.9])
    x[:3, 2] = torch.tensor([0.05, 0.5, 0.95])
    below_zero = x.clone()
    below_zero[0, 0] = -0.5

    def look(rows: Tensor) -> Callable:
        return lambda f: as_tensor(f(rows.clone()), (3, 3), "the answer (features, features)")

    for rows in (x, below_zero):
        given, right = check_who_with_whom.compare(attempt, look(rows))
        wanted = _right_shares(rows).tolist()
        require(right, f"On ten rows with three features you return {given.tolist()}; expected {wanted}.")
    return "Feature 2 never comes without feature 0, though 0 often comes without 2: the matrix is not symmetric."


check_opposite = choice(
    "7.2",
    right="other set",
    slips={
        "same set": "The three of a set are always on together: a digon among them would silence its smaller half in "
        "every row with that set on, at a cost in proportion to p.",
        "either": 'Not here. "Either" is what 7.4 found for *anti*-correlated features, where the wrong arrangement '
        "costs only p². Here it costs p, and training notices that before the digons have formed.",
        "feature 3": "From the other set, yes. But 3, 4 and 5 are alike: a swap of two of them changes nothing for the "
        "data, so which of the three it is falls to luck.",
        "nobody": "Six features fill the six corners of an octahedron, and each corner has one opposite it. Nobody is "
        "left over.",
    },
    praise="Those of a set at right angles, strangers opposite: each set is an orthonormal basis of the three "
    "dimensions.",
)


check_binary_border = number(
    "7.4",
    right=1 / 3,
    tolerance=0.005,
    low=0.0,
    high=1.0,
    slips={
        4 / 7: "4/7 is the border for magnitudes uniform in [0, 1). Here an active feature is exactly 1.",
        0.5: "Did you count only one error somewhere? With both on, *both* outputs of an opposite pair are 0 and "
        "should be 1. With one on, *both* outputs of a merged pair are 1/2.",
        0.2: "Nearly. When one of a merged pair is on, both outputs answer 1/2, so both are wrong: 1/4 + 1/4. And "
        "there are two features that can be the one that is on: 2p(1 - c).",
        0.0: "At c = 0 the opposite pair costs nothing and the merged pair does.",
        1.0: "At c = 1 the merged pair costs nothing and the opposite pair does.",
    },
    otherwise="At c = {value:g} the two do not cost the same. In which rows is each of them wrong, by how much, and how "
    "often do such rows come?",
    praise="A merged pair has no error at all when both are on, so it pays earlier than with magnitudes to tell apart.",
)


check_gets_through = number(
    "7.6",
    right=0.0416,  # of a normal variable with mean -1/2 and variance 1/12, the share above 0
    tolerance=0.01,
    low=0.0,
    high=1.0,
    slips={
        0.5: "Half would get through if what it hears had the mean 0. The cosines add up to -1, and each magnitude is "
        "1/2 on average: the mean is -1/2.",
        0.0: "Not never: only digons silence every row. The magnitudes differ, and with them what output j hears, "
        "around its mean of -1/2. (A deviation of 1/12 would make it never; 1/12 is the *variance*.)",
        0.193: "You took E[x²] = 1/3 for the variance of a magnitude. What counts is how far it strays from its mean: "
        "1/3 - 1/4 = 1/12.",
        0.292: "Too many: the variances of the ten terms are weighed by the squares of their cosines, and these add up "
        "to 1, not to 10.",
        0.958: "That is the share of the rows in which it is silent. The question is in how many it is not.",
        0.083: "You counted both tails. Only what lies above 0 gets through the ReLU.",
    },
    otherwise="Not {value:.3g}. How far is 0 from the mean, in deviations, and what share of a normal variable lies "
    "beyond that?",
    praise="About 4 % on paper, a little less in the chapter's own models after 500 steps: nine directions can wait.",
)
