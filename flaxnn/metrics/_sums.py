# SPDX-License-Identifier: Apache-2.0
"""Sums over many batches that lose nothing: saturating counts, compensated floats.

In a state an integer array holds counts. A floating-point array holds sums in pairs,
its last axis the sum and the rounding errors left out of it.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def count(flags: jax.Array, axis: int | None = None) -> jax.Array:
    """The number of true flags, in JAX's widest integer."""
    return jnp.sum(flags, axis=axis, dtype=int)


def tally(indices: jax.Array, flags: jax.Array, size: int) -> jax.Array:
    """How many flagged samples have each index, ``(size,)``."""
    return jnp.zeros(size, int).at[indices].add(flags.astype(int))


def add_counts(a: jax.Array, b: jax.Array) -> jax.Array:
    """The sum; the largest integer where it would wrap around."""
    total = a + b
    return jnp.where(total < a, jnp.iinfo(total.dtype).max, total)


def overflowed(counts: jax.Array | np.ndarray) -> Any:
    """Whether counts were too large; a plain sum over devices wraps to a negative."""
    return ((counts < 0) | (counts == jnp.iinfo(counts.dtype).max)).any()


def add_pairs(a: jax.Array, b: jax.Array) -> jax.Array:
    """The sum of compensated sums."""
    return jnp.stack(_add((a[..., 0], a[..., 1]), (b[..., 0], b[..., 1])), axis=-1)


def sum_pairs(values: jax.Array) -> jax.Array:
    """The compensated sum over the first axis."""
    zero = jnp.zeros((), values.dtype)
    pair = jax.lax.reduce(
        (values, jnp.zeros_like(values)), (zero, zero), _add, dimensions=(0,)
    )
    return jnp.stack(pair, axis=-1)


def _add(
    a: tuple[jax.Array, jax.Array], b: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    """The sum of two pairs, by Knuth's two-sum (TAOCP volume 2, 4.2.2)."""
    total, error = _two_sum(a[0], b[0])
    return _two_sum(total, a[1] + b[1] + error)


def _two_sum(x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The rounded sum, and what the rounding left out."""
    total = x + y
    part = total - x
    error = (x - (total - part)) + (y - part)
    # An infinite sum stays infinite: its error would be nan.
    return total, jnp.where(jnp.isfinite(total), error, jnp.zeros_like(error))


def pair_value(pairs: jax.Array) -> jax.Array:
    """The number that a compensated sum stands for, in JAX's widest float."""
    wide = pairs.astype(float)
    return wide[..., 0] + wide[..., 1]


def sum_counts(counts: jax.Array) -> jax.Array:
    """The sum of ``(N,)`` counts below 2**32 as a float, for N up to 2**24.

    A float32 running sum would lose the low bits. The four bytes of the counts are
    summed apart, each exactly.
    """
    sums = [_count_bytes(counts >> (8 * byte)) * 256.0**byte for byte in range(4)]
    return sums[0] + sums[1] + sums[2] + sums[3]


def _count_bytes(counts: jax.Array) -> jax.Array:
    """The sum of the lowest bytes, rounded once to a float."""
    return jnp.sum(counts & 0xFF, dtype=jnp.uint32).astype(float)


def ratio(part: jax.Array, whole: jax.Array, otherwise: jax.Array | float) -> jax.Array:
    """The quotient as a float, another value where it would be divided by zero."""
    some = whole > 0
    quotient = part.astype(float) / jnp.where(some, whole, 1).astype(float)
    return jnp.where(some, quotient, otherwise)
