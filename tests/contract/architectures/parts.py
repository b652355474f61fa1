# SPDX-License-Identifier: Apache-2.0
"""What the builders share; `nn` is torch.nn or flaxnn.nn.

Whatever draws is given `**rngs`, ``rngs=Generator(seed)`` for flaxnn and nothing for
PyTorch, whose generator is global. Only the initial state is of interest: nothing has a
forward pass of its own.
"""

from __future__ import annotations

from typing import Any

from flaxnn import init

_DRAWLESS = {"constant", "dirac", "eye", "ones", "zeros"}


def tree(nn: Any, **children: Any) -> Any:
    """Returns a module with these children, constructed in the order of writing."""
    module = nn.Module()
    for name, child in children.items():
        setattr(module, name, child)
    return module


def fill(
    nn: Any, parameter: Any, name: str, *args: Any, rngs: Any = None, **options: Any
) -> None:
    """Overwrites a parameter by an initialiser, as PyTorch's do in place."""
    if rngs is None:
        getattr(nn.init, f"{name}_")(parameter, *args, **options)
        return
    source = {} if name in _DRAWLESS else {"rngs": rngs}
    value = getattr(init, name)(parameter.shape, *args, **source, **options)
    parameter.set_value(value)


def fill_all(
    nn: Any, model: Any, kind: type, name: str, *args: Any, **options: Any
) -> None:
    """Overwrites the weights of all modules of a kind, in the order of `modules()`."""
    for module in model.modules():
        if isinstance(module, kind):
            fill(nn, module.weight, name, *args, **options)


def parameter(
    nn: Any, shape: tuple[int, ...], name: str, *args: Any, **options: Any
) -> Any:
    """Returns a parameter of a module's own, drawn by an initialiser."""
    if "rngs" in options:
        empty = init.zeros(shape)
    else:
        import torch

        empty = torch.empty(shape)
    made = nn.Parameter(empty)
    fill(nn, made, name, *args, **options)
    return made
