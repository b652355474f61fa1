# SPDX-License-Identifier: Apache-2.0
"""Columns of sliding blocks from images, and images from them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import lax

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array, check_floating, widen
from flaxnn.functional._spatial import Size, per_dim, sizes

Options = tuple[tuple[int, ...], ...]


def unfold(
    input: ArrayLike,
    kernel_size: Size,
    dilation: Size = 1,
    padding: Size = 0,
    stride: Size = 1,
) -> Float[Array, "..."]:
    """Returns every sliding block of an image as a column.

    Args:
        input: ``(N, C, H, W)``, or ``(C, H, W)`` without a batch; floating point.
        kernel_size: Size of a block; each option is an int or one for each dimension.
        dilation: Step between the elements of a block.
        padding: Zeros on all sides.
        stride: Step of the blocks.

    Returns:
        ``(N, C kernel_H kernel_W, blocks)``, or that without N; blocks in the order of
        the rows.

    Raises:
        RuntimeError: Shapes or options do not fit.
        IndexError: The input has fewer than three dimensions.
        TypeError: An option is not made of integers.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.unfold``, 2.13.0: exact; gradients are sums, T1 in
        float64.

    Example:
        >>> import jax.numpy as jnp
        >>> unfold(jnp.arange(6.0).reshape(1, 2, 3), 2)
        Array([[0., 1.],
               [1., 2.],
               [3., 4.],
               [4., 5.]], dtype=float32)
    """
    x = as_array(input, "input")
    options = _options("unfold", kernel_size, dilation, padding, stride)
    if x.ndim < 3:
        raise IndexError(
            f"Dimension out of range: unfold expects 3 or 4 dimensions, got {x.ndim}"
        )
    if x.ndim > 4 or 0 in x.shape[-3:]:
        raise RuntimeError(
            "Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and "
            "other non-zero dimensions for input, but got: "
            f"{sizes(x.shape)}"
        )
    check_floating("im2col_out_cpu", input, x.dtype)
    counts = _blocks(x.shape[-2:], options)
    if min(counts) < 1:
        kernel, dilations, paddings, _ = options
        raise RuntimeError(
            f"Given input with spatial size {x.shape[-2:]}, kernel_size={kernel}, "
            f"dilation={dilations}, padding={paddings}, calculated shape of the array "
            f"of sliding blocks as {counts}, but its components must be at least one."
        )
    batch = x.reshape(math.prod(x.shape[:-3]), *x.shape[-3:])
    columns = _columns(batch, options)
    return columns.reshape(*x.shape[:-3], *columns.shape[1:])


def fold(
    input: ArrayLike,
    output_size: Size,
    kernel_size: Size,
    dilation: Size = 1,
    padding: Size = 0,
    stride: Size = 1,
) -> Float[Array, "..."]:
    """Returns the image to which blocks sum up, the transpose of `unfold`.

    Args:
        input: ``(N, C kernel_H kernel_W, blocks)``, or that without N; floating point.
        output_size: ``(H, W)`` or one number for both.
        kernel_size: Size of a block; each option is an int or one for each dimension.
        dilation: Step between the elements of a block.
        padding: What is cut off on all sides.
        stride: Step of the blocks.

    Returns:
        ``(N, C, H, W)``, or that without N.

    Raises:
        RuntimeError: Shapes or options do not fit.
        TypeError: An option is not made of integers.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.fold``, 2.13.0. T1 in float64; float32 sums may differ in
        their order; T3 in half precision.

    Example:
        >>> import jax.numpy as jnp
        >>> fold(jnp.ones((4, 2)), (2, 3), 2)
        Array([[[1., 2., 1.],
                [1., 2., 1.]]], dtype=float32)
    """
    x = as_array(input, "input")
    spatial = _pair("fold", "output_size", output_size)
    options = _options("fold", kernel_size, dilation, padding, stride)
    if x.ndim not in (2, 3) or 0 in x.shape[-2:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch "
            f"size and non-zero dimensions for input, but got: {sizes(x.shape)}"
        )
    check_floating("col2im_out_cpu", input, x.dtype)
    kernel = options[0]
    dim = x.ndim - 2
    if x.shape[-2] % math.prod(kernel):
        raise RuntimeError(
            f"Expected size of input's dimension {dim} to be divisible by the product "
            f"of kernel_size, but got input.size({dim})={x.shape[-2]} and "
            f"kernel_size={kernel}."
        )
    counts = _blocks(spatial, options)
    if x.shape[-1] != math.prod(counts) or min(counts) < 1:
        raise RuntimeError(
            f"Given output_size={spatial}, kernel_size={kernel}, dilation={options[1]},"
            f" padding={options[2]}, stride={options[3]}, expected size of input's "
            f"dimension {dim + 1} to match the calculated number of sliding blocks "
            f"{counts[0]} * {counts[1]} = {math.prod(counts)}, but got "
            f"input.size({dim + 1})={x.shape[-1]}."
        )
    columns = widen(x).reshape(math.prod(x.shape[:-2]), *x.shape[-2:])
    image = (len(columns), x.shape[-2] // math.prod(kernel), *spatial)
    shape = jax.ShapeDtypeStruct(image, columns.dtype)
    (summed,) = jax.linear_transpose(lambda y: _columns(y, options), shape)(columns)
    return summed.astype(x.dtype).reshape(*x.shape[:-2], *image[1:])


def _columns(
    x: Float[Array, "N C H W"], options: Options
) -> Float[Array, "N CK blocks"]:
    """Returns the blocks: for each place in a block, a strided slice of the image."""
    kernel, dilation, padding, stride = options
    counts = _blocks(x.shape[2:], options)
    padded = jnp.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    places = [
        lax.slice(
            padded,
            (0, 0, *start),
            (
                *x.shape[:2],
                *(
                    a + (n - 1) * s + 1
                    for a, n, s in zip(start, counts, stride, strict=True)
                ),
            ),
            (1, 1, *stride),
        )
        for i in range(kernel[0])
        for j in range(kernel[1])
        for start in [(i * dilation[0], j * dilation[1])]
    ]
    return jnp.stack(places, axis=2).reshape(
        len(x), x.shape[1] * len(places), math.prod(counts)
    )


def _blocks(spatial: Sequence[int], options: Options) -> tuple[int, ...]:
    """Returns how many blocks there are along each dimension."""
    rows = zip(spatial, *options, strict=True)
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, d, p, s in rows)


def _options(
    op: str, kernel_size: Size, dilation: Size, padding: Size, stride: Size
) -> Options:
    """Returns kernel, dilation, padding and stride as pairs, checked."""
    named = {
        "kernel_size": kernel_size,
        "dilation": dilation,
        "padding": padding,
        "stride": stride,
    }
    pairs = {name: _pair(op, name, value) for name, value in named.items()}
    for name, pair in pairs.items():
        if min(pair) < (name != "padding"):
            rule = "non-negative" if name == "padding" else "greater than zero"
            word = name.replace("_", " ")
            raise RuntimeError(f"{word} should be {rule}, but got {pair}")
    return tuple(pairs.values())


def _pair(op: str, name: str, value: Size) -> tuple[int, ...]:
    got = len(value) if isinstance(value, Sequence) else 2
    pair = per_dim(op, name, value, 2)
    if pair is None or got != 2:
        raise RuntimeError(f"It is expected {name} equals to 2, but got size {got}")
    return pair
