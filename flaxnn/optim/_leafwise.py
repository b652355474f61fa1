# SPDX-License-Identifier: Apache-2.0
"""A formula for one parameter, applied to every leaf of a tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalars, Tree, cast


def leafwise(
    formula: Callable[..., tuple[Any, ...]],
    scalars: Scalars,
    outputs: Sequence[Tree],
    *inputs: Tree,
) -> tuple[Tree, ...]:
    """Trees of ``formula(scalars, *leaves)``, one for each of ``outputs``.

    The formula meets its leaves, and the scalars, in at least float32; each result
    takes the dtype of its leaf in ``outputs``, whose first is never None. Where a tree
    is None the formula is given None, and gives None.
    """
    treedef = jax.tree.structure(outputs[0])
    rows = []
    for leaves, likes in zip(
        _rows(treedef, inputs), _rows(treedef, outputs), strict=True
    ):
        wide: list[Any] = [_widened(leaf) for leaf in leaves]
        results = formula(cast(scalars, wide[0]), *wide)
        rows.append(
            [
                None if like is None else result.astype(like.dtype)
                for result, like in zip(results, likes, strict=True)
            ]
        )
    return tuple(
        None if tree is None else treedef.unflatten([row[index] for row in rows])
        for index, tree in enumerate(outputs)
    )


def _rows(treedef: Any, trees: Sequence[Tree]) -> list[tuple[Any, ...]]:
    """The trees' leaves side by side; None for each leaf of a tree that is None."""
    columns = [
        [None] * treedef.num_leaves if tree is None else treedef.flatten_up_to(tree)
        for tree in trees
    ]
    return list(zip(*columns, strict=True))


def _widened(leaf: jax.Array | None) -> jax.Array | None:
    if leaf is None:
        return None
    return leaf.astype(jnp.promote_types(leaf.dtype, jnp.float32))
