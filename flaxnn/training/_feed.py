# SPDX-License-Identifier: Apache-2.0
"""How samples reach the device."""

from __future__ import annotations

import sys
from typing import Protocol

import jax
import numpy as np

from flaxnn.training._placement import Placement
from flaxnn.training._plan import Chunk
from flaxnn.training._samples import Samples

Arrays = tuple[jax.Array, ...]


class Feed(Protocol):
    """Gives `run_chunk` its arrays and the rows of each of the chunk's batches.

    Attributes:
        most: How many steps a chunk may have.
    """

    most: int

    def chunk(self, part: Chunk) -> tuple[Arrays, jax.Array | None]:
        """The arrays, and the ``rows`` that `run_chunk` takes with them."""
        ...

    def close(self) -> None:
        """Ends what goes on in the background."""
        ...


class Resident:
    """A data set that lies on the device for the whole run.

    Args:
        samples: The data set.
        placement: Where to.
        whole: Whether each step takes the whole of it.
    """

    most = sys.maxsize

    def __init__(self, samples: Samples, placement: Placement, *, whole: bool):
        self._placement = placement
        if whole:
            *inputs, target = samples.arrays
            shared = (placement.shared(array, 0) for array in inputs)
            self._arrays = (*shared, placement.labels(target))
        else:
            self._arrays = placement.everywhere(samples.arrays)

    def chunk(self, part: Chunk) -> tuple[Arrays, jax.Array | None]:
        """The whole set, and a chunk's rows filled up to the shape that all share."""
        if part.rows is None:
            return self._arrays, None
        missing = part.capacity - part.length
        rows = np.pad(part.rows, ((0, missing), (0, 0)))
        return self._arrays, self._placement.everywhere(rows)

    def close(self) -> None:
        """Nothing goes on in the background."""
