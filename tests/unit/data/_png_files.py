# SPDX-License-Identifier: Apache-2.0
"""PNG files as other programs write them, made without flaxnn's code."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def filtered_png(image: np.ndarray) -> bytes:
    """One image of `filtered_pngs`."""
    return filtered_pngs(image[None])[0]


def filtered_pngs(images: np.ndarray) -> list[bytes]:
    """Grey PNGs as libpng chooses: per line the filter of the least sum, level 6."""
    count, height, width = images.shape
    lines = np.zeros((count, height, width + 1), np.uint8)
    above = np.zeros((count, width), np.uint8)
    for row in range(height):
        line = images[:, row]
        filtered = np.stack([filter_line(kind, line, above) for kind in range(5)])
        cost = np.abs(filtered.view(np.int8).astype(np.int16)).sum(axis=2)
        kinds = np.argmin(cost, axis=0)
        lines[:, row, 0] = kinds
        lines[:, row, 1:] = filtered[kinds, np.arange(count)]
        above = line
    return [png(height, width, [zlib.compress(part.tobytes(), 6)]) for part in lines]


def filter_line(kind: int, line: np.ndarray, above: np.ndarray) -> np.ndarray:
    """A line of `(N, W)` images after PNG's filter of that number, as RFC 2083 has it.

    Args:
        kind: 0 to 4.
        line: The pixels.
        above: The pixels of the line before, zero for the first.
    """
    x, b = line.astype(np.int16), above.astype(np.int16)
    a, c = (np.pad(pixels[:, :-1], ((0, 0), (1, 0))) for pixels in (x, b))
    if kind == 4:
        p = a + b - c
        pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
        nearest_a = (pa <= pb) & (pa <= pc)
        guess = np.where(nearest_a, a, np.where(pb <= pc, b, c))
    else:
        guess = (0 * x, a, b, (a + b) // 2)[kind]
    return ((x - guess) % 256).astype(np.uint8)


def png(
    height: int,
    width: int,
    data: Iterable[bytes],
    *,
    header: tuple[int, int, int, int, int] = (8, 0, 0, 0, 0),
    before: bytes = b"",
) -> bytes:
    """A PNG file of the given IDAT contents."""
    size = struct.pack(">II", width, height) + bytes(header)
    idat = b"".join(chunk(b"IDAT", part) for part in data)
    return SIGNATURE + chunk(b"IHDR", size) + before + idat + chunk(b"IEND", b"")


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    check = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + check
