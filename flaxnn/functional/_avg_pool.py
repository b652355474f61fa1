# SPDX-License-Identifier: Apache-2.0
"""Means over windows."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array, check_dim, check_floating, widen
from flaxnn.functional._pool_checks import (
    check_input,
    check_options,
    check_windows,
    option,
)
from flaxnn.functional._spatial import Size, batched
from flaxnn.functional._windows import Cells, Windows, joined, strided


def avg_pool1d(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Float[Array, "..."]:
    """Returns the mean of each window.

    Args:
        input: ``(N, C, L)``, or ``(C, L)`` without a batch; floating point.
        kernel_size: Size of a window.
        stride: Step of the windows; their size where None.
        padding: Zeros at both ends, at most half a window.
        ceil_mode: Whether a last window may reach beyond the padding; what lies beyond
            is not counted.
        count_include_pad: Whether the padding counts in the mean.

    Returns:
        ``(N, C, L_out)``, or that without N.

    Raises:
        RuntimeError: Shapes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.avg_pool1d``, 2.13.0. T1 in float64; float32 sums may
        differ in their order; T3 in half precision. PyTorch also takes int64.

    Example:
        >>> avg_pool1d([[1.0, 3.0, 2.0, 2.0]], 2)
        Array([[2., 2.]], dtype=float32)
    """
    return _avg_pool(
        1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None
    )


def avg_pool2d(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Float[Array, "..."]:
    """Returns the mean of each window.

    Args:
        input: ``(N, C, H, W)``, or ``(C, H, W)`` without a batch; floating point.
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: Zeros on all sides, at most half a window.
        ceil_mode: Whether a last window may reach beyond the padding.
        count_include_pad: Whether the padding counts in the mean.
        divisor_override: What the sums are divided by instead.

    Returns:
        ``(N, C, H_out, W_out)``, or that without N.

    Raises:
        RuntimeError: Shapes or options do not fit.
        IndexError: The input has fewer than three dimensions.
        TypeError: An option is not made of integers.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.avg_pool2d``, 2.13.0, T1; as `avg_pool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> avg_pool2d(jnp.arange(4.0).reshape(1, 2, 2), 2)
        Array([[[1.5]]], dtype=float32)
    """
    x = as_array(input, "input")
    if x.ndim < 3:
        check_dim(-3, x.ndim)
    return _avg_pool(
        2,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


def avg_pool3d(
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Float[Array, "..."]:
    """Returns the mean of each window.

    Args:
        input: ``(N, C, D, H, W)``, or ``(C, D, H, W)`` without a batch; floating point.
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: Zeros on all sides, at most half a window.
        ceil_mode: Whether a last window may reach beyond the padding.
        count_include_pad: Whether the padding counts in the mean.
        divisor_override: What the sums are divided by instead.

    Returns:
        ``(N, C, D_out, H_out, W_out)``, or that without N.

    Raises:
        RuntimeError: Shapes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.avg_pool3d``, 2.13.0, T1; as `avg_pool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> avg_pool3d(jnp.arange(8.0).reshape(1, 2, 2, 2), 2)
        Array([[[[3.5]]]], dtype=float32)
    """
    return _avg_pool(
        3,
        input,
        kernel_size,
        stride,
        padding,
        ceil_mode,
        count_include_pad,
        divisor_override,
    )


def _avg_pool(
    count: int,
    input: ArrayLike,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: int | None,
) -> Float[Array, "..."]:
    """Returns the means over `count` spatial dimensions."""
    op = f"avg_pool{count}d"
    x = as_array(input, "input")
    kernel = option(op, "kernel_size", kernel_size, count)
    step = kernel if stride in (None, [], ()) else option(op, "stride", stride, count)
    around = option(op, "padding", padding, count)
    check_options(op, kernel, step, around, (1,) * count)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero: got divisor_override=0")
    check_input(op, x, count)
    check_floating(f"avg_pool{max(count, 2)}d", input, x.dtype)
    x, added = batched(x, count)
    rows = zip(x.shape[2:], kernel, step, around, strict=True)
    windows = tuple(strided(n, k, s, p, 1, ceil_mode) for n, k, s, p in rows)
    check_windows(op, x, kernel, tuple(len(along.starts) for along in windows))
    sums = window_sums(widen(x), windows)
    if divisor_override is None:
        reach = around if count_include_pad else (0,) * count
        counts = tuple(
            _counts(along, size, pad)
            for along, size, pad in zip(windows, x.shape[2:], reach, strict=True)
        )
        means = sums / products(counts, sums.dtype)
    else:
        means = sums / divisor_override
    means = means.astype(x.dtype)
    return means[0] if added else means


@functools.partial(jax.jit, static_argnums=1)
def window_sums(
    x: Float[Array, "N C *sizes"], windows: tuple[Windows, ...]
) -> Float[Array, "N C *out_sizes"]:
    """Returns the sum of each window."""
    cells: Cells = (x,)
    for axis in reversed(range(2, x.ndim)):
        cells = joined(cells, axis, windows[axis - 2], (0.0,), _sum)
    return cells[0]


def products(
    counts: tuple[np.ndarray, ...], dtype: np.dtype
) -> Float[Array, "1 1 *out_sizes"]:
    """Returns how many elements each window has, from how many along each dimension."""
    return jnp.asarray(functools.reduce(np.multiply.outer, counts), dtype)[None, None]


def _counts(windows: Windows, size: int, padding: int) -> np.ndarray:
    """Returns how many elements of a window lie in the input or this much padding."""
    starts = np.array(windows.starts)
    ends = np.minimum(starts + np.array(windows.lengths), size + padding)
    return ends - np.maximum(starts, -padding)


def _sum(left: Cells, right: Cells) -> Cells:
    return (left[0] + right[0],)
