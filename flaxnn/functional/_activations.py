"""Element-wise activations."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Float, Num, Shaped
from flaxnn.functional._checks import (
    as_array,
    check_floating,
    check_inplace,
    dtype_name,
    widen,
)


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
    x = _real_floating("sigmoid", input)
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
    x = _real_floating("tanh", input)
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
    x = as_array(input, "input")
    if x.dtype == jnp.bool_:
        raise RuntimeError(
            "Boolean inputs not supported for relu: expected numbers; convert the "
            "input, for example with .astype('float32')"
        )
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise NotImplementedError(
            f"clamp is not supported for complex types: relu got {dtype_name(input)!r}"
        )
    # jax.nn.relu's derivative at nan is 0, which would hide it; PyTorch's is 1.
    return jnp.where(x <= 0, 0, x)


def leaky_relu(
    input: ArrayLike, negative_slope: float | Array = 0.01, inplace: bool = False
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
    return jnp.where(wide > 0, wide, negative_slope * wide).astype(x.dtype)


def elu(
    input: ArrayLike, alpha: float | Array = 1.0, inplace: bool = False
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
    return _elu(widen(x), alpha).astype(x.dtype)


def binary_step(input: ArrayLike) -> Shaped[Array, "..."]:
    """Returns 1 where x is positive, else 0; the derivative is 0 everywhere.

    Args:
        input: Any shape; real numbers.

    Returns:
        The same shape and dtype.

    Torch:
        None: the "Binary" activation of the documents. Its values are those of
        ``torch.heaviside(input, 0)``, 2.13.0, which gives 0 for nan too and has no
        derivative.

    Example:
        >>> binary_step([-1.0, 0.0, 2.0])
        Array([0., 0., 1.], dtype=float32)
    """
    x = as_array(input, "input")
    return (x > 0).astype(x.dtype)


# JAX calls functions with a derivative of their own with NumPy arrays and Python
# numbers too: hence Any in their annotations.
@jax.custom_jvp
def _elu(x: Any, alpha: Any) -> Float[Array, "..."]:
    """Returns the ELU; expm1 keeps the digits of small negative numbers."""
    return jnp.where(x <= 0, alpha * jnp.expm1(jnp.minimum(x, 0)), x)


@_elu.defjvp
def _elu_jvp(
    primals: tuple[Any, Any], tangents: tuple[Any, Any]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Takes exp(x) as PyTorch does: JAX's expm1(x) + 1 loses it below -17."""
    (x, alpha), (dx, dalpha) = primals, tangents
    negative = jnp.minimum(x, 0)
    by_x = jnp.where(x <= 0, alpha * jnp.exp(negative), 1)
    by_alpha = jnp.where(x <= 0, jnp.expm1(negative), 0)
    return _elu(x, alpha), by_x * dx + by_alpha * dalpha


def _real_floating(kernel: str, input: ArrayLike) -> Float[Array, "..."]:
    """Returns the input; integers and bools become float32, PyTorch's default."""
    x = as_array(input, "input")
    if jnp.issubdtype(x.dtype, jnp.integer) or x.dtype == jnp.bool_:
        return x.astype(jnp.float32)
    check_floating(kernel, input, x.dtype)
    return x
