# SPDX-License-Identifier: Apache-2.0
"""How a port's activations lie where PyTorch's do: channels first or last."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

Array = Any


@dataclass(frozen=True)
class Layout:
    """A way to and fro between a port's array and PyTorch's.

    Attributes:
        to_torch: The port's array in PyTorch's layout.
        to_port: PyTorch's array in the port's layout.
    """

    to_torch: Callable[[Array], Array]
    to_port: Callable[[Array], Array]


SAME = Layout(lambda array: array, lambda array: array)


def _moved(source: int, target: int) -> Layout:
    return Layout(
        lambda array: jnp.moveaxis(array, source, target),
        lambda array: jnp.moveaxis(array, target, source),
    )


def _flattened(sizes: Sequence[int]) -> Layout:
    """Rows that are flattened from (H, W, C), where PyTorch's are from (C, H, W)."""
    first, *rest = sizes

    def to_torch(array: Array) -> Array:
        return (
            _moved(-1, 1).to_torch(array.reshape(-1, *rest, first)).reshape(array.shape)
        )

    def to_port(array: Array) -> Array:
        return (
            _moved(-1, 1).to_port(array.reshape(-1, first, *rest)).reshape(array.shape)
        )

    return Layout(to_torch, to_port)


def layout(
    shape: tuple[int, ...],
    recorded: tuple[int, ...],
    *,
    channels_last: bool,
    flatten: Sequence[int] | None = None,
) -> Layout | None:
    """The way between an array of a port and the recorded one.

    Args:
        shape: The port's shape.
        recorded: PyTorch's.
        channels_last: Whether that is likelier where both ways fit.
        flatten: Sizes ``(C, H, W)`` of one example before it was flattened, if known.

    Returns:
        None where no layout gives the recorded shape.
    """
    if flatten is not None and len(shape) == 2 and shape[1] == math.prod(flatten):
        return _flattened(flatten)
    fitting = [SAME] if shape == recorded else []
    if len(shape) > 2 and (shape[0], shape[-1], *shape[1:-1]) == recorded:
        fitting.insert(0 if channels_last else 1, _moved(-1, 1))
    return fitting[0] if fitting else None
