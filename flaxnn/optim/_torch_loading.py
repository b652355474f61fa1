# SPDX-License-Identifier: Apache-2.0
"""PyTorch's dictionary put into the states of a transformation's optimisers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.optim._names import dotted
from flaxnn.optim._torch_groups import Group, fields_of, leaves_of
from flaxnn.optim._torch_schema import (
    IMPLEMENTATION,
    SCHEDULED,
    SCHEMAS,
    as_array,
    plain,
    traced_name,
)
from flaxnn.optim._torch_whole import read, whole_faults

Entry = dict[str, np.ndarray]


def load(
    torch_state: Mapping[str, Any],
    groups: Sequence[Group],
    leaves: Mapping[str, Any],
    faults: list[str],
) -> list[Any]:
    """The groups' states with what PyTorch saved; what does not fit goes to faults."""
    missing = {"state", "param_groups"} - set(torch_state)
    if missing:
        faults.append(f"there is no {' and no '.join(map(repr, sorted(missing)))}")
        return []
    # A default that no parameter was left for is no group of PyTorch's.
    used = [group for group in groups if group.params]
    saved = torch_state["param_groups"]
    if len(saved) != len(used):
        faults.append(
            "loaded state dict has a different number of parameter groups: "
            f"{len(saved)}, and the optimizer has {len(used)}"
        )
        return []
    ids = {number for group in saved for number in group["params"]}
    unknown = sorted(str(k) for k in torch_state["state"] if k not in ids)
    if unknown:
        faults.append(f"no group has the parameter(s) {', '.join(unknown)}")
    states: dict[int, Any] = {}
    for index, (group, options) in enumerate(zip(used, saved, strict=True)):
        found = _option_faults(group, options)
        rows = [torch_state["state"].get(k, {}) for k in options["params"]]
        entries = [] if group.schema.whole else [*map(_entry, rows)]
        if len(rows) != len(group.params):
            found.append(
                "loaded state dict contains a parameter group that doesn't match the "
                f"size of optimizer's group: {len(rows)} parameters, expected "
                f"{len(group.params)}"
            )
        elif group.schema.whole:
            found += whole_faults(group, rows)
        else:
            found += _entry_faults(group, entries, leaves)
        if found:
            where = f"group {index}: " if len(used) > 1 else ""
            faults += [where + fault for fault in found]
        elif not faults:
            state = _with_options(group, options)
            states[id(group.state)] = (
                read(group, state, rows[0])
                if group.schema.whole
                else _loaded(group, state, entries)
            )
    return [states.get(id(group.state), group.state) for group in groups]


def _entry(saved: Mapping[str, Any]) -> Entry:
    """A parameter's arrays; None stands for none in files of older versions."""
    return {k: as_array(value) for k, value in saved.items() if value is not None}


def _completed(group: Group, saved: Mapping[str, Any]) -> dict[str, Any]:
    """The options; a flag that older versions did not write is the optimiser's own."""
    flags = {
        key: getattr(group.update, key)
        for key in group.schema.keys
        if hasattr(group.update, key) and not traced_name(key, group.state.hyperparams)
    }
    return {**flags, **saved}


def _option_faults(group: Group, saved: Mapping[str, Any]) -> list[str]:
    faults = []
    options = _completed(group, saved)
    theirs = options.keys() - {"params", "param_names", *SCHEDULED, *IMPLEMENTATION}
    ours = set(group.schema.keys) - IMPLEMENTATION.keys()
    unknown, missing = sorted(theirs - ours), sorted(ours - theirs)
    faults += [f"{key} is no option of {group.schema.torch}" for key in unknown]
    faults += [f"the option {key} is missing" for key in missing]
    if faults:
        written = saved.keys() - {"params", "param_names", *SCHEDULED, *IMPLEMENTATION}
        faults += [
            f"these are the options of {schema.torch}"
            for schema in SCHEMAS.values()
            if written == set(schema.keys) - IMPLEMENTATION.keys()
        ]
        return faults
    names = saved.get("param_names")
    expected = [param.torch for param in group.params]
    if names is not None and list(names) != expected:
        faults.append(f"its param_names are {list(names)}, and names has {expected}")
    try:
        return faults + group.schema.disagreements(options, group.update)
    except (TypeError, ValueError) as refused:
        return [*faults, str(refused)]


def _entry_faults(
    group: Group, entries: Sequence[Entry], leaves: Mapping[str, Any]
) -> list[str]:
    """What is wrong with the arrays of a group that has seen an update."""
    if not any(entries):
        return []
    faults = []
    fields, shaped = fields_of(group), leaves_of(group)
    for param, entry in zip(group.params, entries, strict=True):
        if not entry:
            faults.append(
                f"{param.torch} has no state, as a parameter that got no gradient; "
                "leave it out of names and out of the optimizer's parameters"
            )
            continue
        faults += [f"{param.torch} has no {k}" for k in fields if k not in entry]
        faults += [
            f"{param.torch} has {k}, which is not in the state of {group.schema.torch} "
            "with these options"
            for k in entry
            if k not in fields
        ]
        leaf = leaves.get(param.tree)
        if leaf is None:
            continue
        for key, array in entry.items():
            expected = leaf.shape if key in shaped else ()
            if key in fields and array.shape != expected:
                faults.append(
                    f"size mismatch for {key} of {param.torch}: copying "
                    f"{array.shape}, expected {expected}"
                )
    return faults or _unequal(group, entries)


def _unequal(group: Group, entries: Sequence[Entry]) -> list[str]:
    """The numbers that parameters of one group do not agree on."""
    faults = []
    for key in group.schema.numbers:
        values = {
            float(entry[key]): param.torch
            for param, entry in zip(group.params, entries, strict=True)
            if key in entry
        }
        if len(values) > 1:
            listed = ", ".join(f"{v:g} of {name}" for v, name in values.items())
            faults.append(f"{key} differs within the group: {listed}")
    return faults


def _with_options(group: Group, saved: Mapping[str, Any]) -> Any:
    """The group's state with the saved options."""
    made: Any = group.schema.made_from(_completed(group, saved)).init({})
    scheduled = {
        name: _scheduled(name, value, saved)
        for name, value in group.state.hyperparams.items()
        if name not in made.hyperparams
    }
    return group.state._replace(hyperparams={**made.hyperparams, **scheduled})


def _loaded(group: Group, state: Any, entries: Sequence[Entry]) -> Any:
    """A state with the saved arrays."""
    if not any(entries):
        return state
    new: dict[str, Any] = {}
    if "step" in group.schema.own and group.state.step is not None:
        # All that counts is that there was a first update.
        new["step"] = jnp.ones_like(group.state.step)
    for name, value in fields_of(group).items():
        if name in group.schema.numbers:
            new[name] = jnp.array(entries[0][name], value.dtype)
        else:
            new[name] = _filled(name, value, group, entries)
    return state._replace(**new)


def _scheduled(name: str, value: jax.Array, saved: Mapping[str, Any]) -> jax.Array:
    """What a scheduler keeps in the group: the saved number, or else its own."""
    key = name.removeprefix("one_minus_")
    if key not in saved:
        return value
    number = plain(saved[key])
    return jnp.asarray(number if name == key else 1 - number, value.dtype)


def _filled(name: str, tree: Any, group: Group, entries: Sequence[Entry]) -> Any:
    arrays = {
        param.tree: entry[name]
        for param, entry in zip(group.params, entries, strict=True)
    }
    return jax.tree_util.tree_map_with_path(
        # A copy: PyTorch changes its tensors in place.
        lambda path, leaf: jnp.array(arrays[dotted(path)], leaf.dtype),
        tree,
    )
