"""One pass over a data set: the order of its rows, drawn when PyTorch draws it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flaxnn.random import Generator

# Who draws, in a Generator's ledger.
CONSUMER = "DataLoader"


class Epoch:
    """The order of one pass, and the draws that making it costs.

    PyTorch draws at three moments, and so does this class: creating it draws the base
    seed for workers; the first call of `order` draws the shuffle; `finish` draws what
    PyTorch's sampler throws away when it runs dry. Iterating gives the row indices of
    each batch and makes the draws where they belong; a loop that stops early leaves
    the last one out, as in PyTorch. `DataLoader.epoch` creates it.

    Args:
        rows: The number of rows.
        batch_size: Rows in a batch.
        drop_last: Whether a short last batch is left out.
        shuffle: Whether the order is drawn.
        stream: Where numbers are drawn from; None draws nothing.
        own_stream: Whether `stream` is the loader's own generator, which PyTorch
            permutes with directly. Otherwise it stands for the global one, which only
            seeds a private generator.

    Torch:
        `iter(DataLoader)` with RandomSampler or SequentialSampler and BatchSampler
        (2.13.0; the same since 1.13), `num_workers=0`, T0.

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
        rows: int,
        batch_size: int,
        *,
        drop_last: bool,
        shuffle: bool,
        stream: Generator | None,
        own_stream: bool,
    ) -> None:
        if shuffle and stream is None:
            raise ValueError("a shuffled epoch needs a stream to draw from, got None")
        self._rows = rows
        self._batch_size = batch_size
        self._drop_last = drop_last
        self._shuffle = shuffle
        self._stream = stream
        self._own_stream = own_stream
        self._order: np.ndarray | None = None
        self._finished = False
        if stream is not None:
            with stream.consumer(CONSUMER):
                stream.random()  # the base seed for worker processes, drawn always

    def order(self) -> np.ndarray:
        """Returns the row indices of the whole pass, drawing them the first time.

        Returns:
            `(rows,)` int64, read-only.
        """
        if self._order is None:
            self._order = self._draw_order()
            self._order.flags.writeable = False
        return self._order

    def finish(self) -> None:
        """Makes the draw with which PyTorch's sampler ends, once however often called.

        Only a shuffling loader with a generator of its own has one: a second
        permutation, thrown away. PyTorch makes it when it asks the sampler for one
        index too many: while it collects a short last batch, before handing that out,
        or, where the rows fill the last batch, when it is asked for another.
        """
        if self._finished:
            return
        self.order()
        self._finished = True
        if self._shuffle and self._own_stream and self._stream is not None:
            with self._stream.consumer(CONSUMER):
                self._stream.randperm(self._rows)

    def __iter__(self) -> Iterator[np.ndarray]:
        order = self.order()
        for start in range(0, self._rows, self._batch_size):
            batch = order[start : start + self._batch_size]
            if len(batch) < self._batch_size:
                self.finish()
                if self._drop_last:
                    return
            yield batch
        self.finish()

    def _draw_order(self) -> np.ndarray:
        if not self._shuffle or self._stream is None:
            return np.arange(self._rows, dtype=np.int64)
        with self._stream.consumer(CONSUMER):
            if self._own_stream:
                return self._stream.randperm(self._rows)
            seed = int(self._stream.random())
        return Generator(seed).randperm(self._rows)
