# SPDX-License-Identifier: Apache-2.0
"""Modules that only move elements, and blocks of images as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from flaxnn import functional as F
from flaxnn._typing import ArrayLike
from flaxnn.init import Source
from flaxnn.nn._module import Module
from flaxnn.nn._options import Size, hashable


class Unflatten(Module):
    """Splits one dimension into several.

    Args:
        dim: The dimension to split.
        unflattened_size: What to split it into, a tuple or list of ints; one of them
            may be -1, for what is left.
        rngs: Ignored; nothing is drawn.

    Raises:
        TypeError: `unflattened_size` is not a tuple or list of ints.

    Torch:
        ``torch.nn.Unflatten``, 2.13.0, T0; a list is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> Unflatten(1, (1, 28, 28))(jnp.ones((3, 784))).shape
        (3, 1, 28, 28)
    """

    def __init__(
        self, dim: int, unflattened_size: Sequence[int], *, rngs: Source | None = None
    ):
        if not isinstance(unflattened_size, tuple | list):
            raise TypeError(
                "unflattened_size must be a tuple of ints, but found type "
                f"{type(unflattened_size).__name__}"
            )
        for position, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                raise TypeError(
                    "unflattened_size must be tuple of ints, but found element of type "
                    f"{type(size).__name__} at pos {position}"
                )
        self.dim = dim
        self.unflattened_size: Sequence[int] = hashable(unflattened_size)

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns the input with the dimension split."""
        return F.unflatten(input, self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class PixelShuffle(Module):
    """Makes larger images of r² channels for each: ``(*, C r², H, W)``.

    Args:
        upscale_factor: r.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.PixelShuffle``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> PixelShuffle(2)(jnp.ones((3, 4, 5, 6))).shape
        (3, 1, 10, 12)
    """

    def __init__(self, upscale_factor: int, *, rngs: Source | None = None):
        self.upscale_factor = upscale_factor

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(*, C, H r, W r)``."""
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Makes r² channels of each image: ``(*, C, H r, W r)``.

    Args:
        downscale_factor: r.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.PixelUnshuffle``, 2.13.0, T0.

    Example:
        >>> import jax.numpy as jnp
        >>> PixelUnshuffle(2)(jnp.ones((3, 1, 10, 12))).shape
        (3, 4, 5, 6)
    """

    def __init__(self, downscale_factor: int, *, rngs: Source | None = None):
        self.downscale_factor = downscale_factor

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(*, C r², H, W)``."""
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"downscale_factor={self.downscale_factor}"


class _Blocks(Module):
    """What `Unfold` and `Fold` have in common."""

    def __init__(
        self,
        kernel_size: Size,
        dilation: Size = 1,
        padding: Size = 0,
        stride: Size = 1,
        *,
        rngs: Source | None = None,
    ):
        self.kernel_size: Size = hashable(kernel_size)
        self.dilation: Size = hashable(dilation)
        self.padding: Size = hashable(padding)
        self.stride: Size = hashable(stride)

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return (
            f"kernel_size={self.kernel_size}, dilation={self.dilation}, "
            f"padding={self.padding}, stride={self.stride}"
        )


class Unfold(_Blocks):
    """Returns every sliding block of ``(N, C, H, W)`` as a column.

    Args:
        kernel_size: Size of a block; each option is an int or one for each dimension.
        dilation: Step between the elements of a block.
        padding: Zeros on all sides.
        stride: Step of the blocks.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Unfold``, 2.13.0, T1; a list among the options is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> Unfold(3)(jnp.ones((2, 4, 8, 8))).shape
        (2, 36, 36)
    """

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C kernel_H kernel_W, blocks)``."""
        return F.unfold(
            input, self.kernel_size, self.dilation, self.padding, self.stride
        )


class Fold(_Blocks):
    """Sums blocks ``(N, C kernel_H kernel_W, blocks)`` up to images.

    Args:
        output_size: ``(H, W)`` or one number for both.
        kernel_size: Size of a block; each option is an int or one for each dimension.
        dilation: Step between the elements of a block.
        padding: What is cut off on all sides.
        stride: Step of the blocks.
        rngs: Ignored; nothing is drawn.

    Torch:
        ``torch.nn.Fold``, 2.13.0, T1; a list among the options is kept as a tuple.

    Example:
        >>> import jax.numpy as jnp
        >>> Fold(8, 3)(jnp.ones((2, 36, 36))).shape
        (2, 4, 8, 8)
    """

    def __init__(
        self,
        output_size: Size,
        kernel_size: Size,
        dilation: Size = 1,
        padding: Size = 0,
        stride: Size = 1,
        *,
        rngs: Source | None = None,
    ):
        super().__init__(kernel_size, dilation, padding, stride)
        self.output_size: Any = hashable(output_size)

    def forward(self, input: ArrayLike) -> jax.Array:
        """Returns ``(N, C, H, W)``."""
        return F.fold(
            input,
            self.output_size,
            self.kernel_size,
            self.dilation,
            self.padding,
            self.stride,
        )

    def extra_repr(self) -> str:
        """Returns PyTorch's description of the layer."""
        return f"output_size={self.output_size}, {super().extra_repr()}"
