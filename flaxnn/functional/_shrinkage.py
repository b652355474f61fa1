# SPDX-License-Identifier: Apache-2.0
"""Activations that pull small numbers to zero."""

from __future__ import annotations

import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Bool, Float
from flaxnn.functional._checks import (
    as_array,
    check_floating,
    dtype_name,
    real_floating,
    widen,
)
from flaxnn.functional._options import Option, check_options, poison


def softshrink(input: ArrayLike, lambd: Option = 0.5) -> Float[Array, "..."]:
    """Returns x moved by ``lambd`` towards 0, and 0 where it is not that far away.

    Args:
        input: Any shape; floating point.
        lambd: Not negative, and finite in the input's dtype. The derivative at it and
            at ``-lambd`` is 0.

    Returns:
        The same shape and dtype.

    Raises:
        RuntimeError: `lambd` is negative, nan or too large. Inside ``jax.jit``, where
            nothing can raise, the values become nan instead.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.softshrink``, 2.13.0: exact values and derivatives, also
        at nan; T3 in half precision.

    Example:
        >>> softshrink([-2.0, 0.5, 1.0])
        Array([-1.5,  0. ,  0.5], dtype=float32)
    """
    x = as_array(input, "input")
    check_floating("softshrink_check", input, x.dtype)
    largest = float(jnp.finfo(x.dtype).max)
    valid = check_options(
        lambda lambd: (lambd >= 0) & (lambd <= largest),
        lambda lambd: RuntimeError(
            f"lambda must be in range [0, {largest:g}] for input dtype "
            f"{dtype_name(x)}, but found {lambd}"
        ),
        lambd,
    )
    wide = widen(x)
    moved = jnp.where(wide > 0, wide - lambd, wide + lambd)
    return poison(jnp.where(_within(wide, lambd), 0, moved).astype(x.dtype), valid)


def hardshrink(input: ArrayLike, lambd: Option = 0.5) -> Float[Array, "..."]:
    """Returns x, and 0 where it lies between ``-lambd`` and ``lambd``.

    Args:
        input: Any shape; floating point.
        lambd: The largest magnitude that becomes 0; its derivative is 0 too. Nothing
            does where it is negative or nan.

    Returns:
        The same shape and dtype.

    Raises:
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.hardshrink``, 2.13.0: exact values and derivatives, also
        at nan.

    Example:
        >>> hardshrink([-2.0, 0.5, 1.0])
        Array([-2.,  0.,  1.], dtype=float32)
    """
    x = as_array(input, "input")
    check_floating("hardshrink_cpu", input, x.dtype)
    wide = widen(x)
    return jnp.where(_within(wide, lambd), 0, wide).astype(x.dtype)


def tanhshrink(input: ArrayLike) -> Float[Array, "..."]:
    """Returns ``x - tanh(x)`` of every element.

    Args:
        input: Any shape; real numbers, not bools. Integers give float32.

    Returns:
        The same shape, in the input's floating-point dtype.

    Raises:
        RuntimeError: The input is bool.
        NotImplementedError: The input is complex.

    Torch:
        ``torch.nn.functional.tanhshrink``, 2.13.0. T1 in float64; in float32 value and
        derivative are differences, within 1e-7; T3 in half precision. PyTorch also
        takes complex numbers.

    Example:
        >>> tanhshrink([-1000.0, 0.0, 1.0]).round(4)
        Array([-9.990e+02,  0.000e+00,  2.384e-01], dtype=float32)
    """
    if dtype_name(input) == "Bool":
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. "
            "Convert the input, for example with .astype('float32')"
        )
    x = real_floating("tanh", input)
    wide = widen(x)
    return (wide - jnp.tanh(wide)).astype(x.dtype)


def _within(x: Float[Array, "*shape"], lambd: Option) -> Bool[Array, "*shape"]:
    """Returns where x lies between ``-lambd`` and ``lambd``, both included."""
    return (x >= -lambd) & (x <= lambd)
