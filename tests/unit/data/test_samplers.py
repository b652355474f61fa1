# SPDX-License-Identifier: Apache-2.0
"""Samplers: PyTorch's order from goldens, their draws, and what they refuse."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flax import nnx

from flaxnn import data
from flaxnn.data import (
    DataLoader,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from flaxnn.random import Generator

GOLDEN = json.loads(
    (Path(__file__).parent / "goldens" / "sampler_order.json").read_text()
)
ROWS = np.arange(7)

each_golden = pytest.mark.parametrize(
    "case",
    GOLDEN["cases"],
    ids=lambda case: (
        f"{case['sampler']}-{case['length']}-{'own' if case['own_seed'] else 'global'}"
    ),
)


def _state(generator: Generator) -> str:
    return hashlib.sha256(generator.get_state().tobytes()).hexdigest()


def _sampler(case: dict[str, Any], own: Generator | None) -> Any:
    given = {} if own is None else {"generator": own}
    return getattr(data, case["sampler"])(*case["arguments"], **given)


@each_golden
@pytest.mark.parametrize("low_level", [False, True], ids=["batches", "order"])
def test_batches_and_states_are_pytorchs(case: dict[str, Any], low_level: bool) -> None:
    """T0, iterated or as training asks: `epoch`, `order`, and `finish` at the end."""
    run = Generator(2025)
    own = None if case["own_seed"] is None else Generator(case["own_seed"])
    loader = DataLoader(ROWS, 3, sampler=_sampler(case, own), rngs=run)
    assert len(loader) == case["length"]
    for batches in case["batches"]:
        if low_level:
            epoch = loader.epoch()
            order = epoch.order()
            epoch.finish()
            assert order.dtype == np.int64
            assert not order.flags.writeable
            assert order.tolist() == list(itertools.chain(*batches))
        else:
            assert [batch.tolist() for (batch,) in loader] == batches
    assert _state(run) == case["state"]
    assert (None if own is None else _state(own)) == case["own_state"]


def test_portions_are_drawn_when_they_are_reached() -> None:
    own = Generator(0)
    drawn = [own.words_drawn for _ in RandomSampler(ROWS, True, 40, own)]
    assert drawn == [32] * 32 + [40] * 8
    shuffled = RandomSampler(ROWS, False, 14, own)
    start = own.words_drawn
    drawn = [own.words_drawn - start for _ in shuffled]
    assert drawn == [6] * 7 + [12] * 7
    assert own.words_drawn - start == 18  # one is thrown away


def test_whose_generator_is_drawn_from() -> None:
    """The sampler's own, else its rngs, else the loader's rngs; never its generator."""
    own, given, run, loaders = (Generator(seed) for seed in range(4))
    for sampler, drawing in (
        (SubsetRandomSampler([1, 2], own, rngs=given), own),
        (SubsetRandomSampler([1, 2], rngs=given), given),
        (SubsetRandomSampler([1, 2]), run),
    ):
        loader = DataLoader(ROWS, sampler=sampler, rngs=run, generator=loaders)
        before = drawing.words_drawn
        list(loader)
        assert loader.generators == (loaders, drawing)
        assert drawing.words_drawn == before + 1
    assert loaders.words_drawn == 3 * 2


def test_one_stream_is_listed_once_and_the_ledger_names_the_loader() -> None:
    run = Generator(0, ledger=True)
    sampler = WeightedRandomSampler(np.ones(7), 4, rngs=run)
    loader = DataLoader(ROWS, 2, sampler=sampler, rngs=run)
    assert loader.generators == (run,)
    iterator = iter(loader)
    assert run.words_drawn == 2
    next(iterator)
    assert run.ledger is not None
    name = "DataLoader(7 rows, WeightedRandomSampler)"
    assert [(draw.kind, draw.words, draw.consumer) for draw in run.ledger] == [
        ("random", 2, f"{name}/base seed"),
        ("multinomial", 8, f"{name}/WeightedRandomSampler"),
    ]


def test_the_default_samplers_stand_for_shuffle() -> None:
    assert isinstance(DataLoader(ROWS).sampler, SequentialSampler)
    shuffled = DataLoader((ROWS, ROWS), shuffle=True, rngs=Generator(0)).sampler
    assert isinstance(shuffled, RandomSampler)
    assert len(shuffled) == 7


def test_weights_are_float64() -> None:
    """In float32 these are all zero."""
    assert list(WeightedRandomSampler([0, 1e-300], 3, rngs=Generator(0))) == [1] * 3


class Evens:
    """A sampler as users write it, drawing from a Generator of its own."""

    def __init__(self, generator: Generator) -> None:
        self.generators = (generator,)

    def __len__(self) -> int:
        return 4

    def __iter__(self) -> Iterator[int]:
        return iter((2 * self.generators[0].randperm(4)).tolist())


def test_a_sampler_of_the_users_own() -> None:
    generator = Generator(1)
    loader = DataLoader(ROWS, 3, sampler=Evens(generator), rngs=Generator(0))
    assert loader.generators[1] is generator
    iterator = iter(loader)
    assert generator.words_drawn == 0  # not before the first batch, as in PyTorch
    rows = np.concatenate([batch for (batch,) in iterator])
    np.testing.assert_array_equal(rows, 2 * Generator(1).randperm(4))


def test_a_list_is_a_sampler_and_counts_from_the_end_too() -> None:
    loader = DataLoader(ROWS, 2, sampler=[5, -1, 0])
    assert [batch.tolist() for (batch,) in loader] == [[5, 6], [0]]
    assert loader.epoch().order().tolist() == [5, 6, 0]
    assert loader.generators == ()


class Liar(list):
    """A sampler whose length is not that of what it yields."""

    def __init__(self, indices: list[int], length: int) -> None:
        super().__init__(indices)
        self.length = length

    def __len__(self) -> int:
        return self.length


@pytest.mark.parametrize("length", [2, 4])
@pytest.mark.parametrize("batch_size", [1, 3, 9])
def test_a_wrong_length_is_found(length: int, batch_size: int) -> None:
    loader = DataLoader(ROWS, batch_size, sampler=Liar([1, 2, 3], length))
    with pytest.raises(RuntimeError, match=f"as its length says, {length}, got"):
        list(loader)
    with pytest.raises(RuntimeError, match=f"as its length says, {length}, got"):
        loader.epoch().finish()


@pytest.mark.parametrize("index", [7, -8, 100])
def test_an_index_outside_is_refused_before_a_row_is_read(index: int) -> None:
    """On a device a gather would clamp it, and train on another row."""
    loader = DataLoader(ROWS, 2, sampler=[0, index])
    message = f"index {index} of the sampler is out of range for a data set of 7 rows"
    with pytest.raises(IndexError, match=message):
        next(iter(loader))
    with pytest.raises(IndexError, match=message):
        loader.epoch().order()


def test_weights_and_indices_are_copies_that_stay_as_they_are() -> None:
    weights, indices = np.ones(3), np.array([0, 1])
    weighted, subset = WeightedRandomSampler(weights, 2), SubsetRandomSampler(indices)
    weights[:], indices[:] = 0, 9
    np.testing.assert_array_equal(weighted.weights, [1, 1, 1])
    np.testing.assert_array_equal(subset.indices, [0, 1])
    assert not weighted.weights.flags.writeable
    assert not subset.indices.flags.writeable


def test_repr() -> None:
    sampler = WeightedRandomSampler([1.0, 2.0], 5)
    assert repr(sampler) == "WeightedRandomSampler(5 of 2 rows, replacement=True)"
    assert repr(DataLoader(ROWS, 2, sampler=sampler, rngs=Generator(0))) == (
        f"DataLoader(7 rows, batch_size=2, sampler={sampler!r}, drop_last=False)"
    )


REFUSED: list[tuple[Any, type[Exception], str]] = [
    (
        lambda: DataLoader(ROWS, shuffle=True, sampler=[0], rngs=Generator(0)),
        ValueError,
        "sampler option is mutually exclusive with shuffle",
    ),
    (
        lambda: DataLoader(ROWS, sampler=SubsetRandomSampler([0])),
        TypeError,
        "SubsetRandomSampler needs PyTorch's random numbers, got neither",
    ),
    (
        lambda: DataLoader(
            ROWS, sampler=SubsetRandomSampler([0]), generator=Generator(0)
        ),
        TypeError,
        "SubsetRandomSampler needs PyTorch's random numbers",
    ),
    (
        lambda: DataLoader(ROWS, sampler=RandomSampler(ROWS), rngs=nnx.Rngs(0)),
        TypeError,
        "RandomSampler needs PyTorch's random numbers",
    ),
    (
        lambda: list(WeightedRandomSampler([1.0], 1)),
        TypeError,
        "WeightedRandomSampler needs PyTorch's random numbers",
    ),
    (lambda: DataLoader(ROWS, sampler=iter([0])), TypeError, "with a length, got list"),
    (lambda: DataLoader(ROWS, sampler=3), TypeError, "with a length, got int"),
    (
        lambda: next(iter(DataLoader(ROWS, sampler=[1.0]))),
        TypeError,
        "expected a sampler to yield integers, got .*1.0",
    ),
    (lambda: SubsetRandomSampler([True, False]), TypeError, "dtype bool"),
    (lambda: SubsetRandomSampler([[0]]), TypeError, "shape \\(1, 1\\)"),
    (lambda: SubsetRandomSampler([0.5]), TypeError, "dtype float64"),
    (lambda: SubsetRandomSampler([0], 3), TypeError, "must be a .*Generator, got int"),
    (lambda: WeightedRandomSampler([1.0], 0), ValueError, "num_samples=0"),
    (lambda: WeightedRandomSampler([1.0], True), ValueError, "num_samples=True"),
    (lambda: WeightedRandomSampler([1.0], 1, 1), ValueError, "replacement=1"),
    (
        lambda: WeightedRandomSampler([[1.0]], 1),
        ValueError,
        "weights should be a 1d sequence",
    ),
    (
        lambda: list(WeightedRandomSampler([-1.0, 2.0], 2, generator=Generator(0))),
        RuntimeError,
        "element < 0",
    ),
    (lambda: RandomSampler([]), ValueError, "num_samples=0 \\(the data set is empty"),
    (lambda: RandomSampler([], num_samples=2), ValueError, "with rows to draw 2 from"),
    (lambda: RandomSampler(ROWS, 1), TypeError, "replacement=1"),
    (lambda: RandomSampler(3), TypeError, "sequence of samples.*got int"),
]


@pytest.mark.parametrize(("make", "error", "words"), REFUSED)
def test_refused(make: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        make()
