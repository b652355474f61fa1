# SPDX-License-Identifier: Apache-2.0
"""Normalisations without statistics: by a norm, and by neighbouring channels."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jax import lax

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array, check_dim, dtype_name, widen
from flaxnn.functional._norms import vector_norm
from flaxnn.functional._options import Option


def normalize(
    input: ArrayLike,
    p: Option = 2.0,
    dim: int | Sequence[int] = 1,
    eps: Option = 1e-12,
) -> Float[Array, "..."]:
    """Returns the input divided by its p-norm along a dimension, or by `eps`.

    Args:
        input: Any shape; floating point.
        p: The norm's exponent; 0 counts the numbers that are not 0, inf and -inf take
            the largest and smallest magnitude.
        dim: The dimension of the vectors, or several.
        eps: The smallest divisor.

    Returns:
        The input's shape and dtype.

    Raises:
        IndexError: A dimension is out of range.
        RuntimeError: The input is not floating point, a dimension is named twice, or
            vectors of size 0 have no norm of infinite order.

    Torch:
        ``torch.nn.functional.normalize``, 2.13.0, the derivative of the norm at 0
        included, which is 0. T1 in float64; float32 within 1e-6 relative but for the
        order of sums; T3 in half precision. PyTorch also takes complex numbers, and
        ``out``.

    Example:
        >>> normalize([[3.0, 4.0], [0.0, 0.0]])
        Array([[0.6, 0.8],
               [0. , 0. ]], dtype=float32)
    """
    x = as_array(input, "input")
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. "
            f"Got {dtype_name(input)}: convert it to real floating point, for example "
            "with .astype('float32')"
        )
    dims = (dim,) if isinstance(dim, int | np.integer) else tuple(dim)
    axes = tuple(check_dim(d, x.ndim) for d in dims)
    for axis in axes:
        if axes.count(axis) > 1:
            raise RuntimeError(f"dim {axis} appears multiple times in the list of dims")
    wide = widen(x).reshape(x.shape or (1,))
    norm = vector_norm(wide, float(p), axes or tuple(range(wide.ndim)))
    smallest = jnp.asarray(eps, norm.dtype)
    # Not jnp.maximum, whose derivative at equality is a half: PyTorch's is the norm's.
    divisor = jnp.where(norm < smallest, smallest, norm)
    return (wide / divisor).astype(x.dtype).reshape(x.shape)


def local_response_norm(
    input: ArrayLike,
    size: int,
    alpha: Option = 1e-4,
    beta: Option = 0.75,
    k: Option = 1.0,
) -> Float[Array, "..."]:
    """Returns ``x / (k + alpha * mean(x²))^beta`` over neighbouring channels.

    Args:
        input: ``(N, C, *)`` with at least three dimensions; floating point.
        size: How many channels are neighbours, ``size // 2`` of them before; the mean
            divides by it at the borders too.
        alpha: Factor of the mean of the squares.
        beta: Exponent.
        k: What is added to the mean.

    Returns:
        The input's shape and dtype.

    Raises:
        ValueError: There are fewer than three dimensions.
        RuntimeError: `size` is not positive.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.local_response_norm``, 2.13.0. T1 in float64; float32
        within 1e-6 relative; T3 in half precision. PyTorch also takes integers and
        truncates the mean of their squares.

    Example:
        >>> local_response_norm([[[1.0], [2.0]]], size=2, alpha=1.0, beta=1.0)
        Array([[[0.6666667],
                [0.5714286]]], dtype=float32)

    References:
        Krizhevsky, Sutskever and Hinton, "ImageNet Classification with Deep
        Convolutional Neural Networks", 2012, section 3.3, with a sum for the mean.
    """
    x = as_array(input, "input")
    if x.ndim < 3:
        raise ValueError(
            "Expected 3D or higher dimensionality input, (N, C, *) "
            f"(got {x.ndim} dimensions)"
        )
    if size <= 0:
        raise RuntimeError(
            f"kernel size should be greater than zero, but got size={size}"
        )
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise NotImplementedError(
            f'"avg_pool2d" not implemented for {dtype_name(input)!r}: expected a '
            "floating-point input; convert it, for example with .astype('float32')"
        )
    wide = widen(x)
    ones = (1,) * (x.ndim - 2)
    none = ((0, 0),) * (x.ndim - 2)
    sums = lax.reduce_window(
        jnp.square(wide),
        np.zeros((), wide.dtype),
        lax.add,
        (1, size, *ones),
        (1,) * x.ndim,
        ((0, 0), (size // 2, (size - 1) // 2), *none),
    )
    return (wide / (sums / size * alpha + k) ** beta).astype(x.dtype)
