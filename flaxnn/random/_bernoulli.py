# SPDX-License-Identifier: Apache-2.0
"""Coin flips: ``bernoulli_(p)`` and ``torch.bernoulli``."""

from __future__ import annotations

import numpy as np

from flaxnn.random import _mcg31
from flaxnn.random._engine import Engine
from flaxnn.random._types import Array
from flaxnn.random._uniform import unit, unit64


def bernoulli_scalar(
    engine: Engine, count: int, p: float, dtype: np.dtype, version: tuple[int, int]
) -> Array:
    """Returns ones with probability ``p``, as ``bernoulli_(p)`` does."""
    if version < (2, 7) and (count or _mcg31.seeds_for_nothing(version)):
        x = _mcg31.uniform64(int(engine.words(1)[0]), count)
    else:
        x = unit64(engine, count)
    return (x < p).astype(dtype)


def bernoulli_array(engine: Engine, p: Array, dtype: np.dtype) -> Array:
    """Returns ones with the probabilities ``p``, as ``torch.bernoulli(p)`` does."""
    return (unit(engine, p.size, p.dtype) < p.reshape(-1)).astype(dtype)
