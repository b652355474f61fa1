# SPDX-License-Identifier: Apache-2.0
"""Whether what a pickle made is plain data, of bounded size and depth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from flaxnn.interop._errors import FileFormatError

# How far containers are nested. Python's own recursion ends at about a thousand.
MAX_DEPTH = 200
# How many values a walk over the result meets, those that are shared each time: a list
# of two references to a list of two references, and so on, doubles with each.
MAX_VALUES = 4_000_000

_LEAVES = frozenset(
    {str, bytes, bytearray, int, float, bool, type(None), complex, np.ndarray}
)
_SEQUENCES = frozenset({list, tuple, set, frozenset})
# Bytes of memory that this walk takes for a container.
_COST = 240


def check_plain(value: object, charge: Callable[[int], None]) -> None:
    """Refuses what is no tree of dicts, lists, tuples, sets, numbers, text and arrays.

    Args:
        value: What the pickle made.
        charge: Told the memory that is about to be used, in bytes.

    Raises:
        FileFormatError: It holds something else, contains itself, or is nested or
            shared too much.
    """
    counts: dict[int, int] = {}
    if _is_leaf(value):
        return
    # Each container on the way down, what of it is still to be seen, and its count.
    path: list[tuple[object, Iterator[object], list[int]]] = []
    below: set[int] = set()

    def enter(container: object) -> None:
        charge(_COST)
        if id(container) in below:
            raise FileFormatError("the pickle holds a container that contains itself")
        if len(path) >= MAX_DEPTH:
            raise FileFormatError(
                f"the pickle's containers are nested more than {MAX_DEPTH} deep"
            )
        below.add(id(container))
        path.append((container, iter(_children(container)), [1]))

    enter(value)
    while path:
        container, children, total = path[-1]
        for child in children:
            total[0] += 1
            if not _is_leaf(child):
                known = counts.get(id(child))
                if known is None:
                    enter(child)
                    break
                total[0] += known
        else:
            path.pop()
            below.discard(id(container))
            counts[id(container)] = total[0]
            if path:
                path[-1][2][0] += total[0]
        if total[0] > MAX_VALUES:
            raise FileFormatError(
                f"the pickle's containers hold more than {MAX_VALUES} values, those "
                "that are shared counted each time"
            )


def _is_leaf(value: object) -> bool:
    kind = type(value)
    return kind in _LEAVES or isinstance(value, (np.generic, np.dtype))


def _children(container: object) -> Iterable[object]:
    """Returns what a container holds. Keys are plain already."""
    if type(container) is dict:
        return container.values()
    if type(container) in _SEQUENCES:
        return container  # pyright: ignore[reportReturnType]
    raise FileFormatError(
        f"the pickle holds a bare {type(container).__name__.lower()}; only tensors, "
        "numbers, text and containers of them are read"
    )
