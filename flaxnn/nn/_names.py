# SPDX-License-Identifier: Apache-2.0
"""PyTorch's name and layout of every array of a model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

import numpy as np

from flaxnn.nn._layouts import SAME, Layout, Shape, flattened
from flaxnn.nn._places import Opened, Place, nnx_modules
from flaxnn.nn._rules import Rule

Names = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Leaf:
    """An array of a model as PyTorch knows it.

    Attributes:
        place: Where it is.
        names: What PyTorch may call it, likeliest first.
        layout: How it lies in PyTorch.
        shape: Its shape in PyTorch; None where the layout does not fit it.
    """

    place: Place
    names: tuple[str, ...]
    layout: Layout
    shape: Shape | None

    @property
    def path(self) -> str:
        """Flax's dotted path."""
        return ".".join(self.place.path)

    @property
    def dtype(self) -> np.dtype:
        """The model's dtype."""
        return np.dtype(self.place.value.dtype)


def named(
    model: Opened[Any],
    names: Names = (),
    rules: Sequence[Rule] = (),
    flatten: Mapping[str, Sequence[int]] = MappingProxyType({}),
) -> tuple[list[Leaf], list[str]]:
    """Returns the model's arrays under PyTorch's names, and what is wrong with rules.

    Args:
        model: The open model.
        names: Flax's paths and PyTorch's, or pairs of a pattern and a replacement.
        rules: The caller's rules, which come before the table's.
        flatten: Sizes C, H, W of what is flattened in front of a dense layer.
    """
    table = (*rules, *(model.rules or ()))
    leaves, used = [], set[object]()
    for place in model.places:
        module_path, rank = ".".join(place.path[:-1]), np.ndim(place.value)
        matching = (r for r in table if r.matches(place.path, rank, place.module))
        own, layout = place.steps[-1], SAME
        if rule := next(matching, None):
            own, layout = (rule.torch,), rule.layout_in(place.module)
        if module_path in flatten and place.path[-1] == "kernel":
            used.add(("flatten", module_path))
            layout = flattened(flatten[module_path])
        called = _torch_names(place, own, names, used)
        shape = layout.torch_shape(np.shape(place.value))
        leaves.append(Leaf(place, called, layout, shape))
    return leaves, _mistakes(model, leaves, names, rules, flatten, used)


def named_modules(model: Any, names: Names = ()) -> list[tuple[str, str, Any]]:
    """Returns PyTorch's likeliest name, Flax's path, and the module, for an NNX model.

    The model itself comes first, as ``""``; each module comes once.
    """
    return [
        (_joined(_renamed(path, steps, names, set()))[0], ".".join(path), module)
        for path, steps, module in nnx_modules(model)
    ]


def _torch_names(
    place: Place, own: tuple[str, ...], names: Names, used: set[object]
) -> tuple[str, ...]:
    """What PyTorch may call the array of a place, whose own name may be `own`."""
    whole = ".".join(place.path)
    if isinstance(names, Mapping) and whole in names:
        used.add(("names", whole))
        return (names[whole],)
    return _joined([*_renamed(place.path[:-1], place.steps[:-1], names, used), own])


def _renamed(
    path: tuple[str, ...],
    steps: Sequence[tuple[str, ...]],
    names: Names,
    used: set[object],
) -> Sequence[tuple[str, ...]]:
    """What PyTorch may call each step of the way to a module."""
    if isinstance(names, Mapping):
        for length in range(len(path), 0, -1):
            key = ".".join(path[:length])
            if key in names:
                used.add(("names", key))
                return [(names[key],), *steps[length:]]
        return steps
    dotted = renamed = ".".join(path)
    for pattern, replacement in names:
        if re.search(pattern, renamed):
            used.add(("names", pattern))
            renamed = re.sub(pattern, replacement, renamed)
    return [(renamed,)] if renamed != dotted else steps


def _joined(steps: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The dotted names that the steps' names give."""
    return tuple(".".join(filter(None, parts)) for parts in product(*steps))


def _mistakes(
    model: Opened[Any],
    leaves: Sequence[Leaf],
    names: Names,
    rules: Sequence[Rule],
    flatten: Mapping[str, Sequence[int]],
    used: set[object],
) -> list[str]:
    """What the caller asked for that is nowhere in the model, or does not fit it."""
    keys = [*names] if isinstance(names, Mapping) else [pattern for pattern, _ in names]
    found = [
        f'names has "{key}", which no path of the model has; its paths are those of '
        "Flax, as in the other lines."
        for key in keys
        if ("names", key) not in used
    ]
    found += [
        f'flatten has "{key}", which is no dense layer of the model.'
        for key in flatten
        if ("flatten", key) not in used
    ]
    found += [
        f"{rule} is for nothing in the model."
        for rule in rules
        if not any(
            rule.matches(place.path, np.ndim(place.value), place.module)
            for place in model.places
        )
    ]
    found += [
        f"layout {leaf.layout.name} does not fit {leaf.path}, which has shape "
        f"{np.shape(leaf.place.value)} in Flax."
        for leaf in leaves
        if leaf.shape is None
    ]
    return found
