# SPDX-License-Identifier: Apache-2.0
"""Weighted choice: ``torch.multinomial``."""

from __future__ import annotations

import numpy as np

from flaxnn.random import _topk
from flaxnn.random._engine import Engine
from flaxnn.random._exponential import exponential
from flaxnn.random._types import Array, Float64, Int64
from flaxnn.random._uniform import unit64


def multinomial(
    engine: Engine,
    weights: Array,
    samples: int,
    replacement: bool,
    version: tuple[int, int],
) -> Int64:
    """Returns ``(rows, samples)`` indices into each row of ``weights``."""
    with np.errstate(all="ignore"):
        if replacement and (samples > 1 or version < (2, 0)):
            return _inverse(weights, unit64(engine, len(weights) * samples), samples)
        # A race: the k smallest waiting times. PyTorch takes this way for a single
        # draw with replacement too.
        times = exponential(engine, weights.size, 1.0, weights.dtype, version)
        speed = weights / times.reshape(weights.shape)
        if samples == 1:
            return np.argmax(speed, axis=1)[:, np.newaxis]
        return _topk.largest(speed, samples)


def _inverse(weights: Array, uniforms: Float64, samples: int) -> Int64:
    """Returns the first index whose cumulative probability reaches each number."""
    rows, categories = weights.shape
    cumulative = np.add.accumulate(weights, axis=1)  # in order, in the weights' dtype
    # The last is then 1, or nan if the sum overflowed: no number is above either.
    cumulative /= cumulative[:, -1:].copy()
    flat = cumulative.reshape(-1)
    target = uniforms.reshape(rows, samples)
    # Binary search in all rows at once.
    offset = (np.arange(rows) * categories)[:, np.newaxis]
    low = np.zeros((rows, samples), np.int64)
    high = np.full((rows, samples), categories)
    while (open_ := low < high).any():
        middle = (low + high) // 2
        below = open_ & (flat[np.minimum(middle, categories - 1) + offset] < target)
        high = np.where(open_ & ~below, middle, high)
        low = np.where(below, middle + 1, low)
    return low
