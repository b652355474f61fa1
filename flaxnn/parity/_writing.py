# SPDX-License-Identifier: Apache-2.0
"""Writes a trace of a run from arrays.

The PyTorch side writes the same format by itself: `recorder.py` is copied to where
flaxnn is not installed.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from flaxnn import interop

FORMAT = 1
LINES = "trace.jsonl"
FILE = re.compile(r"step-\d{6,12}\.safetensors")


def checksum(array: Any) -> str:
    """Returns the checksum that a trace has of an array of a batch.

    Args:
        array: The array, of any shape and dtype.

    Returns:
        The CRC-32 of its little-endian bytes in C order, as eight hex digits.

    Example:
        >>> import numpy as np
        >>> checksum(np.arange(3, dtype=np.float32))
        '30c8bc70'
    """
    return f"{zlib.crc32(_bytes(np.asarray(array))):08x}"


class TraceWriter:
    """Writes a trace, a step at a time; a context that ends it.

    An array that was written before is not written again: the line says where it is.

    Args:
        path: The directory to write.
        header: The run's header, without ``kind`` and ``format``.
        overwrite: Whether a trace that is there may be replaced.

    Raises:
        FileExistsError: ``path`` is there and is no trace, or may not be replaced.

    Example:
        >>> import tempfile, numpy as np
        >>> from flaxnn.parity import Trace
        >>> with tempfile.TemporaryDirectory() as place:
        ...     with TraceWriter(f"{place}/run.trace", {"framework": "jax"}) as writer:
        ...         writer.step({"losses": [0.5]})
        ...     Trace.open(f"{place}/run.trace").steps[0].loss
        0.5
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        header: Mapping[str, Any],
        *,
        overwrite: bool = False,
    ) -> None:
        self.path: Path = Path(path)
        self.steps: int = 0
        make_room(self.path, overwrite=overwrite)
        self._lines = (self.path / LINES).open("w", encoding="utf-8", newline="\n")
        self._known: dict[tuple, dict[str, str]] = {}  # by content
        self._say({"kind": "header", "format": FORMAT, **header})

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        self.close("finished" if error is None else f"{type(error).__name__}: {error}")

    def step(
        self, line: Mapping[str, Any], tensors: Mapping[str, Any] | None = None
    ) -> None:
        """Writes a step.

        Args:
            line: What the trace's line says, without ``kind``, ``step``, ``whole`` and
                ``tensors``. What is left out is empty.
            tensors: Key to array of a whole step; None for a light one.

        Raises:
            TypeError: An array is of a dtype that safetensors has not.
            OSError: The disk is full, or the like.
        """
        entry: dict[str, Any] = {"kind": "step", "step": self.steps}
        entry |= {"whole": tensors is not None, "losses": [], "groups": []}
        entry |= {"batch": {"sizes": [], "checksums": []}, "generator": None}
        entry |= {"gradient_norms": {}} | ({"calls": []} if tensors else {})
        entry |= line
        if tensors is not None:
            entry["tensors"] = self._save(tensors)
        self._say(entry)
        self.steps += 1

    def close(self, ended: str = "finished") -> None:
        """Writes how the run ended, unless that is written.

        Args:
            ended: ``"finished"``, or the error.
        """
        if not self._lines.closed:
            self._say({"kind": "end", "steps": self.steps, "ended": ended})
            self._lines.close()

    def _save(self, tensors: Mapping[str, Any]) -> dict[str, dict[str, str]]:
        """Writes what is not written yet; returns where everything is."""
        file = f"step-{self.steps:06d}.safetensors"
        places: dict[str, dict[str, str]] = {}
        new: dict[str, np.ndarray] = {}
        for key, value in tensors.items():
            array = np.asarray(value)
            digest = hashlib.sha1(_bytes(array), usedforsecurity=False).digest()
            here = {"file": file, "key": key}
            content = digest, array.dtype, array.shape
            places[key] = self._known.setdefault(content, here)
            if places[key] is here:
                new[key] = array
        interop.save(new, self.path / file)
        return places

    def _say(self, line: Mapping[str, Any]) -> None:
        text = json.dumps(_plain(line), allow_nan=False, separators=(",", ":"))
        self._lines.write(text + "\n")
        self._lines.flush()


def make_room(path: Path, *, overwrite: bool) -> None:
    """Makes the directory of a trace; of one that is there only its own files go."""
    if path.is_dir():
        if not any(path.iterdir()):
            return
        if not overwrite or not (path / LINES).is_file():
            raise FileExistsError(
                f"{path} is there: give another path"
                + (", or overwrite=True" if (path / LINES).is_file() else "")
            )
        for each in path.iterdir():
            if FILE.fullmatch(each.name):
                each.unlink()
    else:
        path.mkdir(parents=True)


def _bytes(array: np.ndarray) -> memoryview:
    whole = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return whole.reshape(-1).view(np.uint8).data


def _plain(value: Any) -> Any:
    """The value as JSON has it; a number that is not finite is its name."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
