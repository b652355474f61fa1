# SPDX-License-Identifier: Apache-2.0
"""Convolutions of any number of dimensions, over inputs that are padded already."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import lax

from flaxnn._typing import Array, Num

# On CPU, XLA's grouped convolution takes about 10 times as long as PyTorch's, and the
# gradient of its weight 50 to 200 times. So groups are joined there into chunks, each
# one plain convolution: at least this many input channels in one, at most so many
# chunks. Of the powers of two these were the fastest, on 32 and 128 channels.
_CHUNK_CHANNELS = 16
_MOST_CHUNKS = 16


def convolve(
    x: Num[Array, "N I *in_sizes"],
    weight: Num[Array, "O J *kernel"],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
    precision: lax.PrecisionLike,
) -> Num[Array, "N O *out_sizes"]:
    """Returns the cross-correlation without padding.

    The padding stands in front, as an operation of its own: with it inside, XLA on CPU
    may exchange the operands of the weight's gradient, which then takes over 20 times
    as long.
    """
    plain = partial(
        _convolve, window_strides=stride, rhs_dilation=dilation, precision=precision
    )
    if groups == 1:
        return plain(x, weight)
    return lax.platform_dependent(
        x,
        weight,
        cpu=partial(_by_chunks, groups=groups, plain=plain),
        default=partial(plain, feature_group_count=groups),
    )


def convolve_transposed(
    x: Num[Array, "N I *in_sizes"],
    weight: Num[Array, "I J *kernel"],
    stride: tuple[int, ...],
    dilation: tuple[int, ...],
    groups: int,
    precision: lax.PrecisionLike,
) -> Num[Array, "N O *out_sizes"]:
    """Returns the transposed convolution without padding, whole.

    With stride s, output ``s i + r`` sees the taps r, r + s, … of the kernel only: one
    convolution computes all r as channels of their own, which are then interleaved. No
    product with an inserted zero is formed, unless stride and dilation both exceed 1.
    At the end, up to s - 1 outputs are 0 that no input reaches.
    """
    for axis, (step, spread) in enumerate(zip(stride, dilation, strict=True)):
        if step > 1 and spread > 1:
            weight = _spread(weight, axis + 2, spread)
    dilation = tuple(
        1 if step > 1 else spread for step, spread in zip(stride, dilation, strict=True)
    )
    taps = tuple(-(-k // s) for k, s in zip(weight.shape[2:], stride, strict=True))
    phases = _phases(weight, stride, taps, groups)
    around = [(d * (t - 1),) * 2 for d, t in zip(dilation, taps, strict=True)]
    padded = jnp.pad(x, [(0, 0), (0, 0), *around])
    ones = (1,) * len(stride)
    y = convolve(padded, phases, ones, dilation, groups, precision)
    return _interleave(y, stride)


def _convolve(
    x: Num[Array, "N I *in_sizes"],
    weight: Num[Array, "O J *kernel"],
    *,
    window_strides: tuple[int, ...],
    rhs_dilation: tuple[int, ...],
    precision: lax.PrecisionLike,
    feature_group_count: int = 1,
) -> Num[Array, "N O *out_sizes"]:
    # Without dimension numbers they are NCHW and OIHW, for any number of dimensions.
    return lax.conv_general_dilated(
        x,
        weight,
        window_strides,
        padding="VALID",
        rhs_dilation=rhs_dilation,
        feature_group_count=feature_group_count,
        precision=precision,
    )


def _by_chunks(
    x: Num[Array, "N I *in_sizes"],
    weight: Num[Array, "O J *kernel"],
    *,
    groups: int,
    plain: Callable[..., Array],
) -> Num[Array, "N O *out_sizes"]:
    """Returns the grouped convolution as plain ones over joined groups."""
    joined = _groups_per_chunk(groups, weight.shape[1])
    chunks = groups // joined
    parts, kernels = jnp.split(x, chunks, axis=1), jnp.split(weight, chunks)
    outputs = [
        plain(part, _block_diagonal(kernel, joined))
        for part, kernel in zip(parts, kernels, strict=True)
    ]
    return jnp.concatenate(outputs, axis=1)


def _groups_per_chunk(groups: int, channels: int) -> int:
    """Returns the smallest divisor of `groups` that makes chunks large and few."""
    return next(
        joined
        for joined in range(1, groups + 1)
        if groups % joined == 0
        and (joined * channels >= _CHUNK_CHANNELS or joined == groups)
        and groups // joined <= _MOST_CHUNKS
    )


def _block_diagonal(
    weight: Num[Array, "O J *kernel"], groups: int
) -> Num[Array, "O I *kernel"]:
    """Returns the weight of the plain convolution: zeros between the groups."""
    outputs, inputs, *kernel = weight.shape
    if groups == 1:
        return weight
    blocks = weight.reshape(groups, outputs // groups, 1, inputs, *kernel)
    own = np.eye(groups, dtype=bool).reshape(groups, 1, groups, 1, *(1 for _ in kernel))
    return jnp.where(own, blocks, 0).reshape(outputs, groups * inputs, *kernel)


def _spread(
    weight: Num[Array, "I J *kernel"], axis: int, dilation: int
) -> Num[Array, "I J *dilated"]:
    """Returns the kernel with zeros between its taps along one axis."""
    config = [(0, 0, 0)] * weight.ndim
    config[axis] = (0, 0, dilation - 1)
    return lax.pad(weight, jnp.zeros((), weight.dtype), config)


def _phases(
    weight: Num[Array, "I J *kernel"],
    stride: tuple[int, ...],
    taps: tuple[int, ...],
    groups: int,
) -> Num[Array, "P K *taps"]:
    """Returns the convolution's weight: a channel for each output and phase."""
    inputs, outputs, *kernel = weight.shape
    rest = [t * s - k for t, s, k in zip(taps, stride, kernel, strict=True)]
    whole = jnp.pad(weight, [(0, 0), (0, 0), *((0, r) for r in rest)])
    pairs = [size for pair in zip(taps, stride, strict=True) for size in pair]
    split = whole.reshape(groups, inputs // groups, outputs, *pairs)
    tap_axes = range(3, split.ndim, 2)
    phase_axes = range(4, split.ndim, 2)
    turned = split.transpose(0, 2, *phase_axes, 1, *tap_axes)
    channels = groups * outputs * math.prod(stride)
    grouped = turned.reshape(channels, inputs // groups, *taps)
    return jnp.flip(grouped, range(2, grouped.ndim))


def _interleave(
    y: Num[Array, "N P *sizes"], stride: tuple[int, ...]
) -> Num[Array, "N O *out_sizes"]:
    """Returns each output's phases in turn along the spatial dimensions."""
    batch, channels, *spatial = y.shape
    outputs = channels // math.prod(stride)
    split = y.reshape(batch, outputs, *stride, *spatial)
    count = len(stride)
    pairs = [axis for k in range(count) for axis in (2 + count + k, 2 + k)]
    merged = [n * s for n, s in zip(spatial, stride, strict=True)]
    return split.transpose(0, 1, *pairs).reshape(batch, outputs, *merged)
