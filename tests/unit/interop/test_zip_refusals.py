# SPDX-License-Identifier: Apache-2.0
"""Zip archives that are damaged or hostile."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from flaxnn import interop
from tests.unit.interop.crafted import (
    CENTRAL_STORAGE,
    END,
    GOOD,
    LOCAL_STORAGE,
    PROTO,
    archive,
    patched,
    renamed,
    tensor,
)

PICKLE = PROTO + tensor() + b"."


def _both(offset: int, local: int, data: bytes) -> bytes:
    """A patch of the storage's record in the directory, and of its own."""
    return patched((CENTRAL_STORAGE + offset, data), (LOCAL_STORAGE + local, data))


REFUSED = {
    "appended": (GOOD + b"x", "does not end as one"),
    "prepended": (GOOD[:4] + b"x" + GOOD[4:], "not where it should be"),
    "comment": (patched((END + 20, b"\1\0")) + b"x", "does not end as one"),
    "compressed": (
        archive(PICKLE, method=zipfile.ZIP_DEFLATED),
        "compressed, which torch.save never",
    ),
    "encrypted": (_both(8, 6, b"\1\0"), "encrypted"),
    "another disk": (patched((CENTRAL_STORAGE + 34, b"\1\0")), "another disk"),
    "disks": (patched((END + 4, b"\1\0")), "several disks"),
    "nul": (renamed(b"archive/data/\0"), "no plain"),
    "no utf-8": (renamed(b"archive/data/\xff"), "no UTF-8"),
    "other name before": (
        patched((LOCAL_STORAGE + 30, b"archive/data/1")),
        "not what its directory says",
    ),
    "other size before": (
        patched((LOCAL_STORAGE + 18, struct.pack("<2L", 12, 12))),
        "not what its directory says",
    ),
    "two sizes": (patched((CENTRAL_STORAGE + 20, b"\x0f")), "two sizes"),
    "beyond": (
        patched((CENTRAL_STORAGE + 42, struct.pack("<L", END - 40))),
        "cut short",
    ),
    "far beyond": (patched((CENTRAL_STORAGE + 42, b"\xfe\xff\xff\x7f")), "cut short"),
    "long storage": (
        patched(
            (CENTRAL_STORAGE + 20, struct.pack("<2L", 999, 999)),
            (LOCAL_STORAGE + 18, struct.pack("<2L", 999, 999)),
        ),
        "cut short",
    ),
    "count": (patched((END + 8, b"\1\0\1\0")), "more than it counts"),
    "high count": (patched((END + 8, b"\7\0\7\0")), "directory is cut short"),
    "no zip64 sizes": (
        patched((CENTRAL_STORAGE + 24, b"\xff" * 4)),
        "lacks the zip64",
    ),
    "checksum": (GOOD.replace(b"storage", b"sTorage"), "checksum"),
    "no pickle": (GOOD.replace(b"data.pkl", b"data.npy"), "numpy.load"),
    "script": (archive(PICKLE, {"constants.pkl": b""}), "TorchScript"),
    "byte order": (archive(PICKLE, {"byteorder": b"middle"}), "byte order"),
    "no storage": (archive(PICKLE, {}), "no data for storage '0'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str, tmp_path: Path) -> None:
    content, match = REFUSED[name]
    assert content != GOOD
    path = tmp_path / "a.pt"
    path.write_bytes(content)
    with pytest.raises(interop.FileFormatError, match=match):
        interop.load(path)


def test_the_file_that_is_patched_is_good(tmp_path: Path) -> None:
    (tmp_path / "a.pt").write_bytes(GOOD)
    assert interop.load(tmp_path / "a.pt").tolist() == [1, 2, 3, 4]  # pyright: ignore


def test_zip64_sizes(tmp_path: Path) -> None:
    """An entry that zipfile writes with zip64 fields, as if it were large."""
    path = tmp_path / "a.pt"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", PICKLE)
        with file.open("archive/data/0", "w", force_zip64=True) as entry:
            entry.write(struct.pack("<4f", 1, 2, 3, 4))
    assert interop.load(path).tolist() == [1, 2, 3, 4]  # pyright: ignore
