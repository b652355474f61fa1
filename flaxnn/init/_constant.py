# SPDX-License-Identifier: Apache-2.0
"""Initialisers that draw nothing."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
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

    Raises:
        TypeError: ``val`` is no number.
        RuntimeError: ``val`` is finite and beyond the dtype.

    Torch:
        ``torch.nn.init.constant_``, 2.13.0, T0.

    Example:
        >>> constant((2,), 0.5)
        Array([0.5, 0.5], dtype=float32)
    """
    known = np.dtype(dtype)
    if isinstance(val, str) or not hasattr(val, "__float__"):
        raise TypeError(
            "fill_() received an invalid combination of arguments - got "
            f"({type(val).__name__}), but expected a number"
        )
    if jnp.issubdtype(known, jnp.floating) and _is_beyond(float(val), known):
        raise RuntimeError(
            f"value cannot be converted to type {known.name} without overflow: got "
            f"{val}"
        )
    return to_jax(np.full(shape, val, known))


def _is_beyond(val: float, dtype: np.dtype) -> bool:
    """Says whether a finite number is too large for a floating type."""
    return math.isfinite(val) and abs(val) > float(jnp.finfo(dtype).max)


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
