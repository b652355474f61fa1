# SPDX-License-Identifier: Apache-2.0
"""LBFGS's state in PyTorch's schema: one for all parameters, in lists and vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from flaxnn.optim._flat import like
from flaxnn.optim._names import named_leaves
from flaxnn.optim._torch_groups import Group
from flaxnn.optim._torch_schema import as_array

_COUNTS = ("func_evals", "n_iter")
_VECTORS = ("d", "prev_flat_grad")
_LISTS = ("old_dirs", "old_stps", "ro")
_NUMBERS = ("t", "H_diag", "prev_loss")
# In PyTorch's order. It keeps a list of factors as well, and never reads an old one.
_LATER = ("d", "t", *_LISTS, "H_diag", "prev_flat_grad", "prev_loss")
_SCRATCH = "al"


def written(group: Group) -> dict[str, Any]:
    """PyTorch's entry under the first parameter; nothing before the first update."""
    state = group.state
    counts = {name: int(getattr(state, name)) for name in _COUNTS}
    if not counts["func_evals"]:
        return {}
    if not counts["n_iter"]:
        return counts
    order, size, stored = _order(group), len(state.ro), int(state.stored)
    rows = [k % size for k in range(max(0, stored - size), stored)]
    entry: dict[str, Any] = dict(counts)
    for name in _LATER:
        value = getattr(state, name)
        if name in _VECTORS:
            # By NumPy: float64 may be off by now in JAX.
            leaves = map(np.asarray, named_leaves(value).values())
            entry[name] = np.concatenate([leaf.reshape(-1) for leaf in leaves])[order]
        elif name == "ro":
            entry[name] = [np.array(value[row]) for row in rows]
        elif name in _LISTS:
            entry[name] = list(np.array(value)[rows][:, order])
        else:
            entry[name] = np.array(value) if name == "H_diag" else float(value)
    return entry


def _order(group: Group) -> np.ndarray:
    """Where the numbers of PyTorch's vectors stand in ours, parameter by parameter."""
    places, first = {}, 0
    for name, leaf in named_leaves(group.state.d).items():
        places[name] = np.arange(first, first + leaf.size)
        first += leaf.size
    return np.concatenate([places[param.tree] for param in group.params])


def whole_faults(group: Group, entries: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is wrong with the entries of a group's parameters."""
    faults = [
        f"{param.torch} has a state, and PyTorch keeps {group.schema.torch}'s under "
        f"the first parameter, {group.params[0].torch}"
        for param, entry in zip(group.params[1:], entries[1:], strict=True)
        if entry
    ]
    entry = _present(entries[0])
    if not entry:
        return faults
    needed = _COUNTS
    if int(entry.get("n_iter", 0)):
        needed = (*_COUNTS, *_LATER)
    where = f"the state of {group.schema.torch}"
    faults += [f"{where} has no {name}" for name in needed if name not in entry]
    faults += [
        f"{name} does not belong to {where}"
        for name in entry
        if name not in (*_COUNTS, *_LATER, _SCRATCH)
    ]
    if faults or needed == _COUNTS:
        return faults
    return _shape_faults(group, entry)


def _shape_faults(group: Group, entry: Mapping[str, Any]) -> list[str]:
    size = sum(leaf.size for leaf in named_leaves(group.state.d).values())
    faults = []
    for name in _LATER:
        expected = (size,) if name in (*_VECTORS, "old_dirs", "old_stps") else ()
        values = entry[name] if name in _LISTS else [entry[name]]
        shapes = {as_array(value).shape for value in values}
        faults += [
            f"size mismatch for {name}: copying {shape}, expected {expected}"
            for shape in shapes - {expected}
        ]
    lengths = [len(entry[name]) for name in _LISTS]
    if len(set(lengths)) > 1:
        faults.append(f"{', '.join(_LISTS)} differ in length: {lengths}")
    elif lengths[0] > len(group.state.ro):
        faults.append(
            f"the history has {lengths[0]} entries, and the optimizer has room for "
            f"history_size={len(group.state.ro)}"
        )
    return faults


def read(group: Group, state: Any, entry: Mapping[str, Any]) -> Any:
    """A state with what PyTorch saved."""
    entry = _present(entry)
    if not entry:
        return state
    new = {name: jnp.asarray(int(entry[name]), jnp.int32) for name in _COUNTS}
    if not int(entry["n_iter"]):
        return state._replace(**new)
    dtype, order = state.t.dtype, _order(group)

    def ours(vector: Any) -> np.ndarray:
        out = np.empty(len(order), dtype)
        out[order] = as_array(vector)
        return out

    for name in _VECTORS:
        new[name] = like(jnp.asarray(ours(entry[name])), state.d)
    for name in _NUMBERS:
        new[name] = jnp.asarray(as_array(entry[name]), dtype)
    count = len(entry["ro"])
    for name in _LISTS:
        rows = np.zeros(getattr(state, name).shape, dtype)
        for row, value in enumerate(entry[name]):
            rows[row] = as_array(value) if name == "ro" else ours(value)
        new[name] = jnp.asarray(rows)
    new["stored"] = jnp.asarray(count, jnp.int32)
    return state._replace(**new)


def _present(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry holds; None stands for what there was nothing of yet."""
    return {name: value for name, value in entry.items() if value is not None}
