# SPDX-License-Identifier: Apache-2.0
"""Reads a trace: what a run did, step by step."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn import interop
from flaxnn.parity._trace_lines import TraceError, is_header, is_step, read_lines
from flaxnn.parity._trace_step import Step
from flaxnn.parity._writing import FORMAT, LINES

# Maps kept open: a step's own file, and those that it points to.
_MAPS = 4
_EMPTY = {"modules": {}, "parameters": {}, "buffers": {}, "loss": None}


class Trace:
    """What a run did, as `recorder.py` or `flaxnn.parity.record` wrote it.

    Args:
        path: The directory.
        lines: Its header, a line for each step, and its end. `open` reads them.

    Attributes:
        path: The directory.
        header: What the run is: modules, parameters, optimiser, loss, settings.
        steps: The steps, in order.
        ended: ``"finished"``, the error that ended it, or None for a run that was
            killed or goes on.
    """

    def __init__(self, path: Path, lines: list[dict[str, Any]]) -> None:
        self.path = path
        header, *rest = lines
        self.header: dict[str, Any] = _EMPTY | header
        self.ended: str | None = None
        self._files: dict[str, dict[str, np.ndarray]] = {}
        if rest and rest[-1].get("kind") == "end":
            self.ended = str(rest.pop().get("ended"))
        for line in rest:
            # The criterion is first seen when it is called.
            self.header["loss"] = line.get("loss") or self.header["loss"]
        self.steps: list[Step] = [Step(line, self.array) for line in rest]

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Trace:
        """Returns the trace in a directory.

        Args:
            path: The directory.

        Raises:
            FileNotFoundError: There is none.
            TraceError: It holds no trace, a damaged one, or one of a newer format.

        Example:
            >>> Trace.open("run.trace")
            Traceback (most recent call last):
            ...
            FileNotFoundError: there is no run.trace: record a run first...
        """
        place = Path(path)
        if not place.exists():
            raise FileNotFoundError(
                f"there is no {place}: record a run first, with the file that "
                "flaxnn.parity.recorder_path() names"
            )
        if not (place / LINES).is_file():
            raise TraceError(
                f"{place} is no trace: expected a directory that holds {LINES}"
            )
        try:
            lines = list(read_lines(place / LINES))
        except UnicodeDecodeError:
            raise TraceError(f"{place / LINES} is damaged: it is no UTF-8") from None
        if not lines or not is_header(lines[0]):
            raise TraceError(
                f"{place / LINES} has no header, or a damaged one: record again"
            )
        form = lines[0]["format"]
        if type(form) is not int or not 1 <= form <= FORMAT:
            raise TraceError(
                f"{place} is of format {form!r}, and this flaxnn reads up to "
                f"{FORMAT}: update flaxnn"
            )
        for number, line in enumerate(lines[1:], 2):
            last = line.get("kind") == "end" and number == len(lines)
            if not last and not is_step(line, number - 2):
                raise TraceError(
                    f"line {number} of {place / LINES} is no whole line of step "
                    f"{number - 2}: the trace is damaged; record again"
                )
        return cls(place, lines)

    @cached_property
    def whole(self) -> list[Step]:
        """The steps whose arrays are recorded."""
        return [step for step in self.steps if step.whole]

    def __len__(self) -> int:
        return len(self.steps)

    def array(self, entry: Mapping[str, str]) -> np.ndarray:
        """Returns the array that an entry of a line's ``tensors`` points to.

        Args:
            entry: Its ``file`` and ``key``.

        Raises:
            TraceError: The file is missing or damaged, or has not the key.
        """
        file, key = entry["file"], entry["key"]
        if file not in self._files:
            while len(self._files) >= _MAPS:
                del self._files[next(iter(self._files))]
            try:
                self._files[file] = interop.load(self.path / file)
            except (OSError, interop.FileFormatError) as error:
                raise TraceError(
                    f"{self.path / file} cannot be read, copy the trace again or "
                    f"record again: {error}"
                ) from None
        array = self._files[file].get(key)
        if not isinstance(array, np.ndarray):
            raise TraceError(
                f"{self.path / file} has no {key[:200]!r}: it is another run's; copy "
                "the trace again or record again"
            )
        return array


TraceLike = Trace | str | os.PathLike[str]


def opened(trace: TraceLike) -> Trace:
    """Returns a trace, opened if it is a directory."""
    return trace if isinstance(trace, Trace) else Trace.open(trace)
