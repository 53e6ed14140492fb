"""Closed forms and exact losses to hold experiments against, a room a question.

``linear``: the linear model. ``one_sparse``: one active feature at a time, and regular polygons.
``competing``: the closed forms of the phase change. ``two_features``: the exact loss of two features in
one dimension, and the true optimum. ``quadrature``: any model of up to 8 features.

Losses are means over the n features, as everywhere in this package: (1/n) Σ_i I_i E[(x_i - x'_i)²].
``density`` is P(x_i > 0) and ``importance`` is I; both are given by name.
"""

from tms_utils.minimise import minimise
from tms_utils.theory.common import Solution
from tms_utils.theory.competing import competing_boundary, competing_losses
from tms_utils.theory.linear import feature_mean, feature_variance, linear_loss, linear_optimum
from tms_utils.theory.one_sparse import (
    PolygonOptimum,
    one_sparse_loss,
    polygon_one_sparse_loss,
    polygon_optimum,
)
from tms_utils.theory.quadrature import exact_loss, nearest_minimum
from tms_utils.theory.two_features import (
    TwoFeatureSolution,
    two_feature_loss,
    two_feature_minimum,
    two_feature_optimum,
)

__all__ = [
    "PolygonOptimum",
    "Solution",
    "TwoFeatureSolution",
    "competing_boundary",
    "competing_losses",
    "exact_loss",
    "feature_mean",
    "feature_variance",
    "linear_loss",
    "linear_optimum",
    "minimise",
    "nearest_minimum",
    "one_sparse_loss",
    "polygon_one_sparse_loss",
    "polygon_optimum",
    "two_feature_loss",
    "two_feature_minimum",
    "two_feature_optimum",
]
