# SPDX-License-Identifier: Apache-2.0
"""Fused multiply-add, ``x * y + z`` rounded once, which NumPy does not have."""

from __future__ import annotations

import math

import numpy as np

from flaxnn.random._types import Float32, Float64

_SPLITTER = 134217729.0  # 2^27 + 1: cuts a float64 into two halves of 26 bits
_MIDPOINT_TAIL = np.uint64((1 << 28) - 1)


def fma32(x: Float32, y: np.float32, z: np.float32) -> Float32:
    """Returns ``x * y + z`` for float32 ``x``, rounded to float32 once."""
    product = x.astype(np.float64)
    product *= float(y)  # exact: 24 bits by 24 bits
    if z == 0:
        return (product + float(z)).astype(np.float32)
    total = product + float(z)
    result = total.astype(np.float32)
    # Two roundings differ from one only where the first lands on the midpoint of two
    # float32 numbers, whose last 28 bits are then zero.
    suspects = np.nonzero((total.view(np.uint64) & _MIDPOINT_TAIL) == 0)
    if suspects[0].size:
        rounded, error = _two_sum(product[suspects], float(z))
        off = np.isfinite(rounded) & (error != 0)
        rounded[off] = np.nextafter(rounded[off], np.copysign(np.inf, error[off]))
        result[suspects] = rounded.astype(np.float32)
    return result


def fma64(x: Float64, y: float, z: float) -> Float64:
    """Returns ``x * y + z`` rounded once, for finite ``|x| < 2^27``.

    References:
        Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums: proved
        algorithms using rounding to odd", IEEE Transactions on Computers 57(4), 2008.
    """
    if z == 0 or not (math.isfinite(y) and math.isfinite(z)):
        return x * y + z
    # Scaled to about one, no intermediate overflows or loses bits below the range.
    exponent = math.frexp(max(abs(y), abs(z)))[1]
    y, z = math.ldexp(y, -exponent), math.ldexp(z, -exponent)
    high, low = _two_product(x, y)
    upper, lower = _two_sum(low, z)
    total, rest = _two_sum(high, upper)
    return np.ldexp(total + _round_to_odd(rest, lower), exponent)


def _two_sum(a: Float64, b: Float64 | float) -> tuple[Float64, Float64]:
    """Returns the rounded sum and what the rounding lost."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _two_product(a: Float64, b: float) -> tuple[Float64, Float64]:
    """Returns the rounded product and what the rounding lost."""
    product = a * b
    a_high = a * _SPLITTER - (a * _SPLITTER - a)
    b_high = b * _SPLITTER - (b * _SPLITTER - b)
    a_low, b_low = a - a_high, b - b_high
    lost = ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + (
        a_low * b_low
    )
    return product, lost


def _round_to_odd(a: Float64, b: Float64) -> Float64:
    """Returns ``a + b``, an inexact sum rounded to the neighbour with an odd end."""
    total, error = _two_sum(a, b)
    even = (total.view(np.uint64) & np.uint64(1)) == 0
    move = even & (error != 0)
    total[move] = np.nextafter(total[move], np.copysign(np.inf, error[move]))
    return total
