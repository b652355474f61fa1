# SPDX-License-Identifier: Apache-2.0
"""The permutation without a loop, against the loops it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from flaxnn.random import Generator, _permutation
from flaxnn.random._engine import Engine


def _swap_loop(targets: np.ndarray) -> list[int]:
    numbers = list(range(len(targets) + 1))
    for i, j in enumerate(targets):
        numbers[i], numbers[j] = numbers[j], numbers[i]
    return numbers


def _inside_out_loop(targets: np.ndarray) -> list[int]:
    numbers = [0] * len(targets)
    for i, j in enumerate(targets):
        numbers[i] = i
        numbers[i] = numbers[j]
        numbers[j] = i
    return numbers


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [2, 3, 4, 7, 50, 301])
def test_swaps(seed: int, n: int) -> None:
    steps = np.arange(n - 1)
    targets = steps + np.random.default_rng(seed).integers(0, n - steps)
    result = _permutation._swaps(targets.astype(np.int32), n)
    np.testing.assert_array_equal(result, _swap_loop(targets))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [1, 2, 3, 7, 50, 301])
def test_inside_out(seed: int, n: int) -> None:
    targets = np.random.default_rng(seed).integers(0, np.arange(n) + 1)
    result = _permutation._inside_out(targets.astype(np.int32))
    np.testing.assert_array_equal(result, _inside_out_loop(targets))


@pytest.mark.parametrize(
    "targets",
    [[0, 1, 2, 3], [4, 4, 4, 4], [1, 2, 3, 4], [3, 3, 2, 4], [2, 1, 2, 3]],
)
def test_swaps_that_chain_and_stand_still(targets: list[int]) -> None:
    result = _permutation._swaps(np.array(targets, np.int32), 5)
    np.testing.assert_array_equal(result, _swap_loop(np.array(targets)))


@pytest.mark.parametrize("n", [0, 1, 2, 5, 1000, 65535, 65536, 70000])
def test_it_is_a_permutation(n: int) -> None:
    drawn = Generator(0).randperm(n)
    np.testing.assert_array_equal(np.sort(drawn), np.arange(n))


def test_large_permutations_take_double_words(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _permutation.INSIDE_OUT_FROM == 214748364
    monkeypatch.setattr(_permutation, "INSIDE_OUT_FROM", 100)
    generator = Generator(0)
    drawn = generator.randperm(100)
    assert generator.words_drawn == 200
    words = Engine(0).double_words(100)
    targets = words % np.arange(1, 101, dtype=np.uint64)
    np.testing.assert_array_equal(drawn, _inside_out_loop(targets.astype(int)))
