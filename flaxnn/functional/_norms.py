# SPDX-License-Identifier: Apache-2.0
"""The p-norm, with PyTorch's derivative where the definition gives none."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import lax

from flaxnn._typing import Array, Float


def vector_norm(
    x: Float[Array, "..."], p: float, axes: tuple[int, ...]
) -> Float[Array, "..."]:
    """Returns the p-norm over the axes, kept with size 1; derivative 0 at 0.

    Where a root or a power has no derivative the argument is replaced before, because
    0 times infinity would be nan.
    """
    size = math.prod(x.shape[axis] for axis in axes)
    sign = lax.stop_gradient(jnp.sign(x))
    magnitude = x * sign
    if p == 0:
        return lax.stop_gradient(jnp.sum(x != 0, axes, keepdims=True).astype(x.dtype))
    if math.isinf(p):
        if size == 0:
            raise RuntimeError(
                f"linalg.vector_norm cannot compute the {p} norm on the dimension "
                f"{axes[0]} because this dimension is empty and the operation does not "
                "have an identity"
            )
        extreme = jnp.max if p > 0 else jnp.min
        return extreme(magnitude, axes, keepdims=True)
    if p == 1:
        return jnp.sum(magnitude, axes, keepdims=True)
    if p == 2:
        powers = jnp.square(x)
    else:
        zero = x == 0
        power = jnp.where(zero, 1, magnitude) ** p
        powers = jnp.where(zero, 0.0 if p > 0 else jnp.inf, power)
    total = jnp.sum(powers, axes, keepdims=True)
    none = (total == 0) | jnp.isinf(total)
    rooted = jnp.where(none, 1, total)
    root = jnp.sqrt(rooted) if p == 2 else rooted ** (1 / p)
    return jnp.where(none, total if p > 0 else 1 / total, root)
