# SPDX-License-Identifier: Apache-2.0
"""Runs that several tests look at, trained once for each file."""

from __future__ import annotations

from pathlib import Path

import pytest

from flaxnn.runs import Config, TrainedRun, train

DIGITS = {
    "model": "SoftmaxRegression",
    "data": "digits",
    "validation": 0.2,
    "epochs": 3,
    "batch_size": 100,
    "optimizer": {"name": "adam", "lr": 0.01},
    "checkpoints": {"every": 10, "best": "accuracy"},
}


@pytest.fixture(scope="module")
def digits() -> Config:
    """A run of 45 steps."""
    return Config.of(DIGITS)


@pytest.fixture(scope="module")
def whole(digits: Config, tmp_path_factory: pytest.TempPathFactory) -> TrainedRun:
    """That run, never interrupted. Tests leave it as it is."""
    directory: Path = tmp_path_factory.mktemp("runs") / "whole"
    return train(digits, directory)
