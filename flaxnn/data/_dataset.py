# SPDX-License-Identifier: Apache-2.0
"""A data set held in memory as arrays of equal length."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np


class Dataset:
    """Arrays of equal length, with the names that belong to them.

    The arrays are read-only views, so that no caller changes another's data by
    accident; copy one to change it.

    Args:
        arrays: The arrays, first dimension first row to last: usually features or
            images, then labels.
        class_names: The name of each label, in label order.
        name: The data set's name.
        split: The part of it that this is.
        source: Where it was read from, for people.

    Attributes:
        arrays: The tuple of read-only NumPy arrays, `(N, ...)` each.
        class_names: A tuple of strings.
        name: As given.
        split: As given.
        source: As given.

    Raises:
        TypeError: Something among `arrays` is not an array with rows.
        ValueError: There are no arrays, or their lengths differ.

    Torch:
        `torch.utils.data.TensorDataset` (2.13.0), T0: `len`, and a tuple per index.
        Arrays of different lengths raise ValueError where PyTorch asserts. A slice or
        an array of indices gives a tuple of arrays, as there.

    Example:
        >>> import numpy as np
        >>> pets = Dataset((np.eye(2), np.array([1, 0])), class_names=("cat", "dog"))
        >>> len(pets)
        2
        >>> pets[1]
        (array([0., 1.]), np.int64(0))
        >>> x, y = pets.arrays
        >>> pets.class_names[y[0]]
        'dog'
    """

    def __init__(
        self,
        arrays: Sequence[Any],
        *,
        class_names: Sequence[str] = (),
        name: str = "",
        split: str = "",
        source: str = "",
    ) -> None:
        self.arrays: tuple[np.ndarray, ...] = tuple(
            _read_only(array) for array in as_rows(tuple(arrays))
        )
        self.class_names: tuple[str, ...] = tuple(str(label) for label in class_names)
        self.name = name
        self.split = split
        self.source = source

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        if not isinstance(index, slice):
            index = checked_index(index, len(self))
        return tuple(array[index] for array in self.arrays)

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return zip(*self.arrays, strict=True)

    def __repr__(self) -> str:
        lines = [f"Dataset {self.name}".rstrip()]
        lines.append(f"    Number of datapoints: {len(self)}")
        for label, value in (("Split", self.split), ("Source", self.source)):
            if value:
                lines.append(f"    {label}: {value}")
        kinds = ", ".join(f"{array.shape} {array.dtype}" for array in self.arrays)
        lines.append(f"    Arrays: {kinds}")
        if self.class_names:
            lines.append(f"    Classes: {', '.join(self.class_names)}")
        return "\n".join(lines)


def as_rows(arrays: tuple[Any, ...]) -> tuple[np.ndarray, ...]:
    """The arrays as NumPy arrays, after checking that they share their length."""
    if not arrays:
        raise ValueError("expected at least one array, got an empty tuple")
    for position, array in enumerate(arrays):
        if not hasattr(array, "__array__") or np.ndim(array) == 0:
            raise TypeError(
                "expected arrays whose first dimension counts the rows, got "
                f"{_describe(array)} at position {position}; pass (x, y) with NumPy or "
                "JAX arrays, or a list for a sequence of samples"
            )
    converted = tuple(np.asarray(array) for array in arrays)
    lengths = [len(array) for array in converted]
    if len(set(lengths)) > 1:
        raise ValueError(
            "Size mismatch between arrays: expected the same number of rows in each, "
            f"got {', '.join(map(str, lengths))}"
        )
    return converted


def checked_index(index: Any, length: int) -> Any:
    """An int within the rows, or a one-dimensional array of them or of booleans."""
    if not isinstance(index, bool):
        try:
            position = operator.index(index)
        except TypeError:
            pass
        else:
            if not -length <= position < length:
                raise IndexError(
                    f"index {position} is out of range for a data set of {length} rows"
                )
            return position
    positions = np.asarray(index)
    if positions.size == 0 and positions.dtype.kind == "f":
        positions = positions.astype(np.int64)  # what NumPy makes of an empty list
    if positions.ndim != 1 or positions.dtype.kind not in "biu":
        raise TypeError(
            "rows are picked by an int, a slice, or a one-dimensional array of ints or "
            f"booleans, got {_describe(index)}"
        )
    return positions


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _describe(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"an array of shape {tuple(value.shape)} and dtype {value.dtype}"
    return type(value).__name__
