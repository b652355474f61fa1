# SPDX-License-Identifier: Apache-2.0
"""The cells of a target, as labels."""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence

import numpy as np


class NamedLabels:
    """Labels by the names of their classes.

    Args:
        class_names: In the order of their labels; None to find them.
    """

    def __init__(self, class_names: Sequence[str] | None) -> None:
        self._known = None if class_names is None else tuple(map(str, class_names))
        if self._known is not None and len(set(self._known)) < len(self._known):
            raise ValueError(f"expected class_names that differ, got {self._known}")
        self._cells: list[str] = []

    def add(self, cell: str) -> None:
        """Takes one more cell; ValueError if it is none of the classes."""
        if self._known is None:
            if not cell:
                raise ValueError("expected the name of a class, got an empty cell")
            if not_a_number(cell) is None or cell.lower() in _NOT_FINITE:
                raise ValueError(
                    f"expected the name of a class, as in the first row, got {cell!r}; "
                    "if that is one, give class_names="
                )
        elif cell not in self._known:
            close = difflib.get_close_matches(cell, self._known, n=1)
            hint = f". Did you mean {close[0]!r}?" if close else ""
            raise ValueError(
                f"expected one of class_names ({', '.join(self._known)}), got "
                f"{cell!r}{hint}"
            )
        self._cells.append(cell)

    def finish(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """Returns `(N,)` int64 labels and the names of the classes."""
        names = sorted(set(self._cells)) if self._known is None else self._known
        labels = {name: label for label, name in enumerate(names)}
        return np.array([labels[cell] for cell in self._cells], np.int64), tuple(names)


class NumberedLabels:
    """Labels, or other targets, that are numbers."""

    def __init__(self) -> None:
        self._cells: list[str] = []

    def add(self, cell: str) -> None:
        """Takes one more cell; ValueError if it is no finite number."""
        if fault := not_a_number(cell):
            raise ValueError(
                f"{fault}; the first row has a number there. If they are the names of "
                "classes, give class_names="
            )
        self._cells.append(cell)

    def finish(self) -> tuple[np.ndarray, tuple[str, ...]]:
        """Returns `(N,)` int64 where all are whole, else float64, and no names."""
        try:
            return np.array([int(cell) for cell in self._cells], np.int64), ()
        except (ValueError, OverflowError):
            return np.array([float(cell) for cell in self._cells], np.float64), ()


_NOT_FINITE = {"nan", "inf", "-inf", "infinity", "-infinity"}


def labels_like(cell: str) -> NamedLabels | NumberedLabels:
    """What a target holds, as its first cell shows."""
    numeric = not_a_number(cell) is None or cell.strip().lower() in _NOT_FINITE
    return NumberedLabels() if numeric else NamedLabels(None)


def not_a_number(cell: str) -> str | None:
    """Why a cell is no finite number, or None if it is one."""
    if not cell.strip():
        return "expected a number, got an empty cell"
    try:
        number = float(cell)
    except ValueError:
        number = None
    if number is None or "_" in cell:
        return f"expected a number, got {cell!r}"
    return None if math.isfinite(number) else f"expected a finite number, got {cell!r}"
