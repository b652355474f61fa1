# SPDX-License-Identifier: Apache-2.0
"""A pytree as named host arrays, and back."""

from __future__ import annotations

from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

T = TypeVar("T")


def named_arrays(tree: Any) -> dict[str, np.ndarray]:
    """The leaves on the host under their paths; JAX keys as their numbers."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    host = jax.device_get([_numbers(leaf) for _, leaf in leaves])
    return {
        path_name(path): np.asarray(leaf)
        for (path, _), leaf in zip(leaves, host, strict=True)
    }


def from_named_arrays(arrays: dict[str, np.ndarray], like: T) -> T:
    """The pytree again, in the structure of another."""

    def leaf(path: Any, expected: Any) -> Any:
        array = arrays[path_name(path)]
        if _is_key(expected):
            impl = jax.random.key_impl(expected)
            return jax.random.wrap_key_data(jnp.asarray(array), impl=impl)
        return array

    return jax.tree_util.tree_map_with_path(leaf, like)


def path_name(path: Any) -> str:
    """A leaf's place: names and numbers with dots between them."""
    return jax.tree_util.keystr(path, simple=True, separator=".")


def _numbers(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if _is_key(leaf) else leaf


def _is_key(leaf: Any) -> bool:
    return jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
