# SPDX-License-Identifier: Apache-2.0
"""Random numbers that the host draws for a chunk, in the order PyTorch draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from flaxnn.nn import HostDraw
from flaxnn.random import Generator
from flaxnn.training._memory import bytes_of
from flaxnn.training._plan import Chunk

# Memory for the draws of one chunk.
MOST_BYTES = 64 << 20

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Draws:
    """Draws for each step: first those of the data's transform, then the model's.

    Args:
        requests: What the forward passes over a batch of a size ask for, in order.
        transform: The loader's transform, or None.
        rows: How many samples the data have.
        sample_shape: The shape of one input before the transform.
        source: The run's Generator; None where nothing is drawn.
    """

    requests: Callable[[int], tuple[HostDraw, ...]]
    transform: Any
    rows: int
    sample_shape: tuple[int, ...]
    source: Generator | None

    def check(self, batch_size: int) -> None:
        """Raises where numbers are asked for and there is nothing to draw from."""
        if self.source is not None:
            return
        requests = self.requests(batch_size)
        if requests:
            raise TypeError(
                "the model draws numbers in its forward pass "
                f"({requests[0].method}): pass the run's Generator as rngs= (a "
                "loader's own generator draws its order only), or build the model "
                "with rngs=nnx.Rngs(seed) for JAX's numbers"
            )
        if self._of_transform(Generator(0), batch_size):
            raise TypeError(
                f"{self.transform} draws numbers for each sample: pass the run's "
                "Generator as rngs="
            )

    def steps_that_fit(self, batch_size: int) -> int:
        """For how many steps draws may lie on the device at once."""
        per_step = bytes_of(self.shapes(batch_size))
        return max(1, MOST_BYTES // max(1, per_step))

    def shapes(self, batch_size: int) -> tuple[Any, Any]:
        """The draws of one step, as `of` gives them, as shapes and dtypes."""
        drawn = (
            ()
            if self.transform is None
            else self._of_transform(Generator(0), batch_size)
        )
        return jax.tree.map(
            lambda array: jax.ShapeDtypeStruct(array.shape, array.dtype),
            (tuple(drawn), self.requests(batch_size)),
        )

    def of(self, part: Chunk) -> tuple[Arrays, Arrays]:
        """The draws of a chunk's steps, ``(capacity, …)`` each, in stream order."""
        if self.source is None or part.length == 0:
            return (), ()
        batch_size = self.rows if part.rows is None else part.rows.shape[1]
        requests = self.requests(batch_size)
        if self.transform is None and not requests:
            return (), ()
        steps = [self._of_step(requests, batch_size) for _ in range(part.length)]
        transform, model = zip(*steps, strict=True)
        return _stacked(transform, part.capacity), _stacked(model, part.capacity)

    def _of_step(
        self, requests: tuple[HostDraw, ...], batch_size: int
    ) -> tuple[Arrays, Arrays]:
        assert self.source is not None
        transform = self._of_transform(self.source, batch_size)
        return transform, tuple(request.draw(self.source) for request in requests)

    def _of_transform(self, source: Generator, batch_size: int) -> Arrays:
        if self.transform is None:
            return ()
        return self.transform.draw(source, batch_size, self.sample_shape)


def _stacked(steps: tuple[Arrays, ...], capacity: int) -> Arrays:
    """Each array of the steps in one with room for as many as the program takes."""

    def stack(column: tuple[np.ndarray, ...]) -> np.ndarray:
        out = np.zeros((capacity, *column[0].shape), column[0].dtype)
        np.stack(column, out=out[: len(column)])
        return out

    return jax.tree.map(lambda *column: stack(column), *steps)
