# SPDX-License-Identifier: Apache-2.0
"""What the operations over spatial dimensions share: their options and the batch."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from flaxnn._typing import Array, Shaped

# Options are checked by the functions themselves, which raise PyTorch's errors.
if TYPE_CHECKING:
    Size = int | Sequence[int]
    OptionalSize = int | Sequence[int | None]
    Number = float | Array
else:
    Size = OptionalSize = Number = Any


def per_dim(op: str, name: str, value: object, count: int) -> tuple[int, ...] | None:
    """Returns an option for each of `count` dimensions; None where that fails.

    One number, alone or in a sequence, stands for all dimensions.
    """
    if isinstance(value, Sequence) and not isinstance(value, str):
        numbers = tuple(_as_int(op, name, element) for element in value)
    else:
        numbers = (_as_int(op, name, value),)
    if len(numbers) == 1:
        return numbers * count
    return numbers if len(numbers) == count else None


def _as_int(op: str, name: str, value: object) -> int:
    try:
        return operator.index(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        pass
    raise TypeError(
        f"{op}(): argument '{name}' must be tuple of ints, not "
        f"{type(value).__name__}: expected an int, or one for each dimension"
    )


def batched(
    x: Shaped[Array, "..."], count: int
) -> tuple[Shaped[Array, "N C *spatial"], bool]:
    """Returns the input with a batch dimension, and whether that had to be added."""
    return (x[None], True) if x.ndim == count + 1 else (x, False)


def sizes(shape: Sequence[int]) -> str:
    """Returns a shape as PyTorch's messages spell it."""
    return f"[{', '.join(map(str, shape))}]"


def times(shape: Sequence[int]) -> str:
    """Returns spatial sizes as PyTorch's messages about convolutions spell them."""
    return f"({' x '.join(map(str, shape))})"
