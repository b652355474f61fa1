# SPDX-License-Identifier: Apache-2.0
"""NumPy's .npy files as a data set that stays on disk."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib import format as npy

from flaxnn._errors import CorruptDataError
from flaxnn.data._lazy_dataset import LazyDataset

_NUMBERS = "biufc"
# Version 3.0 is for names of fields in other alphabets, which numbers do not have.
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def from_npy(*paths: str | os.PathLike[str]) -> LazyDataset:
    """Returns arrays of .npy files as a data set whose rows stay on disk.

    Rows are read from their places in the files, without a memory map, so that a data
    set of any size takes no more memory than the rows at hand. Nothing in the files is
    executed.

    Args:
        paths: A file for each field of a row, the target last, as `numpy.save` writes
            them: `(N, ...)` numbers each, in C order.

    Returns:
        A `LazyDataset` whose rows have the shapes and dtypes of the files, in this
        machine's byte order. The files must not change as long as it is used.

    Raises:
        FileNotFoundError: There is no such file.
        CorruptDataError: A ValueError. A file is no .npy file, is damaged, or is
            longer or shorter than its header says, when it is opened or later.
        ValueError: There is no file, the files differ in length, or one has no rows,
            is in Fortran order, or holds something other than numbers.

    Torch:
        No counterpart; a map-style data set over `numpy.load(path, mmap_mode="r")`.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     x, y = pathlib.Path(folder, "x.npy"), pathlib.Path(folder, "y.npy")
        ...     np.save(x, np.arange(8.0).reshape(4, 2))
        ...     np.save(y, np.array([3, 1, 0, 2]))
        ...     points = from_npy(x, y)
        ...     print(len(points), points[[3, 0]])
        4 (array([[6., 7.],
               [0., 1.]]), array([2, 3]))
    """
    if not paths:
        raise ValueError("expected at least one path of a .npy file, got none")
    files = tuple(_NpyFile.open(Path(path)) for path in paths)
    if len({file.rows for file in files}) > 1:
        held = ", ".join(f"{file.path.name} {file.rows}" for file in files)
        raise ValueError(
            f"expected files with the same number of rows, got {held}; pass those "
            "that belong together"
        )
    return _NpyRows(files)


class _NpyRows(LazyDataset):
    """What `from_npy` returns."""

    def __init__(self, files: tuple[_NpyFile, ...]) -> None:
        self._files = files

    def __len__(self) -> int:
        return self._files[0].rows

    def gather(self, indices: np.ndarray) -> tuple[np.ndarray, ...]:
        return tuple(file.gather(indices) for file in self._files)

    def __repr__(self) -> str:
        names = ", ".join(repr(str(file.path)) for file in self._files)
        return f"from_npy({names})"


@dataclass(frozen=True)
class _NpyFile:
    """Where the rows of a file are, and what they are.

    Attributes:
        path: The file.
        rows: How many.
        shape: Of one.
        dtype: In the file's byte order.
        start: The first one's place in the file, in bytes.
    """

    path: Path
    rows: int
    shape: tuple[int, ...]
    dtype: np.dtype
    start: int

    @classmethod
    def open(cls, path: Path) -> _NpyFile:
        """Reads a file's header."""
        with path.open("rb") as file:
            try:
                version = npy.read_magic(file)
                if version not in _HEADERS:
                    raise ValueError(f"format {version} is not one of numbers")
                shape, fortran, dtype = _HEADERS[version](file)
                if any(size < 0 for size in shape):
                    raise ValueError(f"the shape is {shape}")
            # A damaged header makes NumPy's parser raise many types, SyntaxError and
            # MemoryError among them.
            except Exception as error:
                reason = str(error).partition("\n")[0]
                raise _corrupt(path, f"{type(error).__name__}: {reason}") from error
            start = file.tell()
            if dtype.kind not in _NUMBERS:
                raise ValueError(
                    f"{path}: expected numbers, got dtype {dtype}; objects are never "
                    "unpickled, and classes are numbered with "
                    "np.unique(names, return_inverse=True)[1]"
                )
            if not shape:
                raise ValueError(f"{path}: expected an array of rows, got one number")
            if fortran and len(shape) > 1:
                raise ValueError(
                    f"{path}: expected rows that lie one after the other, got an array "
                    "in Fortran order; save it with np.save(path, "
                    "np.ascontiguousarray(array))"
                )
            rows, *rest = list(shape)
            found = cls(path, rows, tuple(rest), dtype, start)
            found._check_length(file)
            return found

    @property
    def row_bytes(self) -> int:
        """How many bytes a row takes."""
        return math.prod(self.shape) * self.dtype.itemsize

    def gather(self, indices: np.ndarray) -> np.ndarray:
        """The rows at these places."""
        size = self.row_bytes
        out = np.empty(len(indices) * size, np.uint8)
        # Opened anew for each batch: nothing is shared between threads or processes.
        with self.path.open("rb", buffering=0) as file:
            self._check_length(file)
            for first, count in _runs(indices):
                file.seek(self.start + int(indices[first]) * size)
                self._fill(file, out[first * size : (first + count) * size])
        rows = out.view(self.dtype).reshape(len(indices), *self.shape)
        return rows.astype(self.dtype.newbyteorder("="), copy=False)

    def _fill(self, file: BinaryIO, place: np.ndarray) -> None:
        """Reads as much as there is place for; one call may give less."""
        view = place.data
        while view:
            # RawIOBase has readinto, which the type of opened files leaves out.
            count = file.readinto(view)  # pyright: ignore[reportAttributeAccessIssue]
            if not count:
                raise _corrupt(self.path, "it was cut short while it was read")
            view = view[count:]

    def _check_length(self, file: BinaryIO) -> None:
        expected = self.start + self.rows * self.row_bytes
        length = os.fstat(file.fileno()).st_size
        if length != expected:
            raise _corrupt(
                self.path, f"{self.rows} rows make {expected} bytes, it has {length}"
            )


def _runs(indices: np.ndarray) -> list[tuple[int, int]]:
    """Where rows that follow one another in the file begin, and how many there are."""
    if not len(indices):
        return []
    first = np.flatnonzero(np.diff(indices, prepend=indices[0] - 2) != 1)
    counts = np.diff(first, append=len(indices))
    return list(zip(first.tolist(), counts.tolist(), strict=True))


def _corrupt(path: Path, reason: str) -> CorruptDataError:
    return CorruptDataError(
        f"{path}: expected an intact .npy file, got one that cannot be read "
        f"({reason}). Replace the file with an intact copy."
    )
