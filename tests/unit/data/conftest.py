"""Small IDX files, and freedom from the suite's own type checks."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import numpy as np
import pytest

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


@pytest.fixture
def idx_bytes() -> Callable[[np.ndarray], bytes]:
    """An array as an IDX file, written from the format's description."""

    def encode(array: np.ndarray) -> bytes:
        code = CODES[array.dtype.str[1:]]
        header = bytes([0, 0, code, array.ndim]) + b"".join(
            struct.pack(">I", size) for size in array.shape
        )
        return header + array.astype(array.dtype.newbyteorder(">")).tobytes()

    return encode


@pytest.fixture
def write_idx(
    idx_bytes: Callable[[np.ndarray], bytes],
) -> Callable[[Path, np.ndarray], Path]:
    """Writes an array as IDX, gzip-compressed where the name ends in .gz."""

    def write(path: Path, array: np.ndarray) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = idx_bytes(array)
        path.write_bytes(gzip.compress(plain) if path.suffix == ".gz" else plain)
        return path

    return write


@pytest.fixture
def unchecked() -> Iterator[None]:
    """Turns the suite's run-time type checks off: users do not have them.

    A test of what flaxnn itself says to a value of a wrong type needs this.
    """
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
