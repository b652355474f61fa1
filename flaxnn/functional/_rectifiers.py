# SPDX-License-Identifier: Apache-2.0
"""Rectifiers and clips: x where it is in range, a constant elsewhere."""

from __future__ import annotations

import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Num, Shaped
from flaxnn.functional._checks import (
    as_array,
    check_floating,
    check_inplace,
    dtype_name,
    widen,
)
from flaxnn.functional._options import Option, as_option, check_options, poison


def relu(input: ArrayLike, inplace: bool = False) -> Num[Array, "..."]:
    """Returns ``max(0, x)`` of every element; its derivative at 0 is 0.

    Args:
        input: Any shape; real numbers, not bools.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype.

    Raises:
        RuntimeError: The input is bool.
        NotImplementedError: The input is complex.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.relu``, 2.13.0: exact values and derivatives, also at 0
        and nan.

    Example:
        >>> relu([-1.0, 0.0, 2.0])
        Array([0., 0., 2.], dtype=float32)
    """
    check_inplace(inplace)
    x = _clippable("relu", "Boolean", input)
    # jax.nn.relu's derivative at nan is 0, which would hide it; PyTorch's is 1.
    return jnp.where(x <= 0, 0, x)


def relu6(input: ArrayLike, inplace: bool = False) -> Num[Array, "..."]:
    """Returns x between 0 and 6; the derivative at both is 0.

    Args:
        input: Any shape; real numbers, not bools.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype.

    Raises:
        RuntimeError: The input is bool.
        NotImplementedError: The input is complex.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.relu6``, 2.13.0: exact values and derivatives, also at
        nan.

    Example:
        >>> relu6([-1.0, 3.0, 8.0])
        Array([0., 3., 6.], dtype=float32)
    """
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(
    input: ArrayLike,
    min_val: Option = -1.0,
    max_val: Option = 1.0,
    inplace: bool = False,
) -> Num[Array, "..."]:
    """Returns x between ``min_val`` and ``max_val``; the derivative at both is 0.

    Args:
        input: Any shape; real numbers, not bools.
        min_val: The smallest result.
        max_val: The largest result.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype. For integers the bounds lose what is behind the point.

    Raises:
        ValueError: ``min_val`` is above ``max_val``, or one is nan; inside ``jax.jit``,
            where nothing can raise, the values become nan instead. Or ``inplace``.
        RuntimeError: The input is bool, or a bound is beyond the input's integer type.
        NotImplementedError: The input is complex.

    Torch:
        ``torch.nn.functional.hardtanh``, 2.13.0: exact values and derivatives, also at
        nan (``jax.nn.hard_tanh`` has derivative 1 at the bounds). A bound that is nan
        is not refused there, and makes everything nan.

    Example:
        >>> hardtanh([-3.0, 0.5, 2.0])
        Array([-1. ,  0.5,  1. ], dtype=float32)
    """
    check_inplace(inplace)
    valid = check_options(
        lambda low, high: low <= high,
        lambda low, high: ValueError(
            "min_val cannot be greater than max_val: expected min_val <= max_val, got "
            f"{low} and {high}"
        ),
        min_val,
        max_val,
    )
    x = _clippable("hardtanh", "Bool", input)
    if jnp.issubdtype(x.dtype, jnp.unsignedinteger):
        check_options(
            lambda low, high: (low >= 0) & (high >= 0),
            lambda low, high: RuntimeError(
                "cannot do hardtanh on an unsigned type with negative limits: got "
                f"{low} and {high} for {dtype_name(input)!r}"
            ),
            min_val,
            max_val,
        )
    low, high = as_option(min_val, x), as_option(max_val, x)
    clipped = jnp.where(x <= low, low, jnp.where(x >= high, high, x))
    return poison(clipped.astype(x.dtype), valid)


def threshold(
    input: ArrayLike, threshold: Option, value: Option, inplace: bool = False
) -> Num[Array, "..."]:
    """Returns x where it is above ``threshold``, else ``value``.

    Args:
        input: Any shape; real numbers, not bools.
        threshold: Elements up to it, itself included, are replaced.
        value: What they are replaced by.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype. For integers `threshold` and `value` lose what is
        behind the point.

    Raises:
        NotImplementedError: The input is bool or complex.
        RuntimeError: `threshold` or `value` is beyond the input's integer type.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.threshold``, 2.13.0: exact values and derivatives. PyTorch
        also takes negative numbers for unsigned integers, and wraps them.

    Example:
        >>> threshold([-1.0, 0.5, 2.0], 0.5, 20.0)
        Array([20., 20.,  2.], dtype=float32)
    """
    check_inplace(inplace)
    x = as_array(input, "input")
    if not jnp.issubdtype(x.dtype, jnp.integer):
        check_floating("threshold_cpu", input, x.dtype)
    wide = widen(x)
    limit, replacement = as_option(threshold, x), as_option(value, x)
    return jnp.where(wide <= limit, replacement, wide).astype(x.dtype)


def binary_step(input: ArrayLike) -> Shaped[Array, "..."]:
    """Returns 1 where x is positive, else 0; the derivative is 0 everywhere.

    Args:
        input: Any shape; real numbers.

    Returns:
        The same shape and dtype.

    Torch:
        None: the "Binary" activation of the documents. Its values are those of
        ``torch.heaviside(input, 0)``, 2.13.0 (T0), which gives 0 for nan too and has no
        derivative.

    Example:
        >>> binary_step([-1.0, 0.0, 2.0])
        Array([0., 0., 1.], dtype=float32)
    """
    x = as_array(input, "input")
    return (x > 0).astype(x.dtype)


def _clippable(name: str, bools: str, input: ArrayLike) -> Num[Array, "..."]:
    """Returns real numbers, or raises as PyTorch's clamp does; it spells bool twice."""
    x = as_array(input, "input")
    if x.dtype == jnp.bool_:
        raise RuntimeError(
            f"{bools} inputs not supported for {name}: expected numbers; convert the "
            "input, for example with .astype('float32')"
        )
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise NotImplementedError(
            f"clamp is not supported for complex types: {name} got "
            f"{dtype_name(input)!r}"
        )
    return x
