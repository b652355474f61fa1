# SPDX-License-Identifier: Apache-2.0
"""Metrics of a batch, one value for each sample, and metrics of a stream of batches.

A streaming metric is a frozen dataclass of options with four pure functions: `init`
makes its state, `update` takes a batch in, `merge` joins the states of two devices or
chunks, and `compute` gives the number. A state is a dictionary of arrays that can be
jitted, scanned, vmapped and sharded.
"""

from flaxnn.metrics._accuracy import Accuracy, TopKAccuracy
from flaxnn.metrics._auroc import AUROC
from flaxnn.metrics._binned_auroc import BinnedAUROC
from flaxnn.metrics._calibration import CalibrationError
from flaxnn.metrics._confusion import ConfusionMatrix
from flaxnn.metrics._mean import Mean
from flaxnn.metrics._metric import Metric, State
from flaxnn.metrics._per_sample import accuracy, binary_accuracy
from flaxnn.metrics._precision_recall import F1, Precision, Recall

__all__ = [
    "AUROC",
    "F1",
    "Accuracy",
    "BinnedAUROC",
    "CalibrationError",
    "ConfusionMatrix",
    "Mean",
    "Metric",
    "Precision",
    "Recall",
    "State",
    "TopKAccuracy",
    "accuracy",
    "binary_accuracy",
]
