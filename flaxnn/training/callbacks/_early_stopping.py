# SPDX-License-Identifier: Apache-2.0
"""Stopping a run that does not get better."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np

from flaxnn.training.callbacks._base import Callback, RunInfo


class EarlyStopping(Callback):
    """Stops a run when a metric has not got better for a number of epochs.

    Args:
        monitor: The metric: of the validation, or with ``train_`` before its name the
            epoch's mean in training.
        patience: How many epochs without a better value are waited for.
        min_delta: By how much a value must be better to count.
        mode: Whether less is better (``"min"``) or more (``"max"``).

    Attributes:
        best: The best value so far.
        best_epoch: After how many epochs it was reached.
        stopped: Whether it has stopped the run.

    Raises:
        ValueError: An argument is out of its range; or, in the run, the metric is not
            there.

    Example:
        >>> stopping = EarlyStopping("loss", patience=1)
        >>> stopping.begin(RunInfo(0, 40))
        >>> losses = [0.7, 0.6, 0.65]
        >>> [stopping.epoch(n + 1, 10 * n, {"loss": x}) for n, x in enumerate(losses)]
        [False, False, True]
        >>> stopping.best, stopping.best_epoch
        (0.6, 2)
    """

    on_every_process: ClassVar[bool] = True

    def __init__(
        self,
        monitor: str = "loss",
        *,
        patience: int = 5,
        min_delta: float = 0.0,
        mode: Literal["min", "max"] = "min",
    ):
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
        if patience < 1:
            raise ValueError(f"patience must be at least 1 epoch, got {patience}")
        if not min_delta >= 0:
            raise ValueError(f"min_delta must not be negative, got {min_delta}")
        self.monitor = monitor
        self.patience = patience
        self.min_delta = min_delta
        self.mode = mode
        self._forget()

    def _forget(self) -> None:
        self.best: float = math.inf if self.mode == "min" else -math.inf
        self.best_epoch: int = 0
        self.stopped: bool = False
        self._waited = 0

    def begin(self, info: RunInfo) -> None:
        """Forgets an earlier run."""
        self._forget()

    def epoch(self, epoch: int, step: int, values: Mapping[str, np.ndarray]) -> bool:
        """Compares the epoch's value with the best; returns whether to stop.

        Raises:
            ValueError: An epoch has no value of that name.
        """
        if self.monitor not in values:
            raise ValueError(
                f"EarlyStopping monitors {self.monitor!r}, but an epoch has "
                f"{sorted(values)}: give fit a validation, or monitor one of these"
            )
        value = float(values[self.monitor])
        sign = 1 if self.mode == "min" else -1
        if sign * value < sign * self.best - self.min_delta:
            self.best, self.best_epoch, self._waited = value, epoch, 0
        else:
            self._waited += 1
        self.stopped = self._waited >= self.patience
        return self.stopped
