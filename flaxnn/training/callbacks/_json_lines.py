# SPDX-License-Identifier: Apache-2.0
"""A run's history as a text file, one JSON object on each line."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn.training.callbacks._base import Callback, RunInfo
from flaxnn.training.callbacks._writing import (
    cannot_write,
    checked_every,
    every_row,
    not_written,
    plain,
)

# One for all lines: `json.dumps` with options makes one for each.
_encode = json.JSONEncoder(allow_nan=False).encode


class JSONLines(Callback):
    """Writes a line of JSON for each step and for each epoch, while the run goes on.

    A step's line is ``{"step": 3, "loss": 0.25}``, with the training metrics and the
    learning rate where there are any; an epoch's is ``{"epoch": 1, "step": 7,
    "loss": 0.3, "train_loss": 0.4}``, where ``step`` is the number of steps done and
    ``loss`` the validation's. Metrics that are arrays are lists. nan and infinities
    are ``null``, so that every JSON parser reads the file and columns stay numbers.

    The lines of a chunk of steps are in the file as soon as the callback is told of
    them. A resumed run writes the lines from its first step on anew and so ends with
    the file of a run that was never interrupted, byte for byte. A run from its
    beginning replaces the file.

    Args:
        path: The file; directories above it are made.
        every: Only steps that are multiples of it have a line.

    Raises:
        TypeError: ``every`` is not an integer.
        ValueError: ``every`` is not positive.
        OSError: The file cannot be written when the run begins.

    Warns:
        RuntimeWarning: Lines could not be written later, as on a full disk; they are
            tried again with the next.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     path = Path(directory) / "history.jsonl"
        ...     lines = JSONLines(path)
        ...     lines.begin(RunInfo(0, 2))
        ...     lines.steps(0, {"loss": np.array([0.5, np.nan])})
        ...     _ = lines.epoch(1, 2, {"train_loss": np.float32(0.5)})
        ...     print(path.read_text(), end="")
        {"step": 0, "loss": 0.5}
        {"step": 1, "loss": null}
        {"epoch": 1, "step": 2, "train_loss": 0.5}
    """

    def __init__(self, path: str | Path, *, every: int = 1):
        self.path: Path = Path(path).expanduser()
        self.every: int = checked_every(every)
        self._end = 0
        self._unwritten = b""

    def begin(self, info: RunInfo) -> None:
        """Starts the file, with the lines before the first step that it has already."""
        kept = b"".join(self._lines_before(info.first_step))
        unfinished = self.path.with_name(self.path.name + ".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(kept)
            unfinished.replace(self.path)
        except OSError as error:
            raise cannot_write("JSONLines", self.path, error) from error
        self._end, self._unwritten = len(kept), b""

    def steps(self, first: int, values: Mapping[str, np.ndarray]) -> None:
        """Writes the lines of these steps."""
        steps, rows = every_row(first, values, self.every)
        columns = [plain(array) for array in rows.values()]
        self._write(
            {"step": step, **dict(zip(rows, row, strict=True))}
            for step, *row in zip(steps, *columns, strict=True)
        )

    def epoch(self, epoch: int, step: int, values: Mapping[str, np.ndarray]) -> bool:
        """Writes the line of an epoch."""
        metrics = {name: plain(value) for name, value in values.items()}
        self._write([{"epoch": epoch, "step": step, **metrics}])
        return False

    def end(self) -> None:
        """Writes what could not be written before."""
        self._write([])

    def _write(self, objects: Iterable[dict[str, Any]]) -> None:
        lines = [_encode(each) + "\n" for each in objects]
        self._unwritten += "".join(lines).encode()
        if not self._unwritten:
            return
        try:
            # Half a line of an attempt that failed is written over.
            with self.path.open("r+b") as file:
                file.seek(self._end)
                file.write(self._unwritten)
                file.truncate()
        except OSError as error:
            message = not_written("JSONLines", self.path, error)
            warnings.warn(message, RuntimeWarning, stacklevel=2)
            return
        self._end += len(self._unwritten)
        self._unwritten = b""

    def _lines_before(self, first: int) -> Iterable[bytes]:
        """The whole lines of an earlier part of the run."""
        if first == 0 or not self.path.is_file():
            return
        for line in self.path.read_bytes().splitlines(keepends=True):
            try:
                found = json.loads(line)
                # An epoch's step is the number of steps done.
                before = found["step"] < first + ("epoch" in found)
            except (ValueError, TypeError, KeyError):
                continue
            if before and line.endswith(b"\n"):
                yield line
