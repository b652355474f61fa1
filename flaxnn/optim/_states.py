# SPDX-License-Identifier: Apache-2.0
"""The states of optimisers, wherever they are in the state of a transformation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax


def is_optimizer_state(value: Any) -> bool:
    """Whether this is the state of an optimiser with a learning rate of its own."""
    return "lr" in (getattr(value, "hyperparams", None) or ())


def optimizer_states(state: Any) -> list[Any]:
    """The optimisers' states inside, in order: chains and groups have several."""
    nodes = jax.tree.leaves(state, is_leaf=is_optimizer_state)
    return [node for node in nodes if is_optimizer_state(node)]


def with_optimizer_states(state: Any, new: Iterable[Any]) -> Any:
    """The state with others in place of its optimisers' states."""
    nodes, structure = jax.tree.flatten(state, is_leaf=is_optimizer_state)
    states = iter(new)
    return structure.unflatten(
        next(states) if is_optimizer_state(node) else node for node in nodes
    )
