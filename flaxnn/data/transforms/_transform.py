# SPDX-License-Identifier: Apache-2.0
"""What a transform is: numbers drawn on the host, arithmetic on the device."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from flaxnn.data._stream import missing_generator
from flaxnn.random import Generator

# A number that one image takes: below an integer, or, for None, in [0, 1).
Number = int | None


class Transform:
    """A change of images, some of it at random.

    A transform of your own is a frozen dataclass with this base that defines
    `__call__`, and where they are not the defaults `numbers` and `output_shape`. Equal
    options must make equal transforms: the compiled step is found by them.

    Torch:
        A transform of torchvision that draws from the global generator, once for each
        image, while a DataLoader without workers collects a batch.

    Example:
        >>> from dataclasses import dataclass
        >>> import numpy as np
        >>> from flaxnn.random import Generator
        >>> @dataclass(frozen=True)
        ... class Brightness(Transform):
        ...     strength: float
        ...
        ...     def numbers(self, image_shape):
        ...         return (None,)
        ...
        ...     def __call__(self, images, *draws):
        ...         shape = (-1,) + (1,) * (images.ndim - 1)
        ...         return images * (1 - self.strength * draws[0].reshape(shape))
        >>> brightness = Brightness(0.5)
        >>> draws = brightness.draw(Generator(0), 2, (28, 28))
        >>> brightness(np.ones((2, 28, 28), np.float32), *draws)[:, 0, 0]
        array([0.7518717, 0.6158891], dtype=float32)
    """

    def numbers(self, image_shape: tuple[int, ...]) -> tuple[Number, ...]:
        """Returns which numbers one image takes, in PyTorch's order.

        Args:
            image_shape: `(H, W)` or `(C, H, W)` of the images that come in.

        Returns:
            For each an int `n`, which stands for `torch.randint(0, n, (1,))`, or None
            for `torch.rand(1)`. Nothing is drawn by default.
        """
        return ()

    def draw(
        self,
        generator: Generator | None,
        batch_size: int,
        image_shape: tuple[int, ...],
    ) -> tuple[np.ndarray, ...]:
        """Returns the numbers for a batch, drawn image by image.

        Args:
            generator: The run's, in the place of PyTorch's global one. None will do
                where nothing is drawn.
            batch_size: How many images.
            image_shape: `(H, W)` or `(C, H, W)` of the images that come in.

        Returns:
            For each of `numbers` a `(batch_size,)` array, int32 or float32.

        Raises:
            TypeError: There is something to draw and no Generator.
            ValueError: The images have another shape than the transform takes.
        """
        numbers = self.numbers(image_shape)
        if not numbers:
            return ()
        if generator is None:
            raise missing_generator(type(self).__name__, None)
        with generator.consumer(type(self).__name__):
            drawn = generator.interleaved(batch_size, numbers)
        # Half the bytes to the device, where there is no int64 as a rule.
        return tuple(
            column if number is None else column.astype(np.int32)
            for column, number in zip(drawn, numbers, strict=True)
        )

    def output_shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the shape of an image that comes out.

        Args:
            image_shape: `(H, W)` or `(C, H, W)` of the images that come in.

        Raises:
            ValueError: The images have another shape than the transform takes.
        """
        return image_shape

    def __call__(self, images: Any, *draws: Any) -> jax.Array:
        """Returns the changed images; pure, and fit for `jax.jit` and `jax.vmap`.

        Args:
            images: `(N, H, W)` or `(N, C, H, W)` floating-point.
            draws: What `draw` returned for them.
        """
        raise NotImplementedError


def check_image(image_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Returns the shape of an image, after checking that it is one."""
    if len(image_shape) not in (2, 3):
        raise ValueError(
            "expected images (N, H, W) or (N, C, H, W), channels before height and "
            f"width, got (N, {', '.join(map(str, image_shape))})"
        )
    return tuple(image_shape)


def for_each_image(values: jax.Array, images: jax.Array) -> jax.Array:
    """Values `(N,)` in a shape that broadcasts to the images."""
    return values.reshape((-1,) + (1,) * (images.ndim - 1))
