"""Containers of modules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flax import nnx

from flaxnn.init import Source
from flaxnn.nn._module import Module


class Sequential(Module):
    """Passes its input through modules, one after another.

    The modules are children named ``"0"``, ``"1"``, …; an integer index, a negative
    one and ``len`` work as in PyTorch, a slice gives a new Sequential over the same
    modules.

    Args:
        *args: The modules.
        rngs: Ignored; the modules have drawn their numbers already.

    Torch:
        ``torch.nn.Sequential``, 2.13.0.

    Example:
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> nn.Sequential(nn.Linear(1, 1, rngs=Generator(2025)), nn.Sigmoid())
        Sequential(
          (0): Linear(in_features=1, out_features=1, bias=True)
          (1): Sigmoid()
        )
    """

    def __init__(self, *args: nnx.Module, rngs: Source | None = None):
        for index, module in enumerate(args):
            if not isinstance(module, nnx.Module):
                raise TypeError(
                    f"Sequential takes modules, got {type(module).__name__} at "
                    f"position {index}; wrap a function in a Module with `forward`"
                )
            setattr(self, str(index), module)

    def forward(self, input: Any) -> Any:
        """Returns the last module's output."""
        for module in self:
            input = module(input)
        return input

    def __iter__(self) -> Iterator[Any]:
        # Not `children`, which leaves out a module that stands twice.
        for name in self._registered:
            if name.isdigit():
                yield getattr(self, name)

    def __len__(self) -> int:
        return sum(name.isdigit() for name in self._registered)

    def __getitem__(self, index: int | slice) -> Any:
        modules = list(self)
        if isinstance(index, slice):
            return Sequential(*modules[index])
        if not -len(modules) <= index < len(modules):
            raise IndexError(f"index {index} is out of range")
        return modules[index]
