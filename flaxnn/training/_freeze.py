# SPDX-License-Identifier: Apache-2.0
"""Which of a model's parameters are trained: the others go with its buffers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flax.nnx.traversals import flatten_mapping, unflatten_mapping

from flaxnn.optim._names import fits, unmatched

Tree = Any


def check_patterns(freeze: Any) -> tuple[str, ...]:
    """The patterns as a tuple; raises unless they are a sequence of strings."""
    if isinstance(freeze, str) or not isinstance(freeze, Sequence):
        raise TypeError(
            "freeze must be a sequence of patterns of parameter names, such as "
            f"('0.*',), got {freeze!r}"
        )
    for pattern in freeze:
        if not isinstance(pattern, str):
            raise TypeError(
                "freeze: a pattern is a string such as '0.*', got "
                f"{type(pattern).__name__}"
            )
    return tuple(freeze)


def partition(params: Tree, freeze: Sequence[str]) -> tuple[Tree, Tree]:
    """The parameters that are trained, and those whose names a pattern fits."""
    patterns = check_patterns(freeze)
    if not patterns:
        return params, {}
    flat = flatten_mapping(params)
    names = [_name(path) for path in flat]
    faults = [
        unmatched(pattern, names)
        for pattern in patterns
        if not any(fits(name, pattern) for name in names)
    ]
    if faults:
        raise ValueError("freeze: " + "; ".join(faults))
    frozen = {
        path: leaf
        for path, leaf in flat.items()
        if any(fits(_name(path), pattern) for pattern in patterns)
    }
    if len(frozen) == len(flat):
        raise ValueError(
            f"freeze={patterns!r} fits all {len(flat)} parameters, and nothing is left "
            "to train: leave a pattern out"
        )
    trained = {path: leaf for path, leaf in flat.items() if path not in frozen}
    return unflatten_mapping(trained), unflatten_mapping(frozen)


def joined(one: Tree, other: Tree) -> Tree:
    """Two nested dictionaries as one; no leaf is in both."""
    return unflatten_mapping({**flatten_mapping(one), **flatten_mapping(other)})


def without(tree: Tree, other: Tree) -> Tree:
    """A nested dictionary without the leaves that another one has."""
    taken = flatten_mapping(other)
    flat = flatten_mapping(tree)
    return unflatten_mapping({k: v for k, v in flat.items() if k not in taken})


def _name(path: tuple[Any, ...]) -> str:
    return ".".join(map(str, path))
