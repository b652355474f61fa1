# SPDX-License-Identifier: Apache-2.0
"""DataLoader: PyTorch's order from goldens, its draws, and what it refuses."""

from __future__ import annotations

import hashlib
import itertools
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from flaxnn.data import DataLoader, Dataset, Subset
from flaxnn.random import Generator

GOLDEN = json.loads(
    (Path(__file__).parent / "goldens" / "loader_order.json").read_text()
)


def _state(generator):
    return hashlib.sha256(generator.get_state().tobytes()).hexdigest()


def _name(case):
    end = f"-stop{case['stop_after']}" if case["stop_after"] else ""
    return (
        f"{'own' if case['own_seed'] else 'global'}-{'shuffled' * case['shuffle']}"
        f"-{case['rows']}by{case['batch_size']}{'-drop' * case['drop_last']}{end}"
    )


def _loader(case, run, own):
    return DataLoader(
        np.arange(case["rows"]),
        case["batch_size"],
        case["shuffle"],
        rngs=run,
        generator=own,
        drop_last=case["drop_last"],
    )


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=_name)
def test_batches_and_states_are_pytorchs(case):
    """T0: batches, length, and the state of both generators after three epochs."""
    run = Generator(case["seed"])
    own = None if case["own_seed"] is None else Generator(case["own_seed"])
    loader = _loader(case, run, own)
    assert len(loader) == case["length"]
    epochs = [
        [batch.tolist() for (batch,) in itertools.islice(loader, case["stop_after"])]
        for _ in range(case["epochs"])
    ]
    assert epochs == case["batches"]
    assert _state(run) == case["state"]
    assert (None if own is None else _state(own)) == case["own_state"]


@pytest.mark.parametrize(
    "case", [case for case in GOLDEN["cases"] if not case["stop_after"]], ids=_name
)
def test_the_low_level_epoch_draws_the_same(case):
    """What the training engine does: `epoch`, `order`, and `finish` at the end."""
    run = Generator(case["seed"])
    own = None if case["own_seed"] is None else Generator(case["own_seed"])
    loader = _loader(case, run, own)
    for batches in case["batches"]:
        epoch = loader.epoch()
        order = epoch.order()
        epoch.finish()
        assert order.dtype == np.int64
        flat = list(itertools.chain(*batches))
        assert order.tolist()[: len(flat)] == flat
        assert sorted(order.tolist()) == list(range(case["rows"]))
    assert _state(run) == case["state"]
    assert (None if own is None else _state(own)) == case["own_state"]


@pytest.mark.parametrize("case", GOLDEN["large"], ids=lambda case: str(case["rows"]))
def test_large_orders_are_pytorchs(case):
    run = Generator(case["seed"])
    loader = DataLoader(np.arange(case["rows"]), case["rows"], True, rngs=run)
    for expected in case["orders"]:
        (order,) = next(iter(loader))
        assert hashlib.sha256(order.tobytes()).hexdigest() == expected


def test_moments_and_names_of_the_draws():
    """Base seed at iter, shuffle at the first next, and nothing after."""
    run = Generator(0, ledger=True)
    iterator = iter(DataLoader(np.arange(4), 2, True, rngs=run))
    assert run.words_drawn == 2
    next(iterator)
    assert run.words_drawn == 4
    assert len(list(iterator)) == 1
    assert run.words_drawn == 4
    assert run.ledger is not None
    assert [(draw.words, draw.consumer) for draw in run.ledger] == [
        (2, "DataLoader(4 rows, shuffle=True)/base seed"),
        (2, "DataLoader(4 rows, shuffle=True)/RandomSampler"),
    ]


@pytest.mark.parametrize(
    ("rows", "drop_last", "words"),
    [
        (6, False, [2, 2 + 5, 2 + 5, 2 + 10]),  # when asked for one more
        (5, False, [2, 2 + 4, 2 + 8, 2 + 8]),  # while collecting the short batch
        (5, True, [2, 2 + 4, 2 + 8]),  # while looking for a second full one
    ],
)
def test_moment_of_the_discarded_permutation(rows, drop_last, words):
    own = Generator(0)
    iterator = iter(
        DataLoader(np.arange(rows), 3, True, generator=own, drop_last=drop_last)
    )
    seen = [own.words_drawn]
    for _ in words[1:]:
        next(iterator, None)
        seen.append(own.words_drawn)
    assert seen == words


def test_finish_draws_once_and_completes_a_skipped_order():
    own, twin = Generator(3), Generator(3)
    epoch = DataLoader(np.arange(9), 2, True, generator=own).epoch()
    epoch.finish()
    epoch.finish()
    twin.random()
    order = twin.randperm(9)
    twin.randperm(9)
    np.testing.assert_array_equal(own.get_state(), twin.get_state())
    np.testing.assert_array_equal(epoch.order(), order)
    assert not epoch.order().flags.writeable


def test_both_generators_leave_the_runs_alone():
    run, own = Generator(1), Generator(2)
    loader = DataLoader(np.arange(9), 2, True, rngs=run, generator=own)
    list(loader)
    assert run.words_drawn == 0
    assert own.words_drawn == 2 + 8 + 8
    assert loader.generators == (own,)


def test_no_generator_and_no_shuffle_draws_nothing():
    loader = DataLoader(np.arange(5), 2)
    assert [batch.tolist() for (batch,) in loader] == [[0, 1], [2, 3], [4]]
    assert loader.generators == ()


def test_jax_keys_are_left_untouched_without_shuffle():
    rngs = nnx.Rngs(0)
    loader = DataLoader(np.arange(4), 2, rngs=rngs)
    assert len(list(loader)) == 2
    assert loader.generators == ()
    assert int(rngs.default.count[...]) == 0


X = np.arange(20.0, dtype=np.float32).reshape(5, 2, 2)
Y = np.array([3, 1, 4, 1, 5])


class Rows:
    """A data set that has rows only, as users write them for PyTorch."""

    def __init__(self):
        self.asked = []

    def __len__(self):
        return 5

    def __getitem__(self, index):
        self.asked.append(index)
        return X[index], int(Y[index])


class ManyRows(Rows):
    def __getitems__(self, indices):
        self.asked.append(indices)
        return [(X[index], int(Y[index])) for index in indices]


@pytest.mark.parametrize(
    "dataset",
    [
        (X, Y),
        (jnp.asarray(X), Y),
        Dataset((X, Y)),
        Subset((X, Y), range(5)),
        Subset(Rows(), range(5)),
        Rows(),
        ManyRows(),
        list(zip(X, Y, strict=True)),
    ],
    ids=[
        "tuple",
        "jax",
        "Dataset",
        "Subset",
        "Subset of rows",
        "rows",
        "many rows",
        "list",
    ],
)
def test_every_kind_of_source_gives_the_same_batches(dataset):
    loader = DataLoader(dataset, 2, shuffle=True, rngs=Generator(7))
    order = DataLoader(X, 2, shuffle=True, rngs=Generator(7)).epoch().order()
    batches = list(loader)
    assert [len(labels) for _, labels in batches] == [2, 2, 1]
    images, labels = (np.concatenate(field) for field in zip(*batches, strict=True))
    assert (images.dtype, labels.dtype) == (np.float32, np.int64)
    np.testing.assert_array_equal(images, X[order])
    np.testing.assert_array_equal(labels, Y[order])


def test_a_file_mapped_into_memory_stays_there(tmp_path):
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    loader = DataLoader((mapped, Y), 2, shuffle=True, rngs=Generator(7))
    assert loader.arrays is not None
    assert np.shares_memory(loader.arrays[0], mapped)
    test_every_kind_of_source_gives_the_same_batches((mapped, Y))


def test_a_data_set_of_grain():
    grain = pytest.importorskip("grain", reason="grain is not installed")
    rows = grain.MapDataset.source(list(zip(X, Y, strict=True)))
    test_every_kind_of_source_gives_the_same_batches(rows)


def test_arrays_are_exposed_where_there_are_some():
    arrays = DataLoader((X, Y)).arrays
    assert arrays is not None
    assert arrays[0] is X
    assert arrays[1] is Y
    assert DataLoader(Rows()).arrays is None
    chosen = DataLoader(Subset((X, Y), [1])).arrays
    assert chosen is not None
    np.testing.assert_array_equal(chosen[1], [1])


def test_rows_are_asked_for_with_pythons_ints():
    rows, many = Rows(), ManyRows()
    list(DataLoader(rows, 4))
    list(DataLoader(many, 4))
    assert rows.asked == [0, 1, 2, 3, 4]
    assert all(type(index) is int for index in rows.asked)
    assert many.asked == [[0, 1, 2, 3], [4]]


def test_batches_are_the_callers_own():
    x = X.copy()
    for shuffle in (False, True):
        for (batch,) in DataLoader(x, 5, shuffle, rngs=Generator(0)):
            batch[:] = -1
    np.testing.assert_array_equal(x, X)


def test_a_single_field_comes_as_a_tuple_of_one():
    (batch,) = next(iter(DataLoader([1.5, 2.5], 2)))
    assert batch.dtype == np.float64
    np.testing.assert_array_equal(batch, [1.5, 2.5])


def test_unshuffled_empty_data_has_no_batches():
    loader = DataLoader(np.zeros((0, 3)), 4)
    assert len(loader) == 0
    assert list(loader) == []


def test_repr():
    loader = DataLoader(X, 2, True, rngs=Generator(0), drop_last=True)
    assert repr(loader) == (
        "DataLoader(5 rows, batch_size=2, shuffle=True, drop_last=True)"
    )


@pytest.mark.usefixtures("unchecked")
class TestRefusals:
    @pytest.mark.parametrize("batch_size", [0, -1, 2.0, "2", True, None])
    def test_batch_size(self, batch_size):
        with pytest.raises(
            ValueError,
            match="batch_size should be a positive integer value, but got "
            f"batch_size={batch_size!r}",
        ):
            DataLoader(X, batch_size)

    def test_drop_last(self):
        with pytest.raises(ValueError, match="drop_last should be a boolean value"):
            DataLoader(X, drop_last=1)  # pyright: ignore[reportArgumentType]

    def test_shuffle_of_nothing(self):
        with pytest.raises(ValueError, match="num_samples should be a positive"):
            DataLoader(np.zeros((0, 3)), shuffle=True, rngs=Generator(0))

    def test_shuffle_without_a_stream(self):
        with pytest.raises(TypeError, match=r"neither rngs nor generator.*Generator"):
            DataLoader(X, shuffle=True)

    def test_shuffle_with_jax_keys(self):
        with pytest.raises(TypeError, match=r"got flax\.nnx\.Rngs.*Generator"):
            DataLoader(X, shuffle=True, rngs=nnx.Rngs(0))

    @pytest.mark.parametrize("shuffle", [False, True])
    @pytest.mark.parametrize("argument", ["rngs", "generator"])
    @pytest.mark.parametrize("value", [0, np.random.default_rng(0)], ids=type)
    def test_other_streams(self, argument, value, shuffle):
        with pytest.raises(
            TypeError, match=rf"{argument} must be a flaxnn\.random\.Generator, got"
        ):
            DataLoader(X, shuffle=shuffle, **{argument: value})

    def test_jax_keys_as_the_loaders_own(self):
        keys: object = nnx.Rngs(0)
        with pytest.raises(TypeError, match="generator must be a"):
            DataLoader(X, generator=keys)  # pyright: ignore[reportArgumentType]

    def test_lengths(self):
        with pytest.raises(ValueError, match="Size mismatch between arrays"):
            DataLoader((X, Y[:4]))

    @pytest.mark.parametrize(
        "dataset",
        [iter([1, 2]), 3, None, {"x": X}, "text", {1, 2}],
        ids=lambda value: type(value).__name__,
    )
    def test_what_cannot_be_batched(self, dataset):
        with pytest.raises(TypeError, match="expected an array, a tuple of arrays"):
            DataLoader(dataset)

    @pytest.mark.parametrize("dataset", [((1, 2), (3, 4)), (X, 5), np.array(1)])
    def test_tuples_and_arrays_without_rows(self, dataset):
        with pytest.raises(TypeError, match="first dimension counts the rows"):
            DataLoader(dataset)

    def test_rows_of_different_shapes(self):
        loader = DataLoader([np.zeros(2), np.zeros(2), np.zeros(3)], 3)
        with pytest.raises(
            RuntimeError,
            match=r"stack expects each array to be equal size, but got \[2\] at entry "
            r"0 and \[3\] at entry 2",
        ):
            next(iter(loader))

    def test_rows_of_different_fields(self):
        with pytest.raises(RuntimeError, match="each element in list of batch should"):
            next(iter(DataLoader([(1, 2), (3,)], 2)))

    def test_rows_with_keys(self):
        with pytest.raises(TypeError, match="got dict; batches are tuples"):
            next(iter(DataLoader([{"x": 1}], 1)))
