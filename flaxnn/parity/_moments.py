# SPDX-License-Identifier: Apache-2.0
"""An optax state with what was recorded of PyTorch's optimiser in it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from flaxnn.parity._port import Port

#: What optax calls PyTorch's arrays; flaxnn.optim calls them as PyTorch does.
_OPTAX = {
    "mu": "exp_avg",
    "nu": "exp_avg_sq",
    "nu_max": "max_exp_avg_sq",
    "trace": "momentum_buffer",
    "sum_of_squares": "sum",
}
_COUNTS = ("count", "step")


def advanced(
    optimizer: optax.GradientTransformation,
    params: Any,
    losses: Sequence[float],
    start: Any = None,
) -> Any:
    """The optimiser's state after updates without gradient: its schedules' positions.

    Args:
        optimizer: The transformation.
        params: The parameters.
        losses: The loss before each update, for schedules that look at it.
        start: The state to begin from; a new one by default.
    """
    state = optimizer.init(params) if start is None else start
    extra = isinstance(optimizer, optax.GradientTransformationExtraArgs)
    zeros = jax.tree.map(jnp.zeros_like, params)

    @jax.jit
    def one(state: Any, loss: Any) -> Any:
        value = {"value": loss} if extra else {}
        return optimizer.update(zeros, state, params, **value)[1]

    for loss in losses:
        state = one(state, jnp.asarray(loss))
    return state


def with_moments(
    state: Any,
    port: Port,
    params: Any,
    recorded: Mapping[str, Mapping[str, np.ndarray]],
    dtype: Any,
) -> tuple[Any, set[str]]:
    """The state with the recorded moments, and the fields that nothing was found for.

    Args:
        state: An optax state.
        port: Whose names and layouts the parameters have.
        params: The parameters' tree.
        recorded: PyTorch's state: a parameter's name to its arrays.
        dtype: The moments' dtype.
    """
    keys = {key for entries in recorded.values() for key in entries}
    trees = {
        key: _by_path(
            port.tree({name: e[key] for name, e in recorded.items() if key in e}, dtype)
        )
        for key in keys
        if all(np.ndim(e[key]) for e in recorded.values() if key in e)
    }
    steps = [int(e["step"]) for e in recorded.values() if "step" in e]
    paths = set(_by_path(params))
    unknown: set[str] = set()

    def filled(path: Any, leaf: Any) -> Any:
        field, place = _field(path, paths)
        if field is None:
            return leaf
        key = _OPTAX.get(field, field)
        if key in trees:
            return trees[key][place].astype(leaf.dtype)
        if recorded:
            unknown.add(field)
        return leaf

    filled_state = jax.tree_util.tree_map_with_path(filled, state)
    return _counted(filled_state, max(steps, default=None)), unknown


def moments_of(state: Any, params: Any) -> dict[str, Any]:
    """The trees of an optax state that are shaped as the parameters, by PyTorch's key.

    Only those that hold something of every parameter.

    Args:
        state: An optax state.
        params: The parameters' tree.
    """
    paths = _by_path(params)
    found: dict[str, dict[str, Any]] = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(state):
        field, place = _field(path, set(paths))
        if field is not None:
            found.setdefault(_OPTAX.get(field, field), {})[place] = leaf
    structure = jax.tree.structure(params)
    return {
        key: jax.tree.unflatten(structure, [leaves[place] for place in paths])
        for key, leaves in found.items()
        if leaves.keys() == paths.keys()
    }


def _field(path: Any, paths: Container[str]) -> tuple[str | None, str]:
    """The field of a state that a leaf belongs to, and the parameter it is for."""
    for length in range(len(path), 0, -1):
        place = jax.tree_util.keystr(path[-length:])
        name = getattr(path[-length - 1], "name", None) if length < len(path) else None
        if name is not None and place in paths:
            return str(name), place
    return None, ""


def _by_path(tree: Any) -> dict[str, Any]:
    return {
        jax.tree_util.keystr(path): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def _counted(state: Any, steps: int | None) -> Any:
    """The state with the optimisers' own counts at a number; schedules keep theirs."""
    if steps is None:
        return state

    def counted(node: Any) -> Any:
        if not _is_named_tuple(node):
            return node
        fields = set(node._fields)
        if fields & {*_OPTAX, *_OPTAX.values()}:
            counts = {
                name: jnp.asarray(steps, getattr(node, name).dtype)
                for name in _COUNTS
                if name in fields and getattr(node, name) is not None
            }
            return node._replace(**counts)
        return type(node)(*(walk(child) for child in node))

    def walk(node: Any) -> Any:
        if _is_named_tuple(node):
            return counted(node)
        if isinstance(node, tuple | list):
            return type(node)(walk(child) for child in node)
        if isinstance(node, dict):
            return {key: walk(child) for key, child in node.items()}
        return node

    return walk(state)


def _is_named_tuple(node: Any) -> bool:
    return isinstance(node, tuple) and hasattr(node, "_fields")
