# SPDX-License-Identifier: Apache-2.0
"""random_split: PyTorch's lengths, permutation and errors."""

from __future__ import annotations

import numpy as np
import pytest
from flax import nnx

from flaxnn.data import DataLoader, random_split
from flaxnn.random import Generator


def test_documented_example():
    """What PyTorch 2.13.0 gives for range(10), [3, 7] and seed 42."""
    parts = random_split(np.arange(10), [3, 7], Generator(42))
    assert [part.indices.tolist() for part in parts] == [
        [2, 6, 1],
        [8, 4, 5, 0, 9, 3, 7],
    ]


@pytest.mark.parametrize(
    ("rows", "lengths", "sizes"),
    [
        (10, [3, 7], [3, 7]),
        (10, [0, 10], [0, 10]),
        (10, [0.7, 0.3], [7, 3]),
        (11, [0.5, 0.5], [6, 5]),
        (10, [1 / 3] * 3, [4, 3, 3]),
        (11, [0.1] * 10, [2] + [1] * 9),
        (7, [1], [7]),
        (5, [5], [5]),
        (3, [1.0], [3]),
        (29, [0.3, 0.3, 0.4], [9, 9, 11]),
    ],
    ids=str,
)
def test_lengths(rows, lengths, sizes):
    run = Generator(1)
    order = Generator(1).randperm(rows)
    parts = random_split((np.arange(rows),), lengths, rngs=run)
    assert [len(part) for part in parts] == sizes
    np.testing.assert_array_equal(
        np.concatenate([part.indices for part in parts]), order
    )
    assert run.words_drawn == rows - 1


def test_the_draw_is_named_and_own_generator_comes_first():
    run, own = Generator(1), Generator(2, ledger=True)
    random_split(np.arange(4), [2, 2], own, rngs=run)
    assert run.words_drawn == 0
    assert own.ledger is not None
    assert [draw.consumer for draw in own.ledger] == ["random_split"]


def test_parts_are_loadable():
    x, y = np.arange(6.0), np.arange(6)
    left, right = random_split((x, y), [4, 2], Generator(0))
    seen = [labels for _, labels in DataLoader(left, 3)]
    seen += [labels for _, labels in DataLoader(right, 3)]
    assert sorted(np.concatenate(seen).tolist()) == list(range(6))


def test_an_empty_part_warns():
    with pytest.warns(UserWarning, match="Length of split at index 1 is 0"):
        parts = random_split(np.arange(3), [0.9, 0.1], Generator(0))
    assert len(parts[1]) == 0


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([3, 6], "Sum of input lengths does not equal the length"),
        ([0.5, 0.4], "Sum of input lengths does not equal the length"),
        ([-1, 11], "not negative, got -1 at index 0"),
        ([2.5, 7.5], "whole numbers"),
        ([1.5, -0.5], "Fraction at index 0 is not between 0 and 1"),
        ([float("nan"), 1.0], "Sum of input lengths"),
    ],
    ids=str,
)
def test_bad_lengths(lengths, message):
    generator = Generator(0)
    with pytest.raises(ValueError, match=message):
        random_split(np.arange(10), lengths, generator)
    assert generator.words_drawn == 0


def test_without_a_generator():
    with pytest.raises(TypeError, match="random_split needs PyTorch's random numbers"):
        random_split(np.arange(4), [2, 2])
    with pytest.raises(TypeError, match=r"got flax\.nnx\.Rngs"):
        random_split(np.arange(4), [2, 2], rngs=nnx.Rngs(0))
