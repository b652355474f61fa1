# SPDX-License-Identifier: Apache-2.0
"""A progress bar for runs that take long enough to want one."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np

from flaxnn.training.callbacks import Callback

if TYPE_CHECKING:
    from rich.progress import Progress

# Seconds before a bar appears; shorter runs stay silent and pay nothing.
_PATIENCE = 1.0
# What a new rate counts beside the one so far: recent chunks count most.
_RECENT = 0.3


class ProgressBar(Callback):
    """Shows steps, loss, rate and remaining time on standard error; a context.

    Args:
        total: Steps of the run.
        done: Steps that an earlier part of the run did.
    """

    def __init__(self, total: int, done: int = 0):
        self._total = total
        self._done = done
        self._started = self._last = time.monotonic()
        self._rate: float | None = None
        self._bar: Progress | None = None

    @staticmethod
    def wanted(show: bool | None) -> bool:
        """Whether to show one; None shows it where standard error is a terminal."""
        return sys.stderr.isatty() if show is None else show

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def steps(self, first: int, values: Mapping[str, np.ndarray]) -> None:
        """Shows that steps are done, with the loss of the last of them."""
        count = len(values["loss"])
        self._measure(count)
        self._done = first + count
        if time.monotonic() - self._started < _PATIENCE:
            return
        if self._bar is None:
            self._bar = self._start()
        [task] = self._bar.task_ids
        rate = self._rate or 0.0
        self._bar.update(
            task,
            completed=self._done,
            loss=f"{float(values['loss'][-1]):.4f}",
            rate=f"{rate:,.0f} steps/s" if rate >= 10 else f"{rate:.2f} steps/s",
        )

    def _measure(self, steps: int) -> None:
        now = time.monotonic()
        rate = steps / max(now - self._last, 1e-9)
        self._last = now
        if self._rate is not None:
            rate = _RECENT * rate + (1 - _RECENT) * self._rate
        self._rate = rate

    def _start(self) -> Progress:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        bar = Progress(
            TextColumn("fit"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TextColumn("loss {task.fields[loss]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.add_task("fit", total=self._total, completed=self._done, loss="", rate="")
        bar.start()
        return bar
