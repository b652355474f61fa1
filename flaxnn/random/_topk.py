# SPDX-License-Identifier: Apache-2.0
"""The order in which ``torch.topk`` returns equal values.

Without ties there is only one answer. With ties it is what the C++ library's
``partial_sort``, or ``nth_element`` and ``sort``, leave behind, and so do these
functions, following libstdc++ (PyTorch's Linux builds) comparison by comparison where
that can matter. A partition is one array operation; stretches without a tie are sorted
outright.

"Before" is the order asked for: the keys ascend.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flaxnn.random._types import Array, Int64

_INSERTION_SIZE = 16  # libstdc++'s sort leaves shorter stretches to insertion


def largest(values: Array, k: int) -> Int64:
    """Returns where the ``k`` largest numbers of each row are, the largest first.

    Args:
        values: ``(rows, n)``, floating; nan counts as larger than every number.
        k: How many, from 1 to ``n``.

    Returns:
        ``(rows, k)`` int64.
    """
    keys = np.where(np.isnan(values), -np.inf, -values)
    order = np.argsort(keys, axis=1)
    ranked = np.take_along_axis(keys, order, axis=1)
    repeats = ranked[:, 1:] == ranked[:, :-1]
    chosen = order[:, :k].copy()
    for row in np.flatnonzero(repeats[:, :k].any(axis=1)):
        tied = np.zeros(keys.shape[1], np.bool_)
        tied[order[row, 1:][repeats[row]]] = True
        tied[order[row, :-1][repeats[row]]] = True
        chosen[row] = _select(keys[row], tied, k)
    return chosen


def _select(keys: Array, tied: NDArray[np.bool_], k: int) -> Int64:
    """Returns the order of the ``k`` smallest keys, some of which are equal."""
    selection = _Selection(keys, tied)
    if k * 64 <= len(keys):
        selection.partial_sort(k)
    else:
        selection.nth_element(k - 1)
        selection.sort(k - 1)
    return selection.order[:k]


class _Selection:
    """A permutation of the keys, rearranged as libstdc++ rearranges pairs."""

    def __init__(self, keys: Array, tied: NDArray[np.bool_]) -> None:
        self.keys = keys.copy()
        self.tied = tied
        self.order: NDArray[Any] = np.arange(len(keys))

    def nth_element(self, nth: int) -> None:
        """Puts the right element at ``nth`` and no later one before it."""
        first, last = 0, len(self.keys)
        if nth == last:
            return
        depth = _depth(last)
        while last - first > 3:
            if depth == 0:
                self._heap_select(first, nth + 1, last)
                self._swap(first, nth)
                return
            depth -= 1
            cut = self._partition(first, last)
            first, last = (cut, last) if cut <= nth else (first, cut)
        self._insertion_sort(first, last)

    def sort(self, last: int) -> None:
        """Sorts the elements before ``last``."""
        pending = [(0, last, _depth(last))]
        while pending:
            first, end, depth = pending.pop()
            # Insertion sort keeps equal elements in order, so one stable sort at the
            # end stands for it, and for stretches that hold no two equal elements.
            while end - first > _INSERTION_SIZE and self._has_ties(first, end):
                if depth == 0:
                    self._heap_select(first, end, end)
                    self._sort_heap(first, end)
                    break
                depth -= 1
                cut = self._partition(first, end)
                pending.append((cut, end, depth))
                end = cut
        self._insertion_sort(0, last)

    def partial_sort(self, middle: int) -> None:
        """Puts the first ``middle`` elements in order at the front."""
        self._heap_select(0, middle, len(self.keys))
        self._sort_heap(0, middle)

    def _has_ties(self, first: int, last: int) -> bool:
        return int(np.count_nonzero(self.tied[self.order[first:last]])) > 1

    def _swap(self, i: int, j: int) -> None:
        for array in (self.keys, self.order):
            array[[i, j]] = array[[j, i]]

    def _insertion_sort(self, first: int, last: int) -> None:
        order = np.argsort(self.keys[first:last], kind="stable")
        self.keys[first:last] = self.keys[first:last][order]
        self.order[first:last] = self.order[first:last][order]

    def _partition(self, first: int, last: int) -> int:
        """Partitions around a median of three and returns the cut."""
        middle = first + (last - first) // 2
        three = (first + 1, middle, last - 1)
        self._swap(first, self._median(*three))
        pivot = self.keys[first]
        rest = slice(first + 1, last)
        keys, order = self.keys[rest], self.order[rest]
        # Two hands walk towards each other, each stopping where an element may go to
        # the other side, and exchange what they hold until they meet.
        left = np.flatnonzero(~(keys < pivot))
        right = np.flatnonzero(~(pivot < keys))[::-1]
        both = min(len(left), len(right))
        swaps = int(np.count_nonzero(left[:both] < right[:both]))
        i, j = left[:swaps], right[:swaps]
        keys[i], keys[j] = keys[j], keys[i]
        order[i], order[j] = order[j], order[i]
        stops = [int(left[swaps])] if swaps < len(left) else []
        if swaps:
            stops.append(int(right[swaps - 1]))
        return first + 1 + min(stops)

    def _median(self, a: int, b: int, c: int) -> int:
        """Returns which of three positions holds the median, ties as libstdc++."""
        key = self.keys
        if key[a] < key[b]:
            if key[b] < key[c]:
                return b
            return c if key[a] < key[c] else a
        if key[a] < key[c]:
            return a
        return c if key[b] < key[c] else b

    def _heap_select(self, first: int, middle: int, last: int) -> None:
        """Leaves the first elements of the range in a heap at its front."""
        heap = _Heap(self.keys[first:middle], self.order[first:middle])
        for start in range(middle, last, 1024):
            block = self.keys[start : min(start + 1024, last)]
            for i in start + np.flatnonzero(block < heap.keys[0]):
                if self.keys[i] < heap.keys[0]:
                    incoming = float(self.keys[i]), int(self.order[i])
                    self.keys[i], self.order[i] = heap.keys[0], heap.order[0]
                    heap.sift(0, len(heap.keys), *incoming)
        self.keys[first:middle], self.order[first:middle] = heap.keys, heap.order

    def _sort_heap(self, first: int, last: int) -> None:
        """Sorts a heap."""
        heap = _Heap(self.keys[first:last], self.order[first:last], made=True)
        for end in range(last - first - 1, 0, -1):
            outgoing = heap.keys[end], heap.order[end]
            heap.keys[end], heap.order[end] = heap.keys[0], heap.order[0]
            heap.sift(0, end, *outgoing)
        self.keys[first:last], self.order[first:last] = heap.keys, heap.order


class _Heap:
    """A binary heap with the last element in the order on top.

    One element at a time, but only for the few that enter the heap.
    """

    def __init__(self, keys: Array, order: Int64, *, made: bool = False) -> None:
        self.keys: list[float] = keys.tolist()
        self.order: list[int] = order.tolist()
        size = len(self.keys)
        if not made:
            for hole in range((size - 2) // 2, -1, -1):
                self.sift(hole, size, self.keys[hole], self.order[hole])

    def sift(self, hole: int, size: int, key: float, index: int) -> None:
        """Fills a hole: down along the larger children, then the element up."""
        keys, order, top = self.keys, self.order, hole
        child = 2 * hole + 2
        while child < size:
            child -= keys[child] < keys[child - 1]
            keys[hole], order[hole] = keys[child], order[child]
            hole, child = child, 2 * child + 2
        if child == size:
            keys[hole], order[hole] = keys[child - 1], order[child - 1]
            hole = child - 1
        parent = (hole - 1) // 2
        while hole > top and keys[parent] < key:
            keys[hole], order[hole] = keys[parent], order[parent]
            hole, parent = parent, (parent - 1) // 2
        keys[hole], order[hole] = key, index


def _depth(size: int) -> int:
    """Returns after how many partitions libstdc++ turns to a heap."""
    return 2 * (size.bit_length() - 1)
