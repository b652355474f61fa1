# SPDX-License-Identifier: Apache-2.0
"""Runs as plain data and as directories: what the command line trains and opens."""

from flaxnn.runs._config import Config
from flaxnn.runs._errors import ConfigError, RunDirectoryError
from flaxnn.runs._prepare import Prepared, prepare
from flaxnn.runs._train import train
from flaxnn.runs._trained import TrainedRun, open

__all__ = [
    "Config",
    "ConfigError",
    "Prepared",
    "RunDirectoryError",
    "TrainedRun",
    "open",
    "prepare",
    "train",
]
