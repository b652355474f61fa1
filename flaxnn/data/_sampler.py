# SPDX-License-Identifier: Apache-2.0
"""What draws the order of an epoch: pieces of row indices, each drawn when reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from flaxnn.data._stream import as_generator, missing_generator
from flaxnn.random import Generator


class Sampler:
    """Iteration over row indices, one by one or in the pieces that are drawn."""

    def streams(self, rngs: Generator | None = None) -> tuple[Generator, ...]:
        """Returns the Generators it draws from, none or one.

        Args:
            rngs: The loader's, which is used where the sampler was given none.
        """
        return ()

    def pieces(self, rngs: Generator | None = None) -> Iterator[np.ndarray]:
        """Yields the row indices of one pass in the pieces in which they are drawn.

        A piece is drawn when it is asked for; the last may be an empty one, where
        PyTorch ends with a draw that it throws away.

        Args:
            rngs: The loader's, which is used where the sampler was given none.

        Yields:
            `(M,)` int64 arrays.
        """
        raise NotImplementedError

    def __iter__(self) -> Iterator[int]:
        for piece in self.pieces():
            yield from piece.tolist()

    def __len__(self) -> int:
        raise NotImplementedError


class DrawingSampler(Sampler):
    """A sampler that draws from a Generator.

    Attributes:
        generator: The sampler's own Generator, or None.
        rngs: The run's Generator, or None.
    """

    def __init__(self, generator: Any, rngs: Any) -> None:
        self.generator: Generator | None = as_generator(generator, "generator")
        self.rngs: Generator | None = as_generator(rngs, "rngs")

    def streams(self, rngs: Generator | None = None) -> tuple[Generator, ...]:
        """Returns its `generator`, else its `rngs`, else the loader's."""
        for candidate in (self.generator, self.rngs, rngs):
            if candidate is not None:
                return (candidate,)
        raise missing_generator(type(self).__name__, None)

    def pieces(self, rngs: Generator | None = None) -> Iterator[np.ndarray]:
        (stream,) = self.streams(rngs)
        draws = self._draws(stream)
        while True:
            with stream.consumer(type(self).__name__):
                piece = next(draws, None)
            if piece is None:
                return
            yield piece

    def _draws(self, stream: Generator) -> Iterator[np.ndarray]:
        """The pieces, drawn from a Generator."""
        raise NotImplementedError


def pieces_of(sampler: Any, rngs: Generator | None) -> Iterator[np.ndarray]:
    """The pieces of any sampler: one index each where it is not one of ours."""
    if isinstance(sampler, Sampler):
        yield from sampler.pieces(rngs)
    else:
        for index in sampler:
            yield np.asarray([index])


def streams_of(sampler: Any, rngs: Generator | None) -> tuple[Generator, ...]:
    """The Generators of a sampler; one of the user's names its own in `generators`."""
    if isinstance(sampler, Sampler):
        return sampler.streams(rngs)
    return tuple(getattr(sampler, "generators", ()))
