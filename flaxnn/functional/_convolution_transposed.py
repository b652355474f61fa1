# SPDX-License-Identifier: Apache-2.0
"""PyTorch's transposed convolutions, weight (I, O / groups, …)."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from flaxnn._typing import Array, ArrayLike, Num
from flaxnn.functional._convolution_checks import (
    add_bias,
    check_not_empty,
    check_operands,
    check_output_padding,
    expand,
)
from flaxnn.functional._convolve import convolve_transposed
from flaxnn.functional._spatial import Size, batched, sizes, times


def conv_transpose1d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
    *,
    precision: lax.PrecisionLike = lax.Precision.HIGHEST,
) -> Num[Array, "..."]:
    """Returns the gradient of `conv1d` by its input, as an operation of its own.

    Args:
        input: ``(N, C_in, L)``, or ``(C_in, L)`` without a batch.
        weight: ``(C_in, C_out / groups, kernel)``; the input's dtype.
        bias: ``(C_out,)``; the input's dtype.
        stride: Step of the windows in the output.
        padding: What is cut off both ends of the output.
        output_padding: What is added at the output's end; less than the stride or the
            dilation.
        groups: How many groups of channels are convolved apart.
        dilation: Step between the elements of a window.
        precision: Of the products; see `flaxnn.functional.linear`.

    Returns:
        ``(N, C_out, L_out)``, or ``(C_out, L_out)`` without a batch; L_out is
        ``(L - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1``.

    Raises:
        RuntimeError: Shapes, dtypes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: Bools.

    Torch:
        ``torch.nn.functional.conv_transpose1d``, 2.13.0. T1 in float64; in float32 the
        sums differ in their order, which is T2's noise; T3 in half precision. An
        infinity or nan can make nan of elements beside those it reaches in PyTorch.

    Example:
        >>> conv_transpose1d([[1.0, 2.0]], [[[1.0, 1.0]]], stride=2)
        Array([[1., 1., 2., 2.]], dtype=float32)
    """
    return _conv_transpose(
        1,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
        precision=precision,
    )


def conv_transpose2d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
    *,
    precision: lax.PrecisionLike = lax.Precision.HIGHEST,
) -> Num[Array, "..."]:
    """Returns the gradient of `conv2d` by its input, as an operation of its own.

    Args:
        input: ``(N, C_in, H, W)``, or ``(C_in, H, W)`` without a batch.
        weight: ``(C_in, C_out / groups, kernel_H, kernel_W)``; the input's dtype.
        bias: ``(C_out,)``; the input's dtype.
        stride: Step of the windows; each option is an int or one for each dimension.
        padding: What is cut off both ends of the output.
        output_padding: What is added at the output's end.
        groups: How many groups of channels are convolved apart.
        dilation: Step between the elements of a window.
        precision: Of the products; see `flaxnn.functional.linear`.

    Returns:
        ``(N, C_out, H_out, W_out)``, or that without N; sizes as in
        `conv_transpose1d`.

    Raises:
        RuntimeError: Shapes, dtypes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: Bools.

    Torch:
        ``torch.nn.functional.conv_transpose2d``, 2.13.0, T1; the rest as in
        `conv_transpose1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> y = conv_transpose2d(jnp.ones((1, 2, 2)), jnp.ones((1, 3, 2, 2)), stride=2)
        >>> y.shape
        (3, 4, 4)
    """
    return _conv_transpose(
        2,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
        precision=precision,
    )


def conv_transpose3d(
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
    *,
    precision: lax.PrecisionLike = lax.Precision.HIGHEST,
) -> Num[Array, "..."]:
    """Returns the gradient of `conv3d` by its input, as an operation of its own.

    Args:
        input: ``(N, C_in, D, H, W)``, or ``(C_in, D, H, W)`` without a batch.
        weight: ``(C_in, C_out / groups, kernel_D, kernel_H, kernel_W)``; the input's
            dtype.
        bias: ``(C_out,)``; the input's dtype.
        stride: Step of the windows; each option is an int or one for each dimension.
        padding: What is cut off both ends of the output.
        output_padding: What is added at the output's end.
        groups: How many groups of channels are convolved apart.
        dilation: Step between the elements of a window.
        precision: Of the products; see `flaxnn.functional.linear`.

    Returns:
        ``(N, C_out, D_out, H_out, W_out)``, or that without N; sizes as in
        `conv_transpose1d`.

    Raises:
        RuntimeError: Shapes, dtypes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: Bools.

    Torch:
        ``torch.nn.functional.conv_transpose3d``, 2.13.0, T1; the rest as in
        `conv_transpose1d`.

    Example:
        >>> import jax.numpy as jnp
        >>> conv_transpose3d(jnp.ones((1, 2, 2, 2)), jnp.ones((1, 3, 2, 2, 2))).shape
        (3, 3, 3, 3)
    """
    return _conv_transpose(
        3,
        input,
        weight,
        bias,
        stride,
        padding,
        output_padding,
        groups,
        dilation,
        precision=precision,
    )


def _conv_transpose(
    count: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    stride: Size,
    padding: Size,
    output_padding: Size,
    groups: int,
    dilation: Size,
    *,
    precision: lax.PrecisionLike,
) -> Num[Array, "..."]:
    """Returns the transposed convolution over `count` spatial dimensions."""
    op = f"conv_transpose{count}d"
    x, w, b = check_operands(op, count, input, weight, bias, groups, transposed=True)
    step = expand(op, "stride", stride, count)
    cut = expand(op, "padding", padding, count)
    extra = expand(op, "output_padding", output_padding, count)
    spread = expand(op, "dilation", dilation, count)
    check_output_padding(extra, step, spread)
    check_not_empty(x.shape[-count:])
    if w.shape[1] == 0:
        raise RuntimeError(
            f"non-empty weight tensor expected, but got: {sizes(w.shape)}"
        )
    x, added = batched(x, count)
    rows = zip(x.shape[2:], step, cut, spread, w.shape[2:], extra, strict=True)
    lengths = tuple(
        (n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, s, p, d, k, e in rows
    )
    if min(lengths) < 1:
        raise RuntimeError(
            f"Given input size per channel: {times(x.shape[2:])}. Calculated output "
            f"size per channel: {times(lengths)}. Output size is too small: lessen the "
            f"padding {cut}"
        )
    y = convolve_transposed(x, w, step, spread, groups, precision)
    # Cuts in front are negative padding; behind, output padding may reach further.
    edges = zip(cut, lengths, y.shape[2:], strict=True)
    config = [(0, 0, 0), (0, 0, 0), *((-p, p + n - m, 0) for p, n, m in edges)]
    y = add_bias(lax.pad(y, jnp.zeros((), y.dtype), config), b)
    return y[0] if added else y
