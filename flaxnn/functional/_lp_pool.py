# SPDX-License-Identifier: Apache-2.0
"""Power means over windows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._avg_pool import avg_pool1d, avg_pool2d, avg_pool3d
from flaxnn.functional._checks import as_array, check_floating, widen
from flaxnn.functional._max_pool import max_pool1d, max_pool2d, max_pool3d
from flaxnn.functional._pool_checks import option
from flaxnn.functional._spatial import Number, Size

_POOLS: dict[int, tuple[Callable[..., Any], Callable[..., Any]]] = {
    1: (avg_pool1d, max_pool1d),
    2: (avg_pool2d, max_pool2d),
    3: (avg_pool3d, max_pool3d),
}


def lp_pool1d(
    input: ArrayLike,
    norm_type: Number,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Float[Array, "..."]:
    """Returns ``(Σ xᵖ)^(1/p)`` of each window.

    Args:
        input: ``(N, C, L)``, or ``(C, L)`` without a batch; floating point.
        norm_type: The power p; infinity for the largest magnitude, minus infinity for
            the smallest.
        kernel_size: Size of a window.
        stride: Step of the windows; their size where None.
        ceil_mode: Whether a last window may reach beyond the end. What it lacks is made
            up for: its sum is scaled to a whole window's.

    Returns:
        ``(N, C, L_out)``, or that without N. Where the sum is 0 the gradient is 0; a
        negative sum gives nan unless p is 1.

    Raises:
        RuntimeError: Shapes or options do not fit.
        TypeError: A size is not an integer.
        ZeroDivisionError: p is 0.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.lp_pool1d``, 2.13.0. T1 in float64; float32 within 1e-6
        relative but for the order of the sums; T3 in half precision.

    Example:
        >>> lp_pool1d([[3.0, 4.0]], 2, 2)
        Array([[5.]], dtype=float32)
    """
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(
    input: ArrayLike,
    norm_type: Number,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Float[Array, "..."]:
    """Returns ``(Σ xᵖ)^(1/p)`` of each window.

    Args:
        input: ``(N, C, H, W)``, or ``(C, H, W)`` without a batch; floating point.
        norm_type: The power p, or an infinity.
        kernel_size: Size of a window; an int or one for each dimension.
        stride: Step of the windows; their size where None.
        ceil_mode: Whether a last window may reach beyond the end, as in `lp_pool1d`.

    Returns:
        ``(N, C, H_out, W_out)``, or that without N.

    Raises:
        RuntimeError: Shapes or options do not fit.
        IndexError: The input has fewer than three dimensions.
        TypeError: A size is not an integer.
        ZeroDivisionError: p is 0.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.lp_pool2d``, 2.13.0, T1; as `lp_pool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> lp_pool2d(jnp.ones((1, 2, 2)), 2, 2)
        Array([[[2.]]], dtype=float32)
    """
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(
    input: ArrayLike,
    norm_type: Number,
    kernel_size: Size,
    stride: Size | None = None,
    ceil_mode: bool = False,
) -> Float[Array, "..."]:
    """Returns ``(Σ xᵖ)^(1/p)`` of each window.

    Args:
        input: ``(N, C, D, H, W)``, or ``(C, D, H, W)`` without a batch; floating point.
        norm_type: The power p, or an infinity.
        kernel_size: Size of a window; an int or one for each dimension.
        stride: Step of the windows; their size where None.
        ceil_mode: Whether a last window may reach beyond the end, as in `lp_pool1d`.

    Returns:
        ``(N, C, D_out, H_out, W_out)``, or that without N.

    Raises:
        RuntimeError: Shapes or options do not fit.
        TypeError: A size is not an integer.
        ZeroDivisionError: p is 0.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.lp_pool3d``, 2.13.0, T1; as `lp_pool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> lp_pool3d(jnp.ones((1, 2, 2, 1)), 2, (2, 2, 1))
        Array([[[[2.]]]], dtype=float32)
    """
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)


def _lp_pool(
    count: int,
    input: ArrayLike,
    norm_type: Number,
    kernel_size: Size,
    stride: Size | None,
    ceil_mode: bool,
) -> Float[Array, "..."]:
    """Returns the power means over `count` spatial dimensions."""
    average, largest = _POOLS[count]
    x = as_array(input, "input")
    check_floating(f"avg_pool{max(count, 2)}d", input, x.dtype)
    wide = widen(x)
    if math.isinf(norm_type):
        sign = math.copysign(1, norm_type)
        # The derivative of jnp.abs at 0 is 1, at nan nan; PyTorch's is 0.
        magnitudes = wide * jnp.where(wide > 0, 1.0, jnp.where(wide < 0, -1.0, 0.0))
        maxima = largest(sign * magnitudes, kernel_size, stride, ceil_mode=ceil_mode)
        return (sign * maxima).astype(x.dtype)
    power = int(norm_type) if norm_type == int(norm_type) else norm_type
    means = average(wide**power, kernel_size, stride, ceil_mode=ceil_mode)
    size = math.prod(option(f"avg_pool{count}d", "kernel_size", kernel_size, count))
    # The root's slope at 0 is infinite; PyTorch takes 0 for it.
    zero = means == 0
    roots = (jnp.where(zero, 1, means) * size) ** (1 / norm_type)
    return jnp.where(zero, 0, roots).astype(x.dtype)
