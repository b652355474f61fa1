"""In what order a run visits its data, and when numbers are drawn for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.training._state import (
    RunState,
    TrainState,
    generator_states,
    restore_generators,
)


@dataclass(frozen=True)
class Chunk:
    """Consecutive steps that are run together.

    Attributes:
        rows: ``(length, B)`` rows of each batch; None for the whole data set.
        length: How many steps.
        capacity: How many steps a chunk of this shape can hold.
    """

    rows: np.ndarray | None
    length: int
    capacity: int


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
    ):
        self.position = start
        self._loader = loader
        self._generators = generators
        self._chunk = chunk
        self._drawn = drawn
        per_epoch = 1 if loader is None else len(loader)
        self.total = (steps or 0) if epochs is None else epochs * per_epoch
        self._stops_inside = epochs is None
        self._done = start.epoch * per_epoch + start.batch

    def state(self, train: TrainState) -> RunState:
        """The run's whole state, once the steps handed out are done."""
        return RunState(
            train,
            self.position.epoch,
            self.position.batch,
            self.position.generators_at_epoch,
            generator_states(self._generators),
        )

    @property
    def remaining(self) -> int:
        """Steps that are still to do."""
        return max(0, self.total - self._done)

    def __iter__(self) -> Iterator[Chunk]:
        if self._loader is None:
            yield from self._full_batches()
            return
        while self.remaining or self._epoch_to_finish():
            yield from self._epoch(self._loader)

    def _epoch_to_finish(self) -> bool:
        """Whether a resumed run stopped between an epoch's last step and its end."""
        return self.position.batch > 0 and not self._stops_inside

    def _full_batches(self) -> Iterator[Chunk]:
        while self.remaining:
            to_grid = self._chunk - self._done % self._chunk
            length = min(to_grid, self.remaining)
            self._done += length
            self.position = Position(self._done, 0, generator_states(self._generators))
            yield Chunk(None, length, self._chunk)

    def _epoch(self, loader: DataLoader) -> Iterator[Chunk]:
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
        capacity = min(self._chunk, full)
        while self.position.batch < full and self.remaining:
            at = self.position.batch
            length = min(capacity - at % capacity, full - at, self.remaining)
            yield self._advance(Chunk(rows[at : at + length], length, capacity))
        if short and self.position.batch == full and self.remaining:
            # PyTorch's sampler runs dry while it collects the short batch.
            epoch.finish()
            yield self._advance(Chunk(order[None, full * size :], 1, 1))
        if self.position.batch == len(loader) and (
            self.remaining or not self._stops_inside
        ):
            if not short:
                epoch.finish()
            now = generator_states(self._generators)
            self.position = Position(self.position.epoch + 1, 0, now)

    def _advance(self, chunk: Chunk) -> Chunk:
        self._done += chunk.length
        self.position.batch += chunk.length
        return chunk
