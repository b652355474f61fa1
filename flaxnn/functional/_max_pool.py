# SPDX-License-Identifier: Apache-2.0
"""Maxima over windows, and where they are."""

from __future__ import annotations

import math
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from flaxnn._typing import Array, ArrayLike, Integer, Num
from flaxnn.functional._checks import as_array, dtype_name
from flaxnn.functional._pool_checks import (
    check_input,
    check_options,
    check_windows,
    option,
)
from flaxnn.functional._spatial import Size, batched
from flaxnn.functional._windows import Cells, Windows, joined, strided

Pooled = Num[Array, "..."] | tuple[Num[Array, "..."], Integer[Array, "..."]]


def max_pool1d(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Returns the largest element of each window; nan where there is one.

    Args:
        input: ``(N, C, L)``, or ``(C, L)`` without a batch; numbers.
        kernel_size: Size of a window.
        stride: Step of the windows; their size where None.
        padding: How far the windows reach beyond both ends, at most half their size.
        dilation: Step between the elements of a window.
        ceil_mode: Whether a last window may reach beyond the padding.
        return_indices: Whether to return where the maxima are, too.

    Returns:
        ``(N, C, L_out)``, or that without N; with `return_indices` also the position of
        each maximum in the input, of the first where several are equal.

    Raises:
        RuntimeError: Shapes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: Bools or complex numbers.

    Torch:
        ``torch.nn.functional.max_pool1d``, 2.13.0: exact values and indices; the
        gradient goes to the returned index, sums of overlapping windows T1 in float64.
        Indices are int32 unless JAX has 64 bits. PyTorch refuses integers without
        indices in one dimension.

    Example:
        >>> max_pool1d([[1.0, 3.0, 2.0, 2.0]], 2)
        Array([[3., 2.]], dtype=float32)
    """
    return _max_pool(
        1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool2d(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Returns the largest element of each window; nan where there is one.

    Args:
        input: ``(N, C, H, W)``, or ``(C, H, W)`` without a batch; numbers.
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: How far the windows reach beyond both ends, at most half their size.
        dilation: Step between the elements of a window.
        ceil_mode: Whether a last window may reach beyond the padding.
        return_indices: Whether to return where the maxima are, too.

    Returns:
        ``(N, C, H_out, W_out)``, or that without N; with `return_indices` also the
        position ``h W + w`` of each maximum, of the first where several are equal.

    Raises:
        RuntimeError: Shapes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: Bools or complex numbers.

    Torch:
        ``torch.nn.functional.max_pool2d``, 2.13.0, T0; as `max_pool1d`, and with
        integers.

    Example:
        >>> import jax.numpy as jnp
        >>> max_pool2d(jnp.arange(4.0).reshape(1, 2, 2), 2, return_indices=True)
        (Array([[[3.]]], dtype=float32), Array([[[3]]], dtype=int32))
    """
    return _max_pool(
        2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def max_pool3d(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Pooled:
    """Returns the largest element of each window; nan where there is one.

    Args:
        input: ``(N, C, D, H, W)``, or ``(C, D, H, W)`` without a batch; numbers.
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: How far the windows reach beyond both ends, at most half their size.
        dilation: Step between the elements of a window.
        ceil_mode: Whether a last window may reach beyond the padding.
        return_indices: Whether to return where the maxima are, too.

    Returns:
        ``(N, C, D_out, H_out, W_out)``, or that without N; with `return_indices` also
        the position ``(d H + h) W + w`` of each maximum.

    Raises:
        RuntimeError: Shapes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: Bools or complex numbers.

    Torch:
        ``torch.nn.functional.max_pool3d``, 2.13.0, T0; as `max_pool2d`.

    Example:
        >>> import jax.numpy as jnp
        >>> max_pool3d(jnp.arange(8.0).reshape(1, 2, 2, 2), 2)
        Array([[[[7.]]]], dtype=float32)
    """
    return _max_pool(
        3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices
    )


def _max_pool(
    count: int,
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    dilation: Size,
    ceil_mode: bool,
    return_indices: bool,
) -> Pooled:
    """Returns the maxima over `count` spatial dimensions, with indices if asked for."""
    op = f"max_pool{count}d"
    x = as_array(input, "input")
    kernel = option(op, "kernel_size", kernel_size, count)
    step = kernel if stride in (None, [], ()) else option(op, "stride", stride, count)
    around = option(op, "padding", padding, count)
    spread = option(op, "dilation", dilation, count)
    check_options(op, kernel, step, around, spread)
    check_input(op, x, count)
    if x.dtype == jnp.bool_ or jnp.issubdtype(x.dtype, jnp.complexfloating):
        kind = "max_pool1d_impl" if count == 1 else op
        raise NotImplementedError(
            f'"{kind}" not implemented for {dtype_name(input)!r}: expected real '
            "numbers; convert the input, for example with .astype('float32')"
        )
    x, added = batched(x, count)
    rows = zip(x.shape[2:], kernel, step, around, spread, strict=True)
    windows = tuple(strided(*row, ceil_mode) for row in rows)
    check_windows(op, x, kernel, tuple(len(along.starts) for along in windows))
    return pooled(x, windows, added, return_indices)


def pooled(
    x: Num[Array, "N C *sizes"],
    windows: tuple[Windows, ...],
    added: bool,
    return_indices: bool,
) -> Pooled:
    """Returns the maxima, without the batch that was added, with indices if asked."""
    values, indices = _maxima(x, windows)
    if added:
        values, indices = values[0], indices[0]
    return (values, indices) if return_indices else values


@partial(jax.custom_jvp, nondiff_argnums=(1,))
@partial(jax.jit, static_argnums=1)
def _maxima(
    x: Num[Array, "N C *sizes"], windows: tuple[Windows, ...]
) -> tuple[Num[Array, "N C *out_sizes"], Integer[Array, "N C *out_sizes"]]:
    """Returns maxima and their positions in the flattened spatial dimensions.

    Outside the input the position is -1, which any position in it replaces: a window
    of nothing but -inf has its first element's.
    """
    spatial = x.shape[2:]
    positions = jnp.arange(math.prod(spatial)).reshape(spatial)
    cells: Cells = (x, jnp.broadcast_to(positions, x.shape))
    floating = jnp.issubdtype(x.dtype, jnp.floating)
    lowest = -math.inf if floating else int(jnp.iinfo(x.dtype).min)
    for axis in reversed(range(2, x.ndim)):
        cells = joined(cells, axis, windows[axis - 2], (lowest, -1), _larger)
    values, indices = cells
    return values, indices


@_maxima.defjvp
def _maxima_jvp(
    windows: tuple[Windows, ...],
    primals: tuple[Num[Array, "N C *sizes"]],
    tangents: tuple[Num[Array, "N C *sizes"]],
) -> tuple[tuple, tuple]:
    """Takes the tangents where the maxima are.

    The gradient of lax.reduce_window, the same in all else, takes 3 to 10 times longer
    on CPU and knows no dilation.
    """
    (x,), (dx,) = primals, tangents
    values, indices = _maxima(x, windows)
    flat, where = lax.collapse(dx, 2), lax.collapse(indices, 2)
    taken = jnp.take_along_axis(flat, where, axis=-1, mode="clip")
    taken = jnp.where(where < 0, 0, taken)
    no_tangent = np.zeros(indices.shape, jax.dtypes.float0)
    return (values, indices), (taken.reshape(values.shape), no_tangent)


def _larger(left: Cells, right: Cells) -> Cells:
    """Returns the larger cell: the last nan, else the first of equal ones."""
    (a, i), (b, j) = left, right
    # A value that is not nan equals itself; integers have no isnan.
    replaces = (b > a) | (b != b)
    return jnp.where(replaces, b, a), jnp.where(replaces | (i < 0), j, i)
