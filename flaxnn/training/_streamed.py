# SPDX-License-Identifier: Apache-2.0
"""Samples that reach the device while the run goes on, a part of the data at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import jax
import numpy as np

from flaxnn.training._checks import naming_row
from flaxnn.training._placement import Placement
from flaxnn.training._plan import Chunk
from flaxnn.training._reader import Reader
from flaxnn.training._samples import Samples

Arrays = tuple[jax.Array, ...]
# Arrays on the device, and the rows of them that make each batch.
Part = tuple[Arrays, list[np.ndarray]]
Check = Callable[[tuple[np.ndarray, ...], int], None]

# Memory for the samples of one chunk, or of one part of an evaluation.
_MOST_BYTES = 64 << 20


class Streamed:
    """A data set of which only the rows of a few chunks are in memory.

    The device works on a chunk while the next one is put together, and threads read
    ahead in the epoch's order from the chunk on at which the run starts. Each process
    reads what its own devices take.

    Args:
        samples: The data set.
        placement: Where to.
        batch_size: Rows of a whole batch.
        check: Raises what the loss says of some rows, in batches of a size.
    """

    def __init__(
        self, samples: Samples, placement: Placement, batch_size: int, check: Check
    ):
        self.most = max(1, _MOST_BYTES // (batch_size * samples.row_bytes))
        self._samples = samples
        self._placement = placement
        self._batch_size = batch_size
        self._check = check
        self._reader: Reader | None = None
        self._coming = 0

    def chunk(self, part: Chunk) -> tuple[Arrays, jax.Array]:
        """The chunk's own batches, ``(capacity, B, …)`` each, and their places."""
        assert part.rows is not None
        if self._reader is None or self._coming != len(part.ahead):
            self._start(part.ahead)
        assert self._reader is not None
        self._coming -= part.rows.size
        size = part.rows.shape[1]
        columns = self._placement.columns(size)
        mine = part.rows[:, columns].ravel()
        arrays = self._reader.take(len(mine), part.capacity * len(columns))
        checked = tuple(array[: len(mine)] for array in arrays)
        naming_row(lambda rows: self._check(rows, size), checked, mine)
        batches = (
            array.reshape(part.capacity, len(columns), *array.shape[1:])
            for array in arrays
        )
        places = self._placement.everywhere(np.arange(part.capacity, dtype=np.int32))
        return (
            tuple(self._placement.shared_parts(array, 1, size) for array in batches),
            places,
        )

    def _start(self, ahead: np.ndarray) -> None:
        """Begins to read the rows of an epoch, or of what is left of it."""
        self.close()
        assert self._samples.read is not None
        whole = len(ahead) // self._batch_size * self._batch_size
        batches = ahead[:whole].reshape(-1, self._batch_size)
        short = ahead[whole:]
        order = np.concatenate(
            [
                batches[:, self._placement.columns(self._batch_size)].ravel(),
                short[self._placement.columns(len(short))],
            ]
        )
        self._reader = Reader(self._samples.read, order, self._samples.row_bytes)
        self._coming = len(ahead)

    def close(self) -> None:
        """Stops the threads that read ahead."""
        if self._reader is not None:
            self._reader.close()
        self._reader = None


def streamed_parts(
    samples: Samples,
    batches: list[np.ndarray],
    placement: Placement,
    check: Callable[[tuple[np.ndarray, ...]], None] | None = None,
) -> Iterator[Part]:
    """The samples of consecutive batches, on every device, as many as memory allows.

    Args:
        samples: The data set, streamed.
        batches: The rows of each batch.
        placement: Where to.
        check: Raises what is wrong with some rows.

    Yields:
        Arrays, and for each batch in them its places there.
    """
    assert samples.read is not None
    order = np.concatenate(batches)
    room = max(min(rows_that_fit(samples), len(order)), *map(len, batches))
    reader = Reader(samples.read, order, samples.row_bytes)
    try:
        for part in _grouped(batches, room):
            rows = np.concatenate(part)
            arrays = reader.take(len(rows), room)
            if check is not None:
                found = tuple(array[: len(rows)] for array in arrays)
                naming_row(check, found, rows)
            ends = np.cumsum([len(batch) for batch in part])
            places = np.split(np.arange(len(rows), dtype=np.int32), ends[:-1])
            yield placement.everywhere(arrays), places
    finally:
        reader.close()


def rows_that_fit(samples: Samples) -> int:
    """How many rows are streamed at once."""
    return max(1, _MOST_BYTES // samples.row_bytes)


def _grouped(batches: list[np.ndarray], most: int) -> Iterator[list[np.ndarray]]:
    """Consecutive batches with no more rows together than these."""
    group: list[np.ndarray] = []
    rows = 0
    for batch in batches:
        if group and rows + len(batch) > most:
            yield group
            group, rows = [], 0
        group.append(batch)
        rows += len(batch)
    yield group
