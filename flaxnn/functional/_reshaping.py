# SPDX-License-Identifier: Apache-2.0
"""What only moves elements: unflatten, and pixels from channels and back."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence

from flaxnn._typing import Array, ArrayLike, Shaped
from flaxnn.functional._checks import as_array, check_dim
from flaxnn.functional._spatial import Size
from flaxnn.functional._spatial import sizes as bracketed


def unflatten(input: ArrayLike, dim: int, sizes: Size) -> Shaped[Array, "..."]:
    """Returns the input with one dimension split into several.

    Args:
        input: Any shape and dtype, but no scalar.
        dim: The dimension to split.
        sizes: What to split it into; one of them may be -1, for what is left.

    Returns:
        The same numbers in the same order.

    Raises:
        IndexError: The dimension is out of range.
        RuntimeError: The sizes do not multiply to the dimension's.
        TypeError: The sizes are not integers.

    Torch:
        ``torch.unflatten``, 2.13.0: exact.

    Example:
        >>> import jax.numpy as jnp
        >>> unflatten(jnp.ones((3, 784)), 1, (28, -1)).shape
        (3, 28, 28)
    """
    x = as_array(input, "input")
    if not isinstance(sizes, Sequence) or isinstance(sizes, str):
        raise TypeError(
            "unflatten(): argument 'sizes' (position 3) must be tuple of ints, not "
            f"{type(sizes).__name__}"
        )
    shape = [operator.index(size) for size in sizes]
    if not shape:
        raise RuntimeError("unflatten: sizes must be non-empty")
    axis = check_dim(dim, x.ndim)
    if x.ndim == 0:
        raise RuntimeError(
            "unflatten got an unexpected error: Dimension specified as "
            f"{dim} but tensor has no dimensions"
        )
    whole = x.shape[axis]
    if shape.count(-1) > 1:
        raise RuntimeError(
            "unflatten got an unexpected error: only one dimension can be inferred, "
            f"got sizes {bracketed(shape)}"
        )
    if min(shape) < -1:
        raise RuntimeError(
            f"unflatten got an unexpected error: invalid shape dimension {min(shape)}"
        )
    known = math.prod(size for size in shape if size != -1)
    if -1 in shape and known == whole == 0:
        raise RuntimeError(
            "unflatten got an unexpected error: cannot reshape tensor of 0 elements "
            f"into shape {bracketed(shape)} because the unspecified dimension size -1 "
            "can be any value and is ambiguous"
        )
    fits = known and whole % known == 0 if -1 in shape else known == whole
    if not fits:
        raise RuntimeError(
            f"unflatten: Provided sizes {bracketed(shape)} don't multiply up to the "
            f"size of dim {axis} ({whole}) in the input tensor"
        )
    split = [whole // known if size == -1 else size for size in shape]
    return x.reshape(*x.shape[:axis], *split, *x.shape[axis + 1 :])


def pixel_shuffle(input: ArrayLike, upscale_factor: int) -> Shaped[Array, "..."]:
    """Returns an image whose pixels come from r² channels each.

    Args:
        input: ``(*, C r², H, W)``.
        upscale_factor: r.

    Returns:
        ``(*, C, H r, W r)``.

    Raises:
        RuntimeError: The shape does not fit, or r is not positive.
        TypeError: r is not an integer.

    Torch:
        ``torch.nn.functional.pixel_shuffle``, 2.13.0: exact.

    Example:
        >>> import jax.numpy as jnp
        >>> pixel_shuffle(jnp.arange(4).reshape(4, 1, 1), 2)
        Array([[[0, 1],
                [2, 3]]], dtype=int32)

    References:
        Shi et al., "Real-Time Single Image and Video Super-Resolution Using an
        Efficient Sub-Pixel Convolutional Neural Network", 2016.
    """
    x, r = _image("pixel_shuffle", input), operator.index(upscale_factor)
    if r < 1:
        raise RuntimeError(
            f"pixel_shuffle expects a positive upscale_factor, but got {r}"
        )
    *outer, channels, height, width = x.shape
    if channels % r**2:
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by "
            f"the square of upscale_factor, but input.size(-3)={channels} is not "
            f"divisible by {r**2}"
        )
    split = x.reshape(math.prod(outer), channels // r**2, r, r, height, width)
    turned = split.transpose(0, 1, 4, 2, 5, 3)
    return turned.reshape(*outer, channels // r**2, height * r, width * r)


def pixel_unshuffle(input: ArrayLike, downscale_factor: int) -> Shaped[Array, "..."]:
    """Returns an image with r² channels for each, the inverse of `pixel_shuffle`.

    Args:
        input: ``(*, C, H r, W r)``.
        downscale_factor: r.

    Returns:
        ``(*, C r², H, W)``.

    Raises:
        RuntimeError: The shape does not fit, or r is not positive.
        TypeError: r is not an integer.

    Torch:
        ``torch.nn.functional.pixel_unshuffle``, 2.13.0: exact.

    Example:
        >>> import jax.numpy as jnp
        >>> pixel_unshuffle(jnp.ones((1, 4, 6)), 2).shape
        (4, 2, 3)
    """
    x, r = _image("pixel_unshuffle", input), operator.index(downscale_factor)
    if r < 1:
        raise RuntimeError(
            f"pixel_unshuffle expects a positive downscale_factor, but got {r}"
        )
    *outer, channels, height, width = x.shape
    for name, place, size in (("height", -2, height), ("width", -1, width)):
        if size % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {name} to be divisible by downscale_factor, "
                f"but input.size({place})={size} is not divisible by {r}"
            )
    split = x.reshape(math.prod(outer), channels, height // r, r, width // r, r)
    turned = split.transpose(0, 1, 3, 5, 2, 4)
    return turned.reshape(*outer, channels * r**2, height // r, width // r)


def _image(op: str, input: ArrayLike) -> Shaped[Array, "..."]:
    x = as_array(input, "input")
    if x.ndim < 3:
        raise RuntimeError(
            f"{op} expects input to have at least 3 dimensions, but got input with "
            f"{x.ndim} dimension(s)"
        )
    return x
