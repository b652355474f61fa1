# SPDX-License-Identifier: Apache-2.0
"""Random parts of a data set."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flaxnn.data._dataset import checked_index
from flaxnn.data._lazy_dataset import LazyDataset
from flaxnn.data._source import Source
from flaxnn.data._stream import as_generator, missing_generator
from flaxnn.random import Generator


class Subset(LazyDataset):
    """Chosen rows of a data set.

    Args:
        dataset: Anything that `DataLoader` takes.
        indices: `(M,)` integers, the rows in their new order.

    Attributes:
        dataset: As given.
        indices: `(M,)` int64, read-only.

    Raises:
        IndexError: An index lies outside the data set.

    Torch:
        `torch.utils.data.Subset` (2.13.0), T0. `indices` is an array rather than a
        list, and an index out of range raises here rather than at the first access.

    Example:
        >>> import numpy as np
        >>> subset = Subset((np.array([10, 11, 12]), np.array([0, 1, 0])), [2, 0])
        >>> subset[0]
        (np.int64(12), np.int64(0))
        >>> subset.arrays
        (array([12, 10]), array([0, 0]))
    """

    def __init__(self, dataset: Any, indices: Any) -> None:
        self.dataset = dataset
        self._source = Source(dataset)
        rows = len(self._source)
        chosen = checked_index(np.atleast_1d(indices), rows)
        self.indices: NDArray[np.int64] = np.arange(rows, dtype=np.int64)[chosen]
        self.indices.flags.writeable = False

    @cached_property
    def arrays(self) -> tuple[np.ndarray, ...] | None:
        """Copies of the rows as arrays, or None where the data set has no arrays."""
        if self._source.arrays is None:
            return None
        return self._source.gather(self.indices)

    def __len__(self) -> int:
        return len(self.indices)

    def gather(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns rows, stacked, as new arrays.

        Args:
            indices: `(M,)` integers, counted within the subset.

        Returns:
            A `(M, ...)` array for each field of a row.
        """
        return self._source.gather(self.indices[indices])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        if not isinstance(index, slice):
            index = checked_index(index, len(self))
        chosen = self.indices[index]
        if np.ndim(chosen) == 0:
            return self._source.row(int(chosen))
        return self._source.gather(chosen)

    def __repr__(self) -> str:
        return f"Subset({len(self)} of {len(self._source)} rows)"


def random_split(
    dataset: Any,
    lengths: Sequence[int | float],
    generator: Generator | None = None,
    *,
    rngs: Any = None,
) -> list[Subset]:
    """Splits a data set into parts of random rows that do not overlap.

    Args:
        dataset: Anything that `DataLoader` takes.
        lengths: The numbers of rows, which must add up to the data set's; or fractions
            that add up to 1, each rounded down and the rows left over given out one by
            one from the first part on.
        generator: The `Generator` to draw the permutation from.
        rngs: The run's `Generator`, for PyTorch's global one; used where `generator`
            is not given.

    Returns:
        A `Subset` for each length.

    Raises:
        TypeError: There is no Generator to draw from.
        ValueError: The lengths do not add up, or one is negative.

    Warns:
        UserWarning: A fraction leaves a part empty.

    Torch:
        `torch.utils.data.random_split` (2.13.0), T0: lengths, indices and the
        generator's state. PyTorch draws from its global generator by default; here one
        is passed.

    Example:
        >>> import numpy as np
        >>> from flaxnn.random import Generator
        >>> parts = random_split(np.arange(10), [0.7, 0.3], Generator(42))
        >>> [part.indices.tolist() for part in parts]
        [[2, 6, 1, 8, 4, 5, 0], [9, 3, 7]]
    """
    stream = as_generator(generator, "generator")
    if stream is None:
        stream = as_generator(rngs, "rngs")
    if stream is None:
        raise missing_generator("random_split", rngs)
    rows = len(Source(dataset))
    sizes = _sizes(lengths, rows)
    with stream.consumer("random_split"):
        order = stream.randperm(rows)
    return [
        Subset(dataset, order[end - size : end])
        for end, size in zip(accumulate(sizes), sizes, strict=True)
    ]


def _sizes(lengths: Sequence[int | float], rows: int) -> list[int]:
    """The lengths in rows, fractions rounded as PyTorch rounds them."""
    total = sum(lengths)
    # PyTorch's own test of "these are fractions": close to 1, and not above it.
    if math.isclose(total, 1) and total <= 1:
        return _sizes_of_fractions(lengths, rows)
    if total != rows:
        raise ValueError(
            "Sum of input lengths does not equal the length of the input dataset! "
            f"Expected {rows} rows, or fractions that add up to 1; got "
            f"{list(lengths)}, which add up to {total}"
        )
    for position, length in enumerate(lengths):
        if length < 0 or int(length) != length:
            raise ValueError(
                "expected lengths that are whole numbers and not negative, got "
                f"{length} at index {position}"
            )
    return [int(length) for length in lengths]


def _sizes_of_fractions(fractions: Sequence[int | float], rows: int) -> list[int]:
    for position, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"Fraction at index {position} is not between 0 and 1")
    sizes = [math.floor(rows * fraction) for fraction in fractions]
    for position in range(rows - sum(sizes)):
        sizes[position % len(sizes)] += 1
    for position, size in enumerate(sizes):
        if size == 0:
            warnings.warn(
                f"Length of split at index {position} is 0. "
                "This might result in an empty dataset.",
                stacklevel=3,
            )
    return sizes
