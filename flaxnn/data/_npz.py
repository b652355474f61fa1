# SPDX-License-Identifier: Apache-2.0
"""NumPy's .npz archives as data sets."""

from __future__ import annotations

import difflib
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from flaxnn._errors import CorruptDataError
from flaxnn.data._dataset import Dataset


def from_npz(
    path: str | os.PathLike[str], keys: str | Sequence[str] | None = None
) -> Dataset:
    """Returns arrays of a .npz file as a data set.

    Nothing in the file is executed: arrays of Python objects, which are pickled, are
    refused.

    Args:
        path: The file, as `numpy.savez` or `numpy.savez_compressed` writes it.
        keys: The names of the arrays, in the order in which a row has them: the target
            last. All of them, in the order of the file, where it is None. Only these
            are read.

    Returns:
        A `Dataset` whose `arrays` have the shapes and dtypes of the file. Its name is
        the file's, its source the path.

    Raises:
        FileNotFoundError: There is no such file.
        CorruptDataError: A ValueError. The file is no .npz archive, is damaged or cut
            short, or an array holds Python objects.
        ValueError: There is no array of that name, or the arrays differ in length.

    Torch:
        No counterpart; `TensorDataset` of `numpy.load`'s arrays.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "points.npz")
        ...     np.savez(path, x=np.eye(3), y=np.array([0, 1, 1]), note=np.array("a"))
        ...     points = from_npz(path, keys=("x", "y"))
        >>> points[2]
        (array([0., 0., 1.]), np.int64(1))
        >>> points.name
        'points'
    """
    path = Path(path)
    if isinstance(keys, str):
        keys = (keys,)
    named = read_npz(path, keys)
    if any(array.ndim == 0 for array in named.values()) or (
        len({len(array) for array in named.values()}) > 1
    ):
        held = ", ".join(f"{name} {array.shape}" for name, array in named.items())
        raise ValueError(
            f"{path}: expected arrays with the same number of rows, got {held}; choose "
            "those that belong together, such as keys=('x_train', 'y_train')"
        )
    return Dataset(tuple(named.values()), name=path.stem, source=str(path))


def read_npz(path: Path, keys: Sequence[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an archive by name: those asked for, or all."""
    with path.open("rb") as file:
        try:
            with zipfile.ZipFile(file) as archive:
                names = [
                    entry.removesuffix(".npy")
                    for entry in archive.namelist()
                    if entry.endswith(".npy")
                ]
                wanted = names if keys is None else keys
                if missing := [key for key in wanted if key not in names]:
                    raise _MissingError(_not_there(path, missing[0], names))
                if not wanted:
                    raise _MissingError(
                        f"{path}: expected at least one array, got none"
                    )
                return {name: _read(archive, f"{name}.npy") for name in wanted}
        except _MissingError as error:
            raise ValueError(str(error)) from None
        # A damaged archive makes zipfile, its decompressors and NumPy's parser of
        # headers raise more than a dozen types, from SyntaxError to OSError.
        except Exception as error:
            raise CorruptDataError(
                f"{path}: expected an intact .npz archive of numbers, got one that "
                f"cannot be read ({type(error).__name__}: {error}). Replace the file "
                "with an intact copy."
            ) from error


class _MissingError(Exception):
    """What was asked for is not in a file that is all right."""


def _read(archive: zipfile.ZipFile, entry: str) -> np.ndarray:
    with archive.open(entry) as member:
        array = npy.read_array(member, allow_pickle=False)
        # Reading to the end is also what checks the CRC.
        if member.read(1):
            raise ValueError(f"bytes follow the data of {entry}")
    return array


def _not_there(path: Path, key: str, names: list[str]) -> str:
    close = difflib.get_close_matches(key, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"{path}: there is no array {key!r}.{hint} It holds: {', '.join(names)}."
