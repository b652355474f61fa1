# SPDX-License-Identifier: Apache-2.0
"""How an array lies in PyTorch and in Flax, and the way from one to the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The way of an array from PyTorch's layout to Flax's and back.

    Args:
        name: What error messages call it.
        to_torch: Gives Flax's array in PyTorch's layout. It raises ValueError where
            the shape is none of this layout's.
        to_flax: Gives PyTorch's array in Flax's layout; it is also passed Flax's
            shape.

    Example:
        >>> import numpy as np
        >>> from flaxnn import nn
        >>> halves = nn.Layout(
        ...     "halves swapped",
        ...     to_torch=lambda array: np.roll(array, len(array) // 2, axis=0),
        ...     to_flax=lambda array, shape: np.roll(array, -(len(array) // 2), axis=0),
        ... )
        >>> halves.to_torch(np.arange(4))
        array([2, 3, 0, 1])
    """

    name: str
    to_torch: Callable[[np.ndarray], np.ndarray]
    to_flax: Callable[[np.ndarray, Shape], np.ndarray]

    def torch_shape(self, shape: Shape) -> Shape | None:
        """Returns PyTorch's shape for one of Flax's; None where it does not fit."""
        try:
            return self.to_torch(np.broadcast_to(np.int8(0), shape)).shape
        except ValueError:
            return None


def _spatial_last(array: np.ndarray) -> np.ndarray:
    """The spatial axes behind the last two, which swap: HWIO to OIHW."""
    ndim = array.ndim
    return array.transpose(ndim - 1, ndim - 2, *range(ndim - 2))


def _spatial_first(array: np.ndarray) -> np.ndarray:
    """The spatial axes before the first two, which swap: OIHW to HWIO."""
    return array.transpose(*range(2, array.ndim), 1, 0)


def _flipped(array: np.ndarray) -> np.ndarray:
    """PyTorch's kernel turned around in space."""
    return np.flip(array, tuple(range(2, array.ndim)))


SAME = Layout("same", lambda array: array, lambda array, shape: array)
FLAT = Layout(
    "flat", lambda array: array.reshape(-1), lambda array, shape: array.reshape(shape)
)
LINEAR = Layout("linear", lambda array: array.T, lambda array, shape: array.T)
CONV = Layout("conv", _spatial_last, lambda array, shape: _spatial_first(array))
# PyTorch's transposed convolution scatters the kernel over the output; Flax's slides it
# over the dilated input, which is the same with the kernel turned around.
CONV_TRANSPOSE = Layout(
    "conv_transpose",
    lambda array: _flipped(_spatial_last(array).swapaxes(0, 1)),
    lambda array, shape: _spatial_first(_flipped(array).swapaxes(0, 1)),
)


def contracted(name: str, inputs: Sequence[int], outputs: Sequence[int]) -> Layout:
    """Returns the layout of a kernel that PyTorch holds as one linear weight.

    Args:
        name: What error messages call it.
        inputs: The kernel's axes that are summed over, in the input's order.
        outputs: Its other axes, in the output's order.
    """
    axes = (*inputs, *outputs)

    def to_torch(array: np.ndarray) -> np.ndarray:
        ordered = array.transpose(axes)
        split = ordered.shape[: len(inputs)], ordered.shape[len(inputs) :]
        return ordered.reshape(math.prod(split[0]), math.prod(split[1])).T

    def to_flax(array: np.ndarray, shape: Shape) -> np.ndarray:
        ordered = array.T.reshape([shape[axis] for axis in axes])
        return ordered.transpose(np.argsort(axes))

    return Layout(name, to_torch, to_flax)


TO_HEADS = contracted("linear_to_heads", (0,), (1, 2))
FROM_HEADS = contracted("linear_from_heads", (0, 1), (2,))


def flattened(sizes: Sequence[int]) -> Layout:
    """Returns the layout of a dense kernel that follows the flattening of an image.

    PyTorch flattens C, H, W and Flax H, W, C.

    Args:
        sizes: Channels, then the sizes of the spatial axes, of one example.
    """
    channels, *spatial = sizes

    def to_torch(array: np.ndarray) -> np.ndarray:
        _, features = array.shape
        image = array.reshape(*spatial, channels, features)
        return _spatial_last(image).reshape(features, math.prod(sizes))

    def to_flax(array: np.ndarray, shape: Shape) -> np.ndarray:
        image = array.reshape(shape[1], channels, *spatial)
        return _spatial_first(image).reshape(shape)

    return Layout(f"flatten {tuple(sizes)}", to_torch, to_flax)


LAYOUTS = {
    layout.name: layout
    for layout in (SAME, FLAT, LINEAR, CONV, CONV_TRANSPOSE, TO_HEADS, FROM_HEADS)
}
