# SPDX-License-Identifier: Apache-2.0
"""Draws of two kinds that take turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flaxnn.random._arguments import integer_of, shape_of
from flaxnn.random._domains import check_integers
from flaxnn.random._integers import ONE_WORD_RANGE
from flaxnn.random._stream import Stream
from flaxnn.random._types import Array, Size, UInt32
from flaxnn.random._uniform import unit32_of


class InterleavedDraws(Stream):
    """Single numbers, drawn in turn."""

    def interleaved(
        self, times: Size, numbers: Sequence[Size | None]
    ) -> tuple[Array, ...]:
        """Returns what a loop draws that takes a few single numbers at each turn.

        A loop over the images of a batch, each of which is cropped and flipped at
        random, is one. Each number comes from the word of the stream from which the
        loop would have made it.

        Args:
            times: How many turns the loop takes.
            numbers: What one turn draws, in order: an integer ``n`` from 1 to 2^28 - 1
                stands for ``randint(0, n, (1,))``, None for ``rand(1)``.

        Returns:
            An array for each of ``numbers``, ``(times,)`` int64 or float32. The ledger
            has one entry for all of them, of the words: ``(times, len(numbers))``
            uint32.

        Raises:
            TypeError: ``times`` is no integer, or a number neither that nor None.
            RuntimeError: ``times`` is negative, or a range is empty.
            ValueError: A range is of 2^28 or more, which takes more than a word.

        Torch:
            ``torch.randint(0, n, (1,))`` and ``torch.rand(1)`` in a loop, checked with
            2.13.0, T0.

        Example:
            >>> from flaxnn.random import Generator
            >>> generator = Generator(0)
            >>> generator.interleaved(2, [9, None])
            (array([8, 2]), array([0.7682218 , 0.13203049], dtype=float32))
            >>> loop = Generator(0)
            >>> loop.randint(0, 9, (1,)), loop.rand(1)
            (array([8]), array([0.7682218], dtype=float32))
        """
        turns = integer_of(times, "interleaved", "times")
        highs = [None if number is None else _high(number) for number in numbers]
        shape = shape_of((turns, len(highs)), 4, "interleaved")
        offset = self.words_drawn
        words = self._engine.words(turns * len(highs)).reshape(shape)
        self._noted("interleaved", words, offset)
        return tuple(
            _number(words[:, column], high) for column, high in enumerate(highs)
        )


def _high(number: Size) -> int:
    """The end of a range of integers, if each takes one word in every version."""
    high = integer_of(number, "interleaved", "numbers")
    check_integers(0, high, np.dtype(np.int64))
    if high >= ONE_WORD_RANGE:
        raise ValueError(
            f"interleaved() expected ranges below 2**28, got {high}; draw such "
            "integers with randint"
        )
    return high


def _number(words: UInt32, high: int | None) -> Array:
    """The numbers that are made of words, one of each."""
    if high is None:
        return unit32_of(words.copy())
    return words.astype(np.int64) % high
