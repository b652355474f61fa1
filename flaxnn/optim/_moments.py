# SPDX-License-Identifier: Apache-2.0
"""Running averages as PyTorch computes them."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def lerp(moment: jax.Array, grad: jax.Array, weight: jax.Array) -> jax.Array:
    """PyTorch's lerp: from the nearer end, so that weight 1 gives the gradient."""
    near_start = moment + weight * (grad - moment)
    near_end = grad - (grad - moment) * (1 - weight)
    return jnp.where(weight < 0.5, near_start, near_end)


def decayed(moment: jax.Array, square: jax.Array, weight: jax.Array) -> jax.Array:
    """The average of squares, in which the new one has the weight."""
    return (1 - weight) * moment + weight * square
