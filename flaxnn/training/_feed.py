"""How a chunk's samples reach the device."""

from __future__ import annotations

from typing import Protocol

import jax
import numpy as np

from flaxnn.training._placement import Placement
from flaxnn.training._plan import Chunk

Arrays = tuple[jax.Array, ...]


class Feed(Protocol):
    """Gives `run_chunk` its arrays and the rows of each of the chunk's batches."""

    nbytes: int

    def chunk(self, part: Chunk) -> tuple[Arrays, jax.Array | None]:
        """The arrays, and ``(capacity, B)`` int32 rows of them, None for all."""
        ...


class Resident:
    """A data set that lies on the device for the whole run.

    Args:
        arrays: The data set.
        placement: Where to.
        whole: Whether each step takes the whole of it.
    """

    def __init__(
        self, arrays: tuple[np.ndarray, ...], placement: Placement, *, whole: bool
    ):
        self.nbytes = sum(array.nbytes for array in arrays)
        self._placement = placement
        if whole:
            *inputs, target = arrays
            shared = (placement.shared(array, 0) for array in inputs)
            self._arrays = (*shared, placement.labels(target))
        else:
            self._arrays = placement.everywhere(arrays)

    def chunk(self, part: Chunk) -> tuple[Arrays, jax.Array | None]:
        """The whole set, and a chunk's rows filled up to the shape that all share."""
        if part.rows is None:
            return self._arrays, None
        missing = part.capacity - part.length
        rows = np.pad(part.rows, ((0, missing), (0, 0)))
        return self._arrays, self._placement.everywhere(rows)
