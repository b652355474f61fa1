# SPDX-License-Identifier: Apache-2.0
"""Normalisations of each sample alone: over its last dimensions or over groups."""

from __future__ import annotations

import math
from collections.abc import Sequence

import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Float, Shaped
from flaxnn.functional._checks import as_array, check_floating, widen
from flaxnn.functional._moments import check_same_kind, inverse_deviation, moments
from flaxnn.functional._options import Option


def layer_norm(
    input: ArrayLike,
    normalized_shape: Sequence[int],
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: Option = 1e-5,
) -> Float[Array, "..."]:
    """Returns ``(x - mean) / sqrt(var + eps) * weight + bias`` of the last dimensions.

    Args:
        input: ``(*, *normalized_shape)``; floating point.
        normalized_shape: Sizes of the last dimensions, which share one mean and one
            (biased) variance.
        weight: ``normalized_shape``; 1 if not given.
        bias: ``normalized_shape``; 0 if not given.
        eps: Added to the variance.

    Returns:
        The input's shape and dtype.

    Raises:
        TypeError: `normalized_shape` is a number.
        RuntimeError: A shape or a dtype does not fit.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.layer_norm``, 2.13.0. T1 in float64; in float32 the sums
        differ in their order, which is T2's noise; T3 in half precision.

    Example:
        >>> layer_norm([[1.0, 3.0], [10.0, 30.0]], (2,)).round(2)
        Array([[-1.,  1.],
               [-1.,  1.]], dtype=float32)

    References:
        Ba, Kiros and Hinton, "Layer Normalization", 2016.
    """
    x, sizes = _with_last(input, normalized_shape, "*, ", weight=weight, bias=bias)
    check_floating("LayerNormKernelImpl", input, x.dtype)
    given = {"weight": weight, "bias": bias}
    check_same_kind(x, {k: as_array(v, k) for k, v in given.items() if v is not None})
    wide = widen(x)
    mean, var = moments(wide, _last_axes(sizes))
    y = (wide - mean) * inverse_deviation(var, eps)
    if weight is not None:
        y = y * _spread_last(weight, x)
    if bias is not None:
        y = y + _spread_last(bias, x)
    return y.astype(x.dtype)


def rms_norm(
    input: ArrayLike,
    normalized_shape: Sequence[int],
    weight: ArrayLike | None = None,
    eps: Option | None = None,
) -> Float[Array, "..."]:
    """Returns ``x / sqrt(mean(x²) + eps) * weight`` over the last dimensions.

    Args:
        input: ``(*, *normalized_shape)``; floating point.
        normalized_shape: Sizes of the last dimensions, which share one mean.
        weight: ``normalized_shape``; 1 if not given.
        eps: Added to the mean of the squares; if None, the smallest step above 1 of the
            dtype that it is computed in (float32 for half precision).

    Returns:
        The input's shape and dtype.

    Raises:
        TypeError: `normalized_shape` is a number.
        RuntimeError: A shape does not fit.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.rms_norm``, 2.13.0. T1 in float64; in float32 the sums
        differ in their order, which is T2's noise; T3 in half precision. PyTorch also
        takes complex numbers, and warns where the weight has another dtype.

    Example:
        >>> rms_norm([[3.0, 3.0], [0.0, 8.0]], (2,)).round(4)
        Array([[1.    , 1.    ],
               [0.    , 1.4142]], dtype=float32)

    References:
        Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019.
    """
    x, sizes = _with_last(input, normalized_shape, "*", weight=weight)
    check_floating("rms_norm", input, x.dtype)
    wide = widen(x)
    added = float(jnp.finfo(wide.dtype).eps) if eps is None else eps
    squares = jnp.mean(jnp.square(wide), _last_axes(sizes), keepdims=True)
    y = wide * inverse_deviation(squares, added)
    if weight is not None:
        y = y * _spread_last(weight, x)
    return y.astype(x.dtype)


def group_norm(
    input: ArrayLike,
    num_groups: int,
    weight: ArrayLike | None = None,
    bias: ArrayLike | None = None,
    eps: Option = 1e-5,
) -> Float[Array, "..."]:
    """Returns each group of channels normalised, then scaled and shifted by channel.

    Args:
        input: ``(N, C, *)``; floating point.
        num_groups: Into how many groups of adjacent channels C is divided; each has one
            mean and one (biased) variance in each sample.
        weight: ``(C,)``; 1 if not given.
        bias: ``(C,)``; 0 if not given.
        eps: Added to the variance.

    Returns:
        The input's shape and dtype.

    Raises:
        RuntimeError: C is not divisible by `num_groups`, a size or a dtype does not
            fit, or there are fewer than two dimensions.
        ValueError: There is a single number to normalise.
        ZeroDivisionError: `num_groups` is 0.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.group_norm``, 2.13.0. T1 in float64; in float32 the sums
        differ in their order, which is T2's noise; T3 in half precision.

    Example:
        >>> group_norm([[1.0, 3.0, 10.0, 30.0]], 2).round(2)
        Array([[-1.,  1., -1.,  1.]], dtype=float32)

    References:
        Wu and He, "Group Normalization", 2018.
    """
    x = as_array(input, "input")
    if x.ndim < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {x.ndim}"
        )
    given = {"weight": weight, "bias": bias}
    arrays = {k: as_array(v, k) for k, v in given.items() if v is not None}
    _check_groups(x.shape, num_groups)
    for name, array in arrays.items():
        if array.shape != x.shape[1:2]:
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of "
                f"channels in input, but got {name} of shape {list(array.shape)} and "
                f"input of shape {list(x.shape)}"
            )
    check_floating("GroupNormKernelImpl", input, x.dtype)
    check_same_kind(x, arrays)
    grouped = (x.shape[0], num_groups, math.prod(x.shape[1:]) // num_groups)
    wide = widen(x).reshape(grouped)
    mean, var = moments(wide, (2,))
    y = ((wide - mean) * inverse_deviation(var, eps)).reshape(x.shape)
    by_channel = (1, -1, *(1,) * (x.ndim - 2))
    if weight is not None:
        y = y * widen(arrays["weight"].reshape(by_channel))
    if bias is not None:
        y = y + widen(arrays["bias"].reshape(by_channel))
    return y.astype(x.dtype)


def _with_last(
    input: ArrayLike,
    normalized_shape: Sequence[int],
    star: str,
    **parameters: ArrayLike | None,
) -> tuple[Shaped[Array, "..."], tuple[int, ...]]:
    """Returns the input and the sizes of its last dimensions; checks parameters."""
    if not isinstance(normalized_shape, Sequence):
        raise TypeError(
            "argument 'normalized_shape' must be tuple of ints, not "
            f"{type(normalized_shape).__name__}: for one dimension write "
            f"({normalized_shape},)"
        )
    sizes = tuple(normalized_shape)
    x = as_array(input, "input")
    if not sizes:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing "
            "at least one element, but got normalized_shape = []"
        )
    for name, value in parameters.items():
        if value is not None and as_array(value, name).shape != sizes:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got "
                f"{name} of shape {list(as_array(value, name).shape)} and "
                f"normalized_shape = {list(sizes)}"
            )
    if x.shape[-len(sizes) :] != sizes:
        raise RuntimeError(
            f"Given normalized_shape={list(sizes)}, expected input with shape "
            f"[{star}{', '.join(map(str, sizes))}], but got input of size"
            f"{list(x.shape)}"
        )
    return x, sizes


def _last_axes(sizes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(range(-len(sizes), 0))


def _spread_last(parameter: ArrayLike, x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Returns a parameter of the last dimensions with the input's number of them."""
    array = as_array(parameter, "parameter")
    return widen(array.reshape((1,) * (x.ndim - array.ndim) + array.shape))


def _check_groups(shape: tuple[int, ...], num_groups: int) -> None:
    """Raises unless the channels can be divided into so many groups."""
    samples, channels, *rest = shape
    if math.prod([samples * channels // num_groups, *rest]) == 1:
        raise ValueError(
            "Expected more than 1 value per channel when training, got input size "
            f"{[samples * channels // num_groups, num_groups, *rest]}"
        )
    if num_groups < 0:
        raise RuntimeError(
            f"Expected num groups to be greater than 0, got {num_groups}"
        )
    if channels % num_groups != 0:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but "
            f"got input of shape {list(shape)} and num_groups={num_groups}"
        )
