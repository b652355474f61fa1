# SPDX-License-Identifier: Apache-2.0
"""Sliding windows: where they lie, and how what lies in them is joined."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from jax import lax

from flaxnn._typing import Array, Shaped

Cells = tuple[Shaped[Array, "..."], ...]


@dataclass(frozen=True)
class Windows:
    """The windows of one dimension.

    Attributes:
        starts: The first position of each; negative in the padding.
        lengths: How many elements each has, from the shortest to a few more.
        dilation: The step between the elements.
    """

    starts: tuple[int, ...]
    lengths: tuple[int, ...]
    dilation: int = 1


def strided(
    size: int, kernel: int, stride: int, padding: int, dilation: int, ceil_mode: bool
) -> Windows:
    """Returns windows of one length; with `ceil_mode` the last may reach beyond.

    A window that would start behind the input and the padding in front of it is left
    out, as PyTorch does.
    """
    room = size + 2 * padding - dilation * (kernel - 1) - 1
    count = (-(-room // stride) if ceil_mode else room // stride) + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1
    starts = tuple(k * stride - padding for k in range(count))
    return Windows(starts, (kernel,) * count, dilation)


def adaptive(size: int, count: int) -> Windows:
    """Returns `count` windows that cover the input evenly, overlapping if they must."""
    starts = tuple(k * size // count for k in range(count))
    ends = (-(-(k + 1) * size // count) for k in range(count))
    return Windows(starts, tuple(b - a for a, b in zip(starts, ends, strict=True)))


def joined(
    cells: Cells,
    axis: int,
    windows: Windows,
    empty: tuple[int | float, ...],
    join: Callable[[Cells, Cells], Cells],
) -> Cells:
    """Returns what the cells of each window along `axis` join to, from left to right.

    Spans of 1, 2, 4, … cells are joined once, for all windows; a window is put together
    from one of each size at most: the work grows with the logarithm of its length.

    Args:
        cells: Arrays of one shape; element by element they form a cell.
        axis: The dimension to slide along.
        windows: Where the windows lie.
        empty: The cell that stands outside the input.
        join: An associative operation on neighbouring cells.
    """
    starts = np.array(windows.starts, int)
    lengths = np.array(windows.lengths, int)
    if not starts.size:
        return tuple(lax.slice_in_dim(cell, 0, 0, axis=axis) for cell in cells)
    step, shortest = windows.dilation, int(lengths.min())
    before = max(0, -int(starts.min()))
    last = int((starts + step * (lengths - 1)).max())
    after = max(0, last + 1 - cells[0].shape[axis])
    spans = [_padded(cells, axis, before, after, empty)]
    while 2 ** len(spans) <= shortest:
        shift = step * 2 ** (len(spans) - 1)
        spans.append(
            join(_part(spans[-1], axis, 0, -shift), _part(spans[-1], axis, shift, None))
        )
    position, result = starts + before, None
    for level in reversed(range(len(spans))):
        if shortest >> level & 1:
            piece = _at(spans[level], axis, position)
            result = piece if result is None else join(result, piece)
            position = position + step * 2**level
    assert result is not None
    for length in range(shortest, int(lengths.max())):
        longer = join(result, _at(spans[0], axis, position))
        mask = np.expand_dims(lengths > length, [*range(1, cells[0].ndim - axis)])
        result = tuple(
            jnp.where(jnp.broadcast_to(mask, new.shape), new, old)
            for new, old in zip(longer, result, strict=True)
        )
        position = position + step
    return result


def _padded(
    cells: Cells, axis: int, before: int, after: int, empty: tuple[int | float, ...]
) -> Cells:
    config = [(0, 0, 0)] * cells[0].ndim
    config[axis] = (before, after, 0)
    return tuple(
        lax.pad(cell, jnp.asarray(fill, cell.dtype), config)
        for cell, fill in zip(cells, empty, strict=True)
    )


def _part(cells: Cells, axis: int, start: int, stop: int | None) -> Cells:
    return tuple(lax.slice_in_dim(cell, start, stop, axis=axis) for cell in cells)


def _at(cells: Cells, axis: int, positions: np.ndarray) -> Cells:
    """Returns the cells at the positions; a slice wherever they are evenly spaced."""
    steps = np.unique(np.diff(positions))
    if len(steps) > 1 or 0 in steps or positions[-1] >= cells[0].shape[axis]:
        # Behind the end are only positions that no window needs.
        return tuple(
            jnp.take(cell, positions, axis=axis, mode="clip") for cell in cells
        )
    step = int(steps[0]) if len(steps) else 1
    start, stop = int(positions[0]), int(positions[-1]) + 1
    return tuple(lax.slice_in_dim(cell, start, stop, step, axis) for cell in cells)
