# SPDX-License-Identifier: Apache-2.0
"""One run at a time writes into a directory."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import jax

from flaxnn.training._checkpoints._errors import CheckpointError

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows has no flock
    fcntl = None


class DirectoryLock:
    """Makes a directory, sees that it can be written, and keeps other runs out.

    The system gives the lock back when the process ends, however it ends. Of a run of
    several processes the first holds it.

    Args:
        directory: The directory.
    """

    def __init__(self, directory: Path):
        self._directory = directory
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Takes the lock.

        Raises:
            CheckpointError: The directory cannot be made or written, or another run
                has it.
        """
        if jax.process_index():
            return
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._file = (self._directory / "lock").open("w")
        except OSError as error:
            raise CheckpointError(
                f"checkpoints cannot be written to {self._directory}: {error.strerror}"
                "; choose a directory that this user may write"
            ) from error
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise CheckpointError(
                f"another run is writing to {self._directory}; give each run a "
                "directory of its own"
            ) from error

    def release(self) -> None:
        """Gives the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None
