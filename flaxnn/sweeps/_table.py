# SPDX-License-Identifier: Apache-2.0
"""The table of a sweep, for where there is no pandas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

# A longer table is printed by its ends.
_SHOWN = 20


class Table:
    """Rows with named columns: what a sweep's table is without pandas.

    Args:
        records: A dictionary for each row, all with the same keys.

    Attributes:
        columns: The names of the columns.

    Example:
        >>> table = Table([{"seed": 0, "loss": 0.25}, {"seed": 1, "loss": 0.5}])
        >>> table["loss"]
        array([0.25, 0.5 ])
        >>> table
           seed  loss
        0     0  0.25
        1     1   0.5
    """

    def __init__(self, records: Sequence[Mapping[str, Any]]):
        self._records = [dict(record) for record in records]
        self.columns: tuple[str, ...] = tuple(self._records[0]) if self._records else ()

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (dict(record) for record in self._records)

    def __getitem__(self, column: str) -> np.ndarray:
        if column not in self.columns:
            raise KeyError(
                f"there is no column {column!r}; there are {', '.join(self.columns)}"
            )
        return np.array([record[column] for record in self._records])

    def __repr__(self) -> str:
        count = len(self)
        places = list(range(count))
        if count > _SHOWN:
            places = [*places[: _SHOWN // 2], *places[-_SHOWN // 2 :]]
        rows = [["", *self.columns]]
        rows += [[str(k), *map(written, self._records[k].values())] for k in places]
        if count > _SHOWN:
            rows.insert(1 + _SHOWN // 2, ["…"] * len(rows[0]))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = (
            "  ".join(
                cell.rjust(width) for cell, width in zip(row, widths, strict=True)
            )
            for row in rows
        )
        return "\n".join(line.rstrip() for line in lines)


def written(value: Any) -> str:
    """A value as a table says it."""
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=4, threshold=8)
    return str(value)


def frame_of(records: Sequence[Mapping[str, Any]]) -> Any:
    """A pandas DataFrame, or a `Table` where pandas is not installed."""
    try:
        import pandas as pd  # pyright: ignore[reportMissingImports]
    except ImportError:
        return Table(records)
    return pd.DataFrame([dict(record) for record in records])
