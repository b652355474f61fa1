# SPDX-License-Identifier: Apache-2.0
"""Initialisers that let a linear layer or a convolution begin as the identity."""

from __future__ import annotations

import jax
import numpy as np
from numpy.typing import DTypeLike

from flaxnn.init._source import to_jax


def eye(shape: tuple[int, ...], *, dtype: DTypeLike = np.float32) -> jax.Array:
    """Returns the identity matrix, cut or padded with zeros to ``shape``.

    Args:
        shape: ``(out, in)``.
        dtype: Data type of the result.

    Raises:
        ValueError: The shape has not two dimensions.

    Torch:
        ``torch.nn.init.eye_``, 2.13.0, T0.

    Example:
        >>> eye((2, 3))
        Array([[1., 0., 0.],
               [0., 1., 0.]], dtype=float32)
    """
    if len(shape) != 2:
        raise ValueError(
            f"Only tensors with 2 dimensions are supported; got shape {tuple(shape)}"
        )
    return to_jax(np.eye(*shape, dtype=np.dtype(dtype)))


def dirac(
    shape: tuple[int, ...], groups: int = 1, *, dtype: DTypeLike = np.float32
) -> jax.Array:
    """Returns a convolution's weight that hands each channel on unchanged.

    The output channel ``d`` of every group is the input channel ``d``, as far as there
    are both; the other elements are zero.

    Args:
        shape: ``(out, in / groups, *kernel)`` with one to three kernel dimensions,
            PyTorch's layout. The middle of an even kernel is the later one.
        groups: Number of groups of the convolution.
        dtype: Data type of the result.

    Raises:
        ValueError: The shape has not three to five dimensions, or the groups do not
            divide the output channels.
        IndexError: The kernel has no element.

    Torch:
        ``torch.nn.init.dirac_``, 2.13.0, T0.

    Example:
        >>> dirac((2, 2, 3))[1]
        Array([[0., 0., 0.],
               [0., 1., 0.]], dtype=float32)
    """
    if len(shape) not in (3, 4, 5):
        raise ValueError(
            "Only tensors with 3, 4, or 5 dimensions are supported; got shape "
            f"{tuple(shape)}"
        )
    if shape[0] % groups != 0:
        raise ValueError(
            f"dim 0 must be divisible by groups; got shape {tuple(shape)} and "
            f"groups={groups}"
        )
    weight = np.zeros(shape, np.dtype(dtype))
    size = shape[0] // groups
    centre = tuple(length // 2 for length in shape[2:])
    for group in range(groups):
        for channel in range(min(size, shape[1])):
            weight[(group * size + channel, channel, *centre)] = 1
    return to_jax(weight)
