# SPDX-License-Identifier: Apache-2.0
"""Options of modules over spatial dimensions, as they are kept and printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Size = int | Sequence[int]


def each(value: Any, count: int) -> tuple[Any, ...]:
    """Returns a sequence as a tuple, anything else once for each dimension."""
    return tuple(value) if isinstance(value, Sequence) else (value,) * count


def hashable(value: Any) -> Any:
    """Returns a list as a tuple: modules are compared and hashed by their options."""
    return tuple(value) if isinstance(value, list) else value
