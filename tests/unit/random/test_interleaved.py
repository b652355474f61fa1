# SPDX-License-Identifier: Apache-2.0
"""Numbers drawn in turn are those of the loop that draws them one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from flaxnn.random import Draw, Generator

TURNS = [
    [None],
    [1],
    [9, 9, None],
    [None, 2**28 - 1, 3, None],
    [255, None, 7],
]


def _loop(generator: Generator, times: int, numbers: list[int | None]) -> list[Any]:
    """One row of numbers for each turn."""
    return [
        [
            generator.rand(1)[0] if high is None else generator.randint(0, high, 1)[0]
            for high in numbers
        ]
        for _ in range(times)
    ]


@pytest.mark.parametrize("numbers", TURNS, ids=str)
@pytest.mark.parametrize("times", [1, 7, 700])
def test_it_is_the_loop(times: int, numbers: list[int | None]) -> None:
    ours, loop = Generator(2025), Generator(2025)
    drawn = ours.interleaved(times, numbers)
    turns = _loop(loop, times, numbers)
    for column, (values, high) in enumerate(zip(drawn, numbers, strict=True)):
        assert values.dtype == (np.float32 if high is None else np.int64)
        np.testing.assert_array_equal(values, [turn[column] for turn in turns])
    np.testing.assert_array_equal(ours.get_state(), loop.get_state())


@pytest.mark.parametrize(("times", "numbers"), [(0, [9, None]), (5, [])])
def test_nothing_to_draw(times: int, numbers: list[int | None]) -> None:
    generator = Generator(0)
    drawn = generator.interleaved(times, numbers)
    assert [values.shape for values in drawn] == [(0,)] * len(numbers)
    assert generator.words_drawn == 0


def test_the_ledger_has_the_words() -> None:
    generator = Generator(0, ledger=True)
    generator.rand(5)
    with generator.consumer("crops"):
        generator.interleaved(4, [9, 9, None])
    assert generator.ledger is not None
    assert generator.ledger[1:] == [
        Draw("interleaved", (4, 3), np.dtype(np.uint32), 5, 12, "crops")
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((-1, [None]), RuntimeError, "negative dimension -1"),
        ((2.0, [None]), TypeError, "'times' must be int, not float"),
        ((2, [0]), RuntimeError, "'from' to be less than 'to'.*to=0"),
        ((2, [None, 1.5]), TypeError, "'numbers' must be int, not float"),
        ((2, [2**28]), ValueError, "below 2\\*\\*28, got 268435456"),
    ],
)
def test_refused_before_a_word_is_drawn(
    arguments: Any, error: type[Exception], words: str
) -> None:
    generator = Generator(0)
    with pytest.raises(error, match=words):
        generator.interleaved(*arguments)
    assert generator.words_drawn == 0
