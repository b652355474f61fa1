# SPDX-License-Identifier: Apache-2.0
""".npz archives: what is read, and what damaged and hostile ones raise."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flaxnn._errors import CorruptDataError
from flaxnn.data import DataLoader, from_npz, load

X = np.arange(30, dtype=np.uint8).reshape(5, 2, 3)
Y = np.array([3, 1, 4, 1, 5])


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "points.npz"
    np.savez(path, x=X, y=Y)
    return path


def _npy(array: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), **options)
    return file.getvalue()


def _zip(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in entries.items():
            file.writestr(f"{name}.npy", content)
    return path


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_come_as_they_were_saved(tmp_path: Path, save: Any) -> None:
    path = tmp_path / "points.npz"
    save(path, x=np.asfortranarray(X), y=Y.astype(">i4"))
    points = from_npz(str(path))
    assert points.name == "points"
    assert points.source == str(path)
    np.testing.assert_array_equal(points.arrays[0], X)
    np.testing.assert_array_equal(points.arrays[1], Y)
    assert points.arrays[0].dtype == np.uint8
    assert points.arrays[1].dtype == np.dtype(">i4")
    assert len(list(DataLoader(points, 2))) == 3


def test_keys_choose_and_order(archive: Path) -> None:
    assert [a.ndim for a in from_npz(archive, ("y", "x")).arrays] == [1, 3]
    (only,) = from_npz(archive, "y").arrays
    np.testing.assert_array_equal(only, Y)


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    path = _zip(tmp_path / "t.npz", x=_npy(X), bad=b"not an array")
    np.testing.assert_array_equal(from_npz(path, "x").arrays[0], X)
    with pytest.raises(CorruptDataError, match=r"t\.npz: expected an intact"):
        from_npz(path)


def test_missing_file_and_missing_key(archive: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.npz"):
        from_npz(archive.with_name("none.npz"))
    with pytest.raises(ValueError, match=r"no array 'Y'.* It holds: x, y\.") as caught:
        from_npz(archive, ("x", "Y"))
    assert not isinstance(caught.value, CorruptDataError)
    with pytest.raises(ValueError, match=r"Did you mean 'x'\?"):
        from_npz(archive, ("x_",))
    with pytest.raises(ValueError, match="at least one array, got none"):
        from_npz(archive, ())


@pytest.mark.parametrize("other", [np.zeros(4), np.float64(2)])
def test_arrays_that_do_not_belong_together(tmp_path: Path, other: Any) -> None:
    path = tmp_path / "t.npz"
    np.savez(path, x=X, other=other)
    with pytest.raises(
        ValueError, match=r"x \(5, 2, 3\), other \(.*choose.*keys=\('x_train'"
    ):
        from_npz(path)


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    objects = _npy(np.array([Bomb(trap)], object), allow_pickle=True)
    path = _zip(tmp_path / "t.npz", x=objects)
    with pytest.raises(CorruptDataError, match="Object arrays cannot be loaded"):
        from_npz(path)
    raw = _zip(tmp_path / "raw.npz", x=pickle.dumps(Bomb(trap)))
    with pytest.raises(CorruptDataError, match="cannot be read"):
        from_npz(raw)
    assert not trap.exists()


HUGE = b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little")


def _header(text: str) -> bytes:
    return HUGE + text.ljust(117).encode() + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        _npy(Y)[:-1],
        _npy(Y) + b"x",
        _header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,)}"),
        _header("{'descr': '<f8', 'fortran_order': False, 'shape': (-5,)}"),
        _header("{'descr': '|O', 'fortran_order': False, 'shape': (5,)}"),
        _header("{'descr': 'banana', 'fortran_order': False, 'shape': (5,)}"),
        _header("__import__('os').abort()"),
        _header("{{{"),
    ],
    ids=["empty", "short", "long", "huge", "negative", "object", "type", "code", "("],
)
def test_hostile_entries(tmp_path: Path, content: bytes) -> None:
    path = _zip(tmp_path / "t.npz", x=content)
    with pytest.raises(CorruptDataError, match=r"t\.npz: expected an intact .npz"):
        from_npz(path)


@pytest.mark.parametrize("content", [b"", b"PK", b"\x93NUMPY\x01\x00", b"text\n" * 99])
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.npz"
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match="not a zip file"):
        from_npz(path)


def test_every_truncation_is_found(archive: Path) -> None:
    whole = archive.read_bytes()
    for length in range(0, len(whole), 7):
        archive.write_bytes(whole[:length])
        with pytest.raises(CorruptDataError, match="intact copy"):
            from_npz(archive)


def test_no_changed_byte_changes_a_number(archive: Path) -> None:
    """Either the arrays are the same, or the file is refused."""
    whole = archive.read_bytes()
    refused = 0
    for position in range(0, len(whole), 3):
        changed = bytearray(whole)
        changed[position] ^= 0xFF
        archive.write_bytes(bytes(changed))
        try:
            x, y = from_npz(archive).arrays
        except ValueError:
            refused += 1
            continue
        np.testing.assert_array_equal(x, X)
        np.testing.assert_array_equal(y, Y)
    assert refused > 100


def test_load_says_who_reads_files() -> None:
    with pytest.raises(ValueError, match=r"from_npz\('points\.npz', …\)"):
        load("points.npz")
    with pytest.raises(ValueError, match=r"from_csv\('a/Pets\.csv', …\)"):
        load("a/Pets.csv")
