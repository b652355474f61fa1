# SPDX-License-Identifier: Apache-2.0
"""Integers: ``torch.randint`` and ``Tensor.random_``."""

from __future__ import annotations

import numpy as np

from flaxnn.random._engine import Engine
from flaxnn.random._types import Array

# Since 2.7 a range this large takes 64 bits of the stream per number, in every dtype.
# Before, it was 2^32, in the dtypes that hold more than 32 bits or are floating.
ONE_WORD_RANGE = 1 << 28
_OLD_WIDE_RANGE = 1 << 32
_OLD_WIDE_DTYPES = (np.int64, np.float64, np.float32)

# `random_()` without bounds: how many numbers there are, and words for each.
_FULL_RANGE = {
    np.dtype(np.bool_): (2, 1),
    np.dtype(np.uint8): (1 << 8, 1),
    np.dtype(np.int8): (1 << 7, 1),
    np.dtype(np.int16): (1 << 15, 1),
    np.dtype(np.int32): (1 << 31, 1),
    np.dtype(np.int64): (1 << 63, 2),
    np.dtype(np.float32): ((1 << 24) + 1, 1),
    np.dtype(np.float64): ((1 << 53) + 1, 2),
}
RANDOM_DTYPES = tuple(_FULL_RANGE)


def integers(
    engine: Engine,
    count: int,
    low: int,
    high: int,
    dtype: np.dtype,
    version: tuple[int, int],
) -> Array:
    """Returns integers in ``[low, high)``."""
    span = high - low
    if version >= (2, 7):
        wide = span >= ONE_WORD_RANGE
    else:
        wide = span >= _OLD_WIDE_RANGE and dtype in _OLD_WIDE_DTYPES
    values = _modulo(engine, count, span, wide)
    # Two's complement wraps to the right number, as PyTorch's int64 sum does.
    values += np.uint64(low & 0xFFFFFFFFFFFFFFFF)
    return values.view(np.int64).astype(dtype)


def full_range(engine: Engine, count: int, dtype: np.dtype) -> Array:
    """Returns what ``random_()`` fills a tensor of ``dtype`` with."""
    span, words = _FULL_RANGE[dtype]
    return _modulo(engine, count, span, wide=words == 2).astype(dtype)


def _modulo(engine: Engine, count: int, span: int, wide: bool) -> np.ndarray:
    """Returns words, single or double ones, modulo ``span``, as uint64."""
    if wide:
        values = engine.double_words(count)
    else:
        values = engine.words(count).astype(np.uint64)
    values %= np.uint64(span)
    return values
