# SPDX-License-Identifier: Apache-2.0
"""Uniform numbers: ``torch.rand`` and ``Tensor.uniform_``."""

from __future__ import annotations

import numpy as np

from flaxnn.random._chunks import CHUNK, chunks
from flaxnn.random._engine import Engine
from flaxnn.random._fma import fma32, fma64
from flaxnn.random._types import Array, Float32, Float64, UInt32

_MANTISSA_32 = np.uint32((1 << 24) - 1)
_HIGH_64 = np.uint32((1 << 21) - 1)  # what 53 bits take of a first, high word
_UNIT_32 = np.float32(2.0**-24)
_UNIT_64 = 2.0**-53


def unit32(engine: Engine, count: int) -> Float32:
    """Returns float32 numbers in [0, 1), one word each."""
    return unit32_of(engine.words(count))


def unit32_of(words: UInt32) -> Float32:
    """Returns the float32 numbers in [0, 1) that words make, in their own memory."""
    words &= _MANTISSA_32
    # Fresh pages cost more than the arithmetic.
    uniform = words.view(np.float32)
    for piece in chunks(len(words), 4 * CHUNK):
        # A signed conversion is one instruction, an unsigned one is not.
        x = words[piece].view(np.int32).astype(np.float32)
        np.multiply(x, _UNIT_32, out=uniform[piece])
    return uniform


def unit64(engine: Engine, count: int) -> Float64:
    """Returns float64 numbers in [0, 1), two words each, the high one first."""
    words = engine.words(2 * count)
    uniform = words.view(np.float64)
    pairs = words.reshape(count, 2)
    for piece in chunks(count):
        x = (pairs[piece, 0] & _HIGH_64).astype(np.float64)
        x *= 2.0**32
        x += pairs[piece, 1]
        x *= _UNIT_64
        uniform[piece] = x
    return uniform


def unit(engine: Engine, count: int, dtype: np.dtype) -> Array:
    """Returns numbers in [0, 1) of ``dtype``."""
    return unit32(engine, count) if dtype == np.float32 else unit64(engine, count)


def uniform(
    engine: Engine,
    count: int,
    low: float,
    high: float,
    dtype: np.dtype,
    *,
    fused: bool,
    half_open: bool,
) -> Array:
    """Returns numbers between ``low`` and ``high``.

    ``fused`` computes ``x * (high - low) + low`` with one rounding. Either way it can
    round up to ``high``; ``half_open`` replaces that by ``low``.
    """
    x = unit(engine, count, dtype)
    # In `dtype`, as PyTorch computes them.
    start, end = dtype.type(low), dtype.type(high)
    width = end - start
    if start == 0 and width == 1:
        return x
    if not fused:
        x *= width
        x += start
    for piece in chunks(count):
        part = x[piece]
        if fused and dtype == np.float32:
            part[...] = fma32(part, np.float32(width), np.float32(start))
        elif fused:
            part[...] = fma64(part, float(width), float(start))
        if half_open:
            part[part == end] = start
    return x
