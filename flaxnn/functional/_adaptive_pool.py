# SPDX-License-Identifier: Apache-2.0
"""Pooling to a given size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flaxnn._typing import Array, ArrayLike, Float, Shaped
from flaxnn.functional._avg_pool import products, window_sums
from flaxnn.functional._checks import as_array, check_floating, widen
from flaxnn.functional._max_pool import Pooled, pooled
from flaxnn.functional._pool_checks import check_input
from flaxnn.functional._spatial import (
    OptionalSize,
    Size,
    batched,
    per_dim,
    sizes,
)
from flaxnn.functional._windows import Windows, adaptive


def adaptive_avg_pool1d(input: ArrayLike, output_size: Size) -> Float[Array, "..."]:
    """Returns the means of `output_size` windows that cover the input evenly.

    Window k of m over n elements runs from ``⌊k n / m⌋`` to ``⌈(k + 1) n / m⌉``.

    Args:
        input: ``(N, C, L)``, or ``(C, L)`` without a batch; floating point.
        output_size: L_out.

    Returns:
        ``(N, C, L_out)``, or that without N.

    Raises:
        RuntimeError: Shapes do not fit.
        TypeError: The size is not an integer.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.adaptive_avg_pool1d``, 2.13.0. T1 in float64; float32 sums
        may differ in their order; T3 in half precision.

    Example:
        >>> adaptive_avg_pool1d([[1.0, 2.0, 3.0]], 2)
        Array([[1.5, 2.5]], dtype=float32)
    """
    return _adaptive_avg(1, input, output_size)


def adaptive_avg_pool2d(
    input: ArrayLike, output_size: OptionalSize
) -> Float[Array, "..."]:
    """Returns the means of windows that cover the input evenly.

    Args:
        input: ``(N, C, H, W)``, or ``(C, H, W)`` without a batch; floating point.
        output_size: ``(H_out, W_out)`` or one number for both; None keeps the input's.

    Returns:
        ``(N, C, H_out, W_out)``, or that without N.

    Raises:
        RuntimeError: Shapes do not fit.
        TypeError: The sizes are not integers.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.adaptive_avg_pool2d``, 2.13.0, T1; as
        `adaptive_avg_pool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> adaptive_avg_pool2d(jnp.arange(6.0).reshape(1, 2, 3), (1, None))
        Array([[[1.5, 2.5, 3.5]]], dtype=float32)
    """
    return _adaptive_avg(2, input, output_size)


def adaptive_avg_pool3d(
    input: ArrayLike, output_size: OptionalSize
) -> Float[Array, "..."]:
    """Returns the means of windows that cover the input evenly.

    Args:
        input: ``(N, C, D, H, W)``, or ``(C, D, H, W)`` without a batch; floating point.
        output_size: ``(D_out, H_out, W_out)`` or one number for all; None keeps the
            input's.

    Returns:
        ``(N, C, D_out, H_out, W_out)``, or that without N.

    Raises:
        RuntimeError: Shapes do not fit.
        TypeError: The sizes are not integers.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.adaptive_avg_pool3d``, 2.13.0, T1; as
        `adaptive_avg_pool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> adaptive_avg_pool3d(jnp.arange(8.0).reshape(1, 2, 2, 2), 1)
        Array([[[[3.5]]]], dtype=float32)
    """
    return _adaptive_avg(3, input, output_size)


def adaptive_max_pool1d(
    input: ArrayLike, output_size: Size, return_indices: bool = False
) -> Pooled:
    """Returns the maxima of `output_size` windows that cover the input evenly.

    Args:
        input: ``(N, C, L)``, or ``(C, L)`` without a batch; floating point.
        output_size: L_out; the windows are those of `adaptive_avg_pool1d`.
        return_indices: Whether to return where the maxima are, too.

    Returns:
        ``(N, C, L_out)``, or that without N; indices as in `max_pool1d`.

    Raises:
        RuntimeError: Shapes do not fit.
        TypeError: The size is not an integer.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.adaptive_max_pool1d``, 2.13.0: exact values and indices;
        gradients as in `max_pool1d`.

    Example:
        >>> adaptive_max_pool1d([[3.0, 1.0, 2.0]], 2)
        Array([[3., 2.]], dtype=float32)
    """
    return _adaptive_max(1, input, output_size, return_indices)


def adaptive_max_pool2d(
    input: ArrayLike, output_size: OptionalSize, return_indices: bool = False
) -> Pooled:
    """Returns the maxima of windows that cover the input evenly.

    Args:
        input: ``(N, C, H, W)``, or ``(C, H, W)`` without a batch; floating point.
        output_size: ``(H_out, W_out)`` or one number for both; None keeps the input's.
        return_indices: Whether to return where the maxima are, too.

    Returns:
        ``(N, C, H_out, W_out)``, or that without N; indices as in `max_pool2d`.

    Raises:
        RuntimeError: Shapes do not fit.
        TypeError: The sizes are not integers.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.adaptive_max_pool2d``, 2.13.0, T0; as
        `adaptive_max_pool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> adaptive_max_pool2d(jnp.arange(6.0).reshape(1, 2, 3), (1, 2))
        Array([[[4., 5.]]], dtype=float32)
    """
    return _adaptive_max(2, input, output_size, return_indices)


def adaptive_max_pool3d(
    input: ArrayLike, output_size: OptionalSize, return_indices: bool = False
) -> Pooled:
    """Returns the maxima of windows that cover the input evenly.

    Args:
        input: ``(N, C, D, H, W)``, or ``(C, D, H, W)`` without a batch; floating point.
        output_size: ``(D_out, H_out, W_out)`` or one number for all; None keeps the
            input's.
        return_indices: Whether to return where the maxima are, too.

    Returns:
        ``(N, C, D_out, H_out, W_out)``, or that without N; indices as in `max_pool3d`.

    Raises:
        RuntimeError: Shapes do not fit.
        TypeError: The sizes are not integers.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.adaptive_max_pool3d``, 2.13.0, T0; as
        `adaptive_max_pool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> adaptive_max_pool3d(jnp.arange(8.0).reshape(1, 2, 2, 2), 1)
        Array([[[[7.]]]], dtype=float32)
    """
    return _adaptive_max(3, input, output_size, return_indices)


def _adaptive_avg(
    count: int, input: ArrayLike, output_size: OptionalSize
) -> Float[Array, "..."]:
    """Returns the means over `count` spatial dimensions."""
    op = f"adaptive_avg_pool{count}d"
    x, windows, added = _prepared(op, count, input, output_size)
    sums = window_sums(widen(x), windows)
    counts = tuple(np.array(along.lengths) for along in windows)
    means = (sums / products(counts, sums.dtype)).astype(x.dtype)
    return means[0] if added else means


def _adaptive_max(
    count: int, input: ArrayLike, output_size: OptionalSize, return_indices: bool
) -> Pooled:
    """Returns the maxima over `count` spatial dimensions, with indices if asked for."""
    op = f"adaptive_max_pool{count}d"
    x, windows, added = _prepared(op, count, input, output_size)
    return pooled(x, windows, added, return_indices)


def _prepared(
    op: str, count: int, input: ArrayLike, output_size: OptionalSize
) -> tuple[Shaped[Array, "N C *sizes"], tuple[Windows, ...], bool]:
    """Returns the batch, the windows, and whether the batch dimension was added."""
    x = as_array(input, "input")
    check_input(op, x, count, channels="max" in op)
    counts = _output_size(op, output_size, x.shape[-count:])
    kernel = op.replace("1d", "2d") if count == 1 else op
    check_floating(f"{kernel}_cpu" if count == 3 else kernel, input, x.dtype)
    x, added = batched(x, count)
    windows = tuple(map(adaptive, x.shape[2:], counts))
    return x, windows, added


def _output_size(
    op: str, value: OptionalSize, spatial: tuple[int, ...]
) -> tuple[int, ...]:
    """Returns the sizes asked for, the input's own where one is None."""
    count = len(spatial)
    if count > 1 and isinstance(value, Sequence):
        if len(value) != count:
            raise RuntimeError(
                f"{op}: output_size must be {count} numbers, but got {value}"
            )
        value = [own if n is None else n for n, own in zip(value, spatial, strict=True)]
    numbers = per_dim(op, "output_size", value, count)
    if numbers is None:
        got = len(value) if isinstance(value, Sequence) else 1
        raise RuntimeError(
            f"{op}() argument 'output_size' should contain one int (got {got})"
        )
    if min(numbers) < 0:
        raise RuntimeError(
            f"{op}: elements of output_size must be greater than or equal to 0 but "
            f"received {sizes(numbers)}; a tensor cannot have a negative dimension"
        )
    return numbers
