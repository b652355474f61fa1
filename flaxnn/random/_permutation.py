# SPDX-License-Identifier: Apache-2.0
"""``torch.randperm`` without a loop.

PyTorch shuffles by n swaps, each of which depends on those before. But where a number
comes from can be said in advance: every position names the step whose number it took
over, that step names a position in turn, and following these links to their ends, all
at once and twice as far each time, gives the permutation.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flaxnn.random._engine import Engine
from flaxnn.random._types import Int64

# From here on PyTorch draws 64-bit words and shuffles "inside out"
# (`randperm_cpu` of aten/src/ATen/native/TensorFactories.cpp).
INSIDE_OUT_FROM = 0xFFFFFFFF // 20

_Steps = NDArray[np.signedinteger[Any]]


def permutation(engine: Engine, n: int) -> Int64:
    """Returns a permutation of ``0 .. n-1``."""
    if n == 0:
        return np.empty(0, np.int64)
    if n >= INSIDE_OUT_FROM:
        words = engine.double_words(n)
        words %= np.arange(1, n + 1, dtype=np.uint64)
        return _inside_out(words.astype(np.int32))
    offsets = engine.words(n - 1)
    offsets %= np.arange(n, 1, -1, dtype=np.uint32)
    targets = offsets.view(np.int32)
    targets += np.arange(n - 1, dtype=np.int32)
    return _swaps(targets, n)


def _swaps(targets: _Steps, n: int) -> Int64:
    """Returns ``0 .. n-1`` after swapping i and ``targets[i] >= i`` for each i."""
    before, last = _links(targets, n)
    # What stands at p before step p came from position last[p], or was p all along.
    # (A step that swaps p with itself would be the last, but nobody asks about that p:
    # later steps have later targets.)
    origin = np.where(last < 0, np.arange(n, dtype=last.dtype), last)
    origin = _roots(origin)
    result = np.empty(n, np.int64)
    result[:-1] = np.where(before < 0, targets, origin[before])
    result[-1] = origin[-1]
    return result


def _inside_out(targets: _Steps) -> Int64:
    """Returns the shuffle that puts i at ``targets[i] <= i``, what was there at i."""
    positions = np.arange(len(targets), dtype=targets.dtype)
    before, last = _links(targets, len(targets))
    # Position i takes over step before[i]'s number, or, if the target was still as
    # its own step left it, whatever that step put there.
    origin = _roots(np.where(before < 0, targets, positions))
    moved = np.where(before < 0, positions, before)[origin]
    return np.where(last > positions, last, moved).astype(np.int64)


def _links(targets: _Steps, n: int) -> tuple[_Steps, _Steps]:
    """Returns the step before each with the same target, and each target's last step.

    -1 stands for none.
    """
    dtype = targets.dtype
    before = np.full(len(targets), -1, dtype)
    last = np.full(n, -1, dtype)
    if len(targets) == 0:
        return before, last
    # Sorted by target and then step: one sort of both in one number.
    bits = n.bit_length()
    key_type = np.uint32 if 2 * bits <= 32 else np.uint64
    keys = targets.astype(key_type)
    keys <<= key_type(bits)
    keys |= np.arange(len(targets), dtype=key_type)
    keys.sort()
    steps = (keys & key_type((1 << bits) - 1)).astype(dtype)
    keys >>= key_type(bits)
    same = keys[1:] == keys[:-1]
    before[steps[1:][same]] = steps[:-1][same]
    ends = np.append(~same, True)
    last[keys[ends].astype(dtype)] = steps[ends]
    return before, last


def _roots(parents: _Steps) -> _Steps:
    """Returns the end of each chain of links; an end is its own parent."""
    while True:
        further = parents[parents]
        if np.array_equal(further, parents):
            return parents
        parents = further
