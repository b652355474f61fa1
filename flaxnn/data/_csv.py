# SPDX-License-Identifier: Apache-2.0
"""Tables of comma-separated values as data sets."""

from __future__ import annotations

import csv
import math
import os
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn._errors import CorruptDataError
from flaxnn.data._csv_columns import Column, Columns, is_number
from flaxnn.data._csv_labels import NamedLabels, labels_like, not_a_number
from flaxnn.data._dataset import Dataset


def from_csv(
    path: str | os.PathLike[str],
    target: Column | None,
    *,
    features: Sequence[Column] | None = None,
    class_names: Sequence[str] | None = None,
    header: bool = True,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
) -> Dataset:
    r"""Returns a table of numbers, and its labels, as a data set.

    Every cell that is used has to hold a finite number, but for the target's, which may
    hold names of classes: an empty cell, nan, or a row of another length is an error
    that says where it is. Lines without a cell are passed over.

    Args:
        path: The file.
        target: The column of labels, by name, or by number from 0, or from -1
            backwards. None for a table without labels.
        features: The columns of features, likewise; all but the target's where it is
            None.
        class_names: The names of the classes that the target holds, in the order of
            their labels. Where it is None, they are found: a target whose first cell is
            no number holds names, which are numbered in their sorted order. Give them
            where several files have to agree.
        header: Whether the first row holds the names of the columns. Without one,
            columns are chosen by number.
        delimiter: What separates the cells.
        encoding: The file's; UTF-8, with or without a byte order mark, by default.

    Returns:
        A `Dataset` with `(N, D)` float64 features and `(N,)` labels: int64 where they
        name classes or are whole numbers, else float64. Its name is the file's.

    Raises:
        FileNotFoundError: There is no such file.
        CorruptDataError: A ValueError. A row has too many or too few cells, a cell is
            no finite number or no known class, or the text cannot be decoded.
        ValueError: There is no such column, or no row.

    Torch:
        No counterpart; most scripts read the file with pandas and convert the columns.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "pets.csv")
        ...     _ = path.write_text("weight,legs,kind\n4.5,4,cat\n0.1,2,bird\n")
        ...     pets = from_csv(path, target="kind")
        >>> pets.arrays
        (array([[4.5, 4. ],
               [0.1, 2. ]]), array([1, 0]))
        >>> pets.class_names
        ('bird', 'cat')
    """
    path = Path(path)
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            table = _Table.begin(path, reader, header)
            return table.read(target, features, class_names)
        except UnicodeDecodeError as error:
            raise CorruptDataError(
                f"{path}: expected text in {encoding}, got other bytes "
                f"({error.reason}); give the file's encoding=, such as 'latin-1'"
            ) from error
        except csv.Error as error:
            raise CorruptDataError(
                f"{path}, line {reader.line_num}: expected comma-separated values, got "
                f"text that cannot be parsed ({error})"
            ) from error


class _Table:
    """Rows that are read one by one, each of the same width.

    Attributes:
        path: The file.
        columns: Its columns.
    """

    def __init__(
        self, path: Path, reader: Any, columns: Columns, rows: Iterator[list[str]]
    ) -> None:
        self.path = path
        self.columns = columns
        self._reader = reader
        self._rows = rows

    @classmethod
    def begin(cls, path: Path, reader: Any, header: bool) -> _Table:
        """The table behind a csv.reader, of which it reads the first row."""
        rows = (row for row in reader if row)
        top = next(rows, None)
        if top is None:
            raise ValueError(f"{path}: expected rows, got an empty file")
        if header:
            return cls(path, reader, Columns.of_header(path, top), rows)
        return cls(path, reader, Columns(path, None, len(top)), chain([top], rows))

    def read(
        self,
        target: Column | None,
        features: Sequence[Column] | None,
        class_names: Sequence[str] | None,
    ) -> Dataset:
        """The chosen columns as a data set."""
        label = None if target is None else self.columns.index(target)
        chosen = self.columns.features(features, label)
        labels = None if class_names is None else NamedLabels(class_names)
        numbers = array("d")
        for row in self._rows:
            if len(row) != self.columns.width:
                raise self._corrupt(
                    f"expected {self.columns.width} cells, got {len(row)}"
                )
            numbers.extend(self._numbers(row, chosen))
            if label is None:
                continue
            if labels is None:
                labels = labels_like(row[label])
            try:
                labels.add(row[label].strip())
            except ValueError as error:
                raise self._corrupt(str(error), label) from None
        if not numbers:
            raise ValueError(f"{self.path}: expected rows of data, got a header only")
        arrays = [np.frombuffer(numbers, np.float64).reshape(-1, len(chosen))]
        names = ()
        if label is not None and labels is not None:
            column, names = labels.finish()
            arrays.append(column)
        return Dataset(
            arrays, class_names=names, name=self.path.stem, source=str(self.path)
        )

    def _numbers(self, row: list[str], chosen: Sequence[int]) -> list[float]:
        cells = [row[index] for index in chosen]
        try:
            numbers = list(map(float, cells))
        except ValueError:
            numbers = []
        # A nan or an infinity shows in the sum. Python reads 1_000 as a number, and an
        # identifier may look like that.
        if numbers and math.isfinite(sum(numbers)) and "_" not in "".join(cells):
            return numbers
        for index, cell in zip(chosen, cells, strict=True):
            if fault := not_a_number(cell):
                text = cell.strip() and not is_number(cell)
                hint = "; features= can leave the column out" if text else ""
                raise self._corrupt(fault + hint, index)
        return numbers

    def _corrupt(self, fault: str, column: int | None = None) -> CorruptDataError:
        """The error for the row that was read last."""
        place = f"{self.path}, line {self._reader.line_num}"
        if column is not None:
            place += f", {self.columns.described(column)}"
        return CorruptDataError(f"{place}: {fault}")
