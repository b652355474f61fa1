# SPDX-License-Identifier: Apache-2.0
"""A batch transformed for the host."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from flaxnn.data._pixels import pixels_to_float
from flaxnn.data.transforms._transform import Transform
from flaxnn.random import Generator


def transformed(
    transform: Transform, images: np.ndarray, generator: Generator | None
) -> np.ndarray:
    """Images changed by a transform, its numbers drawn; uint8 becomes floats first."""
    if images.dtype == np.uint8:
        images = pixels_to_float(images)
    draws = transform.draw(generator, len(images), images.shape[1:])
    with jax.enable_x64(images.dtype == np.float64):
        return np.array(_compiled(transform, images, *draws))


@jax.jit(static_argnums=0)
def _compiled(transform: Transform, images: Any, *draws: Any) -> jax.Array:
    return transform(images, *draws)
