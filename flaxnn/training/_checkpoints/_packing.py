# SPDX-License-Identifier: Apache-2.0
"""Small arrays as one: to Orbax each array is a file of its own, and a millisecond."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

PACKED = "small"
# Arrays of fewer bytes than this go together.
_LIMIT = 1 << 16


def packed(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The large arrays, and the bytes of all others under one name, in their order."""
    small = [np.ravel(a).view(np.uint8) for a in arrays.values() if _is_small(a)]
    large = {name: a for name, a in arrays.items() if not _is_small(a)}
    return large | ({PACKED: np.concatenate(small)} if any(map(len, small)) else {})


def unpacked(
    found: Mapping[str, np.ndarray], kinds: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """All arrays under their names again.

    Args:
        found: What `packed` returned.
        kinds: Dtype and shape of every array, in the order that was packed.
    """
    data = np.asarray(found.get(PACKED, np.zeros(0, np.uint8)))
    arrays: dict[str, np.ndarray] = {}
    start = 0
    for name, kind in kinds.items():
        if name in found:
            arrays[name] = np.asarray(found[name])
            continue
        like = _empty(kind)
        end = start + like.nbytes
        # A copy, which is aligned as its dtype wants.
        arrays[name] = data[start:end].copy().view(like.dtype).reshape(like.shape)
        start = end
    return arrays


def kinds(arrays: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Dtype and shape of each array, for people and for comparison."""
    return {name: f"{a.dtype}{list(a.shape)}" for name, a in arrays.items()}


def _is_small(array: np.ndarray) -> bool:
    return array.nbytes < _LIMIT


def _empty(kind: str) -> np.ndarray:
    """An array of a kind."""
    dtype, _, shape = kind.rstrip("]").partition("[")
    return np.empty([int(size) for size in shape.split(",") if size], dtype)
