# SPDX-License-Identifier: Apache-2.0
"""Pictures of a run at its end."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from flaxnn.report import plot_history, require_matplotlib
from flaxnn.training.callbacks._base import Callback, RunInfo
from flaxnn.training.callbacks._writing import cannot_write, not_written

_KINDS = ("png", "svg")


class Plots(Callback):
    """Draws a run at its end: losses, metrics and learning rate over the steps.

    ``history.png`` and ``history.svg`` are written when the run has come to its end,
    or was stopped by a callback. `flaxnn.report.plot_history` draws them.

    It needs ``pip install "flaxnn[plots]"``.

    Args:
        directory: Where they are written; it is made.
        title: A heading.

    Raises:
        MissingPackageError: matplotlib is not installed, when the run begins.
        OSError: The directory cannot be written when the run begins.

    Warns:
        RuntimeWarning: The pictures could not be written at the end.
    """

    def __init__(self, directory: str | Path, *, title: str | None = None):
        self.directory: Path = Path(directory).expanduser()
        self.title = title
        self._first = 0
        self._steps: dict[str, list[np.ndarray]] = {}
        self._epochs: dict[str, list[tuple[int, np.ndarray]]] = {}

    def begin(self, info: RunInfo) -> None:
        """Makes sure that pictures can be drawn and written; forgets an earlier run."""
        require_matplotlib()
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            for kind in _KINDS:
                self._unfinished(kind).write_bytes(b"")
                self._unfinished(kind).unlink()
        except OSError as error:
            raise cannot_write("Plots", self.directory, error) from error
        self._first = info.first_step
        self._steps, self._epochs = {}, {}

    def steps(self, first: int, values: Mapping[str, np.ndarray]) -> None:
        """Keeps the metrics of these steps."""
        for name, array in values.items():
            self._steps.setdefault(name, []).append(np.asarray(array))

    def epoch(self, epoch: int, step: int, values: Mapping[str, np.ndarray]) -> bool:
        """Keeps what the validation says."""
        for name, value in values.items():
            if not name.startswith("train_"):
                self._epochs.setdefault(name, []).append((step, np.asarray(value)))
        return False

    def end(self) -> None:
        """Draws and writes the pictures; a run without steps has none."""
        if not self._steps:
            return
        figure = plot_history(
            {name: np.concatenate(parts) for name, parts in self._steps.items()},
            self._evaluations(),
            first_step=self._first,
            title=self.title,
        )
        try:
            for kind in _KINDS:
                figure.savefig(self._unfinished(kind), format=kind)
                self._unfinished(kind).replace(self.directory / f"history.{kind}")
        except OSError as error:
            message = not_written("Plots", self.directory, error)
            warnings.warn(message, RuntimeWarning, stacklevel=2)

    def _unfinished(self, kind: str) -> Path:
        return self.directory / f"history.{kind}.part"

    def _evaluations(self) -> dict[str, np.ndarray]:
        if not self._epochs:
            return {}
        steps = [step for step, _ in next(iter(self._epochs.values()))]
        found = {
            name: np.array([value for _, value in pairs])
            for name, pairs in self._epochs.items()
        }
        return {"step": np.array(steps), **found}
