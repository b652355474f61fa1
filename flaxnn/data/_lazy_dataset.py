# SPDX-License-Identifier: Apache-2.0
"""Data sets whose rows are read when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from flaxnn.data._dataset import checked_index


class LazyDataset:
    """A data set that is not in memory: its rows are read when they are asked for.

    `from_npy` and `from_tfds` return one. One of your own has this base and defines
    `__len__` and `gather`. Where rows are best read one by one, none is needed: any
    object with `__len__` and `__getitem__` is taken by `DataLoader` as it is.

    A `DataLoader` over it is streamed by `flaxnn.fit` where it does not fit into
    memory, or with ``stream=True``; `gather` is then called from several threads.

    Torch:
        A map-style `torch.utils.data.Dataset` with `__getitems__` (2.13.0), which this
        has, too: PyTorch's own DataLoader reads it batch by batch.

    Example:
        >>> import numpy as np
        >>> class Squares(LazyDataset):
        ...     def __len__(self):
        ...         return 10**9
        ...
        ...     def gather(self, indices):
        ...         return indices / 2, indices**2
        >>> Squares()[3]
        (np.float64(1.5), np.int64(9))
        >>> Squares()[[9, 0]]
        (array([4.5, 0. ]), array([81,  0]))
    """

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} must define __len__")

    def gather(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        """Returns rows, stacked, as new arrays.

        Args:
            indices: `(M,)` int64, each from 0 to the length less one, in any order.

        Returns:
            A `(M, ...)` array for each field of a row, in the order of `indices`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define gather")

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        rows = len(self)
        if isinstance(index, slice):
            return self.gather(np.arange(*index.indices(rows)))
        index = checked_index(index, rows)
        if isinstance(index, int):
            fields = self.gather(np.array([index % rows]))
            return tuple(field[0] for field in fields)
        return self.gather(_positions(index, rows))

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Any, ...]]:
        """Returns a list of rows, as PyTorch's DataLoader asks for them."""
        return list(zip(*self[np.asarray(indices)], strict=True))


def _positions(index: np.ndarray, rows: int) -> np.ndarray:
    """Integers counted from the start, of integers or booleans that NumPy takes."""
    if index.dtype.kind == "b":
        if len(index) != rows:
            raise IndexError(
                f"expected one boolean for each of {rows} rows, got {len(index)}"
            )
        return np.flatnonzero(index)
    wrong = index[(index < -rows) | (index >= rows)]
    if wrong.size:
        raise IndexError(
            f"index {wrong[0]} is out of range for a data set of {rows} rows"
        )
    index = index.astype(np.int64)
    return np.where(index < 0, index + rows, index)
