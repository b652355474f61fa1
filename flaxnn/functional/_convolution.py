# SPDX-License-Identifier: Apache-2.0
"""PyTorch's convolutions, input (N, C, …) and weight (O, I / groups, …)."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from flaxnn._typing import Array, ArrayLike, Num
from flaxnn.functional._convolution_checks import (
    add_bias,
    check_kernel_fits,
    check_operands,
    expand,
)
from flaxnn.functional._convolve import convolve
from flaxnn.functional._spatial import Size, batched


def conv1d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Size = 1,
    padding: str | Size = 0,
    dilation: Size = 1,
    groups: int = 1,
    *,
    precision: lax.PrecisionLike = lax.Precision.HIGHEST,
) -> Num[Array, "..."]:
    """Returns the one-dimensional cross-correlation of the input with the weight.

    Args:
        input: ``(N, C_in, L)``, or ``(C_in, L)`` without a batch.
        weight: ``(C_out, C_in / groups, kernel)``; the input's dtype.
        bias: ``(C_out,)``; the input's dtype.
        stride: Step of the windows.
        padding: Zeros on both sides; ``"valid"`` for none, ``"same"`` for as many as
            keep the size, an odd one at the end.
        dilation: Step between the elements of a window.
        groups: How many groups of channels are convolved apart.
        precision: Of the products; see `flaxnn.functional.linear`.

    Returns:
        ``(N, C_out, L_out)``, or ``(C_out, L_out)`` without a batch.

    Raises:
        RuntimeError: Shapes, dtypes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: Bools.

    Torch:
        ``torch.nn.functional.conv1d``, 2.13.0. T1 in float64; in float32 the sums
        differ in their order, which is T2's noise; T3 in half precision. With several
        groups on CPU, an infinity or nan in one group can make nan in others. PyTorch
        gives no output channels where there are no input channels; here they hold the
        bias.

    Example:
        >>> conv1d([[1.0, 2.0, 3.0]], [[[1.0, -1.0]]])
        Array([[-1., -1.]], dtype=float32)
    """
    return _conv(
        1, input, weight, bias, stride, padding, dilation, groups, precision=precision
    )


def conv2d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Size = 1,
    padding: str | Size = 0,
    dilation: Size = 1,
    groups: int = 1,
    *,
    precision: lax.PrecisionLike = lax.Precision.HIGHEST,
) -> Num[Array, "..."]:
    """Returns the two-dimensional cross-correlation of the input with the weight.

    Args:
        input: ``(N, C_in, H, W)``, or ``(C_in, H, W)`` without a batch.
        weight: ``(C_out, C_in / groups, kernel_H, kernel_W)``; the input's dtype.
        bias: ``(C_out,)``; the input's dtype.
        stride: Step of the windows; each option is an int or one for each dimension.
        padding: Zeros on both sides, or ``"valid"`` or ``"same"``, as in `conv1d`.
        dilation: Step between the elements of a window.
        groups: How many groups of channels are convolved apart.
        precision: Of the products; see `flaxnn.functional.linear`.

    Returns:
        ``(N, C_out, H_out, W_out)``, or that without N.

    Raises:
        RuntimeError: Shapes, dtypes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: Bools.

    Torch:
        ``torch.nn.functional.conv2d``, 2.13.0, T1; the rest as in `conv1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> conv2d(jnp.ones((1, 1, 2, 2)), jnp.ones((1, 1, 3, 3)), padding=1)
        Array([[[[4., 4.],
                 [4., 4.]]]], dtype=float32)
    """
    return _conv(
        2, input, weight, bias, stride, padding, dilation, groups, precision=precision
    )


def conv3d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Size = 1,
    padding: str | Size = 0,
    dilation: Size = 1,
    groups: int = 1,
    *,
    precision: lax.PrecisionLike = lax.Precision.HIGHEST,
) -> Num[Array, "..."]:
    """Returns the three-dimensional cross-correlation of the input with the weight.

    Args:
        input: ``(N, C_in, D, H, W)``, or ``(C_in, D, H, W)`` without a batch.
        weight: ``(C_out, C_in / groups, kernel_D, kernel_H, kernel_W)``; the input's
            dtype.
        bias: ``(C_out,)``; the input's dtype.
        stride: Step of the windows; each option is an int or one for each dimension.
        padding: Zeros on both sides, or ``"valid"`` or ``"same"``, as in `conv1d`.
        dilation: Step between the elements of a window.
        groups: How many groups of channels are convolved apart.
        precision: Of the products; see `flaxnn.functional.linear`.

    Returns:
        ``(N, C_out, D_out, H_out, W_out)``, or that without N.

    Raises:
        RuntimeError: Shapes, dtypes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: Bools.

    Torch:
        ``torch.nn.functional.conv3d``, 2.13.0, T1; the rest as in `conv1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> conv3d(jnp.ones((1, 2, 2, 2)), jnp.ones((1, 1, 2, 2, 2)))
        Array([[[[8.]]]], dtype=float32)
    """
    return _conv(
        3, input, weight, bias, stride, padding, dilation, groups, precision=precision
    )


def _conv(
    count: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Size,
    padding: str | Size,
    dilation: Size,
    groups: int,
    *,
    precision: lax.PrecisionLike,
) -> Num[Array, "..."]:
    """Returns the convolution over `count` spatial dimensions."""
    op = f"conv{count}d"
    x, w, b = check_operands(op, count, input, weight, bias, groups, transposed=False)
    step = expand(op, "stride", stride, count)
    spread = expand(op, "dilation", dilation, count)
    reach = tuple(d * (k - 1) for d, k in zip(spread, w.shape[2:], strict=True))
    around = _padding(op, padding, count, step, reach)
    check_kernel_fits(x.shape[-count:], around, reach)
    x, added = batched(x, count)
    y = convolve(
        jnp.pad(x, [(0, 0), (0, 0), *around]), w, step, spread, groups, precision
    )
    y = add_bias(y, b)
    return y[0] if added else y


def _padding(
    op: str,
    padding: str | Size,
    count: int,
    stride: tuple[int, ...],
    reach: tuple[int, ...],
) -> list[tuple[int, int]]:
    """Returns how many zeros stand in front of and behind each dimension."""
    if not isinstance(padding, str):
        return [(p, p) for p in expand(op, "padding", padding, count)]
    if padding == "valid":
        return [(0, 0)] * count
    if padding != "same":
        raise RuntimeError(
            f"Invalid padding string: {padding!r}: expected 'same', 'valid' or integers"
        )
    if set(stride) != {1}:
        raise RuntimeError(
            f"padding='same' is not supported for strided convolutions: got stride "
            f"{stride}; give the padding as integers"
        )
    return [(r // 2, r - r // 2) for r in reach]
