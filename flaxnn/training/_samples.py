# SPDX-License-Identifier: Apache-2.0
"""Data on the host: all of their rows, or what reads some of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax.sharding import Mesh

from flaxnn.data import DataLoader, Dataset, LazyDataset
from flaxnn.training._checks import (
    checked,
    host_arrays,
    is_floating,
    kind_of,
    require_finite,
    to_dtype,
)
from flaxnn.training._memory import device_bytes, host_bytes

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Samples:
    """Rows that a run or an evaluation visits; floats in the model's dtype.

    Attributes:
        arrays: All rows; where they are streamed, the first batch of the data set,
            which stands for the shapes and dtypes of all.
        count: How many rows there are.
        read: Gives the rows at ``(M,)`` indices, checked, from any thread; None where
            `arrays` has them all.
    """

    arrays: Arrays
    count: int
    read: Callable[[np.ndarray], Arrays] | None = None

    @classmethod
    def of(cls, data: Any, dtype: Any, *, stream: bool, fields: int = 2) -> Samples:
        """The rows of what `fit`, `evaluate` or `predict` was given.

        Args:
            data: Arrays, a data set or a loader.
            dtype: The model's.
            stream: Whether rows are read when they are needed.
            fields: How many arrays there have to be at least.
        """
        if not stream:
            arrays = to_dtype(host_arrays(data, fields), dtype)
            return cls(arrays, len(arrays[0]))
        loader = as_loader(data)
        count = _rows_of(loader)
        rows = np.arange(min(loader.batch_size, count))
        if not len(rows):
            raise ValueError("data is empty: expected at least one row, got 0")
        first = checked(loader.gather(rows), fields)
        kinds = tuple((array.dtype, array.shape[1:]) for array in first)
        return cls(to_dtype(first, dtype), count, _Reading(loader, kinds, dtype))

    @property
    def row_bytes(self) -> int:
        """How much memory a row takes."""
        return max(1, sum(array[:1].nbytes for array in self.arrays))


@dataclass(frozen=True)
class _Reading:
    """Reads rows of a loader's data set, and refuses what `checked` refuses."""

    loader: DataLoader
    kinds: tuple[tuple[np.dtype, tuple[int, ...]], ...]
    dtype: Any

    def __call__(self, rows: np.ndarray) -> Arrays:
        arrays = self.loader.gather(rows)
        kinds = tuple((array.dtype, array.shape[1:]) for array in arrays)
        if kinds != self.kinds:
            raise RuntimeError(
                "each row of the data should be of the shape and dtype of the first, "
                f"{_described(self.kinds)}, but got {_described(kinds)}"
            )
        for index, array in enumerate(arrays):
            if is_floating(array):
                require_finite(array, index, rows)
        return to_dtype(arrays, self.dtype)


def as_loader(data: Any) -> DataLoader:
    """The loader that was given, or one over other data."""
    if isinstance(data, DataLoader):
        return data
    if isinstance(data, tuple | list):
        data = tuple(np.asarray(array) for array in data)
    elif not isinstance(data, Dataset | LazyDataset):
        raise TypeError(
            "data must be a tuple of arrays, a data set of flaxnn.data or a "
            f"flaxnn.data.DataLoader, got {kind_of(data)}"
        )
    return DataLoader(data)


def wants_stream(data: Any, stream: bool | None, mesh: Mesh | None = None) -> bool:
    """Whether to stream data: what was asked for, else whether they are too large."""
    if stream is not None and not isinstance(stream, bool):
        raise TypeError(f"stream must be True, False or None, got {stream!r}")
    if stream is not None:
        return stream
    if isinstance(data, tuple | list):
        size = sum(getattr(array, "nbytes", 0) for array in data)
        return size > device_bytes(mesh) / 2
    if not isinstance(data, DataLoader | Dataset | LazyDataset):
        return False  # refused later, with the reason
    loader = as_loader(data)
    if loader.arrays is not None:
        return sum(a.nbytes for a in loader.arrays) > device_bytes(mesh) / 2
    rows = _rows_of(loader)
    if rows == 0:
        return False
    row = sum(field.nbytes for field in loader.gather(np.zeros(1, np.int64)))
    # Without streaming they are gathered in the host's memory first.
    return rows * row > min(host_bytes(), device_bytes(mesh)) / 2


def _rows_of(loader: DataLoader) -> int:
    arrays = loader.arrays
    return len(loader.dataset) if arrays is None else len(arrays[0])


def _described(kinds: tuple[tuple[np.dtype, tuple[int, ...]], ...]) -> str:
    return ", ".join(f"{dtype}{list(shape)}" for dtype, shape in kinds)
