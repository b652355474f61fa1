# SPDX-License-Identifier: Apache-2.0
"""Mini-batches in PyTorch's order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from flaxnn.data._epoch import Epoch
from flaxnn.data._order_samplers import RandomSampler, SequentialSampler
from flaxnn.data._sampler import pieces_of, streams_of
from flaxnn.data._source import Source
from flaxnn.data._stream import as_generator, missing_generator
from flaxnn.random import Generator

if TYPE_CHECKING:
    from flaxnn.data.transforms import Transform


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
        sampler: Which rows an epoch visits, instead of all of them: one of this
            package's samplers, or any iterable of row indices with a length. One that
            draws from Generators names them in an attribute `generators`, a tuple, for
            `fit` to save and restore.
        rngs: The run's `Generator`, which stands for PyTorch's global one: the model
            drew from it and the loader goes on from there, two 32-bit words for an
            epoch and two more for a shuffled one. A `flax.nnx.Rngs` is accepted where
            nothing is shuffled, and is left untouched.
        generator: The loader's own `Generator`, exactly PyTorch's argument. Where both
            are given, every number comes from this one.
        drop_last: Whether to leave out a last batch that is short.
        transform: One of `flaxnn.data.transforms`, for the first field of each row, the
            images. uint8 images are divided by 255 first. Its numbers are drawn from
            `rngs`, batch by batch.

    Attributes:
        dataset: As given.
        arrays: The arrays behind the data set, or None where it only has rows.
        batch_size: As given.
        shuffle: As given.
        drop_last: As given.
        transform: As given, or None.
        sampler: As given; else the one that stands for `shuffle`. Its length is the
            rows of an epoch.
        rngs: The run's Generator, or None where none was given.
        generator: The loader's own Generator, or None where none was given.
        generators: The Generators it draws from, to save and restore.

    Raises:
        TypeError: `dataset` cannot be batched, `shuffle` or `sampler` has nothing to
            draw from, `sampler` has no length, or `rngs` or `generator` is not a
            Generator.
        ValueError: `batch_size` is not a positive int, arrays differ in length, an
            empty data set is to be shuffled, or `shuffle` and `sampler` are both given.
        IndexError: On iterating, `sampler` yields an index outside the data set.
        RuntimeError: On iterating, rows of one batch differ in shape or fields.

    Torch:
        `torch.utils.data.DataLoader` (2.13.0; the same order since 1.13), T0: batches,
        and the state of the generator after any number of them. Differences: with
        neither `rngs` nor `generator` nothing is drawn, where PyTorch draws from its
        hidden global generator; a tuple is taken as arrays, not as samples; a single
        field comes as a tuple of one; there are no workers, batch samplers or collate
        functions, and `batch_size=None` is refused. A sampler with neither generator
        nor rngs draws from the loader's `rngs`, never from its `generator`.

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
        sampler: Any = None,
        *,
        rngs: Any = None,
        generator: Generator | None = None,
        drop_last: bool = False,
        transform: Transform | None = None,
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
        self.rngs: Generator | None = as_generator(rngs, "rngs")
        self.generator: Generator | None = as_generator(generator, "generator")
        self._source = Source(dataset)
        self._stream = self.rngs if self.generator is None else self.generator
        if sampler is not None and shuffle:
            raise ValueError(
                "sampler option is mutually exclusive with shuffle: leave shuffle out, "
                "a sampler brings its own order"
            )
        if shuffle and self._stream is None:
            raise missing_generator("shuffle=True", rngs)
        if sampler is None:
            sampler = (
                RandomSampler(self._source, generator=self.generator)
                if shuffle
                else SequentialSampler(self._source)
            )
        elif not (hasattr(sampler, "__iter__") and hasattr(sampler, "__len__")):
            raise TypeError(
                "expected a sampler to be an iterable of row indices with a length, "
                f"got {type(sampler).__name__}"
            )
        self.dataset = dataset
        self.batch_size = batch_size
        self.shuffle: bool = bool(shuffle)
        self.sampler = sampler
        self.drop_last = drop_last
        self.transform = transform
        drawing = [self._stream, *streams_of(sampler, self.rngs)]
        if transform is not None:
            drawing.append(self.rngs)
            self._check_transform(transform)
        self._generators = _distinct(drawing)

    def _check_transform(self, transform: Transform) -> None:
        """Refuses a transform that does not fit, as far as is known without a row."""
        if not (hasattr(transform, "draw") and hasattr(transform, "output_shape")):
            raise TypeError(
                "expected a transform of flaxnn.data.transforms, or of your own with "
                f"its base Transform, got {transform!r}"
            )
        if self.arrays is not None:
            shape = self.arrays[0].shape[1:]
            transform.output_shape(shape)
            if self.rngs is None:
                transform.draw(None, 0, shape)

    @property
    def arrays(self) -> tuple[np.ndarray, ...] | None:
        """The arrays behind the data set, or None where it only has rows."""
        return self._source.arrays

    @property
    def generators(self) -> tuple[Generator, ...]:
        """The Generators it draws from, to save and restore their states."""
        return self._generators

    def epoch(self) -> Epoch:
        """Starts an epoch without gathering rows, as `iter` does; draws its base seed.

        Returns:
            An `Epoch`: `order()` draws and returns the row indices, iterating gives
            those of each batch, `finish()` makes the draw that ends it.
        """
        return Epoch(
            self._pieces(),
            len(self.sampler),
            len(self._source),
            self.batch_size,
            drop_last=self.drop_last,
            stream=self._stream,
            consumer=self._consumer,
        )

    def _pieces(self) -> Iterator[np.ndarray]:
        """The sampler's pieces, drawn in this loader's name."""
        pieces = pieces_of(self.sampler, self.rngs)
        noting = [s for s in self._generators if s.ledger is not None]
        if not noting:
            yield from pieces
            return
        while True:
            with ExitStack() as names:
                for stream in noting:
                    names.enter_context(stream.consumer(self._consumer))
                piece = next(pieces, None)
            if piece is None:
                return
            yield piece

    @property
    def _consumer(self) -> str:
        """What a ledger calls this loader."""
        plain = self.shuffle or type(self.sampler) is SequentialSampler
        order = f"shuffle={self.shuffle}" if plain else type(self.sampler).__name__
        return f"DataLoader({len(self._source)} rows, {order})"

    def gather(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns rows of the data set as a batch, which no transform has changed.

        Args:
            indices: `(M,)` int64, each from 0 to the number of rows less one.

        Returns:
            A new `(M, ...)` array for each field of a row.
        """
        return self._source.gather(indices)

    def __len__(self) -> int:
        rows = len(self.sampler)
        if self.drop_last:
            return rows // self.batch_size
        return -(-rows // self.batch_size)

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        # Not itself a generator function: the base seed is drawn now, before any next.
        epoch = self.epoch()
        return (self._batch(indices) for indices in epoch)

    def _batch(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        batch = self._source.gather(indices)
        if self.transform is None:
            return batch
        from flaxnn.data.transforms._host import transformed  # imports JAX

        images, *others = batch
        return transformed(self.transform, images, self.rngs), *others

    def __repr__(self) -> str:
        plain = self.shuffle or type(self.sampler) is SequentialSampler
        order = f"shuffle={self.shuffle}" if plain else f"sampler={self.sampler!r}"
        change = "" if self.transform is None else f", transform={self.transform!r}"
        return (
            f"DataLoader({len(self._source)} rows, batch_size={self.batch_size}, "
            f"{order}, drop_last={self.drop_last}{change})"
        )


def _distinct(streams: list[Generator | None]) -> tuple[Generator, ...]:
    """The Generators among some, each once."""
    found: list[Generator] = []
    for stream in streams:
        if stream is not None and all(stream is not other for other in found):
            found.append(stream)
    return tuple(found)
