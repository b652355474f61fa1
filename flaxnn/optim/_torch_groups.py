# SPDX-License-Identifier: Apache-2.0
"""Which parameters PyTorch numbers how, and which optimiser has them."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from flaxnn.optim._chain import ChainUpdate
from flaxnn.optim._names import named_leaves
from flaxnn.optim._param_groups import GroupsUpdate
from flaxnn.optim._states import optimizer_states
from flaxnn.optim._torch_schema import SCHEMAS, Schema


@dataclass(frozen=True)
class Named:
    """A parameter: PyTorch's name of it, and the one that it has in the tree."""

    torch: str
    tree: str


class Group(NamedTuple):
    """One of PyTorch's parameter groups, and what stands for it here."""

    schema: Schema
    update: Any
    state: Any
    params: tuple[Named, ...]


def ordered(names: Any, leaves: Iterable[str]) -> list[Named]:
    """The parameters in PyTorch's order, from their names or from a module."""
    if hasattr(names, "named_parameters"):
        order = [name for name, _ in names.named_parameters()]
        aliases = _aliases(names)
    elif isinstance(names, str):
        raise TypeError(
            f"names must be a list of names or a model, got the string {names!r}"
        )
    else:
        order, aliases = list(names), {}
    twice = [name for name, count in Counter(order).items() if count > 1]
    if twice:
        raise ValueError(f"names has {', '.join(twice)} more than once")
    known = set(leaves)
    return [Named(name, _in_tree(name, aliases, known)) for name in order]


def _aliases(model: Any) -> dict[str, list[str]]:
    """Every name of each array of a module: tied parameters have several."""
    state = model.state_dict()
    shared: dict[int, list[str]] = {}
    for name, array in state.items():
        shared.setdefault(id(array), []).append(name)
    return {name: shared[id(array)] for name, array in state.items()}


def _in_tree(name: str, aliases: dict[str, list[str]], leaves: set[str]) -> str:
    """Flax keeps a tied parameter under the first of its names in the alphabet."""
    same = aliases.get(name, [name])
    held = [alias for alias in same if alias in leaves]
    return min(held or same, key=lambda alias: alias.split("."))


def groups_of(update: Any, opt_state: Any, params: Sequence[Named]) -> list[Group]:
    """The optimisers inside a transformation, each with its part of the parameters."""
    found = list(_optimizers(update, params))
    states = optimizer_states(opt_state)
    if not found:
        raise ValueError(
            "the optimizer has none of flaxnn.optim's optimisers inside; those in "
            "optax.chain and optax.partition cannot be seen: use optim.chain and "
            "optim.param_groups"
        )
    if len(states) != len(found):
        raise ValueError(
            f"the optimizer has {len(found)} parameter group(s) and opt_state is of "
            f"{len(states)}: pass the state that this optimizer's init and update made"
        )
    count = Counter(param.torch for _, mine in found for param in mine)
    twice = [name for name, times in count.items() if times > 1]
    if twice:
        raise ValueError(
            f"{', '.join(twice)} have more than one optimiser, which PyTorch's state "
            "cannot hold"
        )
    return [
        Group(SCHEMAS[type(update)], update, state, tuple(mine))
        for (update, mine), state in zip(found, states, strict=True)
    ]


def _optimizers(
    update: Any, params: Sequence[Named]
) -> Iterator[tuple[Any, Sequence[Named]]]:
    if type(update) in SCHEMAS:
        yield update, params
    elif isinstance(update, ChainUpdate):
        for part in update.parts:
            yield from _optimizers(part.update, params)
    elif isinstance(update, GroupsUpdate):
        for index, part in enumerate(update.parts):
            mine = [p for p in params if update.grouping.group(p.tree) == index]
            yield from _optimizers(part.update, mine)
    elif hasattr(update, "optimizer"):
        yield from _optimizers(update.optimizer, params)


def fields_of(group: Group) -> dict[str, Any]:
    """The fields of a group's state that PyTorch writes for each parameter."""
    return {
        name: value
        for name, value in group.state._asdict().items()
        if value is not None and name not in ("hyperparams", *group.schema.own)
    }


def leaves_of(group: Group) -> dict[str, dict[str, Any]]:
    """Of these the ones shaped as the parameters, by name of the parameter."""
    return {
        name: named_leaves(value)
        for name, value in fields_of(group).items()
        if name not in group.schema.numbers
    }


def leaf_names(opt_state: Any) -> set[str]:
    """The names of the parameters that the optimisers hold something of."""
    return {
        name
        for state in optimizer_states(opt_state)
        for field, value in state._asdict().items()
        if field != "hyperparams"
        for name in named_leaves(value)
    }


def name_faults(params: Iterable[Named], leaves: set[str]) -> list[str]:
    """What differs between the names and the leaves."""
    named = {param.tree: param.torch for param in params}
    left = sorted(leaves - named.keys())
    faults = [f"{leaf} is a parameter and not in names" for leaf in left]
    for tree, name in named.items():
        if tree not in leaves:
            near = difflib.get_close_matches(tree, left, n=1)
            hint = f", did you mean {near[0]!r}?" if near else ""
            faults.append(f"{name} is in names and not among the parameters{hint}")
    return faults


def collected(groups: Iterable[Group], faults: Iterable[str]) -> ValueError:
    """One error that names every fault."""
    kinds = ", ".join(dict.fromkeys(group.schema.torch for group in groups))
    return ValueError("\n\t".join([f"Error(s) in the state of {kinds}:", *faults]))
