# SPDX-License-Identifier: Apache-2.0
"""A container of modules by name."""

from __future__ import annotations

from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from typing import Any

from flax import nnx

from flaxnn.init import Source
from flaxnn.nn._module import Module


class ModuleDict(Module):
    """Holds modules in a dictionary, in the order in which they were added.

    The modules are children under their keys. Indexing by key, ``len``, ``in``,
    iterating, ``keys``, ``items``, ``values``, ``update``, ``pop``, ``clear`` and
    ``del`` work as in PyTorch. It is not called itself.

    Args:
        modules: A mapping, or pairs of a key and a module.
        rngs: Ignored; the modules have drawn their numbers already.

    Raises:
        TypeError: A key is no string, a module no module, or there are no pairs.
        KeyError: A key is empty, holds a dot or is the name of an attribute.
        ValueError: What should be a pair has another length.

    Torch:
        ``torch.nn.ModuleDict``, 2.13.0, T1; None in place of a module is refused. The
        attributes whose names cannot be keys are Flax's and ours, not PyTorch's.

    Example:
        >>> from flaxnn import nn
        >>> nn.ModuleDict({"relu": nn.ReLU(), "elu": nn.ELU()})
        ModuleDict(
          (relu): ReLU()
          (elu): ELU(alpha=1.0)
        )
    """

    def __init__(
        self,
        modules: Mapping[str, nnx.Module] | Iterable[Any] | None = None,
        *,
        rngs: Source | None = None,
    ):
        if modules is not None:
            self.update(modules)

    def _named(self) -> dict[str, Any]:
        named = {name: getattr(self, name) for name in self._registered}
        return {k: v for k, v in named.items() if isinstance(v, nnx.Module)}

    def __getitem__(self, key: str) -> Any:
        return self._named()[key]

    def __setitem__(self, key: str, module: nnx.Module) -> None:
        if not isinstance(module, nnx.Module):
            raise TypeError(
                f"{type(module).__name__} is not a Module subclass: ModuleDict takes "
                f"modules, got {module!r} for {key!r}"
            )
        if not isinstance(key, str):
            raise TypeError(f"module name should be a string. Got {type(key).__name__}")
        if key not in self and hasattr(self, key):
            raise KeyError(f"attribute {key!r} already exists")
        if "." in key:
            raise KeyError(f'module name can\'t contain ".", got: {key}')
        if key == "":
            raise KeyError('module name can\'t be empty string ""')
        setattr(self, key, module)

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        delattr(self, key)

    def __len__(self) -> int:
        return len(self._named())

    def __iter__(self) -> Iterator[str]:
        return iter(self._named())

    def __contains__(self, key: object) -> bool:
        return key in self._named()

    def clear(self) -> None:
        """Takes all modules out."""
        for key in list(self):
            del self[key]

    def pop(self, key: str) -> Any:
        """Takes a module out and returns it."""
        module = self[key]
        del self[key]
        return module

    def keys(self) -> KeysView[str]:
        """Returns the keys, as they were added."""
        return self._named().keys()

    def items(self) -> ItemsView[str, Any]:
        """Returns the keys and the modules."""
        return self._named().items()

    def values(self) -> ValuesView[Any]:
        """Returns the modules."""
        return self._named().values()

    def update(self, modules: Mapping[str, nnx.Module] | Iterable[Any]) -> None:
        """Adds modules, in the mapping's order; those under a known key replace it.

        Args:
            modules: A mapping, another `ModuleDict`, or pairs of a key and a module.

        Raises:
            TypeError: It is none of these, or holds something else than pairs.
            ValueError: A pair has not two items.
        """
        if not isinstance(modules, Iterable):
            raise TypeError(
                "ModuleDict.update should be called with an iterable of key/value "
                f"pairs, but got {type(modules).__name__}"
            )
        if isinstance(modules, Mapping | ModuleDict):
            pairs: list[Any] = list(modules.items())
        else:
            pairs = list(modules)
        for index, pair in enumerate(pairs):
            if not isinstance(pair, Iterable):
                raise TypeError(
                    f"ModuleDict update sequence element #{index} should be Iterable; "
                    f"is {type(pair).__name__}"
                )
            key_and_module = list(pair)
            if len(key_and_module) != 2:
                raise ValueError(
                    f"ModuleDict update sequence element #{index} has length "
                    f"{len(key_and_module)}; 2 is required"
                )
            self[key_and_module[0]] = key_and_module[1]
