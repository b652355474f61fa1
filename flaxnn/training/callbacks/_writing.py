# SPDX-License-Identifier: Apache-2.0
"""What callbacks that write files have in common."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Values = Mapping[str, np.ndarray]


def checked_every(every: int) -> int:
    """After how many steps something is written."""
    if isinstance(every, bool) or not isinstance(every, int):
        raise TypeError(f"every must be an integer, got {every!r}")
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    return every


def every_row(first: int, values: Values, every: int) -> tuple[list[int], Values]:
    """The steps that are multiples of a number, and their values."""
    count = len(next(iter(values.values())))
    offset = -first % every
    chosen = list(range(first + offset, first + count, every))
    return chosen, {name: array[offset::every] for name, array in values.items()}


def plain(value: Any) -> Any:
    """Numbers for JSON, lists of them for arrays; None for nan and infinities.

    float32 comes out as the float64 that is equal to it.
    """
    array = np.asarray(value)
    if array.dtype.kind in "biu":
        return array.tolist()
    array = array.astype(np.float64)
    finite = np.isfinite(array)
    if not finite.all():
        array = array.astype(object)
        array[~finite] = None
    return array.tolist()


def cannot_write(who: str, path: Path, error: OSError) -> OSError:
    """An error of the same kind that says what to do."""
    return OSError(
        error.errno,
        f"{who} cannot write to {path}: {error.strerror}; choose a place that this "
        "user may write, with room on its disk",
    )


def not_written(who: str, path: Path, error: OSError) -> str:
    """The words of a warning, where a run need not end for it."""
    return f"{who} could not write to {path}: {error.strerror}; the run goes on"
