# SPDX-License-Identifier: Apache-2.0
"""Which arrays share memory, and so a storage, in a file that is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from flaxnn.interop._dtypes import Dtype, of_array


@dataclass(frozen=True, eq=False)
class Storage:
    """Memory that one or more tensors of a file look at.

    Attributes:
        key: Its name in the file.
        dtype: The dtype of its elements.
        data: ``(elements,)`` of them, contiguous, of any dtype as wide.
    """

    key: str
    dtype: Dtype
    data: np.ndarray


@dataclass(frozen=True)
class View:
    """A tensor: a storage and how it is looked at.

    Attributes:
        storage: The storage.
        offset: The first element.
        shape: The sizes.
        strides: The steps, in elements.
    """

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def views_of(arrays: Iterable[np.ndarray]) -> dict[int, View]:
    """The view of each array by its ``id``; arrays that share memory share a storage.

    What PyTorch has no view for becomes a storage of its own: arrays of different
    dtypes in the same memory, steps backwards or of parts of an element.

    Args:
        arrays: The arrays, which have to stay alive.

    Raises:
        TypeError: PyTorch has no dtype for one.
    """
    distinct = {id(array): array for array in arrays}
    views: dict[int, View] = {}
    for members in _neighbours(list(distinct.values())):
        low = min(_bounds(array)[0] for array in members)
        span = max(_bounds(array)[1] for array in members) - low
        if _as_one(members, low, span):
            storage = Storage(str(len(views)), *_spanned(members, low, span))
            for array in members:
                views[id(array)] = _view(array, storage, _bounds(array)[0] - low)
        else:
            for array in members:
                views[id(array)] = _alone(array, str(len(views)))
    return views


def _neighbours(arrays: list[np.ndarray]) -> list[list[np.ndarray]]:
    """The arrays in groups of one dtype whose spans of memory overlap, in order."""
    spans = [(str(a.dtype), *_bounds(a), place) for place, a in enumerate(arrays)]
    groups: list[list[int]] = []
    before, end = "", 0
    for dtype, low, high, place in sorted(spans):
        overlapping = dtype == before and low < end and low != high
        if overlapping and _viewable(arrays[place]):
            groups[-1].append(place)
            end = max(end, high)
        else:
            groups.append([place])
            # Nothing is a neighbour of what cannot be a view.
            before, end = dtype, high if _viewable(arrays[place]) else 0
    groups = sorted(sorted(group) for group in groups)
    return [[arrays[place] for place in group] for group in groups]


def _viewable(array: np.ndarray) -> bool:
    """Whether PyTorch has such a view: whole steps forwards, native byte order."""
    size = array.dtype.itemsize
    steps = all(step >= 0 and step % size == 0 for step in array.strides)
    return steps and array.dtype.isnative


def _bounds(array: np.ndarray) -> tuple[int, int]:
    """The first byte of an array's memory and the one behind its last."""
    low, high = np.lib.array_utils.byte_bounds(array)
    return (low, high) if array.size else (low, low)


def _as_one(members: list[np.ndarray], low: int, span: int) -> bool:
    """Whether the memory of a group is written as it is, rather than copies of it."""
    size = members[0].dtype.itemsize
    aligned = all((_bounds(array)[0] - low) % size == 0 for array in members)
    # Alone, an array with gaps is smaller without them.
    dense = len(members) > 1 or span <= members[0].nbytes
    return aligned and dense and _viewable(members[0])


def _spanned(
    members: list[np.ndarray], low: int, span: int
) -> tuple[Dtype, np.ndarray]:
    """The memory of a group as one flat array, without a copy."""
    first = next(array for array in members if _bounds(array)[0] == low)
    dtype, size = of_array(first.dtype), first.dtype.itemsize
    # NumPy makes no view by strides of the dtypes that are not its own.
    raw = first.view(f"V{size}")
    flat = np.lib.stride_tricks.as_strided(raw, (span // size,), (size,))
    return dtype, flat


def _view(array: np.ndarray, storage: Storage, start: int) -> View:
    size = array.dtype.itemsize
    strides = tuple(step // size for step in array.strides)
    return View(storage, start // size, array.shape, strides)


def _alone(array: np.ndarray, key: str) -> View:
    """A copy in a storage of its own."""
    copy = array.astype(array.dtype.newbyteorder("="), order="C")
    return _view(copy, Storage(key, of_array(copy.dtype), copy.reshape(-1)), 0)
