# SPDX-License-Identifier: Apache-2.0
"""Tells callbacks of a run, and tells them again after a run was resumed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import numpy as np

from flaxnn.training._state import RunState
from flaxnn.training.callbacks import Callback, RunInfo

Values = dict[str, np.ndarray]


class Reporter:
    """Passes on what happens, with the training metrics' means of each epoch.

    Args:
        callbacks: Those to tell.
        watcher: One that is told of new steps only, such as a progress bar.
    """

    def __init__(self, callbacks: Sequence[Callback], watcher: Callback | None = None):
        first = jax.process_index() == 0
        self.callbacks = tuple(
            callback for callback in callbacks if first or callback.on_every_process
        )
        self._watcher = watcher
        self._of_epoch: list[Values] = []

    @property
    def watched(self) -> bool:
        """Whether anybody wants to be told."""
        return bool(self.callbacks) or self._watcher is not None

    def begin(self, info: RunInfo) -> None:
        """Passes on that the run begins."""
        for callback in self.callbacks:
            callback.begin(info)

    def steps(self, first: int, values: Values) -> None:
        """Passes on that steps are done."""
        if self._watcher is not None:
            self._watcher.steps(first, values)
        self._tell_steps(first, values)

    def epoch(self, epoch: int, step: int, values: Values) -> bool:
        """Passes on that an epoch is done; whether a callback stops the run."""
        training = self._means()
        values = {**values, **training}
        # All are told, also those behind one that stops the run.
        answers = [callback.epoch(epoch, step, values) for callback in self.callbacks]
        return any(answers)

    def state(self, epoch: int, state: Callable[[], RunState]) -> None:
        """Offers the state after an epoch."""
        for callback in self.callbacks:
            callback.state(epoch, state)

    def end(self) -> None:
        """Passes on that the run came to its end."""
        for callback in self.callbacks:
            callback.end()

    def replay(
        self, history: Values, evaluations: Values, ends: Sequence[tuple[int, int]]
    ) -> bool:
        """Tells the callbacks of what a checkpoint's history holds.

        Args:
            history: The training metrics from step 0 on.
            evaluations: The validations' metrics.
            ends: The epochs that are done, and the steps at their ends.

        Returns:
            Whether a callback stopped the run at the last of these epochs.
        """
        if not self.callbacks:
            return False
        done, stop = 0, False
        rows = {int(s): i for i, s in enumerate(evaluations.get("step", ()))}
        for epoch, step in [*ends, (0, len(history["loss"]))]:
            if step > done:
                part = {name: array[done:step] for name, array in history.items()}
                self._tell_steps(done, part)
                done = step
            if epoch:
                stop = self.epoch(epoch, step, _row(evaluations, rows.get(step)))
        return stop

    def _tell_steps(self, first: int, values: Values) -> None:
        if not self.callbacks:
            return
        self._of_epoch.append(values)
        for callback in self.callbacks:
            callback.steps(first, values)

    def _means(self) -> Values:
        parts, self._of_epoch = self._of_epoch, []
        if not parts:
            return {}
        return {
            f"train_{name}": np.concatenate([part[name] for part in parts]).mean(axis=0)
            for name in parts[0]
        }


def _row(evaluations: Values, index: int | None) -> Values:
    if index is None:
        return {}
    places = ("epoch", "step")
    return {k: array[index] for k, array in evaluations.items() if k not in places}
