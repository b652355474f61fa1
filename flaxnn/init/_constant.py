"""Initialisers that draw nothing."""

from __future__ import annotations

import jax
import numpy as np
from numpy.typing import DTypeLike

from flaxnn.init._source import to_jax


def constant(
    shape: tuple[int, ...], val: float, *, dtype: DTypeLike = np.float32
) -> jax.Array:
    """Returns an array filled with ``val``.

    Args:
        shape: Shape of the result.
        val: The value of every element.
        dtype: Data type of the result.

    Torch:
        ``torch.nn.init.constant_``, 2.13.0, T0.

    Example:
        >>> constant((2,), 0.5)
        Array([0.5, 0.5], dtype=float32)
    """
    return to_jax(np.full(shape, val, dtype=np.dtype(dtype)))


def zeros(shape: tuple[int, ...], *, dtype: DTypeLike = np.float32) -> jax.Array:
    """Returns an array of zeros.

    Args:
        shape: Shape of the result.
        dtype: Data type of the result.

    Torch:
        ``torch.nn.init.zeros_``, 2.13.0, T0.

    Example:
        >>> zeros((2,))
        Array([0., 0.], dtype=float32)
    """
    return constant(shape, 0.0, dtype=dtype)


def ones(shape: tuple[int, ...], *, dtype: DTypeLike = np.float32) -> jax.Array:
    """Returns an array of ones.

    Args:
        shape: Shape of the result.
        dtype: Data type of the result.

    Torch:
        ``torch.nn.init.ones_``, 2.13.0, T0.

    Example:
        >>> ones((2,))
        Array([1., 1.], dtype=float32)
    """
    return constant(shape, 1.0, dtype=dtype)
