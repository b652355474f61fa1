# SPDX-License-Identifier: Apache-2.0
"""Means, variances and what a normalisation checks about its parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping

import jax.numpy as jnp

from flaxnn._typing import Array, Float, Shaped
from flaxnn.functional._checks import dtype_name
from flaxnn.functional._options import Option


def moments(
    x: Float[Array, "..."], axes: tuple[int, ...], *, correction: int = 0
) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Returns mean and variance over the axes, which are kept with size 1.

    The variance is taken around the mean: that of the squares would lose every digit
    where the mean is large.
    """
    mean = jnp.mean(x, axes, keepdims=True)
    squares = jnp.sum(jnp.square(x - mean), axes, keepdims=True)
    count = math.prod(x.shape[axis] for axis in axes)
    return mean, squares / (count - correction)


def inverse_deviation(
    var: Float[Array, "*shape"], eps: Option
) -> Float[Array, "*shape"]:
    """Returns ``1 / sqrt(var + eps)``; not lax.rsqrt, which GPUs approximate."""
    return 1 / jnp.sqrt(var + jnp.asarray(eps, var.dtype))


def check_same_kind(
    x: Shaped[Array, "..."], parameters: Mapping[str, Shaped[Array, "..."]]
) -> None:
    """Raises unless parameters have the input's dtype, or float32 for a half input."""
    dtypes = {array.dtype for array in parameters.values()}
    half = x.dtype in (jnp.float16, jnp.bfloat16)
    if dtypes <= {x.dtype} or (half and dtypes <= {jnp.dtype("float32")}):
        return
    got = ", ".join(f"{name} {dtype_name(a)}" for name, a in parameters.items())
    words = (
        "all inputs must share same datatype"
        if x.dtype == jnp.float64
        else "expect parameter to have scalar type of Float"
    )
    raise RuntimeError(
        f"mixed dtype (CPU): {words}. Got input {dtype_name(x)}, {got}: convert the "
        f"input with .astype(…), or the model with flaxnn.astype(model, '{x.dtype}')"
    )
