# SPDX-License-Identifier: Apache-2.0
"""One pass over a data set: the order of its rows, drawn when PyTorch draws it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from flaxnn.random import Generator


class Epoch:
    """The order of one pass, and the draws that making it costs.

    PyTorch draws at three moments, and so does this class: creating it draws the base
    seed for workers; the sampler draws when its first index is asked for, or the next
    one that it has not drawn yet; `finish` draws what it throws away when it runs dry.
    Iterating gives the row indices of each batch and makes the draws where they belong;
    a loop that stops early leaves the last one out, as in PyTorch. `DataLoader.epoch`
    creates it.

    Args:
        pieces: Arrays of row indices, each drawn when it is asked for.
        samples: How many indices they hold.
        rows: The rows of the data set, which the indices count.
        batch_size: Rows in a batch.
        drop_last: Whether a short last batch is left out.
        stream: Where the base seed is drawn from; None draws none.
        consumer: Who draws it, in the stream's ledger.

    Raises:
        IndexError: On drawing, an index lies outside the data set.
        TypeError: On drawing, an index is not an integer.
        RuntimeError: On drawing, there are not as many indices as `samples`.

    Torch:
        `iter(DataLoader)` with a sampler and BatchSampler (2.13.0; the same since
        1.13), `num_workers=0`, T0. A sampler whose length is not that of what it
        yields, or is not known, is refused; PyTorch takes what comes.

    Example:
        >>> from flaxnn.data import DataLoader
        >>> from flaxnn.random import Generator
        >>> import numpy as np
        >>> loader = DataLoader(np.zeros(5), 2, shuffle=True, rngs=Generator(0))
        >>> epoch = loader.epoch()
        >>> epoch.order()
        array([1, 4, 2, 3, 0])
        >>> [batch.tolist() for batch in epoch]
        [[1, 4], [2, 3], [0]]
    """

    def __init__(
        self,
        pieces: Iterator[np.ndarray],
        samples: int,
        rows: int,
        batch_size: int,
        *,
        drop_last: bool,
        stream: Generator | None,
        consumer: str = "DataLoader",
    ) -> None:
        self._pieces = pieces
        self._rows = rows
        self._batch_size = batch_size
        self._drop_last = drop_last
        self._indices = np.empty(samples, np.int64)
        self._drawn = 0
        self._finished = False
        if stream is not None:
            with stream.consumer(consumer), stream.consumer("base seed"):
                stream.random()  # the base seed for worker processes, drawn always

    def order(self) -> np.ndarray:
        """Returns the row indices of the whole pass, drawing what is not drawn yet.

        Returns:
            `(samples,)` int64, read-only.
        """
        return self._first(len(self._indices))

    def finish(self) -> None:
        """Makes the draw with which PyTorch's sampler ends, once however often called.

        Only a shuffling sampler with a generator of its own has one: a second
        permutation, thrown away. PyTorch makes it when it asks the sampler for one
        index too many: while it collects a short last batch, before handing that out,
        or, where the rows fill the last batch, when it is asked for another.
        """
        if self._finished:
            return
        self.order()
        self._finished = True
        if any(len(piece) for piece in self._pieces):
            raise self._wrong_length("more")

    def __iter__(self) -> Iterator[np.ndarray]:
        samples = len(self._indices)
        for start in range(0, samples, self._batch_size):
            end = start + self._batch_size
            if end > samples:
                self.finish()
                if self._drop_last:
                    return
            yield self._first(min(end, samples))[start:]
        self.finish()

    def _first(self, count: int) -> np.ndarray:
        """The first indices, read-only; draws them if need be."""
        while self._drawn < count:
            piece = next(self._pieces, None)
            if piece is None:
                raise self._wrong_length(f"{self._drawn}")
            piece = _within(piece, self._rows)
            if self._drawn + len(piece) > len(self._indices):
                raise self._wrong_length("more")
            self._indices[self._drawn : self._drawn + len(piece)] = piece
            self._drawn += len(piece)
        indices = self._indices[:count]
        indices.flags.writeable = False
        return indices

    def _wrong_length(self, got: str) -> RuntimeError:
        return RuntimeError(
            "expected a sampler to yield as many indices as its length says, "
            f"{len(self._indices)}, got {got}"
        )


def _within(indices: Any, rows: int) -> np.ndarray:
    """Row indices counted from the start, after checking that there are such rows."""
    if indices.dtype.kind not in "iu":
        raise TypeError(
            f"expected a sampler to yield integers, got {indices.flat[0]!r}"
        )
    wrong = indices[(indices < -rows) | (indices >= rows)]
    if wrong.size:
        raise IndexError(
            f"index {wrong[0]} of the sampler is out of range for a data set of "
            f"{rows} rows"
        )
    return np.where(indices < 0, indices + rows, indices)
