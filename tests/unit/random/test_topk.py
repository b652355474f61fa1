# SPDX-License-Identifier: Apache-2.0
"""The order of the largest numbers, ties included."""

from __future__ import annotations

import numpy as np
import pytest

from flaxnn.random import _topk


def _largest(values: np.ndarray, k: int) -> np.ndarray:
    """The choice from one row; beside another row, which must not matter."""
    other = np.arange(len(values), dtype=values.dtype)
    got = _topk.largest(np.stack([other, values, other]), k)
    assert got.shape == (3, k)
    np.testing.assert_array_equal(got[0], np.arange(len(values))[::-1][:k])
    np.testing.assert_array_equal(got[2], got[0])
    return got[1]


def _values(seed: int, n: int, distinct: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, distinct, n).astype(np.float32)


@pytest.mark.parametrize("n", [1, 2, 17, 100, 1000])
def test_without_ties_there_is_one_answer(n: int) -> None:
    values = np.random.default_rng(n).permutation(n).astype(np.float64)
    for k in {1, n // 3 + 1, n}:
        np.testing.assert_array_equal(
            _largest(values, k), np.argsort(-values, kind="stable")[:k]
        )


@pytest.mark.parametrize("n", [2, 16, 17, 40, 333, 2000])
@pytest.mark.parametrize("distinct", [1, 2, 30])
@pytest.mark.parametrize("share", [1, 2, 64, 100])
def test_with_ties_the_values_are_the_largest(
    n: int, distinct: int, share: int
) -> None:
    values = _values(n, n, distinct)
    k = max(n // share, 1)
    chosen = _largest(values, k)
    assert len(set(chosen.tolist())) == k
    np.testing.assert_array_equal(values[chosen], -np.sort(-values)[:k])


# What torch.topk(torch.tensor(values), k).indices was in PyTorch 2.13.0 on Linux.
RECORDED = [
    ([0.0] * 4, 2, [2, 3]),
    ([0.0] * 4, 4, [2, 3, 0, 1]),
    ([1.0, 0.0, 0.0, 1.0, 0.0, 2.0, 0.0], 5, [5, 0, 3, 6, 4]),
    ([0.0] * 128, 2, [0, 1]),
    ([0.0] * 127, 2, [85, 84]),
    ([i * 7 % 11 for i in range(700)], 10, [3, 36, 47, 69, 14, 80, 91, 102, 58, 25]),
    (
        [0.0] * 20,
        20,
        [11, 0, 8, 9, 7, 4, 3, 2, 1, 5, 10, 12, 13, 14, 15, 16, 17, 18, 19, 6],
    ),
]


@pytest.mark.parametrize(("values", "k", "indices"), RECORDED)
def test_the_order_of_ties_is_libstdcxxs(
    values: list[float], k: int, indices: list[int]
) -> None:
    chosen = _largest(np.array(values, np.float32), k)
    assert chosen.tolist() == indices


def test_infinite_and_missing_numbers_come_first() -> None:
    values = np.array([1, np.nan, np.inf, -np.inf], np.float32)
    assert _largest(values, 4)[2:].tolist() == [0, 3]


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_deep_recursion_falls_to_a_heap(
    depth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = _values(1, 500, 40)
    shallow = _largest(values, 400)
    monkeypatch.setattr(_topk, "_depth", lambda size: depth)
    chosen = _largest(values, 400)
    assert len(set(chosen.tolist())) == 400
    np.testing.assert_array_equal(values[chosen], -np.sort(-values)[:400])
    assert not np.array_equal(chosen, shallow)  # the heap orders ties its own way
