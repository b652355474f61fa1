# SPDX-License-Identifier: Apache-2.0
"""A tree of parameters as one vector, and back."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Tree


def dot(one: jax.Array, two: jax.Array) -> jax.Array:
    return jnp.dot(one, two, precision=jax.lax.Precision.HIGHEST)


def largest(vector: jax.Array) -> jax.Array:
    """The largest size of a component; 0 where there is none."""
    return jnp.max(jnp.abs(vector), initial=0)


def flat_dtype(tree: Tree) -> Any:
    """The dtype that the arithmetic is in."""
    return jnp.result_type(jnp.float32, *(leaf.dtype for leaf in jax.tree.leaves(tree)))


def flat(tree: Tree, dtype: Any) -> jax.Array:
    """All numbers of a tree in one vector."""
    leaves = [leaf.astype(dtype).reshape(-1) for leaf in jax.tree.leaves(tree)]
    return jnp.concatenate(leaves) if leaves else jnp.zeros(0, dtype)


def like(vector: jax.Array, tree: Tree) -> Tree:
    """The numbers of a vector in a tree's shapes."""
    leaves, structure = jax.tree.flatten(tree)
    parts, first = [], 0
    for leaf in leaves:
        parts.append(vector[first : first + leaf.size].reshape(leaf.shape))
        first += leaf.size
    return structure.unflatten(parts)


def moved(params: Tree, t: jax.Array, d: jax.Array) -> Tree:
    """The parameters after a step, in their own dtypes."""
    return jax.tree.map(
        lambda param, move: (param + t * move).astype(param.dtype),
        params,
        like(d, params),
    )
