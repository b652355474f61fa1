# SPDX-License-Identifier: Apache-2.0
"""The dotted names of a tree's leaves, and patterns of them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from fnmatch import fnmatchcase
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


def fits(name: str, pattern: str) -> bool:
    """Whether a dotted name has a pattern's form, as in Python's ``fnmatch``."""
    return fnmatchcase(name, pattern)


def unmatched(pattern: str, names: Sequence[str]) -> str:
    """Says that a pattern fits none of the names, and which is the nearest."""
    near = difflib.get_close_matches(pattern, names, n=1, cutoff=0.0)
    hint = f", the nearest is {near[0]!r}" if near else ""
    return f"the pattern {pattern!r} matches no parameter{hint}"
