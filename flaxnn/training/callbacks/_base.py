# SPDX-License-Identifier: Apache-2.0
"""What a callback is told of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from flaxnn.training._state import RunState


@dataclass(frozen=True)
class RunInfo:
    """What is known of a run when it begins.

    Attributes:
        first_step: The step that the first value of the history is of.
        total_steps: The step at which the run will end.
    """

    first_step: int
    total_steps: int


class Callback:
    """Told of a run while it goes on; every method may be left out.

    Callbacks see what has left the device already, so they do not slow the compiled
    loop. A run that goes on from a checkpoint first tells them again of what the
    checkpoint's history holds, from its first step on: a callback needs no state of
    its own to be saved, and one that writes a file writes it anew.

    Attributes:
        on_every_process: Whether a run of several processes tells it in all of them,
            as one that stops the run must be, or in the first only.
    """

    on_every_process: ClassVar[bool] = False

    def begin(self, info: RunInfo) -> None:
        """Told once, before anything else.

        Args:
            info: What is known of the run.
        """

    def steps(self, first: int, values: Mapping[str, np.ndarray]) -> None:
        """Told of steps that are done.

        Args:
            first: The first of them.
            values: ``(N, …)`` for each metric, a value for each step.
        """

    def epoch(self, epoch: int, step: int, values: Mapping[str, np.ndarray]) -> bool:
        """Told after an epoch, and after its validation where there is one.

        Args:
            epoch: How many epochs are done.
            step: How many steps are done.
            values: The validation's metrics; the epoch's mean training metrics are
                beside them under names that begin with ``train_``.

        Returns:
            Whether the run shall stop.
        """
        return False

    def state(self, epoch: int, state: Callable[[], RunState]) -> None:
        """Offered the run's state after each epoch, such as to keep the best.

        It is not offered again when a run goes on from a checkpoint, which has only
        its own.

        Args:
            epoch: How many epochs are done.
            state: Gives a copy of the state, in memory of its own; only a call costs
                anything.
        """

    def end(self) -> None:
        """Told once after a run that came to its end, or was stopped by a callback."""
