# SPDX-License-Identifier: Apache-2.0
"""The C library's float64 functions on whole arrays.

PyTorch's scalar kernels call the C library. NumPy's own vectorised log, sin and cos
differ from it by a unit in the last place now and then (0.35% of logarithms with
AVX-512), so these go through Python's ``math``, which calls the same library; the loop
is ``map``'s.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable

import numpy as np

from flaxnn.random._types import Float64


def log(x: Float64) -> Float64:
    """Returns the natural logarithm of positive ``x``."""
    return _map(math.log, x)


def log1p(x: Float64) -> Float64:
    """Returns ``log(1 + x)`` for ``x > -1``."""
    return _map(math.log1p, x)


def polar(radius: Float64, theta: Float64) -> tuple[Float64, Float64]:
    """Returns ``radius * cos(theta)`` and ``radius * sin(theta)``."""
    points = map(cmath.rect, radius.ravel().tolist(), theta.ravel().tolist())
    joined = np.fromiter(points, np.complex128, count=theta.size).reshape(theta.shape)
    return joined.real, joined.imag


def _map(function: Callable[[float], float], x: Float64) -> Float64:
    """Applies a scalar function to every element."""
    values = map(function, x.ravel().tolist())
    return np.fromiter(values, np.float64, count=x.size).reshape(x.shape)
