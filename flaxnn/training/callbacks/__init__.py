# SPDX-License-Identifier: Apache-2.0
"""What a run is watched by: callbacks that never slow its compiled loop."""

from flaxnn.training.callbacks._base import Callback, RunInfo
from flaxnn.training.callbacks._early_stopping import EarlyStopping
from flaxnn.training.callbacks._json_lines import JSONLines
from flaxnn.training.callbacks._plots import Plots
from flaxnn.training.callbacks._tensorboard import TensorBoard

__all__ = [
    "Callback",
    "EarlyStopping",
    "JSONLines",
    "Plots",
    "RunInfo",
    "TensorBoard",
]
