# SPDX-License-Identifier: Apache-2.0
"""Anything that can be batched, seen as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from flaxnn.data._dataset import as_rows
from flaxnn.data._lazy_dataset import LazyDataset


class Source:
    """The rows of an array, a tuple of arrays, a data set or a sequence of samples.

    An object whose `arrays` is a tuple of arrays as long as itself (`Dataset`,
    `Subset`) is read through them, a `LazyDataset` through its `gather`; any other is
    asked for its rows one by one, or for a list of them where it has `__getitems__`.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.arrays = _arrays_of(dataset)
        if self.arrays is None and not _is_sequence(dataset):
            raise TypeError(
                "expected an array, a tuple of arrays, a Dataset, or a sequence of "
                "samples with __len__ and __getitem__, got "
                f"{type(dataset).__name__}; pass a tuple of arrays such as (x, y)"
            )

    @classmethod
    def of(cls, dataset: Any) -> Source:
        """The rows of a data set, or of what is seen as rows already."""
        return dataset if isinstance(dataset, Source) else cls(dataset)

    def __len__(self) -> int:
        return len(self.dataset if self.arrays is None else self.arrays[0])

    def row(self, index: int) -> tuple[Any, ...]:
        """One row, as a tuple."""
        if self.arrays is not None:
            return tuple(array[index] for array in self.arrays)
        return _as_fields(self.dataset[index])

    def gather(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        """The rows at int64 `indices` as new arrays, one for each field."""
        if self.arrays is not None:
            return tuple(np.take(array, indices, axis=0) for array in self.arrays)
        if isinstance(self.dataset, LazyDataset):
            return self.dataset.gather(indices)
        return stack_rows([_as_fields(row) for row in rows_at(self.dataset, indices)])


def _arrays_of(dataset: Any) -> tuple[np.ndarray, ...] | None:
    """The arrays behind a data set, or None where it only has rows."""
    if isinstance(dataset, tuple):
        return as_rows(dataset)
    if hasattr(dataset, "__array__"):
        return as_rows((dataset,))
    arrays = getattr(dataset, "arrays", None)
    if not isinstance(arrays, tuple) or not arrays or not hasattr(dataset, "__len__"):
        return None
    fits = all(isinstance(a, np.ndarray) and len(a) == len(dataset) for a in arrays)
    return arrays if fits else None


def _is_sequence(dataset: Any) -> bool:
    return (
        hasattr(dataset, "__len__")
        and hasattr(dataset, "__getitem__")
        and not isinstance(dataset, (str, bytes, Mapping))
    )


def _as_fields(row: Any) -> tuple[Any, ...]:
    if isinstance(row, Mapping):
        raise TypeError(
            "expected a sample to be an array or a tuple of arrays, got "
            f"{type(row).__name__}; batches are tuples, so return its values as one"
        )
    return tuple(row) if isinstance(row, (tuple, list)) else (row,)


def rows_at(dataset: Any, indices: np.ndarray) -> Sequence[Any]:
    """The rows of a sequence; an error says which of them it was."""
    # Data sets in the wild expect Python's ints, as PyTorch hands them.
    positions = indices.tolist()
    if hasattr(dataset, "__getitems__"):
        return dataset.__getitems__(positions)
    rows = []
    for position in positions:
        try:
            rows.append(dataset[position])
        except Exception as error:
            error.add_note(f"This is row {position} of the data set.")
            raise
    return rows


def stack_rows(rows: Sequence[tuple[Any, ...]]) -> tuple[np.ndarray, ...]:
    """The fields of equally built rows, stacked."""
    if len({len(row) for row in rows}) > 1:
        # PyTorch's exception and wording, as its users search for it.
        raise RuntimeError(
            "each element in list of batch should be of equal size, but got samples of "
            f"{sorted({len(row) for row in rows})} fields"
        )
    batch = []
    for column in zip(*rows, strict=True):
        values = [np.asarray(value) for value in column]
        for entry, value in enumerate(values):
            if value.shape != values[0].shape:
                raise RuntimeError(
                    "stack expects each array to be equal size, but got "
                    f"{list(values[0].shape)} at entry 0 and {list(value.shape)} at "
                    f"entry {entry}"
                )
        batch.append(np.stack(values))
    return tuple(batch)
