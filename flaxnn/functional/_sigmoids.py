# SPDX-License-Identifier: Apache-2.0
"""Smooth activations: the S-shaped ones and the integrals of the sigmoid."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import (
    as_array,
    check_floating,
    dtype_name,
    real_floating,
    widen,
)
from flaxnn.functional._options import Option


def sigmoid(input: ArrayLike) -> Float[Array, "..."]:
    """Returns ``1 / (1 + exp(-x))`` of every element.

    Args:
        input: Any shape; real numbers. Integers and bools give float32.

    Returns:
        The same shape, in the input's floating-point dtype.

    Raises:
        NotImplementedError: The input is complex.

    Torch:
        ``torch.nn.functional.sigmoid``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision. PyTorch also takes complex numbers.

    Example:
        >>> sigmoid([0.0, 1000.0])
        Array([0.5, 1. ], dtype=float32)
    """
    x = real_floating("sigmoid", input)
    return jax.nn.sigmoid(widen(x)).astype(x.dtype)


def tanh(input: ArrayLike) -> Float[Array, "..."]:
    """Returns the hyperbolic tangent of every element.

    Args:
        input: Any shape; real numbers. Integers and bools give float32.

    Returns:
        The same shape, in the input's floating-point dtype.

    Raises:
        NotImplementedError: The input is complex.

    Torch:
        ``torch.nn.functional.tanh``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision. PyTorch also takes complex numbers.

    Example:
        >>> tanh([0.0, 1000.0])
        Array([0., 1.], dtype=float32)
    """
    x = real_floating("tanh", input)
    return jnp.tanh(widen(x)).astype(x.dtype)


def logsigmoid(input: ArrayLike) -> Float[Array, "..."]:
    """Returns ``log(sigmoid(x))`` of every element, without overflow.

    Args:
        input: Any shape; floating point.

    Returns:
        The same shape and dtype.

    Raises:
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.logsigmoid``, 2.13.0. T1 in float64; float32 within
        1e-6 relative; T3 in half precision.

    Example:
        >>> float(logsigmoid(-200.0))
        -200.0
    """
    x = as_array(input, "input")
    check_floating("log_sigmoid_cpu", input, x.dtype)
    return jax.nn.log_sigmoid(widen(x)).astype(x.dtype)


def softplus(
    input: ArrayLike, beta: Option = 1.0, threshold: Option = 20.0
) -> Float[Array, "..."]:
    """Returns ``log(1 + exp(beta * x)) / beta``, and x where that is nearly x.

    Args:
        input: Any shape; floating point.
        beta: How sharp the bend is.
        threshold: The result is x where ``beta * x`` is above it.

    Returns:
        The same shape and dtype.

    Raises:
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.softplus``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision. Below a `threshold` so high that ``exp``
        overflows (88 in float32), PyTorch's value is inf and its derivative nan.

    Example:
        >>> round(float(softplus(0.0)), 4), float(softplus(100.0))
        (0.6931, 100.0)
    """
    x = as_array(input, "input")
    check_floating("softplus_cpu", input, x.dtype)
    wide = widen(x)
    scaled = wide * beta
    curve = jax.nn.softplus(scaled) / beta
    return jnp.where(scaled > threshold, wide, curve).astype(x.dtype)


def softsign(input: ArrayLike) -> Float[Array, "..."]:
    """Returns ``x / (1 + |x|)`` of every element.

    Args:
        input: Any shape; real numbers, not bools. Integers give float32.

    Returns:
        The same shape, in the input's floating-point dtype.

    Raises:
        NotImplementedError: The input is bool or complex.

    Torch:
        ``torch.nn.functional.softsign``, 2.13.0. T1 in float64; float32 within 1e-6
        relative, the derivative within 1e-8 more; T3 in half precision. PyTorch also
        takes complex numbers, and computes ``1 + |x|`` of integers in their own type,
        where it may overflow.

    Example:
        >>> softsign([-1.0, 0.0, 3.0])
        Array([-0.5 ,  0.  ,  0.75], dtype=float32)
    """
    if dtype_name(input) == "Bool":
        check_floating("abs_cpu", input, jnp.dtype(bool))
    x = real_floating("softsign", input)
    wide = widen(x)
    return (wide / (jnp.abs(wide) + 1)).astype(x.dtype)
