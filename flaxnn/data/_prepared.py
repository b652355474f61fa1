# SPDX-License-Identifier: Apache-2.0
"""Data sets as TFDS has prepared them, read without TensorFlow and without TFDS."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TypeVar

from flaxnn._errors import CorruptDataError
from flaxnn.data._example import parse_example
from flaxnn.data._records import FORMATS, find_shards, read_records

_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_INFO = "dataset_info.json"
# Formats that TFDS can be told to write and that are not read here.
_UNREADABLE = {
    "parquet": "prepared as parquet, in which TFDS loses rows: it is never read",
    "riegeli": "prepared as riegeli, which is not read",
}


_Value = TypeVar("_Value", bytes, int)


def prepared_folder(path: Path) -> Path | None:
    """Returns the newest version in a data set's folder, or None.

    TFDS renames it into place when it is whole; what a killed preparation leaves
    behind has another name (`incomplete.*`), and is never looked at.
    """
    versions = {}
    if path.is_dir():
        for version in path.iterdir():
            match = _VERSION.fullmatch(version.name)
            if match and version.is_dir():
                versions[tuple(map(int, match.groups()))] = version
    return versions[max(versions)] if versions else None


def prepared_format(folder: Path, name: str, split: str) -> str | None:
    """Returns the format in which a split is there and can be read, or None."""
    for suffix in FORMATS:
        if find_shards(folder, name, split, suffix):
            return suffix
    return None


def why_unreadable(folder: Path) -> str | None:
    """Returns why a prepared folder is passed over; None where it must be read."""
    files = [path.name for path in folder.iterdir()]
    kinds = [*FORMATS, *_UNREADABLE]
    there = [kind for kind in kinds if any(f".{kind}-" in file for file in files)]
    if set(there) & set(FORMATS):
        return None
    if there:
        return _UNREADABLE[there[0]]
    return None if _INFO in files else f"no {_INFO} and no records"


def read_prepared(folder: Path, name: str, split: str) -> list[dict[str, bytes | int]]:
    """Returns the features of every row of a split, in the original order.

    Raises:
        CorruptDataError: The folder does not hold the split, whole and readable.
        MissingPackageError: array_record is needed and not installed.
    """
    suffix = prepared_format(folder, name, split)
    if suffix is None:
        raise CorruptDataError(
            f"{folder}: expected files {name}-{split}.{FORMATS[0]}-* or .{FORMATS[1]}-*"
            ", got none. Remove the folder and prepare the data again."
        )
    records: list[bytes] = []
    for shard in find_shards(folder, name, split, suffix):
        records += read_records(shard)
    rows: list[dict[str, bytes | int]] = [{}] * len(records)
    try:
        for index, record in zip(
            stored_order(split, len(records)), records, strict=True
        ):
            rows[index] = parse_example(record)
    except CorruptDataError as error:
        raise CorruptDataError(f"{folder}, split {split!r}: {error}") from error
    return rows


def column(
    rows: list[dict[str, bytes | int]], feature: str, kind: type[_Value]
) -> list[_Value]:
    """Returns one feature of every row.

    Raises:
        CorruptDataError: A row does not have it, or has another type there.
    """
    values = []
    for index, row in enumerate(rows):
        value = row.get(feature)
        if not isinstance(value, kind):
            raise CorruptDataError(
                f"row {index}: expected {feature!r} to be of type {kind.__name__}, got "
                f"{type(value).__name__} (the features are {sorted(row)})"
            )
        values.append(value)
    return values


def stored_order(split: str, rows: int) -> list[int]:
    """Returns which row of the original stands at each place of a prepared split.

    TFDS sorts the rows by the MD5 of the split's name and the row's number.
    """
    salted = hashlib.md5(split.encode(), usedforsecurity=False)
    keys = []
    for row in range(rows):
        key = salted.copy()
        key.update(b"%d" % row)
        keys.append(key.digest())
    return sorted(range(rows), key=keys.__getitem__)
