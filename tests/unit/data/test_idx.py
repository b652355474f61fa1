# SPDX-License-Identifier: Apache-2.0
"""IDX files: every element type, plain and compressed, and hostile ones."""

from __future__ import annotations

import gzip
import hashlib
import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from flaxnn._errors import CorruptDataError
from flaxnn.data import read_idx
from flaxnn.data._idx import idx_sha256
from tests.unit.data._small import write_idx

ARRAYS = [
    np.arange(24, dtype=np.uint8).reshape(2, 3, 4) * 10,
    np.array([-128, 0, 127], np.int8),
    np.array([[-32768, 258]], np.int16),
    np.array([[-(2**31)], [66051]], np.int32),
    np.array([0.1, -np.inf, np.nan, 1e38], np.float32),
    np.array([[[[0.1]]], [[[1e300]]]], np.float64),
    np.zeros((0, 28, 28), np.uint8),
]
LABELS = bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1])


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_every_element_type(tmp_path, array, suffix):
    got = read_idx(write_idx(tmp_path / f"data{suffix}", array))
    assert got.dtype == array.dtype
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, array)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_pixels_are_aligned_for_jax_to_use_without_a_copy(tmp_path, suffix):
    for rows in (1, 3, 50, 5000):
        images = np.zeros((rows, 28, 28), np.uint8)
        got = read_idx(write_idx(tmp_path / f"data{rows}{suffix}", images))
        assert got.ctypes.data % 64 == 0


def test_bytes_spelled_out(tmp_path):
    """The format by hand: big-endian int16 of shape (2, 2)."""
    path = tmp_path / "data"
    path.write_bytes(bytes.fromhex("00000b02 00000002 00000002 0001 0100 7fff 8000"))
    np.testing.assert_array_equal(read_idx(path), [[1, 256], [32767, -32768]])


def test_the_name_does_not_decide_about_compression(tmp_path):
    packed, plain = tmp_path / "packed", tmp_path / "plain.gz"
    packed.write_bytes(gzip.compress(LABELS))
    plain.write_bytes(LABELS)
    np.testing.assert_array_equal(read_idx(packed), [7, 2, 1])
    np.testing.assert_array_equal(read_idx(str(plain)), [7, 2, 1])


def test_gzip_of_several_members(tmp_path):
    path = tmp_path / "data.gz"
    path.write_bytes(gzip.compress(LABELS[:5]) + gzip.compress(LABELS[5:]))
    np.testing.assert_array_equal(read_idx(path), [7, 2, 1])


def test_the_array_is_the_callers_own(tmp_path):
    path = write_idx(tmp_path / "data", np.zeros(3, np.uint8))
    read_idx(path)[0] = 1
    np.testing.assert_array_equal(read_idx(path), np.zeros(3))


HOSTILE = {
    "empty": (b"", "an empty file"),
    "short magic": (b"\0\0\x08", "got 3 bytes"),
    "short dimensions": (LABELS[:6], "header of 8 bytes, got 6"),
    "not zero": (b"\x01" + LABELS[1:], "first bytes 01 00 08 01"),
    "unknown type": (b"\0\0\x0a" + LABELS[3:], "first bytes 00 00 0a 01"),
    "no dimensions": (b"\0\0\x08\0" + LABELS[4:], "first bytes 00 00 08 00"),
    "too many dimensions": (b"\0\0\x08\xff" + bytes(1020), "first bytes 00 00 08 ff"),
    "text": (b"<!DOCTYPE html>", "first bytes 3c 21 44 4f"),
    "cut short": (LABELS[:-1], "3 bytes of data"),
    "trailing": (LABELS + b"\0", "bytes follow the data"),
    "product beyond the file": (
        b"\0\0\x08\x03" + b"\xff" * 12 + bytes(100),
        "room for at most 100",
    ),
    "product beyond an int64, of nothing": (
        b"\0\0\x08\x04" + bytes(4) + b"\xff" * 12,
        "dimensions that fit in memory",
    ),
}


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(tmp_path, name, packed):
    content, message = HOSTILE[name]
    path = tmp_path / "hostile"
    path.write_bytes(gzip.compress(content) if packed else content)
    if packed and name in ("cut short", "product beyond the file"):
        message = "cut short|room for at most"
    with pytest.raises(CorruptDataError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, ValueError)


def _packed_labels(flip: int | None = None, keep: int | None = None) -> bytes:
    packed = bytearray(gzip.compress(LABELS, mtime=0))
    if flip is not None:
        packed[flip] ^= 0xFF
    return bytes(packed[:keep])


@pytest.mark.parametrize(
    "content",
    [
        _packed_labels(flip=-5),
        _packed_labels(flip=12),
        _packed_labels(keep=-3),
        _packed_labels(keep=11),
        _packed_labels() + b"garbage",
        b"\x1f\x8b",
    ],
    ids=["crc", "deflate", "no trailer", "header only", "garbage after", "magic only"],
)
def test_damaged_gzip_is_refused(tmp_path, content):
    path = tmp_path / "hostile.gz"
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match=r"hostile\.gz: expected"):
        read_idx(path)


def test_a_gzip_bomb_is_not_unpacked(tmp_path):
    """3 bytes announced, 64 MiB packed: no more than a little is ever held."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb") as stream:
        stream.write(LABELS)
        stream.write(bytes(64 << 20))
    path = tmp_path / "bomb.gz"
    path.write_bytes(buffer.getvalue())
    tracemalloc.start()
    with pytest.raises(CorruptDataError, match="bytes follow the data"):
        read_idx(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_a_lie_about_the_size_allocates_nothing(tmp_path):
    """2^40 bytes announced by a file of 60: refused by its size."""
    path = tmp_path / "liar.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x02" + b"\0\x10\0\0" * 2 + bytes(10)))
    tracemalloc.start()
    with pytest.raises(CorruptDataError, match="room for at most"):
        read_idx(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "absent")


@pytest.mark.parametrize("shape", [(3,), (2, 28, 28), (0,)])
def test_hash_is_that_of_the_plain_file(tmp_path, shape):
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    path: Path = write_idx(tmp_path / "data", array)
    assert idx_sha256(array) == hashlib.sha256(path.read_bytes()).hexdigest()
    strided = np.repeat(array, 2, axis=0)[::2]
    assert idx_sha256(strided) == idx_sha256(array)
