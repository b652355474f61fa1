# SPDX-License-Identifier: Apache-2.0
"""DataLoader, random_split and pixels against a live PyTorch, bit for bit (T0)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from torch.utils import data as torch_data  # noqa: E402

from flaxnn import data  # noqa: E402
from flaxnn.random import Generator  # noqa: E402

pytestmark = pytest.mark.torch

SEEDS = (0, 2025, 866285315, 2**32 + 5, -7)
# Rows and batch size: full and short last batches, one batch, one row, more than fit.
SIZES = ((1, 1), (2, 5), (12, 4), (13, 4), (13, 13), (20, 7), (64, 1), (1000, 64))


def _arrays(rows):
    x = np.random.default_rng(rows).standard_normal((rows, 3)).astype(np.float32)
    return x, np.arange(rows) % 10


def _torch_set(arrays):
    return torch_data.TensorDataset(*(torch.from_numpy(array) for array in arrays))


class Pair:
    """The same loader, and the same streams, on both sides."""

    def __init__(self, arrays, batch_size, *, seed, own_seed=None, **options):
        torch.manual_seed(seed)
        self.run = Generator(seed)
        self.own = self.torch_own = None
        if own_seed is not None:
            self.own = Generator(own_seed)
            self.torch_own = torch.Generator().manual_seed(own_seed)
        self.ours = data.DataLoader(
            arrays, batch_size, rngs=self.run, generator=self.own, **options
        )
        self.theirs = torch_data.DataLoader(
            _torch_set(arrays), batch_size, generator=self.torch_own, **options
        )

    def assert_same_states(self):
        np.testing.assert_array_equal(
            self.run.get_state(), torch.default_generator.get_state().numpy()
        )
        if self.own is not None and self.torch_own is not None:
            np.testing.assert_array_equal(
                self.own.get_state(), self.torch_own.get_state().numpy()
            )


def _assert_same_batch(ours, theirs):
    assert len(ours) == len(theirs)
    for left, right in zip(ours, theirs, strict=True):
        assert left.dtype == right.numpy().dtype
        np.testing.assert_array_equal(left, right.numpy())


@pytest.mark.parametrize("drop_last", [False, True], ids=["all", "drop_last"])
@pytest.mark.parametrize("shuffle", [False, True], ids=["in order", "shuffled"])
@pytest.mark.parametrize("own_seed", [None, 11], ids=["global", "own"])
@pytest.mark.parametrize(("rows", "batch_size"), SIZES)
def test_batches_and_states(rows, batch_size, own_seed, shuffle, drop_last):
    for seed in SEEDS:
        pair = Pair(
            _arrays(rows),
            batch_size,
            seed=seed,
            own_seed=own_seed,
            shuffle=shuffle,
            drop_last=drop_last,
        )
        assert len(pair.ours) == len(pair.theirs)
        for _ in range(3):
            for ours, theirs in zip(pair.ours, pair.theirs, strict=True):
                _assert_same_batch(ours, theirs)
            pair.assert_same_states()


@pytest.mark.parametrize("own_seed", [None, 11], ids=["global", "own"])
@pytest.mark.parametrize("rows", [12, 13])
@pytest.mark.parametrize("drop_last", [False, True], ids=["all", "drop_last"])
def test_states_after_every_batch_and_early_stop(rows, own_seed, drop_last):
    """Stops after k batches for every k, and compares the state at each step."""
    for stop in range(6):
        pair = Pair(
            _arrays(rows),
            4,
            seed=3,
            own_seed=own_seed,
            shuffle=True,
            drop_last=drop_last,
        )
        ours, theirs = iter(pair.ours), iter(pair.theirs)
        pair.assert_same_states()
        for _ in range(stop):
            left, right = next(ours, None), next(theirs, None)
            assert (left is None) == (right is None)
            if left is not None:
                _assert_same_batch(left, right)
            pair.assert_same_states()
        del ours, theirs
        # The next epoch goes on from wherever the broken one left the streams.
        for left, right in zip(pair.ours, pair.theirs, strict=True):
            _assert_same_batch(left, right)
        pair.assert_same_states()


def test_training_and_test_loaders_interleaved_with_other_draws():
    """A run as people write it: model, epochs, dropout-like draws, evaluation."""
    train, test = _arrays(50), _arrays(21)
    torch.manual_seed(2025)
    run = Generator(2025)
    np.testing.assert_array_equal(run.rand(5, 4), torch.rand(5, 4).numpy())
    ours = data.DataLoader(train, 8, shuffle=True, rngs=run)
    theirs = torch_data.DataLoader(_torch_set(train), 8, shuffle=True)
    ours_test = data.DataLoader(test, 8, rngs=run)
    theirs_test = torch_data.DataLoader(_torch_set(test), 8)
    for _ in range(3):
        for left, right in zip(ours, theirs, strict=True):
            _assert_same_batch(left, right)
            np.testing.assert_array_equal(run.rand(8), torch.rand(8).numpy())
        for left, right in zip(ours_test, theirs_test, strict=True):
            _assert_same_batch(left, right)
        np.testing.assert_array_equal(run.randn(3), torch.randn(3).numpy())
    np.testing.assert_array_equal(
        run.get_state(), torch.default_generator.get_state().numpy()
    )


def test_two_iterators_of_one_loader_at_once():
    for own_seed in (None, 5):
        pair = Pair(_arrays(10), 3, seed=1, own_seed=own_seed, shuffle=True)
        ours = list(itertools.product(pair.ours, pair.ours))
        theirs = list(itertools.product(pair.theirs, pair.theirs))
        for left, right in zip(ours, theirs, strict=True):
            _assert_same_batch(left[0] + left[1], right[0] + right[1])
        pair.assert_same_states()


def test_with_both_the_runs_generator_stays_where_it_was():
    pair = Pair(_arrays(10), 3, seed=1, own_seed=2, shuffle=True)
    assert len(list(pair.ours)) == 4
    np.testing.assert_array_equal(pair.run.get_state(), Generator(1).get_state())


@pytest.mark.parametrize("rows", [60_000])
def test_fashion_mnists_order(rows):
    pair = Pair((np.arange(rows),), rows, seed=866285315, shuffle=True)
    for _ in range(2):
        for left, right in zip(pair.ours, pair.theirs, strict=True):
            _assert_same_batch(left, right)
    pair.assert_same_states()


def test_rows_are_collated_as_pytorch_does():
    """Python numbers, NumPy scalars and arrays of several types, from rows."""
    rows = [
        (np.full((2, 2), i, np.uint8), i, float(i), np.float32(i), i % 2 == 0)
        for i in range(7)
    ]
    pair_ours = data.DataLoader(rows, 3)
    torch.manual_seed(0)
    pair_theirs = torch_data.DataLoader(rows, 3)  # pyright: ignore[reportArgumentType]
    for left, right in zip(pair_ours, pair_theirs, strict=True):
        _assert_same_batch(left, right)


def test_a_torch_data_set_can_be_loaded():
    arrays = _arrays(9)
    loader = data.DataLoader(_torch_set(arrays), 4, shuffle=True, rngs=Generator(0))
    plain = data.DataLoader(arrays, 4, shuffle=True, rngs=Generator(0))
    for left, right in zip(loader, plain, strict=True):
        for ours, theirs in zip(left, right, strict=True):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("argument", ["rngs", "generator"])
@pytest.mark.parametrize(
    ("rows", "lengths"),
    [
        (10, [3, 7]),
        (30, [0.3, 0.3, 0.4]),
        (11, [0.5, 0.5]),
        (11, [0.1] * 10),
        (10, [1 / 3] * 3),
        (1, [1]),
        (8, [1]),
        (1000, [0.8, 0.1, 0.1]),
    ],
    ids=str,
)
def test_random_split(rows, lengths, argument):
    for seed in SEEDS:
        ours_stream = Generator(seed)
        theirs_stream = torch.manual_seed(seed)
        x, y = _arrays(rows)
        ours = data.random_split((x, y), lengths, **{argument: ours_stream})
        theirs = torch_data.random_split(_torch_set((x, y)), lengths)
        assert len(ours) == len(theirs)
        for left, right in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(left.indices, right.indices)
            assert len(left) == len(right)
            for row in range(len(left)):
                np.testing.assert_array_equal(left[row][0], right[row][0].numpy())
        np.testing.assert_array_equal(
            ours_stream.get_state(), theirs_stream.get_state().numpy()
        )


def _refusal(call, *arguments, **options):
    with pytest.raises(ValueError, match=r".") as caught:
        call(*arguments, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "lengths", [[3, 6], [0.5, 0.4], [1.5, -0.5], [0.7, 0.2, 0.1 + 1e-6]], ids=str
)
def test_random_split_refuses_what_pytorch_refuses(lengths):
    theirs = _refusal(torch_data.random_split, range(10), lengths)
    assert theirs in _refusal(data.random_split, np.arange(10), lengths, Generator(0))


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        (3, {"batch_size": 0}),
        (3, {"batch_size": -3}),
        (0, {"shuffle": True}),
    ],
    ids=str,
)
def test_loader_refuses_what_pytorch_refuses(rows, options):
    x = np.zeros((rows, 2), np.float32)
    theirs = _refusal(torch_data.DataLoader, _torch_set((x,)), **options)
    ours = _refusal(data.DataLoader, x, rngs=Generator(0), **options)
    assert theirs in ours


def test_pixels_are_totensors():
    """ToTensor is `to(default dtype).div(255)`."""
    pixels = np.arange(256, dtype=np.uint8)
    expected = torch.from_numpy(pixels).to(torch.float32).div(255).numpy()
    np.testing.assert_array_equal(data.pixels_to_float(pixels), expected)
    np.testing.assert_array_equal(data.pixel_table(), expected)
    double = torch.from_numpy(pixels).to(torch.float64).div(255).numpy()
    np.testing.assert_array_equal(data.pixel_table(np.float64), double)
    half = torch.from_numpy(pixels).to(torch.float16).div(255).numpy()
    np.testing.assert_array_equal(data.pixel_table(np.float16), half)
    import ml_dtypes

    brain = torch.from_numpy(pixels).to(torch.bfloat16).div(255).float().numpy()
    ours = data.pixel_table(ml_dtypes.bfloat16).astype(np.float32)
    np.testing.assert_array_equal(ours, brain)
