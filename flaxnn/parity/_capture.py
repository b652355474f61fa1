# SPDX-License-Identifier: Apache-2.0
"""Watching the calls of a model's modules, flaxnn's or any of Flax NNX."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Protocol

import jax
from flax import nnx

from flaxnn import nn
from flaxnn.nn._names import Names
from flaxnn.nn._names import named_modules as named_flax_modules
from flaxnn.parity._spot import Place


class Visitor(Protocol):
    """What may look at, and replace, what goes into a module and comes out of it."""

    def enter(self, place: Place, module: Any, inputs: tuple) -> tuple:
        """Returns the positional arguments that the module is called with."""
        ...

    def leave(self, place: Place, module: Any, output: Any) -> Any:
        """Returns what the module's caller gets."""
        ...


@dataclass
class Call:
    """A module's call: its arrays in order, the outermost module's last."""

    place: Place
    training: bool
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...] = ()


@dataclass
class Watcher:
    """The visitor that keeps every call and changes none."""

    calls: list[Call] = field(default_factory=list)
    _open: list[Call] = field(default_factory=list)

    def enter(self, place: Place, module: Any, inputs: tuple) -> tuple:
        """Notes the inputs."""
        call = Call(place, in_training(module), tuple(jax.tree.leaves(inputs)))
        self._open.append(call)
        return inputs

    def leave(self, place: Place, module: Any, output: Any) -> Any:
        """Notes the outputs."""
        del place, module
        call = self._open.pop()
        call.outputs = tuple(jax.tree.leaves(output))
        self.calls.append(call)
        return output


def in_training(module: Any) -> bool:
    """Whether a module is in training mode, where it has one."""
    for switch in ("deterministic", "use_running_average"):
        if isinstance(value := getattr(module, switch, None), bool):
            return not value
    return bool(getattr(module, "training", True))


def module_names(model: nnx.Module, names: Names = ()) -> list[tuple[str, Any]]:
    """PyTorch's names and the modules of a model, itself first as ``""``."""
    if isinstance(model, nn.Module):
        return list(model.named_modules())
    return [(name, module) for name, _, module in named_flax_modules(model, names)]


@contextmanager
def watching(model: nnx.Module, visitor: Visitor, names: Names = ()) -> Iterator[None]:
    """Has a visitor see every call of a model's modules, inside the block.

    It works by the classes' ``__call__``, so the model itself is left alone, and a
    call inside ``jax.jit`` is seen while it is traced.

    Args:
        model: A flaxnn or Flax NNX module.
        visitor: What sees the calls.
        names: Flax's paths and PyTorch's, as in `flaxnn.nn.load_state_dict`.
    """
    known = {id(module): name for name, module in module_names(model, names)}
    turns: Counter[str] = Counter()
    inside: list[Any] = []
    originals: dict[Any, Any] = {}
    for _, module in module_names(model, names):
        written = (c for c in type(module).__mro__ if "__call__" in vars(c))
        for cls in itertools.islice(written, 1):
            originals[cls] = vars(cls)["__call__"]

    def watched(original: Any) -> Any:
        @wraps(original)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            name = known.get(id(self))
            # A method that calls its base class's is still the same call.
            if name is None or (inside and inside[-1] is self):
                return original(self, *args, **kwargs)
            place = Place(name, turns[name])
            turns[name] += 1
            args = visitor.enter(place, self, args)
            inside.append(self)
            try:
                output = original(self, *args, **kwargs)
            finally:
                inside.pop()
            return visitor.leave(place, self, output)

        return call

    for cls, original in originals.items():
        cls.__call__ = watched(original)
    try:
        yield
    finally:
        for cls, original in originals.items():
            cls.__call__ = original


def capture(
    model: nnx.Module, *inputs: Any, names: Names = ()
) -> tuple[Any, list[Call]]:
    """Calls a model; returns its output and the calls of its modules.

    Args:
        model: A flaxnn or Flax NNX module.
        *inputs: What it is called with.
        names: Flax's paths and PyTorch's, as in `flaxnn.nn.load_state_dict`.
    """
    watcher = Watcher()
    with watching(model, watcher, names):
        output = model(*inputs)
    return output, watcher.calls
