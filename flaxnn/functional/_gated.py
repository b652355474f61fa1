# SPDX-License-Identifier: Apache-2.0
"""Activations that multiply their input by a gate: GLU, GELU, SiLU and Mish."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import (
    as_array,
    check_dim,
    check_floating,
    check_inplace,
    widen,
)

# Of the approximation of GELU.
_ROOT, _CUBIC = math.sqrt(2 / math.pi), 0.044715
# Above it mish is x, in float64 too.
_MISH_BOUND = 40.0


def glu(input: ArrayLike, dim: int = -1) -> Float[Array, "..."]:
    """Returns one half of the input times the `sigmoid` of the other.

    Args:
        input: At least one dimension; floating point.
        dim: The dimension to halve; its size is even.

    Returns:
        The input's shape with half the size along `dim`, and its dtype.

    Raises:
        RuntimeError: The input is a scalar, or the size along `dim` is odd.
        IndexError: `dim` is out of range.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.glu``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision.

    Example:
        >>> glu([[4.0, 8.0, 0.0, 1000.0]])
        Array([[2., 8.]], dtype=float32)

    References:
        Dauphin et al., "Language Modeling with Gated Convolutional Networks", 2017.
    """
    x = as_array(input, "input")
    if x.ndim == 0:
        raise RuntimeError(
            "glu does not support scalars because halving size must be even"
        )
    axis = check_dim(dim, x.ndim)
    if x.shape[axis] % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {axis} is size "
            f"{x.shape[axis]}"
        )
    check_floating("glu_cpu", input, x.dtype)
    values, gates = jnp.split(widen(x), 2, axis)
    return (values * jax.nn.sigmoid(gates)).astype(x.dtype)


def gelu(input: ArrayLike, *, approximate: str = "none") -> Float[Array, "..."]:
    """Returns x times the normal distribution function of x.

    Args:
        input: Any shape; floating point.
        approximate: 'none' for the exact function, 'tanh' for the approximation
            ``x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))``.

    Returns:
        The same shape and dtype; nan at -inf.

    Raises:
        RuntimeError: `approximate` is neither 'none' nor 'tanh'.
        NotImplementedError: The input is not floating point.

    Torch:
        ``torch.nn.functional.gelu``, 2.13.0. T1 in float64; T3 in half precision. In
        float32 'none' is within 4e-7 of the exact function and PyTorch within 1.3e-6,
        because its oneDNN approximates erf, and returns nan at inf where this is inf;
        'tanh' and its derivative are within 1e-6 of PyTorch's.

    Example:
        >>> round(float(gelu(1.0)), 4), round(float(gelu(1.0, approximate="tanh")), 4)
        (0.8413, 0.8412)

    References:
        Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, section 2.
    """
    x = as_array(input, "input")
    if approximate not in ("none", "tanh"):
        raise RuntimeError(
            f"approximate argument must be either none or tanh. Got {approximate!r}"
        )
    check_floating("GeluKernelImpl", input, x.dtype)
    wide = widen(x)
    if approximate == "tanh":
        return _gelu_tanh(wide).astype(x.dtype)
    return jax.nn.gelu(wide, approximate=False).astype(x.dtype)


def silu(input: ArrayLike, inplace: bool = False) -> Float[Array, "..."]:
    """Returns ``x * sigmoid(x)`` of every element, also called swish.

    Args:
        input: Any shape; floating point.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype; nan at -inf.

    Raises:
        NotImplementedError: The input is not floating point.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.silu``, 2.13.0. T1 in float64; float32 within 1e-6
        relative, the derivative within 2e-8 more; T3 in half precision. PyTorch also
        takes complex numbers.

    Example:
        >>> round(float(silu(1.0)), 4)
        0.7311

    References:
        Elfwing, Uchibe and Doya, "Sigmoid-Weighted Linear Units for Neural Network
        Function Approximation in Reinforcement Learning", 2017, equation 5.
    """
    check_inplace(inplace)
    x = as_array(input, "input")
    check_floating("silu_cpu", input, x.dtype)
    return jax.nn.silu(widen(x)).astype(x.dtype)


def mish(input: ArrayLike, inplace: bool = False) -> Float[Array, "..."]:
    """Returns ``x * tanh(softplus(x))`` of every element.

    Args:
        input: Any shape; floating point.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype; nan at -inf.

    Raises:
        NotImplementedError: The input is not floating point.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.mish``, 2.13.0. T1 in float64; float32 within 1e-6
        relative, the derivative within 1e-7 more; T3 in half precision.

    Example:
        >>> round(float(mish(1.0)), 4)
        0.8651

    References:
        Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", 2019.
    """
    check_inplace(inplace)
    x = as_array(input, "input")
    check_floating("mish_cpu", input, x.dtype)
    return _mish(widen(x)).astype(x.dtype)


# JAX calls functions with a derivative of their own with NumPy arrays and Python
# numbers too: hence Any in their annotations. Neither uses tanh, as jax.nn does: XLA's
# is 2.6e-7 off in float32, which the derivatives multiply to 4e-6.
@jax.custom_jvp
def _gelu_tanh(x: Any) -> Float[Array, "..."]:
    """Returns the approximation of GELU; ``1 + tanh(u)`` is ``2 sigmoid(2 u)``."""
    return x * jax.nn.sigmoid(_twice_inner(x))


@_gelu_tanh.defjvp
def _gelu_tanh_jvp(
    primals: tuple[Any], tangents: tuple[Any]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Takes ``sigmoid(-z)``, which keeps the digits that ``1 - sigmoid(z)`` loses."""
    (x,), (dx,) = primals, tangents
    z = _twice_inner(x)
    gate = jax.nn.sigmoid(z)
    slope = 2 * _ROOT * (1 + 3 * _CUBIC * x * x)
    return _gelu_tanh(x), (gate + x * gate * jax.nn.sigmoid(-z) * slope) * dx


def _twice_inner(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns twice what the approximation of GELU takes the tanh of."""
    return 2 * _ROOT * (x + _CUBIC * (x * x * x))


@jax.custom_jvp
def _mish(x: Any) -> Float[Array, "..."]:
    """Returns ``x * n / (n + 2)`` with ``n = e * (e + 2)`` and ``e = exp(x)``."""
    power = _bounded_exp(x)
    n = power * (power + 2)
    return x * (n / (n + 2))


@_mish.defjvp
def _mish_jvp(
    primals: tuple[Any], tangents: tuple[Any]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Takes the gate's derivative as one fraction: a difference would cancel."""
    (x,), (dx,) = primals, tangents
    power = _bounded_exp(x)
    n = power * (power + 2)
    slope = 4 * (power / (n + 2)) * ((power + 1) / (n + 2))
    slope = jnp.where(x > _MISH_BOUND, 0, slope)
    return _mish(x), (n / (n + 2) + x * slope) * dx


def _bounded_exp(x: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Returns exp(x), bounded so that its square is a float32 number."""
    return jnp.exp(jnp.minimum(x, _MISH_BOUND))
