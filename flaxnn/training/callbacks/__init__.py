"""What a run is watched by: callbacks that never slow its compiled loop."""

from flaxnn.training.callbacks._base import Callback, RunInfo
from flaxnn.training.callbacks._early_stopping import EarlyStopping

__all__ = ["Callback", "EarlyStopping", "RunInfo"]
