# SPDX-License-Identifier: Apache-2.0
"""The metrics of a run, fetched from the device a little behind it."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from flaxnn.training._plan import Chunk, Position
from flaxnn.training._state import RunState, TrainState
from flaxnn.training._step import Metrics


@dataclass
class Pending:
    """A chunk under way, and what is needed when it comes out.

    Attributes:
        values: Its metrics, still being computed.
        part: The chunk.
        first: The first of its steps.
        before: Whatever is needed to run it again up to one of its steps.
        snapshot: The state behind it where that is to be saved.
        shared: Whether the snapshot's arrays are those that the next chunk uses up.
    """

    values: Metrics
    part: Chunk
    first: int
    before: Before | None = None
    snapshot: RunState | None = None
    shared: bool = True

    def keep(self, train: TrainState) -> None:
        """Gives the snapshot arrays that nothing uses up."""
        assert self.snapshot is not None
        self.snapshot, self.shared = replace(self.snapshot, train=train), False


@dataclass(frozen=True)
class Before:
    """A chunk's inputs, with copies of what the chunk itself uses up."""

    train: TrainState
    inputs: tuple[Any, ...]
    position: Position


class Series:
    """One growing array for each name.

    Args:
        past: What is there already.
        names: Names that are there even while nothing is.
    """

    def __init__(self, past: dict[str, np.ndarray], names: Sequence[str] = ()):
        empty = {name: np.zeros(0, np.float32) for name in names}
        self._parts = {name: [array] for name, array in (empty | past).items()}

    def add(self, values: dict[str, np.ndarray]) -> None:
        """Appends to each of the arrays."""
        for name, array in values.items():
            self._parts.setdefault(name, []).append(np.asarray(array))

    def arrays(self) -> dict[str, np.ndarray]:
        """One array for each name; empty ones do not decide the dtype."""
        return {name: _joined(parts) for name, parts in self._parts.items()}


class InFlight:
    """Chunks that were started and whose metrics nobody has looked at.

    Args:
        most: How many may be under way while the host prepares the next.
    """

    def __init__(self, most: int):
        self._most = most
        self._chunks: deque[Pending] = deque()

    def add(self, pending: Pending) -> None:
        """Takes a chunk that was started."""
        self._chunks.append(pending)

    def next(self, *, wait: bool) -> tuple[Pending, dict[str, np.ndarray]] | None:
        """The oldest chunk and its metrics, if it is time to wait for it."""
        if not self._chunks or (not wait and len(self._chunks) <= self._most):
            return None
        pending = self._chunks.popleft()
        values = jax.device_get(pending.values)
        return pending, {k: v[: pending.part.length] for k, v in values.items()}


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    filled = [part for part in parts if len(part)]
    if not filled:
        return parts[0] if parts else np.zeros(0, np.float32)
    parts[:] = [np.concatenate(filled)]
    return parts[0]
