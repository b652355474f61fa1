# SPDX-License-Identifier: Apache-2.0
"""Bytes of a mapped file, without copying them."""

from __future__ import annotations

import mmap

import numpy as np


def bytes_at(mapped: mmap.mmap, start: int, length: int) -> np.ndarray:
    """Returns a run of a map's bytes, which it keeps open.

    Args:
        mapped: A read-only map.
        start: The first byte.
        length: How many; the caller has checked that they are there.

    Returns:
        `(length,)` uint8, read-only.
    """
    return np.ndarray((length,), np.uint8, mapped, start)
