# SPDX-License-Identifier: Apache-2.0
"""The IDX format, in which MNIST and Fashion-MNIST are distributed."""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import os
import struct
import zlib
from pathlib import Path

import numpy as np

from flaxnn._errors import CorruptDataError

# The third byte of a file names the type of its elements, which are big-endian.
_DTYPES = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_GZIP_MAGIC = b"\x1f\x8b"
# Deflate codes at most 258 bytes in two bits, so no file unpacks to more than this.
_MAX_GZIP_RATIO = 1032
# NumPy 1.x's limit; no published IDX file has more than four dimensions.
_MAX_DIMS = 32


def read_idx(path: str | os.PathLike[str]) -> np.ndarray:
    """Returns the array of an IDX file, plain or gzip-compressed.

    The header is not believed: nothing is allocated that the file could not hold, and
    no more is unpacked than the header announces, so a damaged or hostile file raises
    instead of filling the memory.

    Args:
        path: The file. Compression is recognised by content, not by name.

    Returns:
        A new array with the file's shape and element type (uint8, int8, int16, int32,
        float32 or float64) in native byte order.

    Raises:
        CorruptDataError: A ValueError. The file is empty, is not IDX, is shorter or
            longer than its header says, or is damaged as gzip.
        FileNotFoundError: There is no such file.

    Torch:
        No public counterpart; torchvision has a private reader. It accepts trailing
        bytes; this one refuses them.

    Example:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder, "labels-idx1-ubyte")
        ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3]) + bytes([7, 2, 1]))
        ...     read_idx(path)
        array([7, 2, 1], dtype=uint8)

    References:
        Y. LeCun, C. Cortes, C. Burges: The MNIST database, section "File formats".
    """
    path = Path(path)
    with path.open("rb") as file:
        packed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        size = os.fstat(file.fileno()).st_size
        stream = gzip.GzipFile(fileobj=file) if packed else file
        try:
            return _read(stream, path, size * _MAX_GZIP_RATIO if packed else size)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise _corrupt(
                path, "an intact gzip stream", f"a damaged one ({error})"
            ) from error


def idx_sha256(array: np.ndarray) -> str:
    """Returns the SHA-256 of the plain IDX file that holds a uint8 array."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape)
    digest = hashlib.sha256(header)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def aligned(size: int) -> np.ndarray:
    """Returns bytes at a multiple of 64, which JAX on a CPU uses without a copy."""
    memory = np.empty(size + 63, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size]


def _read(stream: io.BufferedIOBase, path: Path, capacity: int) -> np.ndarray:
    """The array in a stream that can yield at most `capacity` bytes."""
    dtype, shape = _read_header(stream, path)
    expected = math.prod(shape) * dtype.itemsize
    announced = f"{expected} bytes of data for shape {shape} of {dtype.name}"
    available = capacity - 4 - 4 * len(shape)
    if expected > available:
        raise _corrupt(path, announced, f"room for at most {available}")
    try:
        payload = aligned(expected)
        array = payload.view(dtype).reshape(shape)
    except (MemoryError, ValueError) as error:
        raise _corrupt(path, "dimensions that fit in memory", announced) from error
    received = _fill(stream, payload)
    if received < expected:
        raise _corrupt(path, announced, f"{received}: the file is cut short")
    # For gzip, reading on to the end is also what checks the stream's CRC.
    if stream.read(1):
        raise _corrupt(path, announced, "more: bytes follow the data")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_header(
    stream: io.BufferedIOBase, path: Path
) -> tuple[np.dtype, tuple[int, ...]]:
    """The element type and the shape that the first bytes announce."""
    magic = stream.read(4)
    if not magic:
        raise _corrupt(path, "an IDX header", "an empty file")
    if len(magic) < 4:
        raise _corrupt(path, "a header of at least 4 bytes", f"{len(magic)} bytes")
    ndim = magic[3]
    if magic[:2] != b"\0\0" or magic[2] not in _DTYPES or not 1 <= ndim <= _MAX_DIMS:
        kinds = ", ".join(f"{code:02x}" for code in _DTYPES)
        raise _corrupt(
            path,
            f"an IDX file (first bytes 00 00, a type among {kinds}, "
            f"1 to {_MAX_DIMS} dimensions)",
            f"first bytes {magic.hex(' ')}",
        )
    sizes = stream.read(4 * ndim)
    if len(sizes) < 4 * ndim:
        raise _corrupt(
            path, f"a header of {4 + 4 * ndim} bytes", f"{4 + len(sizes)} bytes"
        )
    return _DTYPES[magic[2]], struct.unpack(f">{ndim}I", sizes)


def _fill(stream: io.BufferedIOBase, payload: np.ndarray) -> int:
    """Fills the bytes from the stream; how many there were."""
    view = payload.data
    received = 0
    while received < len(view):
        count = stream.readinto(view[received:])
        if not count:
            break
        received += count
    return received


def _corrupt(path: Path, expected: str, got: str) -> CorruptDataError:
    return CorruptDataError(
        f"{path}: expected {expected}, got {got}. Replace the file with an intact copy."
    )
