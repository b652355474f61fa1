# SPDX-License-Identifier: Apache-2.0
"""A file that `torch.load` reads: a zip archive, uncompressed, storages aligned."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn.interop._pickle_out import PickleOut
from flaxnn.interop._storages import Storage, views_of

# Where PyTorch lays storages, so that a mapped file can be computed with.
_ALIGNMENT = 64
# The bytes of a header in front of an entry, and of its field for sizes above 4 GB,
# which zipfile asks for at somewhat below 2 GB already, and takes at any size.
_HEADER, _LARGE_FIELD = 30, 20
_LARGE = 1 << 30
# The earliest date that the format has: equal contents give equal files.
_DATE = (1980, 1, 1, 0, 0, 0)


def write_pt(value: Any, arrays: Iterable[np.ndarray], path: Path) -> None:
    """Writes nested containers of arrays as PyTorch does.

    Args:
        value: What is written.
        arrays: Every array in it.
        path: The file.

    Raises:
        TypeError: It holds something that such a file has not.
        OSError: The file cannot be written.
    """
    views = views_of(arrays)
    pickle = PickleOut(views).whole(value)
    storages = {view.storage.key: view.storage for view in views.values()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_entry("data.pkl"), pickle)
        archive.writestr(_entry(".format_version"), "1")
        archive.writestr(_entry(".storage_alignment"), str(_ALIGNMENT))
        archive.writestr(_entry("byteorder"), "little")
        for storage in storages.values():
            _write_storage(archive, storage)
        archive.writestr(_entry("version"), "3\n")


def _entry(name: str) -> zipfile.ZipInfo:
    return zipfile.ZipInfo(f"archive/{name}", _DATE)


def _write_storage(archive: zipfile.ZipFile, storage: Storage) -> None:
    entry = _entry(f"data/{storage.key}")
    data = storage.data.view(np.uint8)
    entry.file_size = data.nbytes
    large = data.nbytes >= _LARGE
    # A field of the header that readers skip fills up to the next boundary.
    header = _HEADER + len(entry.filename.encode()) + (_LARGE_FIELD if large else 0)
    assert archive.fp is not None
    padding = -(archive.fp.tell() + header + 4) % _ALIGNMENT
    entry.extra = b"FB" + padding.to_bytes(2, "little") + b"Z" * padding
    with archive.open(entry, "w", force_zip64=large) as out:
        if data.size:
            out.write(data.data)
