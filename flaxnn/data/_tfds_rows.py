# SPDX-License-Identifier: Apache-2.0
"""What TFDS has prepared, as a data set that stays on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from flaxnn.data._lazy_dataset import LazyDataset
from flaxnn.data._source import rows_at, stack_rows


def from_tfds(source: Any, features: Sequence[str] = ("image", "label")) -> LazyDataset:
    """Returns a data source of TFDS as a data set whose rows stay on disk.

    Each row is read and decoded when it is asked for. The rows come in the order in
    which TFDS stores them; `load` has its data sets in the original order, in memory.

    Args:
        source: What `tfds.data_source` or a builder's `as_data_source` returns for a
            split, or any other sequence whose rows are mappings, such as a source of
            Grain's.
        features: The names of a row's fields, the target last.

    Returns:
        A `LazyDataset`.

    Raises:
        TypeError: ``source`` is no sequence, or its rows are no mappings.
        ValueError: ``source`` is empty, or a row does not have a feature.

    Torch:
        No counterpart; TFDS' data sources are map-style data sets for PyTorch's
        DataLoader, whose batches are dictionaries.

    Example:
        >>> rows = [{"id": 7, "x": [1.0, 2.0], "y": 0}, {"id": 8, "x": [3.0], "y": 1}]
        >>> from_tfds(rows, features=("x", "y"))[0]
        (array([1., 2.]), np.int64(0))
    """
    if not (hasattr(source, "__getitem__") and hasattr(source, "__len__")):
        raise TypeError(
            "expected a data source with __len__ and __getitem__, such as "
            f"tfds.data_source(name, split='train'), got {type(source).__name__}"
        )
    if isinstance(source, Mapping):
        raise TypeError(
            "expected the data source of one split, got those of "
            f"{', '.join(map(str, source))}: pass one of them"
        )
    if len(source) == 0:
        raise ValueError("the data source is empty: expected at least one row, got 0")
    rows = _TfdsRows(source, tuple(features))
    rows[0]
    return rows


class _TfdsRows(LazyDataset):
    """What `from_tfds` returns."""

    def __init__(self, source: Any, features: tuple[str, ...]) -> None:
        self._source = source
        self._features = features

    def __len__(self) -> int:
        return len(self._source)

    def gather(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        rows = rows_at(self._source, indices)
        return stack_rows([self._fields(row) for row in rows])

    def _fields(self, row: Any) -> tuple[Any, ...]:
        if not isinstance(row, Mapping):
            raise TypeError(
                f"expected rows that are mappings, got {type(row).__name__}; rows that "
                "are tuples go into a DataLoader as they are"
            )
        if missing := [name for name in self._features if name not in row]:
            raise ValueError(
                f"there is no feature {missing[0]!r}: the rows have "
                f"{', '.join(map(repr, row))}; choose with features=(…, target)"
            )
        return tuple(row[name] for name in self._features)

    def __repr__(self) -> str:
        return f"from_tfds({len(self)} rows, features={self._features!r})"
