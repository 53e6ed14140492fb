"""The exercises' checks, and the table of claims that ends each chapter.

A check takes the reader's attempt and returns a ``Verdict``, which prints itself: *not attempted yet* for an
untouched stub, what is wrong and why for a wrong answer, *passed* and a sentence worth knowing for a right one.
A check never raises, whatever the attempt does. Chapter N's checks are in ``chapter_N.py``.
"""

from tms_utils.checks.chapter_1 import (
    check_keep_mask,
    check_linear_loss,
    check_prediction_sparse,
    check_sgd_step,
    check_train_linear,
)
from tms_utils.checks.chapter_2 import (
    check_bias_signs,
    check_figure,
    check_norm_given_bias,
    check_polygon_limit,
    check_shares,
)
from tms_utils.checks.chapter_3 import (
    check_balanced,
    check_draw,
    check_gradient_size,
    check_one_hot,
)
from tms_utils.checks.chapter_4 import (
    check_average_prediction,
    check_boundary,
    check_hysteresis,
    check_sample_pairs,
)
from tms_utils.checks.chapter_5 import (
    check_base_density,
    check_leverage,
    check_line_detector,
    check_packing,
)
from tms_utils.checks.chapter_6 import (
    check_crossing,
    check_fingerprint,
    check_mean_loss,
    check_nine_features,
    check_sample_k_active,
)
from tms_utils.checks.chapter_7 import (
    check_binary_border,
    check_opposite,
    check_three_pairs,
    check_who_with_whom,
)
from tms_utils.checks.chapter_8 import (
    check_best_polygon,
    check_history,
    check_smaller_start,
    check_steps_until,
)
from tms_utils.checks.claims import Claim, ClaimsTable
from tms_utils.checks.verdict import Verdict, exercise, require

__all__ = [
    "Claim",
    "ClaimsTable",
    "Verdict",
    "exercise",
    "require",
    "check_average_prediction",
    "check_balanced",
    "check_base_density",
    "check_best_polygon",
    "check_bias_signs",
    "check_binary_border",
    "check_boundary",
    "check_crossing",
    "check_draw",
    "check_figure",
    "check_fingerprint",
    "check_gradient_size",
    "check_history",
    "check_hysteresis",
    "check_keep_mask",
    "check_leverage",
    "check_line_detector",
    "check_linear_loss",
    "check_mean_loss",
    "check_nine_features",
    "check_norm_given_bias",
    "check_one_hot",
    "check_opposite",
    "check_packing",
    "check_polygon_limit",
    "check_prediction_sparse",
    "check_sample_k_active",
    "check_sample_pairs",
    "check_sgd_step",
    "check_shares",
    "check_smaller_start",
    "check_steps_until",
    "check_three_pairs",
    "check_train_linear",
    "check_who_with_whom",
]
