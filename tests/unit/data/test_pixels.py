# SPDX-License-Identifier: Apache-2.0
"""Pixels as numbers: one correctly rounded division by 255."""

from __future__ import annotations

from fractions import Fraction

import jax.numpy as jnp
import numpy as np
import pytest

from flaxnn.data import pixel_table, pixels_to_float


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_correctly_rounded(dtype):
    """No neighbour of a value is nearer to the exact quotient."""
    table = pixel_table(dtype)
    assert table.dtype == dtype
    assert table.shape == (256,)
    for pixel, value in enumerate(table):
        exact = Fraction(pixel, 255)
        error = abs(Fraction(float(value)) - exact)
        for neighbour in (
            np.nextafter(value, dtype(2)),
            np.nextafter(value, dtype(-1)),
        ):
            assert error < abs(Fraction(float(neighbour)) - exact)


def test_a_reciprocal_would_be_wrong():
    """The mistake this table is there to avoid, made on purpose."""
    reciprocal = np.arange(256, dtype=np.float32) * np.float32(1 / 255)
    assert (reciprocal != pixel_table()).sum() == 126


def test_images():
    images = np.arange(256, dtype=np.uint8).reshape(4, 8, 8)
    floats = pixels_to_float(images)
    assert floats.dtype == np.float32
    assert floats.shape == images.shape
    np.testing.assert_array_equal(floats, pixel_table()[images])
    np.testing.assert_array_equal(pixels_to_float(jnp.asarray(images)), floats)


def test_table_is_read_only():
    with pytest.raises(ValueError, match="read-only"):
        pixel_table()[0] = 1


@pytest.mark.parametrize("dtype", [jnp.bfloat16, np.float16])
def test_narrow_types_are_rounded_once(dtype):
    np.testing.assert_array_equal(pixel_table(dtype), pixel_table().astype(dtype))


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.complex64, bool])
def test_table_of_other_types(dtype):
    with pytest.raises(TypeError, match="floating-point"):
        pixel_table(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_images_of_other_types(dtype):
    with pytest.raises(TypeError, match=f"expected uint8 images.*{np.dtype(dtype)}"):
        pixels_to_float(np.zeros((2, 2), dtype))
