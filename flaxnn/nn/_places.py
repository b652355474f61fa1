# SPDX-License-Identifier: Apache-2.0
"""The arrays of a model, and how to replace them: flaxnn's, Flax NNX's, Linen's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import jax
from flax import nnx
from flax.core import meta

from flaxnn.nn._module import Module, named_state
from flaxnn.nn._rules import LINEN_RULES, NNX_RULES, Rule

M = TypeVar("M")

# Variables that are no part of what a PyTorch module saves.
_NOT_SAVED = (nnx.RngState, nnx.Cache, nnx.Intermediate, nnx.Perturbation)
_COLLECTIONS = ("params", "batch_stats")
_NUMBERED = re.compile(r"(.+)_(\d+)")


@dataclass(frozen=True)
class Place:
    """One array of a model.

    Attributes:
        path: Flax's names of the way to it, the parameter's own last.
        steps: For each, what PyTorch may call it, likeliest first; empty for nothing.
        module: The NNX module that holds it, or None.
        value: The array, or its shape and dtype.
        put: Puts another array there.
    """

    path: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]
    module: Any
    value: Any
    put: Callable[[jax.Array], None]


@dataclass(frozen=True)
class Opened(Generic[M]):
    """A copy of a model whose arrays can be replaced.

    Attributes:
        title: What error messages call the model.
        places: Its arrays, tied ones under each of their names.
        rules: The table that names them; None for a model that has PyTorch's names.
        close: Returns the copy as it is now.
    """

    title: str
    places: list[Place]
    rules: tuple[Rule, ...] | None
    close: Callable[[], M]


def opened(model: M) -> Opened[M]:
    """Returns a copy of the model, open for other arrays.

    Raises:
        TypeError: It is neither an NNX module nor a mapping.
        ValueError: The mapping has none of Linen's collections.
    """
    if isinstance(model, Module):
        copy = nnx.clone(model)
        places = [
            _place(tuple(name.split(".")), None, variable)
            for name, variable in named_state(copy)
        ]
        return Opened(type(model).__name__, places, None, lambda: copy)
    if isinstance(model, nnx.Module):
        copy = nnx.clone(model)
        places = list(_nnx_places(copy, (), (), frozenset()))
        return Opened(type(model).__name__, places, NNX_RULES, lambda: copy)
    if isinstance(model, Mapping):
        return _opened_linen(model)
    raise TypeError(
        "expected a flaxnn or flax.nnx module, or the variables that a Linen module's "
        f"init gives, got {type(model).__name__}"
    )


def _place(
    path: tuple[str, ...],
    module: Any,
    variable: nnx.Variable[Any],
    steps: tuple[tuple[str, ...], ...] | None = None,
) -> Place:
    steps = tuple((name,) for name in path) if steps is None else steps
    return Place(path, steps, module, variable.get_value(), variable.set_value)


def _nnx_places(
    node: Any,
    path: tuple[str, ...],
    steps: tuple[tuple[str, ...], ...],
    above: frozenset[int],
) -> Iterator[Place]:
    """Every path to a variable, whatever holds it, but not around in circles."""
    if id(node) in above:
        return
    for name, value in _children(node):
        here, called = (*path, name), (*steps, _called(node, name))
        if isinstance(value, nnx.Variable):
            if not isinstance(value, _NOT_SAVED):
                yield _place(here, node, value, called)
        else:
            yield from _nnx_places(value, here, called, above | {id(node)})


def nnx_modules(
    model: nnx.Module,
) -> Iterator[tuple[tuple[str, ...], tuple[tuple[str, ...], ...], nnx.Module]]:
    """Every module of a model once: Flax's path, PyTorch's names of each step, it."""
    seen: set[int] = set()

    def below(node: Any, path: Any, steps: Any) -> Iterator[Any]:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, nnx.Module):
            yield path, steps, node
        for name, value in _children(node):
            if not isinstance(value, nnx.Variable):
                yield from below(value, (*path, name), (*steps, _called(node, name)))

    return below(model, (), ())


def _called(node: Any, name: str) -> tuple[str, ...]:
    """What PyTorch calls a step; its Sequential is its list."""
    inside = isinstance(node, nnx.Sequential) and name == "layers"
    return ("",) if inside else (name,)


def _children(node: Any) -> Iterator[tuple[str, Any]]:
    """What a module, its lists and dictionaries hold, under PyTorch's kind of names."""
    if isinstance(node, nnx.Pytree):
        for name, value in vars(node).items():
            if not name.startswith("_pytree"):
                yield name, value
    elif isinstance(node, dict):
        yield from ((str(key), value) for key, value in node.items())
    elif isinstance(node, list | tuple):
        yield from ((str(index), value) for index, value in enumerate(node))


def _opened_linen(variables: Any) -> Opened[Any]:
    """Linen's collections; those that PyTorch does not save stay as they are."""
    if not any(name in variables for name in _COLLECTIONS):
        raise ValueError(
            "expected the variables that a Linen module's init gives, "
            f'{{"params": …, "batch_stats": …}}, got a mapping with {[*variables]}'
        )
    paths, structure = jax.tree_util.tree_flatten_with_path(
        variables, is_leaf=lambda node: isinstance(node, meta.AxisMetadata)
    )
    values = [value for _, value in paths]

    def put(index: int, array: Any) -> None:
        old = values[index]
        boxed = isinstance(old, meta.AxisMetadata)
        values[index] = old.replace_boxed(array) if boxed else array

    places = []
    for index, (keys, value) in enumerate(paths):
        collection, *path = (str(getattr(key, "key", key)) for key in keys)
        if collection in _COLLECTIONS:
            steps = tuple(_linen_step(name) for name in path)
            held = value.unbox() if isinstance(value, meta.AxisMetadata) else value
            place = Place(
                tuple(path), steps, None, held, lambda array, i=index: put(i, array)
            )
            places.append(place)
    return Opened(
        "Linen's variables",
        places,
        LINEN_RULES,
        lambda: jax.tree_util.tree_unflatten(structure, values),
    )


def _linen_step(name: str) -> tuple[str, ...]:
    """Linen writes ``layers_0`` for ``layers[0]`` and for a Sequential's first."""
    numbered = _NUMBERED.fullmatch(name)
    if not numbered:
        return (name,)
    head, index = numbered.groups()
    listed = (name, f"{head}.{index}")
    return (*listed, index) if head == "layers" else listed
