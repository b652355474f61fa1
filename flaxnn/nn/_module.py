# SPDX-License-Identifier: Apache-2.0
"""The base class of all modules: registration, traversal, printing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self, TypeVar

import jax
from flax import nnx

from flaxnn.nn._ledger_names import name_draws, rename_draws
from flaxnn.nn._parameter import Buffer, Parameter, PrintedParameter

V = TypeVar("V", bound=nnx.Variable[Any])


class Module(nnx.Module):
    """Base class of models and layers.

    A subclass creates its layers in ``__init__`` and computes in ``forward`` (or
    ``__call__``). Whatever draws numbers takes ``rngs=``; layers must be constructed
    in the order PyTorch constructs them, because that order is the order of the
    draws.

    Attributes:
        training: Whether the module is in training mode.

    Torch:
        ``torch.nn.Module``, 2.13.0: registration order, the names in `named_parameters`
        and `state_dict` and the printed tree are PyTorch's (T0). What lies inside an
        ``nnx.Dict`` or one of Flax's own modules comes in Flax's order, which is
        sorted. A module is also a `flax.nnx.Module`, so ``nnx.split``, ``nnx.merge``
        and the Linen bridge apply.

    Example:
        >>> from flaxnn import nn
        >>> from flaxnn.random import Generator
        >>> class Classifier(nn.Module):
        ...     def __init__(self, *, rngs):
        ...         super().__init__()
        ...         self.fc = nn.Linear(5, 3, rngs=rngs)
        ...
        ...     def forward(self, x):
        ...         return self.fc(x)
        >>> model = Classifier(rngs=Generator(0))
        >>> model
        Classifier(
          (fc): Linear(in_features=5, out_features=3, bias=True)
        )
        >>> [name for name, _ in model.named_parameters()]
        ['fc.weight', 'fc.bias']
    """

    # nnx sorts attributes when it merges or copies a module; the order of
    # registration survives in this tuple, a static attribute.
    _registered: tuple[str, ...] = ()
    training: bool = True

    def __setattr__(self, name: str, value: Any) -> None:
        registered = vars(self).get("_registered", ())
        if name in registered and not _is_state(value) and value is not None:
            self._refuse_replacement(name, value)
        super().__setattr__(name, value)
        if _is_state(value) and name not in registered:
            super().__setattr__("_registered", (*registered, name))
        if isinstance(value, Parameter):
            name_draws(self, name, value)
        elif _is_state(value) and not isinstance(value, nnx.Variable):
            rename_draws(_prefixed_modules(self))

    def _refuse_replacement(self, name: str, value: Any) -> None:
        """PyTorch's TypeError for an array put where a parameter is registered."""
        current = getattr(self, name)
        if isinstance(current, Parameter):
            raise TypeError(
                f"cannot assign '{type(value).__name__}' as parameter '{name}' "
                "(flaxnn.nn.Parameter or None expected)"
            )
        if isinstance(current, nnx.Module):
            raise TypeError(
                f"cannot assign '{type(value).__name__}' as child module '{name}' "
                "(flaxnn.nn.Module or None expected)"
            )

    def __delattr__(self, name: str) -> None:
        kept = tuple(key for key in self._registered if key != name)
        super().__delattr__(name)
        super().__setattr__("_registered", kept)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Computes `forward`, as PyTorch's modules are called."""
        for _, variable in _own_variables(self):
            if variable.dtype == "float64" and not _float64_enabled():
                raise RuntimeError(
                    "this model holds float64 parameters but JAX computes in "
                    "float32 here; call it inside `with jax.enable_x64(True):`"
                )
        return self.forward(*args, **kwargs)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Computes the module's output; subclasses override it."""
        raise NotImplementedError(
            f'Module [{type(self).__name__}] is missing the required "forward" function'
        )

    def named_children(self) -> Iterator[tuple[str, nnx.Module]]:
        """Yields the direct submodules with their names, each once, as registered."""
        return _unique(_named_children(self))

    def children(self) -> Iterator[nnx.Module]:
        """Yields the direct submodules, in registration order."""
        return (child for _, child in self.named_children())

    def named_modules(self) -> Iterator[tuple[str, nnx.Module]]:
        """Yields this module (named ``""``) and all below it, each once."""
        return _named_modules(self, "", set())

    def modules(self) -> Iterator[nnx.Module]:
        """Yields this module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter[jax.Array]]]:
        """Yields PyTorch's names and the parameters, each once, in its order.

        The parameters are snapshots that print as PyTorch's; to change one, write
        ``model.weight.set_value(…)`` or use `load_state_dict`.
        """
        for name, variable in _unique(_named_variables(self, Parameter)):
            yield name, PrintedParameter(variable.get_value())

    def parameters(self) -> Iterator[Parameter[jax.Array]]:
        """Yields the parameters, each once, in PyTorch's order, as snapshots."""
        return (parameter for _, parameter in self.named_parameters())

    def named_buffers(self) -> Iterator[tuple[str, Buffer[jax.Array]]]:
        """Yields PyTorch's names and the buffers, each once, in its order."""
        return _unique(_named_variables(self, Buffer))

    def buffers(self) -> Iterator[Buffer[jax.Array]]:
        """Yields the buffers, each once, in PyTorch's order."""
        return (buffer for _, buffer in self.named_buffers())

    def state_dict(self) -> dict[str, jax.Array]:
        """Returns the arrays of parameters and buffers under PyTorch's names.

        The order is PyTorch's: a module's parameters, its buffers, then its
        children's. Arrays are immutable, so the dictionary is a snapshot.
        """
        return {name: variable.get_value() for name, variable in named_state(self)}

    def train(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, mode: bool = True, **attributes: Any
    ) -> Self:
        """Sets training mode here and below, and returns the module.

        Args:
            mode: False for evaluation mode.
            **attributes: Attributes of Flax modules to set, as in ``nnx``.
        """
        if mode:
            super().train(**attributes)
        else:
            super().eval(**attributes)
        for module in self.modules():
            if isinstance(module, Module):
                module.training = mode
        return self

    def eval(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, **attributes: Any
    ) -> Self:
        """Sets evaluation mode here and below, and returns the module.

        Args:
            **attributes: Attributes of Flax modules to set, as in ``nnx``.
        """
        return self.train(False, **attributes)

    def _get_name(self) -> str:
        """The name that the printed tree shows."""
        return type(self).__name__

    def extra_repr(self) -> str:
        """Returns what the printed line shows between the brackets."""
        return ""

    def __repr__(self) -> str:
        lines = [
            f"({name}): " + repr(child).replace("\n", "\n  ")
            for name, child in self.named_children()
        ]
        name, extra = self._get_name(), self.extra_repr()
        if not lines:
            return f"{name}({extra})"
        body = "\n  ".join([*([extra] if extra else []), *lines])
        return f"{name}(\n  {body}\n)"

    __str__ = __repr__

    def __treescope_repr__(self, path: Any, subtree_renderer: Any) -> Any:
        """The same text in notebooks that show objects through treescope."""
        from treescope import rendering_parts

        return rendering_parts.text(repr(self))


def _float64_enabled() -> bool:
    return jax.dtypes.canonicalize_dtype("float64") == "float64"


def named_state(module: Module) -> Iterator[tuple[str, nnx.Variable[Any]]]:
    """Parameters and buffers in `state_dict`'s order, tied ones under each name."""
    for prefix, submodule in _prefixed_modules(module):
        for kind in (Parameter, Buffer):
            for name, variable in _own_variables(submodule):
                if isinstance(variable, kind):
                    yield f"{prefix}{name}", variable


def _is_state(value: Any) -> bool:
    return isinstance(value, nnx.Variable | nnx.Module | nnx.List | nnx.Dict)


def _order(module: Any) -> tuple[str, ...]:
    """Names of a module's state: as registered, or as Flax keeps them."""
    if isinstance(module, Module):
        return module._registered
    if isinstance(module, nnx.List):
        return tuple(str(index) for index in range(len(module)))
    return tuple(name for name, value in vars(module).items() if _is_state(value))


def _entries(module: Any) -> Iterator[tuple[str, Any]]:
    for name in _order(module):
        value = module[int(name)] if isinstance(module, nnx.List) else None
        yield name, vars(module).get(name) if value is None else value


def _own_variables(module: Any) -> Iterator[tuple[str, nnx.Variable[Any]]]:
    for name, value in _entries(module):
        if isinstance(value, nnx.Variable):
            yield name, value


def _named_children(module: Any) -> Iterator[tuple[str, Any]]:
    for name, value in _entries(module):
        if _is_state(value) and not isinstance(value, nnx.Variable):
            yield name, value


def _named_modules(
    module: Any, name: str, seen: set[int]
) -> Iterator[tuple[str, nnx.Module]]:
    if id(module) in seen:
        return
    seen.add(id(module))
    yield name, module
    for key, child in _named_children(module):
        yield from _named_modules(child, f"{name}.{key}" if name else key, seen)


def _prefixed_modules(module: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every path to a module, shared ones under each of their names."""
    yield prefix, module
    for key, child in _named_children(module):
        yield from _prefixed_modules(child, f"{prefix}{key}.")


def _named_variables(module: Any, kind: type[V]) -> Iterator[tuple[str, V]]:
    for prefix, submodule in _prefixed_modules(module):
        for name, variable in _own_variables(submodule):
            if isinstance(variable, kind):
                yield f"{prefix}{name}", variable


def _unique(named: Iterator[tuple[str, V]]) -> Iterator[tuple[str, V]]:
    """The first name of each object, as PyTorch reports tied parameters."""
    seen: set[int] = set()
    for name, variable in named:
        if id(variable) not in seen:
            seen.add(id(variable))
            yield name, variable
