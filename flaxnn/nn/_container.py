# SPDX-License-Identifier: Apache-2.0
"""Containers of modules in a row."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import Any, Self

from flax import nnx

from flaxnn.init import Source
from flaxnn.nn._module import Module


class _Row(Module):
    """Modules in a row, numbered from 0 unless they were given names."""

    def _names(self) -> list[str]:
        """The names of the modules, as they were registered."""
        return [
            name
            for name in self._registered
            if isinstance(getattr(self, name), nnx.Module)
        ]

    def _name_at(self, index: int) -> str:
        names, position = self._names(), operator.index(index)
        if not -len(names) <= position < len(names):
            raise IndexError(f"index {position} is out of range")
        return names[position]

    def _require_module(self, value: Any) -> None:
        if not isinstance(value, nnx.Module):
            raise TypeError(
                f"{type(value).__name__} is not a Module subclass: "
                f"{type(self).__name__} takes modules; wrap a function in a Module "
                "with `forward`"
            )

    def _renumber(self, modules: list[nnx.Module]) -> None:
        """Registers these modules, numbered, in place of all others."""
        for name in self._names():
            delattr(self, name)
        for index, module in enumerate(modules):
            setattr(self, str(index), module)

    def append(self, module: nnx.Module) -> Self:
        """Adds a module at the end and returns the container."""
        self._require_module(module)
        setattr(self, str(len(self)), module)
        return self

    def extend(self, modules: Iterable[nnx.Module]) -> Self:
        """Adds modules at the end and returns the container."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"{type(self).__name__}.extend should be called with an iterable, but "
                f"got {type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def pop(self, key: int) -> Any:
        """Takes a module out and returns it; those behind it move up."""
        module = self[key]
        del self[key]
        return module

    def __iter__(self) -> Iterator[Any]:
        # Not `children`, which leaves out a module that stands twice.
        return (getattr(self, name) for name in self._names())

    def __len__(self) -> int:
        return len(self._names())

    def __getitem__(self, index: int | slice) -> Any:
        raise NotImplementedError

    def __setitem__(self, index: int, module: nnx.Module) -> None:
        setattr(self, self._name_at(index), module)

    def __delitem__(self, index: int | slice) -> None:
        names = self._names()
        gone = names[index] if isinstance(index, slice) else [self._name_at(index)]
        self._renumber([getattr(self, name) for name in names if name not in gone])

    def __iadd__(self, modules: Iterable[nnx.Module]) -> Self:
        return self.extend(modules)


class Sequential(_Row):
    """Passes its input through modules, one after another.

    The modules are children named ``"0"``, ``"1"``, …, or as the dictionary names them.
    Indexing, slicing, ``len``, ``append``, ``extend``, ``insert``, ``pop`` and ``del``
    work as in PyTorch.

    Args:
        *args: The modules, or an ``OrderedDict`` of them by name.
        rngs: Ignored; the modules have drawn their numbers already.

    Raises:
        TypeError: One of them is no module.

    Torch:
        ``torch.nn.Sequential``, 2.13.0, T1; None in place of a module is refused, and
        any dictionary is taken.

    Example:
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> nn.Sequential(nn.Linear(1, 1, rngs=Generator(2025)), nn.Sigmoid())
        Sequential(
          (0): Linear(in_features=1, out_features=1, bias=True)
          (1): Sigmoid()
        )
    """

    def __init__(self, *args: Any, rngs: Source | None = None):
        named = args[0] if len(args) == 1 and isinstance(args[0], dict) else None
        modules = named or {str(index): module for index, module in enumerate(args)}
        for name, module in modules.items():
            self._require_module(module)
            setattr(self, name, module)

    def forward(self, input: Any) -> Any:
        """Returns the last module's output."""
        for module in self:
            input = module(input)
        return input

    def insert(self, index: int, module: nnx.Module) -> Self:
        """Puts a module in front of the one at an index; returns the container.

        Args:
            index: Between minus and plus the number of modules.
            module: What is put there.

        Raises:
            TypeError: It is no module.
            IndexError: The index is out of range.
        """
        self._require_module(module)
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            # PyTorch's slices keep the names.
            names = self._names()[index]
            return Sequential({name: getattr(self, name) for name in names})
        return getattr(self, self._name_at(index))

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(
                "add operator supports only objects of Sequential class, but "
                f"{type(other)} is given."
            )
        return Sequential(*self, *other)


class ModuleList(_Row):
    """Holds modules in a list.

    The modules are children named ``"0"``, ``"1"``, …, in this order whatever their
    number. Indexing, slicing, ``len``, iterating, ``append``, ``extend``, ``insert``,
    ``pop``, ``del`` and ``+`` work as in PyTorch. It is not called itself.

    Args:
        modules: The modules.
        rngs: Ignored; the modules have drawn their numbers already.

    Raises:
        TypeError: One of them is no module, or they cannot be iterated over.

    Torch:
        ``torch.nn.ModuleList``, 2.13.0, T1, its printing included, which counts equal
        modules. None in place of a module is refused, and `insert` takes any index, as
        Python's lists do.

    Example:
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> rngs = Generator(0)
        >>> layers = nn.ModuleList(nn.Linear(2, 2, rngs=rngs) for _ in range(3))
        >>> layers.append(nn.ReLU())
        ModuleList(
          (0-2): 3 x Linear(in_features=2, out_features=2, bias=True)
          (3): ReLU()
        )
        >>> [name for name, _ in layers[:1].named_parameters()]
        ['0.weight', '0.bias']
    """

    def __init__(
        self,
        modules: Iterable[nnx.Module] | None = None,
        *,
        rngs: Source | None = None,
    ):
        if modules is not None:
            self.extend(modules)

    def insert(self, index: int, module: nnx.Module) -> None:
        """Puts a module in front of the one at an index."""
        self._require_module(module)
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, self._name_at(index))

    def __add__(self, other: Iterable[nnx.Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __repr__(self) -> str:
        texts = [repr(module) for module in self]
        if not texts:
            return f"{self._get_name()}()"
        starts = [
            index
            for index, text in enumerate(texts)
            if index == 0 or text != texts[index - 1]
        ]
        lines = []
        for start, stop in zip(starts, [*starts[1:], len(texts)], strict=True):
            count = stop - start
            head = f"({start})" if count == 1 else f"({start}-{stop - 1})"
            times = "" if count == 1 else f"{count} x "
            lines.append(f"{head}: {times}{texts[start]}".replace("\n", "\n  "))
        return "\n  ".join([f"{self._get_name()}(", *lines]) + "\n)"

    def __str__(self) -> str:
        return repr(self)
