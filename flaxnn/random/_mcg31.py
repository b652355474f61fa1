# SPDX-License-Identifier: Apache-2.0
"""The multiplicative generator that PyTorch up to 2.6 borrowed from MKL.

On Intel processors these versions drew ``bernoulli_`` with one probability (hence
dropout), and from 2.0 on ``exponential_``, from MKL's MCG31, seeded from the
generator's own stream.
"""

from __future__ import annotations

import numpy as np

from flaxnn.random._types import Float64, UInt64

_MODULUS = (1 << 31) - 1
_MULTIPLIER = 1132489760


def seeds_for_nothing(version: tuple[int, int]) -> bool:
    """Says whether an empty tensor takes the seed's words all the same."""
    return version < (2, 1)


def states(seed: int, count: int) -> UInt64:
    """Returns the first ``count`` states, the seed's own first."""
    filled = np.array([seed % _MODULUS or 1], np.uint64)
    while len(filled) < count:
        jump = np.uint64(pow(_MULTIPLIER, len(filled), _MODULUS))
        filled = np.concatenate([filled, filled * jump % np.uint64(_MODULUS)])
    return filled[:count]


def uniform64(seed: int, count: int) -> Float64:
    """Returns float64 numbers in (0, 1)."""
    return states(seed, count) / float(_MODULUS)


def uniform32(seed: int, count: int) -> Float64:
    """Returns numbers in (0, 1] as MKL's float32 routines see them, as float64."""
    return states(seed, count).astype(np.float32).astype(np.float64) * 2.0**-31
