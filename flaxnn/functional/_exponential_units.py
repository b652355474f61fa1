# SPDX-License-Identifier: Apache-2.0
"""Rectifiers that bend exponentially below zero."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array, check_floating, check_inplace, widen
from flaxnn.functional._options import Option, check_options, poison

# Klambauer et al., appendix A1: with them mean 0 and variance 1 are a fixed point.
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def elu(
    input: ArrayLike, alpha: Option = 1.0, inplace: bool = False
) -> Float[Array, "..."]:
    """Returns x where it is positive, else ``alpha * (exp(x) - 1)``.

    Args:
        input: Any shape; floating point.
        alpha: Scale of the negative side; also the derivative at 0.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype.

    Raises:
        NotImplementedError: The input is not floating point.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.elu``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision.

    Example:
        >>> elu([-1000.0, 2.0])
        Array([-1.,  2.], dtype=float32)

    References:
        Clevert, Unterthiner and Hochreiter, "Fast and Accurate Deep Network Learning
        by Exponential Linear Units", 2016, equation 15.
    """
    check_inplace(inplace)
    x = as_array(input, "input")
    check_floating("elu_cpu", input, x.dtype)
    return _elu(widen(x), alpha, 1.0).astype(x.dtype)


def selu(input: ArrayLike, inplace: bool = False) -> Float[Array, "..."]:
    """Returns the `elu` that keeps mean 0 and variance 1 from layer to layer.

    Args:
        input: Any shape; floating point.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype. The derivative at 0 is 1.7581.

    Raises:
        NotImplementedError: The input is not floating point.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.selu``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision.

    Example:
        >>> round(float(selu(-1000.0)), 4), round(float(selu(1.0)), 4)
        (-1.7581, 1.0507)

    References:
        Klambauer et al., "Self-Normalizing Neural Networks", 2017, equation 2.
    """
    check_inplace(inplace)
    x = as_array(input, "input")
    check_floating("elu_cpu", input, x.dtype)
    return (_SELU_SCALE * _elu(widen(x), _SELU_ALPHA, 1.0)).astype(x.dtype)


def celu(
    input: ArrayLike, alpha: Option = 1.0, inplace: bool = False
) -> Float[Array, "..."]:
    """Returns x where it is positive, else ``alpha * (exp(x / alpha) - 1)``.

    Args:
        input: Any shape; floating point.
        alpha: Minus the limit far below 0; not 0. The derivative at 0 is 1 for any.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype.

    Raises:
        RuntimeError: `alpha` is 0. Inside ``jax.jit``, where nothing can raise, the
            values become nan instead.
        NotImplementedError: The input is not floating point.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.celu``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision. As there, the derivative by the input takes
        `alpha` rounded to float32, in float64 too.

    Example:
        >>> celu([-1000.0, 1.0], alpha=2.0)
        Array([-2.,  1.], dtype=float32)

    References:
        Barron, "Continuously Differentiable Exponential Linear Units", 2017.
    """
    check_inplace(inplace)
    x = as_array(input, "input")
    valid = check_options(
        lambda alpha: alpha != 0,
        lambda alpha: RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU"),
        alpha,
    )
    check_floating("elu_cpu", input, x.dtype)
    return poison(_elu(widen(x), alpha, alpha).astype(x.dtype), valid)


def _elu(x: Float[Array, "..."], scale: Option, width: Option) -> Float[Array, "..."]:
    """Returns x above 0, else ``scale * (exp(x / width) - 1)``."""
    negative = jnp.where(x <= 0, x, 0)
    return jnp.where(x <= 0, scale * _scaled_expm1(negative, width), x)


# JAX calls functions with a derivative of their own with NumPy arrays and Python
# numbers too: hence Any in their annotations.
@jax.custom_jvp
def _scaled_expm1(x: Any, width: Any) -> Float[Array, "..."]:
    """Returns ``exp(x / width) - 1``, which keeps the digits of small numbers."""
    return jnp.expm1(x * (1 / width))


@_scaled_expm1.defjvp
def _scaled_expm1_jvp(
    primals: tuple[Any, Any], tangents: tuple[Any, Any]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Takes exp as PyTorch does: JAX's expm1(x) + 1 loses it below -17.

    PyTorch's derivative of celu rounds alpha to float32, whatever the input's dtype.
    """
    (x, width), (dx, dwidth) = primals, tangents
    steepness = 1 / jnp.asarray(width, jnp.float32).astype(x.dtype)
    power = jnp.exp(x * steepness)
    # At -inf the derivative by the width is 0, not inf * 0.
    by_width = -jnp.where(jnp.isinf(x), 0, x) * steepness**2 * power
    return _scaled_expm1(x, width), steepness * power * dx + by_width * dwidth
