# SPDX-License-Identifier: Apache-2.0
"""The partial inverse of maximum pooling."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Num
from flaxnn.functional._checks import as_array, dtype_name, host_value
from flaxnn.functional._spatial import Size, per_dim, sizes


def max_unpool1d(
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Num[Array, "..."]:
    """Returns zeros with the maxima of `max_pool1d` at the positions they came from.

    Args:
        input: ``(N, C, L)``, or ``(C, L)`` without a batch.
        indices: Where each element goes, as `max_pool1d` returns it; the input's shape,
            integers.
        kernel_size: Size of a window that was pooled.
        stride: Step of the windows; their size where None.
        padding: How far the windows reached beyond both ends.
        output_size: ``(L_out,)`` or the whole shape, within one stride of the default
            ``(L - 1) stride - 2 padding + kernel_size``.

    Returns:
        ``(N, C, L_out)``, or that without N. Of elements with the same position, one
        stays.

    Raises:
        RuntimeError: Shapes do not fit, or an index lies outside the output; under a
            transformation such an index makes the output nan.
        ValueError: The output size is not one that pools to the input's.

    Torch:
        ``torch.nn.functional.max_unpool1d``, 2.13.0: exact. PyTorch takes int64 indices
        only, here all integers do.

    Example:
        >>> max_unpool1d([[3.0, 2.0]], [[1, 2]], 2)
        Array([[0., 3., 2., 0.]], dtype=float32)
    """
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Num[Array, "..."]:
    """Returns zeros with the maxima of `max_pool2d` at the positions they came from.

    Args:
        input: ``(N, C, H, W)``, or ``(C, H, W)`` without a batch.
        indices: Where each element goes, the input's shape, as
            `max_pool2d` returns it.
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: How far the windows reached beyond both ends.
        output_size: ``(H_out, W_out)`` or the whole shape, as in `max_unpool1d`.

    Returns:
        ``(N, C, H_out, W_out)``, or that without N.

    Raises:
        RuntimeError: Shapes do not fit, or an index lies outside the output; under a
            transformation such an index makes the output nan.
        ValueError: The output size is not one that pools to the input's.

    Torch:
        ``torch.nn.functional.max_unpool2d``, 2.13.0, T0; as `max_unpool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> max_unpool2d(jnp.full((1, 1, 1), 5.0), jnp.full((1, 1, 1), 2), 2)
        Array([[[0., 0.],
                [5., 0.]]], dtype=float32)
    """
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Num[Array, "..."]:
    """Returns zeros with the maxima of `max_pool3d` at the positions they came from.

    Args:
        input: ``(N, C, D, H, W)``, or ``(C, D, H, W)`` without a batch.
        indices: Where each element goes, the input's shape, as
            `max_pool3d` returns it.
        kernel_size: Size of a window; each option is an int or one for each dimension.
        stride: Step of the windows; their size where None.
        padding: How far the windows reached beyond both ends.
        output_size: ``(D_out, H_out, W_out)`` or the whole shape, as in `max_unpool1d`.

    Returns:
        ``(N, C, D_out, H_out, W_out)``, or that without N.

    Raises:
        RuntimeError: Shapes do not fit, or an index lies outside the output; under a
            transformation such an index makes the output nan.
        ValueError: The output size is not one that pools to the input's.

    Torch:
        ``torch.nn.functional.max_unpool3d``, 2.13.0, T0; as `max_unpool1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> max_unpool3d(jnp.ones((1, 1, 1, 1)), jnp.zeros((1, 1, 1, 1), int), 2).shape
        (1, 2, 2, 2)
    """
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)


def _max_unpool(
    count: int,
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    output_size: Sequence[int] | None,
) -> Num[Array, "..."]:
    """Returns the unpooled array over `count` spatial dimensions."""
    op = f"max_unpool{count}d"
    x, where = as_array(input, "input"), as_array(indices, "indices")
    if x.ndim not in (count + 1, count + 2):
        raise RuntimeError(
            f"Input to max_unpooling{count}d should be a {count + 1}d or {count + 2}d "
            f"Tensor, but got a tensor with {x.ndim} dimensions."
        )
    if not jnp.issubdtype(where.dtype, jnp.integer):
        raise RuntimeError(
            "elements in indices should be type int64 but got: "
            f"{dtype_name(indices)}: pass what return_indices=True returns"
        )
    if where.shape != x.shape:
        raise RuntimeError(
            "Expected shape of indices to be same as that of the input tensor "
            f"({sizes(x.shape)}) but got indices tensor with shape: "
            f"{sizes(where.shape)}"
        )
    spatial = _output_size(
        x.shape[-count:],
        _each(op, "kernel_size", kernel_size, count),
        _each(op, "stride", kernel_size if stride is None else stride, count),
        _each(op, "padding", padding, count),
        output_size,
    )
    size = math.prod(spatial)
    host = host_value(indices)
    if host is not None and host.size and not 0 <= host.min() <= host.max() < size:
        wrong = host.min() if host.min() < 0 else host.max()
        shown = "x".join(map(str, spatial))
        raise RuntimeError(
            f"Found an invalid max index: {wrong} (output volumes are of size {shown})"
        )
    outer = x.shape[:-count]
    rows = x.reshape(math.prod(outer), math.prod(x.shape[-count:]))
    positions = where.reshape(rows.shape)
    row = jnp.arange(len(rows))[:, None]
    filled = jnp.zeros((len(rows), size), x.dtype).at[row, positions].set(rows)
    if host is None and jnp.issubdtype(x.dtype, jnp.floating):
        outside = jnp.any((positions < 0) | (positions >= size))
        filled = jnp.where(outside, jnp.nan, filled)
    return filled.reshape(*outer, *spatial)


def _each(op: str, name: str, value: Size, count: int) -> tuple[int, ...]:
    numbers = per_dim(op, name, value, count)
    if numbers is None:
        raise RuntimeError(
            f"{op}: {name} must be a single int or {count} ints, got {value}"
        )
    return numbers


def _output_size(
    pooled: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    padding: tuple[int, ...],
    asked: Sequence[int] | None,
) -> tuple[int, ...]:
    """Returns the spatial sizes of the output, the default ones unless others fit."""
    rows = zip(pooled, stride, kernel, padding, strict=True)
    default = tuple((n - 1) * s + k - 2 * p for n, s, k, p in rows)
    count = len(default)
    if asked is None:
        chosen = default
    elif len(asked) in (count, count + 2):
        chosen = tuple(asked[-count:])
        for dim, (n, usual, step) in enumerate(
            zip(chosen, default, stride, strict=True)
        ):
            if not usual - step < n < usual + step:
                raise ValueError(
                    f'invalid output_size "{chosen}" (dim {dim} must be between '
                    f"{usual - step} and {usual + step})"
                )
    else:
        raise ValueError(
            f"output_size should be a sequence containing {count} or {count + 2} "
            f"elements, but it has a length of '{len(asked)}'"
        )
    for dim, n in enumerate(chosen):
        if n < 0:
            raise ValueError(
                "max_unpooling: output_size must contain non-negative spatial "
                f"dimensions, but got output_size[{dim}]={n}"
            )
    return chosen
