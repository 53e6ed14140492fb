"""Helpers of the course "Toy Models of Superposition": small functions, each shown first in a chapter."""

from tms_utils.features import (
    AnticorrelatedFeatures,
    CorrelatedFeatures,
    KActiveFeatures,
    SparseFeatures,
)
from tms_utils.geometry import dimensionality, dimensions_per_feature, feature_norms, superposition
from tms_utils.models import ToyModel
from tms_utils.training import TrainingRecord, estimate_loss, train

__version__ = "0.1.0"

__all__ = [
    "AnticorrelatedFeatures",
    "CorrelatedFeatures",
    "KActiveFeatures",
    "SparseFeatures",
    "ToyModel",
    "TrainingRecord",
    "dimensionality",
    "dimensions_per_feature",
    "estimate_loss",
    "feature_norms",
    "superposition",
    "train",
]
