# SPDX-License-Identifier: Apache-2.0
"""The C library's float32 log, sin and cos, bit for bit, on whole arrays.

PyTorch's kernels for the ``default`` CPU capability call ``logf``, ``sinf`` and
``cosf``. Rounding a float64 result is not the same: the C library's are within 0.6 to
0.8 of a unit in the last place, not correctly rounded. These follow the algorithms
glibc has had since 2.28 in float64 arithmetic; they agree with glibc 2.36 on all 2^24
inputs a float32 normal can meet.

References:
    Arm Optimized Routines, ``math/logf.c`` and ``math/sincosf.h`` (the tables).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

_HEX = float.fromhex

# 1/c and log(c) for a point c in each sixteenth of [0.7, 1.4).
_LOG_TABLE = np.array(
    [
        (_HEX("0x1.661ec79f8f3bep+0"), _HEX("-0x1.57bf7808caadep-2")),
        (_HEX("0x1.571ed4aaf883dp+0"), _HEX("-0x1.2bef0a7c06ddbp-2")),
        (_HEX("0x1.49539f0f010bp+0"), _HEX("-0x1.01eae7f513a67p-2")),
        (_HEX("0x1.3c995b0b80385p+0"), _HEX("-0x1.b31d8a68224e9p-3")),
        (_HEX("0x1.30d190c8864a5p+0"), _HEX("-0x1.6574f0ac07758p-3")),
        (_HEX("0x1.25e227b0b8eap+0"), _HEX("-0x1.1aa2bc79c81p-3")),
        (_HEX("0x1.1bb4a4a1a343fp+0"), _HEX("-0x1.a4e76ce8c0e5ep-4")),
        (_HEX("0x1.12358f08ae5bap+0"), _HEX("-0x1.1973c5a611cccp-4")),
        (_HEX("0x1.0953f419900a7p+0"), _HEX("-0x1.252f438e10c1ep-5")),
        (1.0, 0.0),
        (_HEX("0x1.e608cfd9a47acp-1"), _HEX("0x1.aa5aa5df25984p-5")),
        (_HEX("0x1.ca4b31f026aap-1"), _HEX("0x1.c5e53aa362eb4p-4")),
        (_HEX("0x1.b2036576afce6p-1"), _HEX("0x1.526e57720db08p-3")),
        (_HEX("0x1.9c2d163a1aa2dp-1"), _HEX("0x1.bc2860d22477p-3")),
        (_HEX("0x1.886e6037841edp-1"), _HEX("0x1.1058bc8a07ee1p-2")),
        (_HEX("0x1.767dcf5534862p-1"), _HEX("0x1.4043057b6ee09p-2")),
    ]
)
_LOG_POLY = (
    _HEX("-0x1.00ea348b88334p-2"),
    _HEX("0x1.5575b0be00b6ap-2"),
    _HEX("-0x1.ffffef20a4123p-2"),
)
_LN2 = _HEX("0x1.62e42fefa39efp-1")
_LOG_ORIGIN = 0x3F330000  # the float32 0.699: mantissas are taken from here up

_TWO_OVER_PI_24 = _HEX("0x1.45f306dc9c883p+23")  # 2/π · 2^24
_HALF_PI = _HEX("0x1.921fb54442d18p0")
_SIN_POLY = (
    _HEX("-0x1.555545995a603p-3"),
    _HEX("0x1.1107605230bc4p-7"),
    _HEX("-0x1.994eb3774cf24p-13"),
)
_COS_POLY = (
    _HEX("-0x1.ffffffd0c621cp-2"),
    _HEX("0x1.55553e1068f19p-5"),
    _HEX("-0x1.6c087e89a359dp-10"),
    _HEX("0x1.99343027bf8c3p-16"),
)


def log(x: Float32) -> Float32:
    """Returns ``logf(x)`` for normal, positive ``x``."""
    bits = x.view(np.int32)
    offset = bits - _LOG_ORIGIN
    entry = _LOG_TABLE[(offset >> 19) & 15]
    exponent = offset >> 23
    mantissa = (bits - (exponent << 23)).view(np.float32).astype(np.float64)
    r = mantissa * entry[..., 0] - 1.0
    y0 = entry[..., 1] + exponent * _LN2
    r2 = r * r
    y = _LOG_POLY[0] * r2 + (_LOG_POLY[1] * r + _LOG_POLY[2])
    return (y * r2 + (y0 + r)).astype(np.float32)


def sincos(x: Float32) -> tuple[Float32, Float32]:
    """Returns ``sinf(x)`` and ``cosf(x)`` for ``0 <= x < 120``."""
    wide = x.astype(np.float64)
    quadrant = ((wide * _TWO_OVER_PI_24).astype(np.int32) + 0x800000) >> 24
    r = wide - quadrant * _HALF_PI
    r2 = r * r
    r3, r4 = r * r2, r2 * r2
    sine = r + r3 * _SIN_POLY[0]
    sine += r3 * r2 * (_SIN_POLY[1] + r2 * _SIN_POLY[2])
    cosine = (1.0 + r2 * _COS_POLY[0]) + r4 * _COS_POLY[1]
    cosine += r4 * r2 * (_COS_POLY[2] + r2 * _COS_POLY[3])
    swap = (quadrant & 1).astype(bool)
    sine, cosine = np.where(swap, cosine, sine), np.where(swap, sine, cosine)
    np.negative(sine, out=sine, where=(quadrant & 2).astype(bool))
    np.negative(cosine, out=cosine, where=((quadrant + 1) & 2).astype(bool))
    return sine.astype(np.float32), cosine.astype(np.float32)
