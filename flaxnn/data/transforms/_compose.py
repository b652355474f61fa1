# SPDX-License-Identifier: Apache-2.0
"""Transforms one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from flaxnn.data.transforms._transform import Number, Transform


@dataclass(frozen=True, init=False)
class Compose(Transform):
    """Applies transforms one after the other.

    Args:
        transforms: In the order in which they are applied.

    Attributes:
        transforms: As a tuple.

    Raises:
        TypeError: Something among them is not a `Transform`.

    Torch:
        `torchvision.transforms.Compose`, T0: every transform draws for the first image
        before any draws for the second. ToTensor is left out: pixels become floats as
        they are loaded.

    Example:
        >>> from flaxnn.data.transforms import RandomCrop, RandomHorizontalFlip
        >>> from flaxnn.random import Generator
        >>> augment = Compose([RandomCrop(28, padding=4), RandomHorizontalFlip()])
        >>> augment.output_shape((32, 32))
        (28, 28)
        >>> augment.draw(Generator(0), 2, (32, 32))
        (array([3, 3], dtype=int32), array([ 2, 12], dtype=int32),
         array([0.08847743, 0.6340787 ], dtype=float32))
    """

    transforms: tuple[Transform, ...]

    def __init__(self, transforms: Sequence[Transform]) -> None:
        for transform in transforms:
            if not isinstance(transform, Transform):
                raise TypeError(
                    "expected transforms of flaxnn.data.transforms, or of your own "
                    f"with its base Transform, got {transform!r}"
                )
        object.__setattr__(self, "transforms", tuple(transforms))

    def numbers(self, image_shape: tuple[int, ...]) -> tuple[Number, ...]:
        return tuple(
            number
            for transform, shape in self._with_shapes(image_shape)
            for number in transform.numbers(shape)
        )

    def output_shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:
        for transform in self.transforms:
            image_shape = transform.output_shape(image_shape)
        return image_shape

    def __call__(self, images: Any, *draws: Any) -> jax.Array:
        images = jnp.asarray(images)
        rest = iter(draws)
        for transform, shape in self._with_shapes(images.shape[1:]):
            own = [next(rest) for _ in transform.numbers(shape)]
            images = transform(images, *own)
        return images

    def _with_shapes(
        self, image_shape: tuple[int, ...]
    ) -> Iterator[tuple[Transform, tuple[int, ...]]]:
        """Each transform with the shape of the images that reach it."""
        for transform in self.transforms:
            yield transform, image_shape
            image_shape = transform.output_shape(image_shape)
