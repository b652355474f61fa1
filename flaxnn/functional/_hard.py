# SPDX-License-Identifier: Apache-2.0
"""Hard sigmoid and hard swish: the smooth functions made of straight lines."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Float
from flaxnn.functional._checks import as_array, check_floating, check_inplace, widen


def hardsigmoid(input: ArrayLike, inplace: bool = False) -> Float[Array, "..."]:
    """Returns ``(x + 3) / 6`` between 0 and 1; the derivative at -3 and 3 is 0.

    Args:
        input: Any shape; floating point.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype.

    Raises:
        NotImplementedError: The input is not floating point.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.hardsigmoid``, 2.13.0. T1 in float64; float32 within 1e-6
        relative; T3 in half precision. As there, the derivative at nan is 0, and in
        between it is float32's 1/6 in float64 too.

    Example:
        >>> hardsigmoid([-4.0, 0.0, 4.0])
        Array([0. , 0.5, 1. ], dtype=float32)
    """
    check_inplace(inplace)
    x = as_array(input, "input")
    check_floating("hardsigmoid_cpu", input, x.dtype)
    return _hardsigmoid(widen(x)).astype(x.dtype)


def hardswish(input: ArrayLike, inplace: bool = False) -> Float[Array, "..."]:
    """Returns ``x * hardsigmoid(x)``; the derivative at -3 is 0 and at 3 is 1.

    Args:
        input: Any shape; floating point.
        inplace: Only False: JAX arrays cannot be changed.

    Returns:
        The same shape and dtype; nan at -inf.

    Raises:
        NotImplementedError: The input is not floating point.
        ValueError: ``inplace`` is True.

    Torch:
        ``torch.nn.functional.hardswish``, 2.13.0. T1 in float64; float32 within 1e-6
        relative, the derivative within 3e-8 more; T3 in half precision.

    Example:
        >>> hardswish([-4.0, 0.0, 4.0])
        Array([-0.,  0.,  4.], dtype=float32)

    References:
        Howard et al., "Searching for MobileNetV3", 2019, section 5.2.
    """
    check_inplace(inplace)
    x = as_array(input, "input")
    check_floating("hardswish_cpu", input, x.dtype)
    wide = widen(x)
    inside = (wide > -3) & (wide < 3)
    # Where it is not used, the curve is taken at 0: at inf its derivative is inf.
    curved = jnp.where(inside, wide, 0)
    curve = curved * (curved + 3) / 6
    straight = jnp.where(wide <= -3, wide * 0, wide)
    return jnp.where(inside, curve, straight).astype(x.dtype)


# JAX calls functions with a derivative of their own with NumPy arrays and Python
# numbers too: hence Any in their annotations.
@jax.custom_jvp
def _hardsigmoid(x: Any) -> Float[Array, "..."]:
    """Returns ``(x + 3) / 6`` between 0 and 1."""
    return jnp.clip(x + 3, 0, 6) / 6


@_hardsigmoid.defjvp
def _hardsigmoid_jvp(
    primals: tuple[Any], tangents: tuple[Any]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Takes 0 at -3, 3 and nan; between them PyTorch's 1/6 is float32's in float64."""
    (x,), (dx,) = primals, tangents
    slope = float(np.float32(1 / 6))
    return _hardsigmoid(x), jnp.where((x > -3) & (x < 3), slope, 0) * dx
