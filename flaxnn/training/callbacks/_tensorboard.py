# SPDX-License-Identifier: Apache-2.0
"""A run's history as event files, which TensorBoard shows."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from flaxnn.training.callbacks._base import Callback, RunInfo
from flaxnn.training.callbacks._event_file import EventFile
from flaxnn.training.callbacks._writing import (
    cannot_write,
    checked_every,
    every_row,
    not_written,
)


class TensorBoard(Callback):
    """Writes event files with the run's metrics, while it goes on.

    ``train/NAME`` has a point for each step, ``epoch/NAME`` the mean of an epoch and
    ``validation/NAME`` what the validation says, both at the number of steps done. A
    vector is ``NAME/0``, ``NAME/1``, …; arrays of more dimensions are left out. Points
    are float32, and on disk as soon as the callback is told of them.

    A resumed run writes its points again, into another file, which tells TensorBoard
    to forget the older ones from the run's first step on. The times of such points are
    those of the second writing.

    It needs ``pip install "flaxnn[tensorboard]"``, which brings tensorboardX: that
    imports PyTorch where it is installed, which takes seconds. TensorBoard itself is
    needed to look at the files only.

    Args:
        directory: Where the files are written; it is made. One run has one directory.
        every: Only steps that are multiples of it have points. A step's take some tens
            of microseconds on the host, and TensorBoard shows 1,000 of a curve.

    Raises:
        TypeError: ``every`` is not an integer.
        ValueError: ``every`` is not positive.
        MissingPackageError: tensorboardX is not installed, when the run begins.
        OSError: The directory cannot be written when the run begins.

    Warns:
        RuntimeWarning: The file could not be written to later, and is given up.

    Torch:
        ``torch.utils.tensorboard.SummaryWriter`` with ``purge_step``, 2.13.0: files of
        the same format.
    """

    def __init__(self, directory: str | Path, *, every: int = 1):
        self.directory: Path = Path(directory).expanduser()
        self.every: int = checked_every(every)
        self._file: EventFile | None = None

    def begin(self, info: RunInfo) -> None:
        """Starts a file whose points replace those from the first step on."""
        self.end()
        # An epoch that ended right before the first step is not told again.
        forgotten = info.first_step + 1 if info.first_step else 0
        try:
            self._file = EventFile(self.directory, forgotten)
        except OSError as error:
            raise cannot_write("TensorBoard", self.directory, error) from error

    def steps(self, first: int, values: Mapping[str, np.ndarray]) -> None:
        """Writes the points of these steps."""
        steps, rows = every_row(first, values, self.every)
        self._write(
            (step, {f"train/{name}": array[k] for name, array in rows.items()})
            for k, step in enumerate(steps)
        )

    def epoch(self, epoch: int, step: int, values: Mapping[str, np.ndarray]) -> bool:
        """Writes the points of an epoch."""
        self._write([(step, {_epoch_tag(name): x for name, x in values.items()})])
        return False

    def end(self) -> None:
        """Closes the file."""
        file, self._file = self._file, None
        if file is not None:
            # What was written is on disk already.
            with suppress(OSError):
                file.close()

    def _write(self, points: Iterable[tuple[int, Mapping[str, np.ndarray]]]) -> None:
        if self._file is None:
            return
        try:
            for step, values in points:
                self._file.add(step, _scalars(values))
            self._file.flush()
        except OSError as error:
            self.end()
            message = not_written("TensorBoard", self.directory, error)
            warnings.warn(message, RuntimeWarning, stacklevel=2)


def _epoch_tag(name: str) -> str:
    if name.startswith("train_"):
        return "epoch/" + name.removeprefix("train_")
    return f"validation/{name}"


def _scalars(values: Mapping[str, np.ndarray]) -> dict[str, float]:
    """The numbers among the values, and those of vectors."""
    found: dict[str, float] = {}
    for name, value in values.items():
        array = np.asarray(value)
        if array.ndim == 0:
            found[name] = float(array)
        elif array.ndim == 1:
            found |= {f"{name}/{k}": float(x) for k, x in enumerate(array)}
    return found
