# SPDX-License-Identifier: Apache-2.0
"""What the ledger says of each draw."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from flaxnn.random import Draw, Generator


def _entries(generator: Generator) -> list[Draw]:
    assert generator.ledger is not None
    return generator.ledger


def test_no_ledger_unless_asked_for() -> None:
    generator = Generator(0)
    with generator.consumer("nobody"):
        generator.rand(3)
    assert generator.ledger is None


def test_every_public_draw_is_one_entry() -> None:
    generator = Generator(0, ledger=True)
    generator.rand(2, 3)
    generator.randn(17, dtype=np.float64)
    generator.uniform(4)
    generator.normal(())
    generator.normal(())
    generator.randint(0, 5, (2,), dtype=np.int32)
    generator.random()
    generator.randperm(4)
    generator.bernoulli(0.5, (2,))
    generator.bernoulli(np.full((1, 2), 0.5))
    generator.exponential((3,))
    generator.multinomial(np.ones((2, 3)), 2)
    generator.rand(0)
    words = [6, 66, 4, 4, 0, 2, 2, 3, 4, 4, 6, 12, 0]
    offsets = np.cumsum([0, *words[:-1]]).tolist()
    expected = [
        ("rand", (2, 3), "float32"),
        ("randn", (17,), "float64"),
        ("uniform", (4,), "float32"),
        ("normal", (), "float32"),
        ("normal", (), "float32"),
        ("randint", (2,), "int32"),
        ("random", (), "int64"),
        ("randperm", (4,), "int64"),
        ("bernoulli", (2,), "float32"),
        ("bernoulli", (1, 2), "float64"),
        ("exponential", (3,), "float32"),
        ("multinomial", (2, 2), "int64"),
        ("rand", (0,), "float32"),
    ]
    assert _entries(generator) == [
        Draw(kind, shape, np.dtype(dtype), offset, count, None)
        for (kind, shape, dtype), offset, count in zip(
            expected, offsets, words, strict=True
        )
    ]
    assert generator.words_drawn == sum(words)


def test_a_ledger_changes_no_number() -> None:
    np.testing.assert_array_equal(
        Generator(3, ledger=True).randn(40), Generator(3).randn(40)
    )


def test_consumers_nest() -> None:
    generator = Generator(0, ledger=True)
    with generator.consumer("model"):
        generator.rand(1)
        with generator.consumer("head"), generator.consumer("weight"):
            generator.rand(1)
        generator.rand(1)
    generator.rand(1)
    assert [entry.consumer for entry in _entries(generator)] == [
        "model",
        "model/head/weight",
        "model",
        None,
    ]


def test_a_consumer_ends_with_an_error() -> None:
    generator = Generator(0, ledger=True)
    with pytest.raises(RuntimeError, match="negative"), generator.consumer("broken"):
        generator.rand(-1)
    generator.rand(1)
    assert [entry.consumer for entry in _entries(generator)] == [None]


def test_reseeding_keeps_the_entries_and_restarts_the_offsets() -> None:
    generator = Generator(0, ledger=True)
    generator.rand(5)
    generator.manual_seed(1)
    generator.rand(2)
    assert [(entry.offset, entry.words) for entry in _entries(generator)] == [
        (0, 5),
        (0, 2),
    ]


def test_an_entry_cannot_be_changed() -> None:
    generator = Generator(0, ledger=True)
    generator.rand(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        _entries(generator)[0].words = 7  # pyright: ignore[reportAttributeAccessIssue]
