# SPDX-License-Identifier: Apache-2.0
"""Rectifiers that keep a slope below zero: fixed, learned or random."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Bool, Float, Num
from flaxnn.functional._checks import (
    as_array,
    check_floating,
    check_inplace,
    dtype_name,
    torch_size,
    widen,
)
from flaxnn.functional._options import Option, check_options, poison


def leaky_relu(
    input: ArrayLike, negative_slope: Option = 0.01, inplace: bool = False
) -> Float[Array, "..."]:
    """Returns x where it is positive, else ``negative_slope * x``.

    Args:
        input: Any shape; floating point.
        negative_slope: Slope on the negative side; also the derivative at 0.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype.

    Raises:
        NotImplementedError: The input is not floating point.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.leaky_relu``, 2.13.0: exact values and derivatives
        (``jax.nn.leaky_relu`` has derivative 1 at 0); T3 in half precision.

    Example:
        >>> leaky_relu([-1.0, 2.0])
        Array([-0.01,  2.  ], dtype=float32)
    """
    check_inplace(inplace)
    x = as_array(input, "input")
    check_floating("leaky_relu_cpu", input, x.dtype)
    wide = widen(x)
    return _bent(wide, ~(wide > 0), negative_slope).astype(x.dtype)


def prelu(input: ArrayLike, weight: ArrayLike) -> Float[Array, "..."]:
    """Returns x where it is positive, else ``weight * x``.

    Args:
        input: ``(N, C, ...)``, or any shape for a single weight; floating point.
        weight: The slope on the negative side, also the derivative at 0: a scalar,
            ``(1,)``, or ``(C,)`` with one for each channel; the input's dtype.

    Returns:
        The input's shape and dtype.

    Raises:
        RuntimeError: The weight's shape or dtype does not fit the input.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.prelu``, 2.13.0: exact values and derivatives by the
        input; the derivative by the weight is a sum, T1 in float64 and T2's noise in
        float32; T3 in half precision.

    Example:
        >>> prelu([[-1.0, -1.0], [2.0, 2.0]], [0.25, 0.5])
        Array([[-0.25, -0.5 ],
               [ 2.  ,  2.  ]], dtype=float32)

    References:
        He et al., "Delving Deep into Rectifiers", 2015, equation 1.
    """
    x, slopes = as_array(input, "input"), as_array(weight, "weight")
    if x.dtype != slopes.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {dtype_name(input)} and "
            f"{dtype_name(weight)}: convert the input with .astype('{slopes.dtype}')"
        )
    slopes = _along_channels(slopes, x.shape)
    check_floating("prelu_cpu", input, x.dtype)
    wide = widen(x)
    return _bent(wide, ~(wide > 0), widen(slopes)).astype(x.dtype)


def rrelu(
    input: ArrayLike,
    lower: Option = 1.0 / 8,
    upper: Option = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
    *,
    noise: ArrayLike | None = None,
) -> Float[Array, "..."]:
    """Returns x where it is positive, else x times a slope, random in training.

    Args:
        input: Any shape; floating point.
        lower: The smallest slope.
        upper: The largest slope.
        training: Whether every element has a slope of its own; else all have the mean
            of `lower` and `upper`.
        inplace: Only False: JAX arrays cannot be changed.
        noise: The input's shape, uniform in [0, 1): what the slopes are made of in
            training, ``lower + noise * (upper - lower)``.

    Returns:
        The input's shape and dtype. The derivative at 0 is the slope.

    Raises:
        TypeError: `training` is True and there is no `noise`.
        RuntimeError: `lower` or `upper` is not finite, or `lower` is above `upper`;
            inside ``jax.jit``, where nothing can raise, the values become nan instead.
            Or the noise has another shape.
        NotImplementedError: The input is not floating point.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.rrelu``, 2.13.0. Without training T1 in float64; float32
        within 1e-6 relative; T3 in half precision. In training PyTorch draws a float64
        uniform number (two words) for each element that is not above 0, nan left out,
        in order; what it draws depends on the data, so here the numbers are an
        argument, and those of positive elements are unused.

    Example:
        >>> rrelu([-3.0, 2.0], 0.0, 1.0)
        Array([-1.5,  2. ], dtype=float32)
        >>> rrelu([-3.0, 2.0], 0.0, 1.0, training=True, noise=[0.25, 0.75])
        Array([-0.75,  2.  ], dtype=float32)

    References:
        Xu et al., "Empirical Evaluation of Rectified Activations in Convolutional
        Network", 2015, section 2.4.
    """
    check_inplace(inplace)
    valid = _check_bounds(lower, upper)
    x = as_array(input, "input")
    wide = widen(x)
    if not training:
        check_floating("leaky_relu_cpu", input, x.dtype)
        bent = _bent(wide, ~(wide > 0), (lower + upper) / 2)
        return poison(bent.astype(x.dtype), valid)
    check_floating("rrelu_with_noise_out_cpu", input, x.dtype)
    unit = widen(_as_noise(noise, x.shape))
    bent = _bent(wide, wide <= 0, lower + unit * (upper - lower))
    return poison(bent.astype(x.dtype), valid)


def _bent(
    x: Float[Array, "..."], below: Bool[Array, "..."], slope: Option
) -> Float[Array, "..."]:
    """Returns x, times the slope where it is below; not inf * 0 for its gradient."""
    return jnp.where(below, slope * jnp.where(below, x, 0), x)


def _along_channels(
    weight: Num[Array, "..."], shape: tuple[int, ...]
) -> Num[Array, "..."]:
    """Returns the weight in a shape that multiplies an input of this shape."""
    if weight.size != 1:
        if not shape:
            raise RuntimeError(
                "Not allow zero-dim input tensor. A scalar takes one weight, got "
                f"{weight.size}"
            )
        channels = shape[1] if len(shape) > 1 else 1
        if weight.size != channels:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter "
                f"numbers = {weight.size} and channel size = {channels}. The channels "
                f"are the second dimension of the input, which is {shape}"
            )
    if weight.ndim > 1:
        raise RuntimeError(
            "prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = "
            f"{weight.ndim}"
        )
    if weight.size == 1 or len(shape) < 2:
        return weight.reshape((1,) * len(shape))
    return weight.reshape(1, -1, *(1,) * (len(shape) - 2))


def _check_bounds(lower: Option, upper: Option) -> Bool[Array, "..."] | None:
    """Raises unless slopes can be drawn between the bounds, in PyTorch's words."""

    def refused(low: np.ndarray, high: np.ndarray) -> RuntimeError:
        for name, bound in (("lower", low), ("upper", high)):
            if not np.all(np.isfinite(bound)):
                return RuntimeError(f"rrelu: {name} bound must be finite, got {bound}")
        return RuntimeError(
            "Lower bound should be less than or equal to the upper bound: got "
            f"lower={low} and upper={high}"
        )

    def valid(low: Any, high: Any) -> Any:
        return (abs(low) < np.inf) & (abs(high) < np.inf) & (low <= high)

    return check_options(valid, refused, lower, upper)


def _as_noise(noise: ArrayLike | None, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Returns the numbers that training needs, in the input's shape."""
    if noise is None:
        raise TypeError(
            "rrelu(training=True) has random slopes: pass uniform numbers of the "
            "input's shape, such as noise=jax.random.uniform(key, input.shape)"
        )
    unit = as_array(noise, "noise")
    if unit.shape != shape:
        raise RuntimeError(
            "noise tensor shape must match self tensor shape: expected "
            f"{torch_size(shape)}, got {torch_size(unit.shape)}"
        )
    return unit
