"""Zip archives that are damaged or hostile."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest

from flaxnn import interop
from tests.unit.interop.crafted import PROTO, archive, tensor

PICKLE = PROTO + tensor() + b"."
GOOD = archive(PICKLE)
DIRECTORY = GOOD.index(b"PK\x01\x02")
LOCAL_STORAGE = GOOD.index(b"PK\x03\x04", 4)
CENTRAL_STORAGE = GOOD.index(b"PK\x01\x02", DIRECTORY + 4)
END = GOOD.index(b"PK\x05\x06")


def _patched(*patches: tuple[int, bytes]) -> bytes:
    content = bytearray(GOOD)
    for place, data in patches:
        content[place : place + len(data)] = data
    return bytes(content)


def _both(offset: int, local: int, data: bytes) -> bytes:
    """A patch of the storage's record in the directory, and of its own."""
    return _patched((CENTRAL_STORAGE + offset, data), (LOCAL_STORAGE + local, data))


def _renamed(name: bytes) -> bytes:
    return GOOD.replace(b"archive/data/0", name)


def _twice() -> bytes:
    content = archive(PICKLE, {"data/0": bytes(16), "data/1": bytes(16)})
    return content.replace(b"archive/data/1", b"archive/data/0")


REFUSED = {
    "appended": (GOOD + b"x", "does not end as one"),
    "prepended": (GOOD[:4] + b"x" + GOOD[4:], "not where it should be"),
    "comment": (_patched((END + 20, b"\1\0")) + b"x", "does not end as one"),
    "compressed": (
        archive(PICKLE, method=zipfile.ZIP_DEFLATED),
        "compressed, which torch.save never",
    ),
    "encrypted": (_both(8, 6, b"\1\0"), "encrypted"),
    "another disk": (_patched((CENTRAL_STORAGE + 34, b"\1\0")), "another disk"),
    "disks": (_patched((END + 4, b"\1\0")), "several disks"),
    "twice": (_twice(), "two entries"),
    "parent": (_renamed(b"archive/../abc"), "no plain"),
    "absolute": (_renamed(b"/rchive/data/0"), "no plain"),
    "backslash": (_renamed(b"archive\\data/0"), "no plain"),
    "nul": (_renamed(b"archive/data/\0"), "no plain"),
    "no utf-8": (_renamed(b"archive/data/\xff"), "no UTF-8"),
    "other name before": (
        _patched((LOCAL_STORAGE + 30, b"archive/data/1")),
        "not what its directory says",
    ),
    "other size before": (
        _patched((LOCAL_STORAGE + 18, struct.pack("<2L", 12, 12))),
        "not what its directory says",
    ),
    "two sizes": (_patched((CENTRAL_STORAGE + 20, b"\x0f")), "two sizes"),
    "overlap": (_patched((CENTRAL_STORAGE + 42, bytes(4))), "overlaps"),
    "beyond": (
        _patched((CENTRAL_STORAGE + 42, struct.pack("<L", END - 40))),
        "cut short",
    ),
    "far beyond": (_patched((CENTRAL_STORAGE + 42, b"\xfe\xff\xff\x7f")), "cut short"),
    "long storage": (
        _patched(
            (CENTRAL_STORAGE + 20, struct.pack("<2L", 999, 999)),
            (LOCAL_STORAGE + 18, struct.pack("<2L", 999, 999)),
        ),
        "cut short",
    ),
    "count": (_patched((END + 8, b"\1\0\1\0")), "more than it counts"),
    "high count": (_patched((END + 8, b"\7\0\7\0")), "directory is cut short"),
    "many entries": (
        _patched((END + 8, b"\xf0\xff\xf0\xff")),
        "entries in a directory",
    ),
    "no zip64 sizes": (
        _patched((CENTRAL_STORAGE + 24, b"\xff" * 4)),
        "lacks the zip64",
    ),
    "checksum": (GOOD.replace(b"storage", b"sTorage"), "checksum"),
    "no pickle": (GOOD.replace(b"data.pkl", b"data.npy"), "numpy.load"),
    "script": (archive(PICKLE, {"constants.pkl": b""}), "TorchScript"),
    "byte order": (archive(PICKLE, {"byteorder": b"middle"}), "byte order"),
    "no storage": (archive(PICKLE, {}), "no data for storage '0'"),
    "short storage": (archive(PICKLE, {"data/0": bytes(12)}), "12 bytes where"),
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
