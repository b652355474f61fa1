"""A progress bar for runs that take long enough to want one."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress

# Seconds before a bar appears; shorter runs stay silent and pay nothing.
_PATIENCE = 1.0


class ProgressBar:
    """Shows steps, loss, rate and remaining time on standard error.

    Args:
        total: Steps of the run.
        done: Steps that an earlier part of the run did.
        show: True or False; None shows it where standard error is a terminal.
    """

    def __init__(self, total: int, done: int = 0, *, show: bool | None = None):
        self._total = total
        self._done = done
        self._show = sys.stderr.isatty() if show is None else show
        self._started = time.monotonic()
        self._bar: Progress | None = None

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

    def advance(self, steps: int, loss: float) -> None:
        """Tells that steps are done, with the loss of the last of them."""
        self._done += steps
        if not self._show or time.monotonic() - self._started < _PATIENCE:
            return
        if self._bar is None:
            self._bar = self._start()
        [task] = self._bar.task_ids
        self._bar.update(task, completed=self._done, loss=f"{loss:.4f}")

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
            TextColumn("loss {task.fields[loss]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        bar.add_task("fit", total=self._total, loss="")
        bar.start()
        return bar
