# SPDX-License-Identifier: Apache-2.0
"""In what order a run visits its data, and when numbers are drawn for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.training._state import (
    RunState,
    TrainState,
    generator_states,
    restore_generators,
)

# A program for a single step is another program: XLA knows its only index, fuses
# otherwise, and rounds otherwise. Chunks of one step therefore have room for two.
LEAST_CAPACITY = 2


@dataclass(frozen=True)
class Chunk:
    """Consecutive steps that are run together.

    Attributes:
        rows: ``(length, B)`` rows of each batch; None for the whole data set.
        length: How many steps.
        capacity: How many steps a chunk of this shape can hold.
        generators: The run's Generators before the chunk's first draw.
        ahead: ``(M,)`` rows that the run visits in this epoch from here on.
    """

    rows: np.ndarray | None
    length: int
    capacity: int
    generators: tuple[np.ndarray, ...] = ()
    ahead: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int32))


@dataclass(frozen=True)
class EpochEnd:
    """The moment after an epoch's last draw and before the next epoch's first.

    Attributes:
        epoch: How many epochs are done; for full batches how many steps.
    """

    epoch: int


@dataclass
class Position:
    """Where a run is; `Plan` moves it on as chunks are handed out."""

    epoch: int
    batch: int
    generators_at_epoch: tuple[np.ndarray, ...]


class Plan:
    """Cuts a run into chunks on a grid that does not depend on where it started.

    Iterating draws each epoch's order when PyTorch draws it, so host draws made
    between two chunks come from the right place of the stream.

    Args:
        loader: The loader, or None for one full batch at each step.
        generators: All Generators of the run.
        epochs: How many epochs the run has in all; None where ``steps`` decides.
        steps: How many steps the run has in all; None where ``epochs`` decides.
        chunk: The largest number of steps in a chunk.
        start: Where the run goes on from.
        drawn: The Generators' states there, if in the middle of an epoch.
        stop_every: No chunk goes beyond a multiple of this number of steps; 0 for
            no such stops.
        epoch_steps: For full batches, after how many steps an `EpochEnd` comes; 0
            for never. A loader's epochs have one each.

    Attributes:
        position: Where the run is once the steps handed out are done.
        most: The largest length of a chunk.
        limit: The largest length of the next one; whoever iterates may change it.
        ends_epoch: Whether an `EpochEnd` follows the chunk handed out last.
    """

    def __init__(
        self,
        loader: DataLoader | None,
        generators: tuple[Generator, ...],
        *,
        epochs: int | None,
        steps: int | None,
        chunk: int,
        start: Position,
        drawn: tuple[np.ndarray, ...],
        stop_every: int = 0,
        epoch_steps: int = 0,
    ):
        self.position: Position = start
        self.most = chunk
        self.limit: int = chunk
        self.ends_epoch: bool = False
        self._stop_every = stop_every
        self._epoch_steps = epoch_steps
        self._loader = loader
        self._generators = generators
        self._chunk = chunk
        self._drawn = drawn
        per_epoch = 1 if loader is None else len(loader)
        self.total: int = (steps or 0) if epochs is None else epochs * per_epoch
        self._stops_inside = epochs is None
        self._done = start.epoch * per_epoch + start.batch

    def state(self, train: TrainState) -> RunState:
        """The run's whole state, once the steps handed out are done."""
        return self._state_at(self.position, train)

    def state_before(
        self, chunk: Chunk, position: Position, index: int, train: TrainState
    ) -> RunState:
        """The run's whole state before a step of a chunk, which is not yet redrawn.

        Puts the Generators to where they were before the chunk.

        Args:
            chunk: The chunk.
            position: The position behind it.
            index: The step's place in the chunk.
            train: The device's part.
        """
        back = chunk.length - index
        if self._loader is None:
            position = replace(position, epoch=position.epoch - back)
        else:
            position = replace(position, batch=position.batch - back)
        begins = self._loader is not None and position.batch == 0
        states = position.generators_at_epoch if begins else chunk.generators
        restore_generators(self._generators, states)
        return self._state_at(position, train)

    def _state_at(self, position: Position, train: TrainState) -> RunState:
        return RunState(
            train,
            position.epoch,
            position.batch,
            position.generators_at_epoch,
            generator_states(self._generators),
        )

    def epoch_ends(self) -> list[tuple[int, int]]:
        """The epochs that are done, and after how many steps each was."""
        if self._loader is not None:
            steps = len(self._loader)
            return [(n, n * steps) for n in range(1, self.position.epoch + 1)]
        every = self._epoch_steps
        return [(n, n) for n in range(every, self._done + 1, every)] if every else []

    @property
    def done(self) -> int:
        """Steps that are done once those handed out are."""
        return self._done

    @property
    def remaining(self) -> int:
        """Steps that are still to do."""
        return max(0, self.total - self._done)

    def __iter__(self) -> Iterator[Chunk | EpochEnd]:
        if self._loader is None:
            yield from self._full_batches()
            return
        while self.remaining or self._epoch_to_finish():
            yield from self._epoch(self._loader)

    def _epoch_to_finish(self) -> bool:
        """Whether a resumed run stopped between an epoch's last step and its end."""
        return self.position.batch > 0 and not self._stops_inside

    def _full_batches(self) -> Iterator[Chunk | EpochEnd]:
        while self.remaining:
            to_grid = self._chunk - self._done % self._chunk
            length = self._length(to_grid, _to_next(self._done, self._epoch_steps))
            self._done += length
            now = generator_states(self._generators)
            self.position = Position(self._done, 0, now)
            ends = self._epoch_steps > 0 and self._done % self._epoch_steps == 0
            self.ends_epoch = ends
            capacity = max(self._chunk, LEAST_CAPACITY)
            yield Chunk(None, length, capacity, now)
            if ends:
                self.ends_epoch = False
                yield EpochEnd(self._done)

    def _length(self, *bounds: int) -> int:
        """The length of the next chunk, within these bounds and the run's own."""
        to_stop = _to_next(self._done, self._stop_every)
        return max(1, min(*bounds, to_stop, self.limit, self.remaining))

    def _epoch(self, loader: DataLoader) -> Iterator[Chunk | EpochEnd]:
        first = self.position.batch
        if first > len(loader):
            raise ValueError(
                f"the state is at batch {first} of an epoch, but this loader has "
                f"{len(loader)} batches; resume with the loader of that run"
            )
        if first == 0:
            self.position.generators_at_epoch = generator_states(self._generators)
        epoch = loader.epoch()
        order = epoch.order().astype(np.int32)
        if first:
            restore_generators(self._generators, self._drawn)
        size = loader.batch_size
        full, rest = divmod(len(order), size)
        short = rest > 0 and not loader.drop_last
        rows = order[: full * size].reshape(full, size)
        visited = order if short else order[: full * size]
        visited = visited[: (first + self.remaining) * size]
        capacity = min(max(self._chunk, LEAST_CAPACITY), full)
        while self.position.batch < full and self.remaining:
            at = self.position.batch
            length = self._length(capacity - at % capacity, full - at)
            now = generator_states(self._generators)
            batches, ahead = rows[at : at + length], visited[at * size :]
            yield self._advance(loader, Chunk(batches, length, capacity, now, ahead))
        if short and self.position.batch == full and self.remaining:
            now = generator_states(self._generators)
            # PyTorch's sampler runs dry while it collects the short batch.
            epoch.finish()
            last = order[full * size :]
            yield self._advance(loader, Chunk(last[None], 1, 1, now, last))
        if self._completes(loader):
            self.ends_epoch = False
            if not short:
                epoch.finish()
            now = generator_states(self._generators)
            self.position = Position(self.position.epoch + 1, 0, now)
            yield EpochEnd(self.position.epoch)

    def _advance(self, loader: DataLoader, chunk: Chunk) -> Chunk:
        self._done += chunk.length
        self.position.batch += chunk.length
        self.ends_epoch = self._completes(loader)
        return chunk

    def _completes(self, loader: DataLoader) -> bool:
        """Whether an epoch's batches are all handed out, and the run sees its end."""
        whole = self.position.batch == len(loader)
        return whole and (self.remaining > 0 or not self._stops_inside)


def _to_next(done: int, period: int) -> int:
    """Steps to the next multiple of a period; without bound for a period of 0."""
    return period - done % period if period else sys.maxsize
