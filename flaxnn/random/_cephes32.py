# SPDX-License-Identifier: Apache-2.0
"""Float32 log, sin and cos as PyTorch's AVX2 kernel for normal numbers has them.

The polynomials are Cephes' in single precision; PyTorch takes them from avx_mathfun,
built so that every multiply-add is fused. A fused multiply-add of float32 numbers is a
float64 product, exact, and a float64 sum, cast to float32: in principle rounded twice,
but over all 2^24 inputs a float32 uniform can give, never differently from once. No
C library takes part, so the bits are the same on every machine.

References:
    Moshier, Cephes Mathematical Library, ``single/logf.c`` and ``single/sinf.c``.
"""

from __future__ import annotations

import numpy as np

from flaxnn.random._types import Float32, Float64

_SQRT_HALF_BITS = 0x3F3504F3
_LOG_POLY = (
    7.0376836292e-2,
    -1.1514610310e-1,
    1.1676998740e-1,
    -1.2420140846e-1,
    1.4249322787e-1,
    -1.6668057665e-1,
    2.0000714765e-1,
    -2.4999993993e-1,
    3.3333331174e-1,
)
# ln 2 in two parts, the larger one short enough that its products are exact.
_LN2_LOW = np.float32(-2.12194440e-4)
_LN2_HIGH = np.float32(0.693359375)

_FOUR_OVER_PI = np.float32(1.27323954473516)
# -π/4 in three float32 parts, to be added one by one. The first two sums are exact in
# float32 and the parts together in float64, so one rounding at the end does the same.
_MINUS_QUARTER_PI = sum(
    float(np.float32(part))
    for part in (-0.78515625, -2.4187564849853515625e-4, -3.77489497744594108e-8)
)
_COS_POLY = (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)
_SIN_POLY = (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)

_SIGN = np.int32(-0x80000000)


class Workspace:
    """Temporaries for ``size`` numbers, made once: fresh memory costs page faults."""

    def __init__(self, size: int) -> None:
        self._wide = np.empty((2, size))
        self._narrow = np.empty((5, size), np.float32)

    def wide(self, size: int) -> Float64:
        """Returns the float64 temporaries, ``(2, size)``."""
        return self._wide[:, :size]

    def narrow(self, size: int) -> Float32:
        """Returns the float32 temporaries, ``(4, size)``."""
        return self._narrow[:4, :size]

    def cosine(self, size: int) -> Float32:
        """Returns room for a result, ``(size,)``."""
        return self._narrow[4, :size]


def log(x: Float32, work: Workspace) -> None:
    """Replaces ``x``, a vector in (0, 1], by its natural logarithm."""
    y, wide = work.wide(x.size)
    e, z, t, rounded = work.narrow(x.size)
    bits, exponent, shifted = x.view(np.int32), t.view(np.int32), z.view(np.int32)
    np.subtract(bits, _SQRT_HALF_BITS, out=exponent)
    exponent >>= 23
    np.left_shift(exponent, 23, out=shifted)
    bits -= shifted  # x is now in [√½, √2)
    e[...] = exponent
    x -= np.float32(1)
    np.multiply(x, x, out=z)
    wide[...] = x
    _horner(_LOG_POLY, wide, y, rounded)
    y *= wide
    rounded[...] = y
    y[...] = rounded
    wide[...] = z
    y *= wide
    np.multiply(e, _LN2_LOW, out=t)
    wide[...] = t
    y += wide
    rounded[...] = y
    z *= np.float32(0.5)
    rounded -= z
    x += rounded
    e *= _LN2_HIGH
    x += e


def sincos(x: Float32, cosine: Float32, work: Workspace) -> None:
    """Replaces ``x``, a vector in [0, 2π], by its sine and fills ``cosine``."""
    y, wide = work.wide(x.size)
    t, z, product, bits = work.narrow(x.size)
    octant = bits.view(np.int32)
    np.multiply(x, _FOUR_OVER_PI, out=t)
    np.copyto(octant, t, casting="unsafe")
    octant += 1
    octant &= ~1
    y[...] = octant
    y *= _MINUS_QUARTER_PI
    wide[...] = x
    y += wide
    t[...] = y
    np.multiply(t, t, out=z)
    wide[...] = z

    _horner(_COS_POLY, wide, y, product)
    y *= wide
    product[...] = y
    y[...] = product
    y *= wide
    z *= np.float32(-0.5)
    wide[...] = z
    y += wide
    cosine[...] = y
    cosine += np.float32(1)

    np.multiply(t, t, out=z)
    wide[...] = z
    _horner(_SIN_POLY, wide, y, product)
    y *= wide
    product[...] = y
    y[...] = product
    wide[...] = t
    y *= wide
    y += wide
    x[...] = y

    # Exchanged where the octant's bit 1 is set; then the signs, which are its bit 2,
    # and bit 2 of the octant one quarter further on. All on the floats' own bits.
    sine_bits, cosine_bits = x.view(np.int32), cosine.view(np.int32)
    exchange, mask = t.view(np.int32), z.view(np.int32)
    np.bitwise_xor(sine_bits, cosine_bits, out=exchange)
    np.left_shift(octant, 30, out=mask)
    mask >>= 31
    exchange &= mask
    sine_bits ^= exchange
    cosine_bits ^= exchange
    octant <<= 29
    np.bitwise_and(octant, _SIGN, out=mask)
    sine_bits ^= mask
    octant += 2 << 29
    octant &= _SIGN
    cosine_bits ^= octant


def _horner(
    coefficients: tuple[float, ...], x: Float64, out: Float64, rounded: Float32
) -> None:
    """Fills ``out`` with a polynomial, by fused multiply-adds of float32 numbers."""
    first, *others = (float(np.float32(c)) for c in coefficients)
    np.multiply(x, first, out=out)
    for c in others[:-1]:
        out += c
        rounded[...] = out
        out[...] = rounded
        out *= x
    out += others[-1]
    rounded[...] = out
    out[...] = rounded
