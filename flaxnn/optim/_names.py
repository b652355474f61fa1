"""The dotted names of a tree's leaves."""

from __future__ import annotations

from typing import Any

import jax
from jax.tree_util import GetAttrKey, KeyPath

from flaxnn.optim._scalars import Tree


def dotted(path: KeyPath) -> str:
    """The name PyTorch has for a leaf at this path: ``"head.0.weight"``."""
    if len(path) > 1 and path[-1] == GetAttrKey("value"):
        path = path[:-1]  # The array inside one of Flax's variables.
    return jax.tree_util.keystr(path, simple=True, separator=".")


def named_leaves(tree: Tree) -> dict[str, Any]:
    """The leaves under their dotted names, in JAX's order."""
    leaves = jax.tree_util.tree_leaves_with_path(tree)
    return {dotted(path): leaf for path, leaf in leaves}
