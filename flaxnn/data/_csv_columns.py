# SPDX-License-Identifier: Apache-2.0
"""The columns of a table: their names, and which of them are wanted."""

from __future__ import annotations

import difflib
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# By name, or by number from 0, or from -1 backwards.
Column = str | int


@dataclass(frozen=True)
class Columns:
    """The columns of a file.

    Attributes:
        path: The file.
        names: The name of each, or None where there is no header.
        width: How many.
    """

    path: Path
    names: tuple[str, ...] | None
    width: int

    @classmethod
    def of_header(cls, path: Path, row: Sequence[str]) -> Columns:
        """The columns that a header names."""
        names = tuple(cell.strip() for cell in row)
        # Tables without names of their own are often headed 0, 1, 2, …
        counted = names == tuple(map(str, range(len(names))))
        if all(map(is_number, names)) and not counted:
            raise ValueError(
                f"{path}: expected the names of the columns in the first row, got only "
                f"numbers ({', '.join(names[:3])}, …); pass header=False if they are "
                "data"
            )
        return cls(path, names, len(names))

    def index(self, column: Any) -> int:
        """The number of a column that was asked for."""
        if isinstance(column, str):
            return self._index_of_name(column)
        try:
            number = operator.index(column)
        except TypeError:
            raise TypeError(
                f"expected the name or the number of a column, got {column!r}"
            ) from None
        if isinstance(column, bool) or not -self.width <= number < self.width:
            raise ValueError(
                f"{self.path}: there is no column {column}; expected a number from "
                f"0 to {self.width - 1}, or from -1 to {-self.width}"
            )
        return number % self.width

    def features(
        self, chosen: Sequence[Any] | None, target: int | None
    ) -> tuple[int, ...]:
        """The numbers of the columns of features."""
        if isinstance(chosen, str):
            raise TypeError(f"expected a sequence of columns, got {chosen!r}")
        if chosen is not None:
            indices = tuple(map(self.index, chosen))
        else:
            indices = tuple(i for i in range(self.width) if i != target)
            if self.names is not None and "" in (self.names[i] for i in indices):
                raise ValueError(
                    f"{self.path}: column {self.names.index('')} has no name; it may "
                    "be an index, as pandas writes it. Choose the columns with "
                    "features="
                )
        if not indices:
            raise ValueError(f"{self.path}: there is no column left for the features")
        if target in indices:
            raise ValueError(
                f"{self.path}: {self.described(target)} is the target and among the "
                "features"
            )
        return indices

    def described(self, index: int) -> str:
        """A column as people find it."""
        if self.names is None:
            return f"column {index}"
        return f"column {index} ({self.names[index]!r})"

    def _index_of_name(self, name: str) -> int:
        if self.names is None:
            raise ValueError(
                f"{self.path}: there is no header to find column {name!r} in; give its "
                "number"
            )
        times = Counter(self.names)[name]
        if times == 1:
            return self.names.index(name)
        if times:
            raise ValueError(
                f"{self.path}: {times} columns are called {name!r}; give a number"
            )
        close = difflib.get_close_matches(name, self.names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"{self.path}: there is no column {name!r}.{hint} There are: "
            f"{', '.join(self.names)}."
        )


def is_number(cell: str) -> bool:
    """Whether a cell can be read as a number, finite or not."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
