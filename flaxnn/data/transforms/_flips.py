# SPDX-License-Identifier: Apache-2.0
"""Images mirrored at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.data.transforms._transform import (
    Number,
    Transform,
    check_image,
    for_each_image,
)


@dataclass(frozen=True)
class _RandomFlip(Transform):
    """A mirror image with probability `p`, along an axis."""

    axis: ClassVar[int]

    p: float = 0.5

    def __post_init__(self) -> None:
        if isinstance(self.p, bool) or not isinstance(self.p, int | float):
            raise TypeError(f"expected a number for p, got {self.p!r}")
        if not 0.0 <= self.p <= 1.0:
            raise ValueError(
                "`p` should be a floating point value in the interval [0.0, 1.0], got "
                f"{self.p!r}"
            )

    def numbers(self, image_shape: tuple[int, ...]) -> tuple[Number, ...]:
        return (None,)

    def output_shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:
        return check_image(image_shape)

    def __call__(self, images: Any, *draws: Any) -> jax.Array:
        images = jnp.asarray(images)
        # PyTorch compares in float32 too: 0.7 is a little less there.
        flipped = jnp.asarray(draws[0]) < np.float32(self.p)
        mirrored = jnp.flip(images, self.axis)
        return jnp.where(for_each_image(flipped, images), mirrored, images)


class RandomHorizontalFlip(_RandomFlip):
    """Mirrors each image left to right with probability `p`.

    Args:
        p: The probability, in [0, 1].

    Raises:
        TypeError: `p` is not a number.
        ValueError: `p` is not in [0, 1].

    Torch:
        `torchvision.transforms.RandomHorizontalFlip`, T0 in float32: one
        `torch.rand(1)` for each image, flipped or not, as `torchvision.transforms.v2`
        draws, too. Checked against torch 2.13.0 drawing so, without torchvision.

    Example:
        >>> import numpy as np
        >>> from flaxnn.random import Generator
        >>> flip = RandomHorizontalFlip()
        >>> images = np.tile(np.arange(3.0, dtype=np.float32), (4, 1, 1))
        >>> flip(images, *flip.draw(Generator(0), 4, (1, 3)))[:, 0]
        Array([[2., 1., 0.],
               [0., 1., 2.],
               [2., 1., 0.],
               [2., 1., 0.]], dtype=float32)
    """

    axis = -1


class RandomVerticalFlip(_RandomFlip):
    """Mirrors each image top to bottom with probability `p`.

    Args:
        p: The probability, in [0, 1].

    Raises:
        TypeError: `p` is not a number.
        ValueError: `p` is not in [0, 1].

    Torch:
        `torchvision.transforms.RandomVerticalFlip`, T0 in float32: one `torch.rand(1)`
        for each image, as for `RandomHorizontalFlip`.

    Example:
        >>> import numpy as np
        >>> RandomVerticalFlip(1.0)(np.eye(2)[None], np.zeros(1))[0]
        Array([[0., 1.],
               [1., 0.]], dtype=float32)
    """

    axis = -2
