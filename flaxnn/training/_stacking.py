# SPDX-License-Identifier: Apache-2.0
"""The trees of many lanes in one, and apart again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.training._pure import Tree


def stacked(trees: Sequence[Tree]) -> Tree:
    """One tree whose leaves have the lanes as their first axis, on the host."""
    return jax.tree.map(_stack, *trees)


def unstacked(tree: Tree, count: int) -> list[Tree]:
    """The trees of the first lanes, in arrays of their own."""
    # In one transfer, and copied: an array may be given away, as to a jitted function.
    return jax.device_put(unstacked_on_host(tree, count), may_alias=False)


def unstacked_on_host(tree: Tree, count: int) -> list[Tree]:
    """The trees of the first lanes, in NumPy's arrays."""
    leaves, treedef = jax.tree.flatten(tree)
    columns = [_split(leaf, count) for leaf in leaves]
    lanes = zip(*columns, strict=True) if columns else [()] * count
    return [treedef.unflatten(lane) for lane in lanes]


def _stack(*leaves: Any) -> Any:
    # On the host: a program with hundreds of operands takes a minute to compile.
    if _is_key(leaves[0]):
        data = np.stack([jax.random.key_data(leaf) for leaf in leaves])
        return jax.random.wrap_key_data(
            jnp.asarray(data), impl=jax.random.key_impl(leaves[0])
        )
    return np.stack(leaves)


def _split(leaf: Any, count: int) -> list[Any]:
    if _is_key(leaf):
        data, impl = jax.random.key_data(leaf), jax.random.key_impl(leaf)
        return [
            jax.random.wrap_key_data(k, impl=impl) for k in np.asarray(data)[:count]
        ]
    # Arrays, and not NumPy's scalars, where a lane has one number.
    return [np.asarray(leaf)[k, ...] for k in range(count)]


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
