# SPDX-License-Identifier: Apache-2.0
"""The data phase: the port's batches beside the recorded ones."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Generator as Generated
from typing import Any

import numpy as np

from flaxnn.data import DataLoader, pixel_table
from flaxnn.parity._causes._batches import Batch, cause_of_batch
from flaxnn.parity._distance import distance
from flaxnn.parity._finding import Finding
from flaxnn.parity._trace import Trace
from flaxnn.parity._trace_step import Step
from flaxnn.parity._writing import checksum
from flaxnn.random import Generator


class Batches:
    """A port's batches in order.

    Args:
        data: A DataLoader, whose epochs follow each other; a tuple of arrays, of which
            every step takes all rows; or an iterable of batches.
        trace: What they are compared with.
        draw: What the port's model draws from a loader's stream for a batch.
    """

    def __init__(
        self, data: Any, trace: Trace, draw: Callable[[Any, Generator], None]
    ) -> None:
        self._source = _iterated(data, draw)
        self._iterator: Iterator[Any] = self._source
        first = next((step for step in trace.whole), None)
        self._like = [] if first is None else _recorded(first)
        self._seen: list[Batch] = []
        self._past = True

    def compare(self, step: Step) -> Iterator[Finding | None]:
        """Gives for each array of a step's batch the finding, or None.

        Args:
            step: The step; called for each in order.
        """
        batch = next(self._iterator, None)
        if batch is None:
            yield Finding(step.number, "data", "", "there is no batch: it", np.inf, 0.0)
            return
        arrays = self._cast(batch)
        self._seen.append(arrays)
        recorded = _recorded(step) if step.whole else None
        for k, text in enumerate(step.batch_checksums):
            if k < len(arrays) and checksum(arrays[k]) == text:
                yield None
                continue
            ours = arrays[k] if k < len(arrays) else None
            theirs = recorded[k] if recorded and k < len(recorded) else None
            if ours is not None and theirs is not None and ours.shape == theirs.shape:
                apart = distance(theirs, ours)
                if not apart.differs:
                    yield None
                    continue
                largest, limit = apart.largest, apart.limit
            else:
                largest, limit = float("nan"), 0.0
            cause = cause_of_batch(
                step.batch_sizes, arrays, recorded, k, self._upcoming, before=self._past
            )
            what = f"array {k} of the batch"
            self._past = False
            yield Finding(step.number, "data", "", what, largest, limit, cause)
            return

    def close(self) -> None:
        """Leaves the port's streams as they were."""
        self._source.close()

    def _upcoming(self) -> Iterable[Batch]:
        """The batches so far and some that follow, to look for rows in."""
        ahead = [self._cast(b) for b in itertools.islice(self._iterator, 64)]
        self._iterator = itertools.chain(ahead, self._iterator)
        return [*self._seen, *ahead]

    def _cast(self, batch: Any) -> Batch:
        """The batch's arrays as a training step takes them, shaped as the recorded."""
        arrays = [np.asarray(array) for array in batch]
        for k, (array, like) in enumerate(zip(arrays, self._like, strict=False)):
            if array.dtype == "uint8" and like.dtype.kind == "f":
                array = pixel_table(like.dtype)[array]
            arrays[k] = array.astype(like.dtype, copy=False)
            if array[:1].size == like[:1].size:
                arrays[k] = arrays[k].reshape(-1, *like.shape[1:])
        return tuple(arrays)


def _epochs(
    loader: DataLoader, draw: Callable[[Any, Generator], None]
) -> Generated[Any, None, None]:
    """The batches of one epoch after another; the loader's streams end as they were."""
    states = [generator.get_state() for generator in loader.generators]
    try:
        while True:
            for batch in loader:
                yield batch
                if loader.rngs is not None:
                    draw(batch, loader.rngs)
    finally:
        for generator, state in zip(loader.generators, states, strict=True):
            generator.set_state(state)


def _recorded(step: Step) -> list[np.ndarray]:
    """The arrays of a whole step's batch: inputs, then targets."""
    values = [*step.inputs, *step.targets]
    return [value for value in values if isinstance(value, np.ndarray)]


def _iterated(
    data: Any, draw: Callable[[Any, Generator], None]
) -> Generated[Any, None, None]:
    if isinstance(data, DataLoader):
        return _epochs(data, draw)
    if isinstance(data, tuple) and all(hasattr(array, "shape") for array in data):
        return (data for _ in itertools.count())
    if not isinstance(data, Iterable):
        raise TypeError(
            "data must be a flaxnn.data.DataLoader, a tuple of arrays or an iterable "
            f"of batches, got {type(data).__name__}"
        )
    return (batch for batch in data)
