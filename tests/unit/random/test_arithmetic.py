# SPDX-License-Identifier: Apache-2.0
"""Fused multiply-add and the float32 functions, against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from flaxnn.random import _cephes32, _libm32
from flaxnn.random._fma import fma32, fma64


def _rounded_once(x: np.ndarray, y: float, z: float) -> np.ndarray:
    """``x * y + z`` exactly, and then rounded to the type of ``x``."""
    exact = [Fraction(float(v)) * Fraction(y) + Fraction(z) for v in x]
    near = np.array([float(v) for v in exact])  # correctly rounded, by CPython
    if x.dtype == np.float64:
        return near
    result = near.astype(np.float32)
    for i, v in enumerate(exact):
        # The nearer of the candidates, ties to even.
        ends = np.array([-np.inf, np.inf], np.float32)
        around = {result[i], *np.nextafter(result[i], ends)}
        result[i] = min(
            around,
            key=lambda c: (abs(Fraction(float(c)) - v), int(c.view(np.uint32)) & 1),
        )
    return result


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("y", "z"),
    [(2.0, -0.3), (1e-3, 1.0), (-1.7, 0.3), (1e30, 1e30), (1e-38, 1e-40), (0.5, 0.0)],
)
def test_fma32(seed: int, y: float, z: float) -> None:
    x = np.random.default_rng(seed).normal(size=300).astype(np.float32)
    y32, z32 = np.float32(y), np.float32(z)
    expected = _rounded_once(x, float(y32), float(z32))
    np.testing.assert_array_equal(fma32(x, y32, z32), expected)


def test_fma32_beside_midpoints() -> None:
    # For one x, the product is a little less than half a unit of z, and z is odd.
    x = (1 + np.arange(200) * 2.0**-23).astype(np.float32)
    y, z = 2.0**-24 * (1 - 100 * 2.0**-23), 1 + 2.0**-23
    expected = _rounded_once(x, y, z)
    twice = (x.astype(np.float64) * y + z).astype(np.float32)
    assert not np.array_equal(twice, expected)  # two roundings do go wrong here
    np.testing.assert_array_equal(fma32(x, np.float32(y), np.float32(z)), expected)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("y", "z"),
    [
        (2.0, -0.3),
        (1 / 3, 1.0),
        (-1.7, 0.3),
        (1e300, -1e300),
        (1e-290, 1e-290),
        (1.0, 1e-300),
        (1e-17, 1.0),
        (3e-17, -1.0),
        (0.1, 0.0),
        (0.0, 0.1),
    ],
)
def test_fma64(seed: int, y: float, z: float) -> None:
    x = np.random.default_rng(seed).normal(size=300)
    np.testing.assert_array_equal(fma64(x, y, z), _rounded_once(x, y, z))


def test_fma64_beside_midpoints() -> None:
    x = np.arange(200) * np.float64(2.0**-52) + 1
    y, z = 2.0**-53 * (1 - 100 * 2.0**-52), 1 + 2.0**-52
    expected = _rounded_once(x, y, z)
    assert not np.array_equal(x * y + z, expected)
    np.testing.assert_array_equal(fma64(x, y, z), expected)


def test_infinite_factors() -> None:
    x = np.array([-1.0, 2.0])
    np.testing.assert_array_equal(fma64(x, np.inf, 1.0), [-np.inf, np.inf])
    with np.errstate(invalid="ignore"):  # as the draws that can meet them have it
        narrow = fma32(x.astype(np.float32), np.float32(np.inf), np.float32(1))
    np.testing.assert_array_equal(narrow, [-np.inf, np.inf])


def _ulps(got: np.ndarray, exact: np.ndarray) -> float:
    return float(np.max(np.abs(got - exact) / np.spacing(np.abs(got))))


def test_float32_logarithms() -> None:
    x = (np.arange(1, 2**16 + 1) / 2**16).astype(np.float32)
    exact = np.log(x.astype(np.float64))
    ours = x.copy()
    _cephes32.log(ours, _cephes32.Workspace(x.size))
    assert _ulps(ours, exact) < 2
    assert _ulps(_libm32.log(x), exact) < 0.9
    assert _libm32.log(x)[-1] == ours[-1] == 0


def test_float32_sines_and_cosines() -> None:
    x = (np.arange(2**16) / 2**16 * 2 * np.pi).astype(np.float32)
    wide = x.astype(np.float64)
    work = _cephes32.Workspace(x.size)
    sine, cosine = x.copy(), np.empty_like(x)
    _cephes32.sincos(sine, cosine, work)
    for got, exact in ((sine, np.sin(wide)), (cosine, np.cos(wide))):
        np.testing.assert_allclose(got, exact, rtol=0, atol=1e-7)
    sine, cosine = _libm32.sincos(x)
    assert _ulps(sine, np.sin(wide)) < 0.6
    assert _ulps(cosine, np.cos(wide)) < 0.6
