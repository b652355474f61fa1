# SPDX-License-Identifier: Apache-2.0
"""Rows in a given order, read ahead of time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from flaxnn._errors import MissingPackageError

Arrays = tuple[np.ndarray, ...]

# Rows are read in blocks of about this size, so that a thread's work is worth its
# hand-over, and so many bytes of them ahead of what was taken.
_BLOCK_BYTES = 1 << 20
_AHEAD_BYTES = 64 << 20
_THREADS = 4
# How many rows an error names.
_SHOWN = 8


class Reader:
    """The rows of a data set in an order, read by Grain's threads before their turn.

    Args:
        read: Gives the rows at ``(M,)`` indices.
        order: ``(N,)`` indices, in the order in which their rows are wanted.
        row_bytes: How much memory a row takes.

    Raises:
        MissingPackageError: Grain is not installed.
    """

    def __init__(
        self,
        read: Callable[[np.ndarray], Arrays],
        order: np.ndarray,
        row_bytes: int,
    ):
        grain = _grain()
        length = max(1, _BLOCK_BYTES // row_bytes)
        ahead = max(_THREADS, _AHEAD_BYTES // (length * row_bytes))
        options = grain.ReadOptions(num_threads=_THREADS, prefetch_buffer_size=ahead)
        blocks = grain.MapDataset.source(_Blocks(read, order, length))
        self._blocks = iter(blocks.to_iter_dataset(options))
        self._block: Arrays = ()
        self._taken = 0

    def take(self, count: int, room: int) -> Arrays:
        """The next rows.

        Args:
            count: How many.
            room: The length of the arrays that they are put into the front of.

        Returns:
            New arrays ``(room, …)``, zero behind the rows.

        Raises:
            Exception: What reading one of the rows raised.
        """
        out: Arrays = ()
        done = 0
        while done < count:
            if not self._block or self._taken == len(self._block[0]):
                self._block, self._taken = self._next(), 0
            if not out:
                # The system zeroes it when it is touched: spare room costs nothing.
                out = tuple(
                    np.zeros((room, *a.shape[1:]), a.dtype) for a in self._block
                )
            length = min(count - done, len(self._block[0]) - self._taken)
            for whole, part in zip(out, self._block, strict=True):
                part = part[self._taken : self._taken + length]
                whole[done : done + length] = part
            done += length
            self._taken += length
        return out

    def _next(self) -> Arrays:
        block = next(self._blocks)
        if isinstance(block, _Failure):
            raise block.error
        return block

    def close(self) -> None:
        """Stops reading ahead."""
        self._blocks.close()


class _Blocks:
    """Consecutive rows of an order, block by block, as Grain's random access asks."""

    def __init__(
        self, read: Callable[[np.ndarray], Arrays], order: np.ndarray, length: int
    ):
        self._read = read
        self._order = order
        self._length = length

    def __len__(self) -> int:
        return -(-len(self._order) // self._length)

    def __getitem__(self, index: int) -> Any:
        rows = self._order[index * self._length : (index + 1) * self._length]
        try:
            return self._read(rows.astype(np.int64))
        except Exception as error:
            if not hasattr(error, "__notes__"):
                shown = ", ".join(str(row) for row in rows[:_SHOWN])
                more = f" … ({len(rows)} in all)" if len(rows) > _SHOWN else ""
                error.add_note(f"This came of reading rows {shown}{more}.")
            # Handed on as a value, since Grain would cut its traceback.
            return _Failure(error)


class _Failure:
    """An error on its way from a thread that reads to the one that takes."""

    def __init__(self, error: Exception):
        self.error = error


def _grain() -> Any:
    try:
        import grain
    except ImportError as error:
        raise MissingPackageError(
            f"grain is needed to stream data and could not be imported ({error}): "
            'pip install "flaxnn[data]"; or pass stream=False where the data fit into '
            "memory"
        ) from error
    return grain
