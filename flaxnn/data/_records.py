# SPDX-License-Identifier: Apache-2.0
"""The files that TFDS prepares a data set as, and the records in them."""

from __future__ import annotations

import re
from pathlib import Path

from flaxnn._errors import CorruptDataError
from flaxnn.data._optional import require

# What can be read, in order of preference.
FORMATS = ("array_record", "tfrecord")
# A record: its length (8 bytes), a check of that (4), the bytes, a check of those (4).
_TFRECORD_HEAD, _TFRECORD_TAIL = 12, 4


def find_shards(folder: Path, name: str, split: str, suffix: str) -> list[Path]:
    """Returns all files of a split in one format, in order; empty where none is.

    Raises:
        CorruptDataError: Some are there and others are missing.
    """
    pattern = re.compile(
        rf"{re.escape(name)}-{re.escape(split)}\.{suffix}-(\d{{5}})-of-(\d{{5}})"
    )
    matches = [
        match for path in folder.iterdir() if (match := pattern.fullmatch(path.name))
    ]
    if not matches:
        return []
    total = max(int(match[2]) for match in matches)
    expected = [
        f"{name}-{split}.{suffix}-{shard:05}-of-{total:05}" for shard in range(total)
    ]
    missing = set(expected) - {match.string for match in matches}
    if missing or len(matches) != total:
        raise CorruptDataError(
            f"{folder}: expected {total} files {name}-{split}.{suffix}-*, got "
            f"{len(matches)}. Remove the folder and prepare the data again."
        )
    return [folder / file for file in expected]


def read_records(path: Path) -> list[bytes]:
    """Returns the records of a file in the order in which they are stored.

    Raises:
        CorruptDataError: The file is damaged or cut short.
        MissingPackageError: array_record is needed and not installed.
    """
    if ".array_record-" in path.name:
        return _read_array_record(path)
    return _read_tfrecord(path)


def _read_array_record(path: Path) -> list[bytes]:
    module = require("array_record.python.array_record_module", "array_record")
    try:
        # Without read-ahead: its threads cost more than they save on small records.
        reader = module.ArrayRecordReader(str(path), "readahead_buffer_size:0")
        try:
            return reader.read_all()
        finally:
            reader.close()
    except (RuntimeError, ValueError, MemoryError) as error:
        reason = str(error).partition(";")[0] or "unreadable"
        raise _corrupt(path, "array_record", reason) from error


def _read_tfrecord(path: Path) -> list[bytes]:
    # The checks of single records (CRC-32C) are left alone: what is read from all of
    # them is held to a SHA-256 afterwards.
    content = path.read_bytes()
    records = []
    at = 0
    while at < len(content):
        start = at + _TFRECORD_HEAD
        stop = start + int.from_bytes(content[at : at + 8], "little")
        at = stop + _TFRECORD_TAIL
        if at > len(content):
            raise _corrupt(path, "tfrecord", "a record is cut short")
        records.append(content[start:stop])
    return records


def _corrupt(path: Path, kind: str, reason: str) -> CorruptDataError:
    return CorruptDataError(
        f"{path}: expected an intact {kind} file, got a damaged one ({reason}). "
        "Remove its folder and prepare the data again."
    )
