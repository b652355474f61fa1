# SPDX-License-Identifier: Apache-2.0
"""A file of TensorBoard's events, by tensorboardX."""

from __future__ import annotations

import os
import socket
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flaxnn._errors import MissingPackageError

# What TensorBoard must read at the head of a file to heed the start of a session.
_VERSION = "brain.Event:2"


class EventFile:
    """A new file in a directory, whose points replace older ones.

    tensorboardX's `SummaryWriter` is left out: it writes from a queue that it does
    not wait for, and two of them in one second share a file.

    Args:
        directory: The directory; it is made.
        forgotten: From which step on TensorBoard forgets older points.

    Raises:
        MissingPackageError: tensorboardX is not installed.
        OSError: The file cannot be written.
    """

    def __init__(self, directory: Path, forgotten: int):
        try:
            from tensorboardX import RecordWriter
            from tensorboardX.proto import event_pb2, summary_pb2
        except ImportError as error:
            raise MissingPackageError(
                f"TensorBoard needs tensorboardX, which could not be imported "
                f'({error}); install it with pip install "flaxnn[tensorboard]"'
            ) from error
        # Their classes are made at import, where type checkers do not see them.
        events: Any = event_pb2
        summaries: Any = summary_pb2
        self._event = events.Event
        self._summary = summaries.Summary
        directory.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads a directory's files in the order of their names.
        seconds, fraction = divmod(time.time_ns(), 10**9)
        place = f"{socket.gethostname()}.{os.getpid()}"
        name = f"events.out.tfevents.{seconds:010d}.{fraction:09d}.{place}"
        self._records = RecordWriter(str(directory / name))
        self._finalizer = weakref.finalize(self, self._records.close)
        started = events.SessionLog(status=events.SessionLog.START)
        self._write(file_version=_VERSION)
        self._write(step=forgotten, session_log=started)
        self.flush()

    def add(self, step: int, scalars: Mapping[str, float]) -> None:
        """Adds a point for each of the scalars."""
        Value = self._summary.Value
        values = [Value(tag=tag, simple_value=x) for tag, x in scalars.items()]
        self._write(step=step, summary=self._summary(value=values))

    def flush(self) -> None:
        """Waits until all of it is on disk."""
        self._records.flush()

    def close(self) -> None:
        """Closes the file, which is also closed with a run that nobody ended."""
        self._finalizer()

    def _write(self, **content: Any) -> None:
        event = self._event(wall_time=time.time(), **content)
        self._records.write(event.SerializeToString())
