# SPDX-License-Identifier: Apache-2.0
"""What all convolutions check about their arguments, in PyTorch's words."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Num, Shaped
from flaxnn.functional._checks import as_array, dtype_name
from flaxnn.functional._spatial import Size, per_dim, sizes, times

Operands = tuple[
    Shaped[Array, "..."], Shaped[Array, "..."], Shaped[Array, "channels"] | None
]


def expand(op: str, name: str, value: Size, count: int) -> tuple:
    """Returns an option for each dimension, its sign checked."""
    numbers = per_dim(op, name, value, count)
    if numbers is None:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {count} values "
            f"to match the convolution dimensions, but got {name}="
            f"{sizes(value if isinstance(value, Sequence) else (value,))}"
        )
    if name == "stride" and min(numbers) < 1:
        raise RuntimeError(f"non-positive stride is not supported: got {numbers}")
    if name == "dilation" and min(numbers) < 1:
        raise RuntimeError(
            f"dilation should be greater than zero, but got {sizes(numbers)}"
        )
    if min(numbers) < 0:
        raise RuntimeError(f"negative {name} is not supported: got {numbers}")
    return numbers


def check_operands(
    op: str,
    count: int,
    input: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike | None,
    groups: int,
    *,
    transposed: bool,
) -> Operands:
    """Returns input, weight and bias as arrays whose shapes and dtypes fit."""
    x, w = as_array(input, "input"), as_array(weight, "weight")
    b = None if bias is None else as_array(bias, "bias")
    if x.ndim not in (count + 1, count + 2):
        raise RuntimeError(
            f"Expected {count + 1}D (unbatched) or {count + 2}D (batched) input to "
            f"{op}, but got input of size: {sizes(x.shape)}"
        )
    _check_weight(op, count, w, groups)
    channels = w.shape[0] if transposed else w.shape[1] * groups
    kind = "transposed=1" if transposed else f"groups={groups}"
    found = x.shape[-count - 1]
    if found != channels:
        shown = x.shape if x.ndim == count + 2 else (1, *x.shape)
        raise RuntimeError(
            f"Given {kind}, weight of size {sizes(w.shape)}, expected input"
            f"{sizes(shown)} to have {channels} channels, but got {found} channels "
            "instead"
        )
    outputs = w.shape[1] * groups if transposed else w.shape[0]
    if b is not None and b.shape != (outputs,):
        of = f"Given {kind}, weight" if transposed else "Given weight"
        raise RuntimeError(
            f"{of} of size {sizes(w.shape)}, expected bias to be 1-dimensional with "
            f"{outputs} elements, but got bias of size {sizes(b.shape)} instead"
        )
    _check_dtypes(count, (input, x), (weight, w), (bias, b))
    return x, w, b


def _check_weight(op: str, count: int, w: Shaped[Array, "..."], groups: int) -> None:
    """Raises where the weight's own shape is wrong."""
    if groups < 1:
        raise RuntimeError(f"non-positive groups is not supported: got {groups}")
    if w.ndim < 3:
        raise RuntimeError(
            f"weight should have at least three dimensions: {op} expects {count + 2}, "
            f"got {sizes(w.shape)}"
        )
    if w.ndim != count + 2:
        raise RuntimeError(
            f"expected stride to be a single integer value or a list of {w.ndim - 2} "
            f"values to match the convolution dimensions: {op} has {count}, its weight "
            f"{count + 2} dimensions, but got a weight of size {sizes(w.shape)}"
        )
    if min(w.shape[2:]) < 1:
        raise RuntimeError(
            f"kernel size should be greater than zero, but got {times(w.shape[2:])}"
        )
    if w.shape[0] < groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at "
            f"dimension 0, but got weight of size {sizes(w.shape)} instead"
        )
    if w.shape[0] % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be divisible by {groups} at "
            f"dimension 0, but got weight of size [{sizes(w.shape)}] instead"
        )


def _check_dtypes(
    count: int,
    input: tuple[ArrayLike, Array],
    weight: tuple[ArrayLike, Array],
    bias: tuple[ArrayLike | None, Array | None],
) -> None:
    """Raises unless all are of one dtype that can be multiplied."""
    x, w, b = input[1], weight[1], bias[1]
    if x.dtype != w.dtype:
        raise RuntimeError(
            f"expected scalar type {dtype_name(input[0])} but found "
            f"{dtype_name(weight[0])}: convert the input with .astype('{w.dtype}')"
        )
    if b is not None and b.dtype != x.dtype:
        raise RuntimeError(
            f"Input type ({x.dtype}) and bias type ({b.dtype}) should be the same: "
            f"convert the bias with .astype('{x.dtype}')"
        )
    if x.dtype == jnp.bool_:
        raise NotImplementedError(
            f"\"slow_conv{max(count, 2)}d_cpu\" not implemented for 'Bool': convert "
            "input and weight to numbers"
        )


def check_kernel_fits(
    spatial: tuple[int, ...], around: list[tuple[int, int]], reach: tuple[int, ...]
) -> None:
    """Raises where a window does not fit into the padded input."""
    padded = tuple(n + a + b for n, (a, b) in zip(spatial, around, strict=True))
    kernel = tuple(r + 1 for r in reach)
    if any(n < k for n, k in zip(padded, kernel, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: {times(padded)}. Kernel size: "
            f"{times(kernel)}. Kernel size can't be greater than actual input size"
        )
    check_not_empty(spatial)


def check_not_empty(spatial: tuple[int, ...]) -> None:
    """Raises for an input without elements along a spatial dimension."""
    if 0 in spatial:
        raise RuntimeError(
            "Only zero batch or zero channel inputs are supported, but got spatial "
            f"sizes {times(spatial)}"
        )


def check_output_padding(
    extra: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> None:
    """Raises where output padding would add more than a window's step."""
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise RuntimeError(
            "output padding must be smaller than either stride or dilation, but got "
            f"output_padding {extra}, stride {stride} and dilation {dilation}"
        )


def add_bias(
    y: Num[Array, "N O *sizes"], bias: Num[Array, "O"] | None
) -> Num[Array, "N O *sizes"]:
    """Returns the output with each channel's bias added."""
    return y if bias is None else y + bias.reshape(1, -1, *(1,) * (y.ndim - 2))
