# SPDX-License-Identifier: Apache-2.0
"""Softmax, its logarithm and its mirror image."""

from __future__ import annotations

from collections.abc import Callable

import jax

from flaxnn._typing import Array, ArrayLike, DTypeLike, Float
from flaxnn.functional._checks import (
    as_array,
    check_dim,
    check_floating,
    dtype_name,
    warn_caller,
    widen,
)


def softmax(
    input: ArrayLike, dim: int | None = None, dtype: DTypeLike | None = None
) -> Float[Array, "..."]:
    """Returns ``exp(x) / sum(exp(x))`` along a dimension, without overflow.

    Args:
        input: Any shape; floating point unless `dtype` is given.
        dim: The dimension whose slices sum to 1. None warns and takes dimension 0 of
            arrays with 0, 1 or 3 dimensions and dimension 1 of others.
        dtype: Floating-point dtype the input is converted to first.

    Returns:
        The input's shape. A slice that is all -inf, or holds +inf or nan, is nan.

    Raises:
        IndexError: `dim` is out of range.
        NotImplementedError: The input, or `dtype`, is not floating point.

    Torch:
        ``torch.nn.functional.softmax``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision. An empty integer array is refused too.

    Example:
        >>> softmax([1000.0, 1001.0, 1002.0], dim=0).round(4)
        Array([0.09  , 0.2447, 0.6652], dtype=float32)
    """
    return _along_dim(jax.nn.softmax, "softmax", input, dim, dtype)


def log_softmax(
    input: ArrayLike, dim: int | None = None, dtype: DTypeLike | None = None
) -> Float[Array, "..."]:
    """Returns ``log(softmax(x))`` along a dimension, without overflow.

    Args:
        input: Any shape; floating point unless `dtype` is given.
        dim: The dimension whose slices are normalised. None warns and takes dimension
            0 of arrays with 0, 1 or 3 dimensions and dimension 1 of others.
        dtype: Floating-point dtype the input is converted to first.

    Returns:
        The input's shape. A slice that is all -inf, or holds +inf or nan, is nan.

    Raises:
        IndexError: `dim` is out of range.
        NotImplementedError: The input, or `dtype`, is not floating point.

    Torch:
        ``torch.nn.functional.log_softmax``, 2.13.0. T1 in float64; float32 within
        1e-6 of the slice's largest magnitude; T3 in half precision. An empty integer
        array is refused too.

    Example:
        >>> log_softmax([[0.0, 1000.0]], dim=1)
        Array([[-1000.,     0.]], dtype=float32)
    """
    return _along_dim(jax.nn.log_softmax, "log_softmax", input, dim, dtype)


def softmin(
    input: ArrayLike, dim: int | None = None, dtype: DTypeLike | None = None
) -> Float[Array, "..."]:
    """Returns the `softmax` of ``-x`` along a dimension.

    Args:
        input: Any shape; floating point unless `dtype` is given.
        dim: The dimension whose slices sum to 1. None warns and takes dimension 0 of
            arrays with 0, 1 or 3 dimensions and dimension 1 of others.
        dtype: Floating-point dtype the input is converted to first.

    Returns:
        The input's shape. A slice that is all inf, or holds -inf or nan, is nan.

    Raises:
        IndexError: `dim` is out of range.
        RuntimeError: The input is bool.
        NotImplementedError: The input, or `dtype`, is not floating point.

    Torch:
        ``torch.nn.functional.softmin``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision. PyTorch negates before it converts to `dtype`,
        so that unsigned integers wrap.

    Example:
        >>> softmin([1000.0, 1001.0, 1002.0], dim=0).round(4)
        Array([0.6652, 0.2447, 0.09  ], dtype=float32)
    """
    if dtype_name(input) == "Bool":
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. Convert "
            "the input, for example with .astype('float32')"
        )

    def negated(slices: Array, axis: int) -> Array:
        return jax.nn.softmax(-slices, axis=axis)

    return _along_dim(negated, "softmin", input, dim, dtype)


def _along_dim(
    function: Callable[..., Array],
    name: str,
    input: ArrayLike,
    dim: int | None,
    dtype: DTypeLike | None,
) -> Float[Array, "..."]:
    """Returns the function along `dim`, computed at least in float32."""
    x = as_array(input, "input")
    if dim is None:
        warn_caller(
            f"Implicit dimension choice for {name} has been deprecated. Change the "
            "call to include dim=X as an argument."
        )
        dim = 0 if x.ndim in (0, 1, 3) else 1
    axis = check_dim(dim, x.ndim)
    if dtype is not None:
        x = x.astype(dtype)
    last = axis == max(x.ndim, 1) - 1
    kernel = name.replace("min", "max") + ("_lastdim" if last else "")
    check_floating(
        f"{kernel}_kernel_impl", input if dtype is None else x.dtype, x.dtype
    )
    slices = widen(x).reshape(x.shape or (1,))
    return function(slices, axis=axis).astype(x.dtype).reshape(x.shape)
