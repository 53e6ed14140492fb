"""Helpers of the course "Toy Models of Superposition": small functions, each shown first in a chapter."""

from importlib.metadata import PackageNotFoundError, version

from tms_utils.features import Features, SparseFeatures
from tms_utils.geometry import dimensionality, dimensions_per_feature, feature_norms, superposition
from tms_utils.models import ToyModel
from tms_utils.sets import AnticorrelatedFeatures, CorrelatedFeatures, KActiveFeatures
from tms_utils.training import TrainingRecord, estimate_loss, train

try:
    __version__ = version("tms-utils")  # pyproject.toml holds it
except PackageNotFoundError:  # a folder on the path that was never installed
    __version__ = "unknown"

__all__ = [
    "AnticorrelatedFeatures",
    "CorrelatedFeatures",
    "Features",
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
