# SPDX-License-Identifier: Apache-2.0
"""Images brought to mean 0 and standard deviation 1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.data.transforms._transform import Transform, check_image


@dataclass(frozen=True, init=False)
class Normalize(Transform):
    """Subtracts a mean and divides by a standard deviation, channel by channel.

    Args:
        mean: A number, or one for each channel.
        std: A number, or one for each channel; not zero.

    Attributes:
        mean: As a tuple of floats.
        std: As a tuple of floats.

    Raises:
        ValueError: A number is not finite, or there is none; on use, one of `std` is
            zero in the images' dtype, or there are neither one nor as many numbers as
            channels.
        TypeError: On use, the images are not floating-point.

    Torch:
        `torchvision.transforms.Normalize`, T0 in float32 on a CPU, compiled or not:
        `(image - mean) / std`, rounded twice, with mean and std rounded to the images'
        dtype. Checked against torch 2.13.0 doing so, without torchvision. `inplace` is
        not taken. Images `(N, H, W)` have one channel.

    Example:
        >>> import numpy as np
        >>> Normalize(0.5, 0.25)(np.array([[[0.0, 0.5, 1.0]]], np.float32))
        Array([[[-2.,  0.,  2.]]], dtype=float32)
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __init__(
        self,
        mean: float | Iterable[float],
        std: float | Iterable[float],
    ) -> None:
        object.__setattr__(self, "mean", _floats(mean, "mean"))
        object.__setattr__(self, "std", _floats(std, "std"))

    def output_shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:
        shape = check_image(image_shape)
        channels = shape[0] if len(shape) == 3 else 1
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in (1, channels):
                raise ValueError(
                    f"expected a {name} for each of {channels} channels, or one for "
                    f"all, got {len(values)} for images of shape {shape}"
                )
        return shape

    def __call__(self, images: Any, *draws: Any) -> jax.Array:
        images = jnp.asarray(images)
        if not jnp.issubdtype(images.dtype, jnp.floating):
            raise TypeError(
                f"Input tensor should be a float tensor. Got {images.dtype}: divide "
                "pixels by 255 first, with flaxnn.data.pixels_to_float"
            )
        shape = self.output_shape(images.shape[1:])
        mean, std = (
            np.asarray(values, images.dtype).reshape((-1, 1, 1)[-len(shape) :])
            for values in (self.mean, self.std)
        )
        if not std.all():
            raise ValueError(
                f"std evaluated to zero after conversion to {images.dtype}, leading to "
                f"division by zero: got {self.std}"
            )
        mean, std = (jnp.broadcast_to(a, images.shape) for a in (mean, std))
        # XLA multiplies by the reciprocal where it sees a divisor that is broadcast,
        # an ulp off for many values. It cannot see through a choice by the data; of
        # nan the quotient is nan either way.
        return (images - mean) / jnp.where(jnp.isnan(images), images, std)


def _floats(values: Any, name: str) -> tuple[float, ...]:
    floats = np.asarray(values, np.float64).ravel()
    if not floats.size or not np.isfinite(floats).all():
        raise ValueError(f"expected finite numbers for {name}, got {values!r}")
    return tuple(floats.tolist())
