"""Mini-batches in PyTorch's order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from flaxnn.data._epoch import Epoch
from flaxnn.data._source import Source
from flaxnn.data._stream import as_generator, missing_generator
from flaxnn.random import Generator


class DataLoader:
    """Batches of a data set, in the order and with the draws of PyTorch's DataLoader.

    Each iteration is one epoch and yields tuples of new NumPy arrays, one for each
    field of a row, the batch first.

    Args:
        dataset: An array `(N, ...)`, a tuple of arrays of equal length, a `Dataset`, or
            any object with `__len__` and `__getitem__` whose rows are arrays, numbers,
            or tuples of them (a list is taken as a list of rows).
        batch_size: Rows in a batch.
        shuffle: Whether each epoch has a newly drawn order.
        rngs: The run's `Generator`, which stands for PyTorch's global one: the model
            drew from it and the loader goes on from there, two 32-bit words for an
            epoch and two more for a shuffled one. A `flax.nnx.Rngs` is accepted where
            nothing is shuffled, and is left untouched.
        generator: The loader's own `Generator`, exactly PyTorch's argument. Where both
            are given, every number comes from this one.
        drop_last: Whether to leave out a last batch that is short.

    Attributes:
        dataset: As given.
        arrays: The arrays behind the data set, or None where it only has rows.
        batch_size: As given.
        shuffle: As given.
        drop_last: As given.
        rngs: The run's Generator, or None where none was given.
        generator: The loader's own Generator, or None where none was given.
        generators: The Generators it draws from, none or one, to save and restore.

    Raises:
        TypeError: `dataset` cannot be batched, `shuffle` has nothing to draw from, or
            `rngs` or `generator` is not a Generator.
        ValueError: `batch_size` is not a positive int, arrays differ in length, or an
            empty data set is to be shuffled.
        RuntimeError: On iterating, rows of one batch differ in shape or fields.

    Torch:
        `torch.utils.data.DataLoader` (2.13.0; the same order since 1.13), T0: batches,
        and the state of the generator after any number of them. Differences: with
        neither `rngs` nor `generator` nothing is drawn, where PyTorch draws from its
        hidden global generator; a tuple is taken as arrays, not as samples; a single
        field comes as a tuple of one; there are no workers, samplers or collate
        functions, and `batch_size=None` is refused.

    Example:
        >>> import numpy as np
        >>> from flaxnn.random import Generator
        >>> x, y = np.arange(10.0).reshape(5, 2), np.arange(5)
        >>> loader = DataLoader((x, y), 2, shuffle=True, rngs=Generator(0))
        >>> for images, labels in loader:
        ...     print(images.shape, labels)
        (2, 2) [1 4]
        (2, 2) [2 3]
        (1, 2) [0]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int = 1,
        shuffle: bool = False,
        *,
        rngs: Any = None,
        generator: Generator | None = None,
        drop_last: bool = False,
    ) -> None:
        if (
            not isinstance(batch_size, int)
            or isinstance(batch_size, bool)
            or batch_size <= 0
        ):
            raise ValueError(
                "batch_size should be a positive integer value, but got "
                f"batch_size={batch_size!r}"
            )
        if not isinstance(drop_last, bool):
            raise ValueError(
                f"drop_last should be a boolean value, but got drop_last={drop_last}"
            )
        self.rngs = as_generator(rngs, "rngs")
        self.generator = as_generator(generator, "generator")
        self._source = Source(dataset)
        self._own_stream = self.generator is not None
        self._stream = self.generator if self._own_stream else self.rngs
        if shuffle and self._stream is None:
            raise missing_generator("shuffle=True", rngs)
        if shuffle and len(self._source) == 0:
            raise ValueError(
                "num_samples should be a positive integer value, but got num_samples=0 "
                "(the data set is empty and cannot be shuffled)"
            )
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle = bool(shuffle)
        self.drop_last = drop_last

    @property
    def arrays(self) -> tuple[np.ndarray, ...] | None:
        """The arrays behind the data set, or None where it only has rows."""
        return self._source.arrays

    @property
    def generators(self) -> tuple[Generator, ...]:
        """The Generators it draws from, to save and restore their states."""
        return () if self._stream is None else (self._stream,)

    def epoch(self) -> Epoch:
        """Starts an epoch without gathering rows, as `iter` does; draws its base seed.

        Returns:
            An `Epoch`: `order()` draws and returns the row indices, iterating gives
            those of each batch, `finish()` makes the draw that ends it.
        """
        return Epoch(
            len(self._source),
            self.batch_size,
            drop_last=self.drop_last,
            shuffle=self.shuffle,
            stream=self._stream,
            own_stream=self._own_stream,
        )

    def __len__(self) -> int:
        rows = len(self._source)
        if self.drop_last:
            return rows // self.batch_size
        return -(-rows // self.batch_size)

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        # Not itself a generator function: the base seed is drawn now, before any next.
        epoch = self.epoch()
        return (self._source.gather(indices) for indices in epoch)

    def __repr__(self) -> str:
        return (
            f"DataLoader({len(self._source)} rows, batch_size={self.batch_size}, "
            f"shuffle={self.shuffle}, drop_last={self.drop_last})"
        )
