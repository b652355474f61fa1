"""How a port's activations lie where PyTorch's do: channels first or last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

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
    port: Array, recorded: np.ndarray, flatten: Sequence[int] | None = None
) -> Layout | None:
    """The layout in which a port's array is nearest to the recorded one.

    Args:
        port: The port's array.
        recorded: PyTorch's.
        flatten: Sizes ``(C, H, W)`` of one example before it was flattened, if known.

    Returns:
        None where no layout gives the recorded shape.
    """
    fitting = [
        candidate
        for candidate in _candidates(np.shape(port), recorded.shape, flatten)
        if np.shape(candidate.to_torch(port)) == recorded.shape
    ]
    if len(fitting) < 2:
        return fitting[0] if fitting else None

    def away(candidate: Layout) -> float:
        difference = np.asarray(candidate.to_torch(port), np.float64) - recorded
        return float(np.nan_to_num(np.abs(difference), nan=np.inf).sum())

    return min(fitting, key=away)


def _candidates(
    shape: tuple[int, ...],
    recorded: tuple[int, ...],
    flatten: Sequence[int] | None,
) -> Iterator[Layout]:
    if flatten is not None and len(shape) == 2 and shape[1] == np.prod(flatten):
        yield _flattened(flatten)
        return
    if len(shape) != len(recorded):
        return
    yield SAME
    if len(shape) > 2:
        yield _moved(-1, 1)
