# SPDX-License-Identifier: Apache-2.0
"""Recognising a number: the port's, if a mistake is made on purpose."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from flaxnn.parity._finding import Cause

COARSE = Cause(
    "TF32 or bfloat16 in a matrix product",
    "the port computes more coarsely than float32: ask for "
    "precision=jax.lax.Precision.HIGHEST, and cast nothing to bfloat16",
)
# How much of the difference a mistake may leave unexplained.
_LEFT = 0.02


def explains(candidate: Any, port: Any, recorded: Any) -> bool:
    """Whether a candidate is the port's array, seen from the recorded one."""
    candidate, port, recorded = (
        np.asarray(a, np.float64) for a in (candidate, port, recorded)
    )
    if candidate.shape != port.shape or port.shape != recorded.shape:
        return False
    apart = np.abs(port - recorded).max(initial=0)
    left = np.abs(candidate - port).max(initial=0)
    return bool(apart > 0 and left <= _LEFT * apart)


def to_bfloat16(array: Any) -> np.ndarray:
    """An array rounded to bfloat16."""
    return np.asarray(
        jnp.asarray(np.asarray(array, np.float32)).astype("bfloat16"), np.float64
    )


def to_tf32(array: Any) -> np.ndarray:
    """An array rounded to TF32's ten bits of mantissa, half to even."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    odd = (bits >> 13) & 1
    rounded = (bits + 0xFFF + odd) & np.uint32(0xFFFFE000)
    return rounded.view(np.float32).astype(np.float64)


def coarse_inputs(array: Any) -> list[np.ndarray]:
    """An array as the usual coarse matrix products take it."""
    return [to_bfloat16(array), to_tf32(array)]
