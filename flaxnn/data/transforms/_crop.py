# SPDX-License-Identifier: Apache-2.0
"""Windows cut out of images at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
from jax import lax

from flaxnn.data.transforms._transform import Number, Transform, check_image

PaddingMode = Literal["constant", "edge", "reflect", "symmetric"]

_Sides = tuple[int, int, int, int]


@dataclass(frozen=True, init=False)
class RandomCrop(Transform):
    """Cuts a window of one size out of each image, at a random place.

    Args:
        size: Height and width of the window, or one int for both.
        padding: Pixels put around the image first: one int, `(left and right, top and
            bottom)`, or `(left, top, right, bottom)`.
        pad_if_needed: Whether a smaller image is padded, by as much as it lacks on
            either side, instead of refused.
        fill: The constant, in the units of the images that come in: 0 to 1 for pixels.
        padding_mode: What the padding holds: "constant"; "edge", the last pixel;
            "reflect", the image mirrored at its last pixel; or "symmetric", mirrored
            beyond it.

    Attributes:
        size: As `(height, width)`.
        padding: As `(left, top, right, bottom)`, or None.
        pad_if_needed: As given.
        fill: As a float.
        padding_mode: As given.

    Raises:
        TypeError: A size is not an int.
        ValueError: A size is not positive, a padding negative, their number wrong, or
            the mode unknown; on use, an image is smaller than the window, or than the
            padding that mirrors it.

    Torch:
        `torchvision.transforms.RandomCrop`, T0: `torch.randint(0, n, (1,))` for the top
        and another for the left of each image; none where window and padded image have
        one size. Checked against torch 2.13.0 doing so, without torchvision.
        `torchvision.transforms.v2` draws for height and width apart, and so once where
        only one of them is cut. `fill` is one number; negative paddings are refused. A
        crop before ToTensor, as it is often written, is the same, with `fill` in the
        units of pixels there.

    Example:
        >>> import numpy as np
        >>> from flaxnn.random import Generator
        >>> crop = RandomCrop(2)
        >>> images = np.tile(np.arange(9.0, dtype=np.float32).reshape(3, 3), (2, 1, 1))
        >>> top, left = crop.draw(Generator(0), 2, (3, 3))
        >>> top, left
        (array([0, 1], dtype=int32), array([1, 0], dtype=int32))
        >>> crop(images, top, left).tolist()
        [[[1.0, 2.0], [4.0, 5.0]], [[3.0, 4.0], [6.0, 7.0]]]
    """

    size: tuple[int, int]
    padding: _Sides | None
    pad_if_needed: bool
    fill: float
    padding_mode: PaddingMode

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: float = 0.0,
        padding_mode: PaddingMode = "constant",
    ) -> None:
        sides = None if padding is None else _padding(padding)
        if padding_mode not in get_args(PaddingMode):
            raise ValueError(
                "Padding mode should be either constant, edge, reflect or symmetric, "
                f"got {padding_mode!r}"
            )
        for name, value in (
            ("size", _size(size)),
            ("padding", sides),
            ("pad_if_needed", bool(pad_if_needed)),
            ("fill", float(fill)),
            ("padding_mode", padding_mode),
        ):
            object.__setattr__(self, name, value)

    def numbers(self, image_shape: tuple[int, ...]) -> tuple[Number, ...]:
        height, width = self._padded(image_shape)
        if (height, width) == self.size:
            return ()
        return height - self.size[0] + 1, width - self.size[1] + 1

    def output_shape(self, image_shape: tuple[int, ...]) -> tuple[int, ...]:
        self._padded(image_shape)
        return (*image_shape[:-2], *self.size)

    def __call__(self, images: Any, *draws: Any) -> jax.Array:
        images = jnp.asarray(images)
        whole = self._padded(images.shape[1:]) == self.size
        for sides in self._paddings(images.shape[1:]):
            images = self._pad(images, sides)
        if whole:
            return images
        top, left = map(jnp.asarray, draws)
        return jax.vmap(self._crop)(images, top, left)

    def _crop(self, image: jax.Array, top: jax.Array, left: jax.Array) -> jax.Array:
        rows = lax.dynamic_slice_in_dim(image, top, self.size[0], image.ndim - 2)
        return lax.dynamic_slice_in_dim(rows, left, self.size[1], image.ndim - 1)

    def _pad(self, images: jax.Array, sides: _Sides) -> jax.Array:
        left, top, right, bottom = sides
        widths = [(0, 0)] * (images.ndim - 2) + [(top, bottom), (left, right)]
        if self.padding_mode == "constant":
            return jnp.pad(images, widths, constant_values=self.fill)
        return jnp.pad(images, widths, mode=self.padding_mode)

    def _paddings(self, image_shape: tuple[int, ...]) -> list[_Sides]:
        """The paddings that an image gets, one after the other."""
        height, width = check_image(image_shape)[-2:]
        paddings = []
        if self.padding is not None:
            paddings.append(self.padding)
            height, width = _grown(height, width, self.padding)
        if self.pad_if_needed:
            across, down = max(0, self.size[1] - width), max(0, self.size[0] - height)
            paddings += [(across, 0, across, 0), (0, down, 0, down)]
        return [sides for sides in paddings if any(sides)]

    def _padded(self, image_shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width after padding, checked."""
        height, width = check_image(image_shape)[-2:]
        for sides in self._paddings(image_shape):
            self._check_mirror(height, width, sides)
            height, width = _grown(height, width, sides)
        if height < self.size[0] or width < self.size[1]:
            raise ValueError(
                f"Required crop size {self.size} is larger than input image size "
                f"{(height, width)}; give padding, or pad_if_needed=True"
            )
        return height, width

    def _check_mirror(self, height: int, width: int, sides: _Sides) -> None:
        lacking = {"reflect": 1, "symmetric": 0}.get(self.padding_mode)
        if lacking is None:
            return
        left, top, right, bottom = sides
        if max(top, bottom) > height - lacking or max(left, right) > width - lacking:
            raise ValueError(
                "Padding size should be less than the corresponding input dimension: "
                f"an image of {height} by {width} cannot be mirrored into a padding of "
                f"{sides} (left, top, right, bottom)"
            )


def _grown(height: int, width: int, sides: _Sides) -> tuple[int, int]:
    left, top, right, bottom = sides
    return height + top + bottom, width + left + right


def _size(size: Any) -> tuple[int, int]:
    height, *rest = _ints(size, "size", (1, 2), least=1)
    return height, *(rest or [height])  # pyright: ignore[reportReturnType]


def _padding(padding: Any) -> _Sides:
    sides = _ints(padding, "padding", (1, 2, 4), least=0)
    return sides * (4 // len(sides))  # pyright: ignore[reportReturnType]


def _ints(
    value: Any, name: str, counts: tuple[int, ...], least: int
) -> tuple[int, ...]:
    """One or several whole numbers as a tuple, checked."""
    numbers = tuple(value) if isinstance(value, Sequence) else (value,)
    if len(numbers) not in counts:
        raise ValueError(
            f"expected {' or '.join(map(str, counts))} number(s) for {name}, got "
            f"{value!r}"
        )
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"expected ints for {name}, got {number!r}")
        if number < least:
            raise ValueError(f"expected {name} of at least {least}, got {value!r}")
    return numbers
