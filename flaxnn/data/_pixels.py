# SPDX-License-Identifier: Apache-2.0
"""Pixels as floating-point numbers, as torchvision's ToTensor makes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike


def pixel_table(dtype: DTypeLike = np.float32) -> np.ndarray:
    """Returns the 256 values that pixels 0 to 255 become in [0, 1].

    A compiler may turn a division by 255 into a multiplication by its reciprocal, which
    is an ulp off for 126 of the 256 values in float32. Looking a pixel up in this
    table, made on the host, is exact on every device.

    Args:
        dtype: A floating-point type; bfloat16 and float16 are divided in float32 and
            rounded once, as PyTorch does.

    Returns:
        `(256,)` of that type, read-only.

    Raises:
        TypeError: `dtype` is not a floating-point type.

    Torch:
        `torch.arange(256, dtype=dtype).div(255)` (2.13.0), T0.

    Example:
        >>> pixel_table()[[0, 51, 255]]
        array([0. , 0.2, 1. ], dtype=float32)
    """
    kind = np.dtype(dtype)
    if kind.kind != "f" and kind.name != "bfloat16":
        raise TypeError(f"expected a floating-point dtype, got {kind}")
    wide = np.promote_types(kind, np.float32) if kind.kind == "f" else np.float32
    table = (np.arange(256, dtype=wide) / np.asarray(255, wide)).astype(kind)
    table.flags.writeable = False
    return table


def pixels_to_float(images: Any) -> np.ndarray:
    """Returns uint8 images as float32 in [0, 1].

    Args:
        images: `(...)` uint8.

    Returns:
        `(...)` float32, each value the pixel divided by 255 and rounded once.

    Raises:
        TypeError: The images are not uint8.

    Torch:
        `torchvision.transforms.ToTensor` (which is `tensor.to(float32).div(255)`, torch
        2.13.0), T0. The shape is kept: no channel dimension is added or moved.

    Example:
        >>> pixels_to_float(np.array([[0, 128, 255]], np.uint8))
        array([[0.       , 0.5019608, 1.       ]], dtype=float32)
    """
    pixels = np.asarray(images)
    if pixels.dtype != np.uint8:
        raise TypeError(
            f"expected uint8 images with values 0 to 255, got dtype {pixels.dtype}; "
            "images that are floating-point already are in their own range"
        )
    return np.divide(pixels, np.float32(255), dtype=np.float32)
