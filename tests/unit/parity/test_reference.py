# SPDX-License-Identifier: Apache-2.0
"""References: files, samples, noise floors, and the criteria under them."""

import importlib.util

import numpy as np
import pytest

from flaxnn import parity
from flaxnn._criteria import at_least_a_digit, distances, moved, spread, worst
from flaxnn._errors import MissingPackageError
from flaxnn.parity import NoiseFloor, Recording, Reference, Sample


def recording(dtype, shift=0.0, size=200):
    weight = np.arange(size, dtype=dtype).reshape(2, -1) - 7 + dtype(shift)
    losses = np.array([3.0, 2.0, 1.0], dtype) + dtype(shift)
    return Recording.of(losses, {"weight": weight, "count": np.array(3)})


@pytest.fixture
def reference():
    plain = recording(np.float32)
    runs = {"plain": plain, "moved": recording(np.float32, 1e-3)}
    return Reference(
        recording(np.float64),
        plain,
        plain.tensors,
        NoiseFloor.of(runs, "PyTorch 0"),
        {"torch": "0", "threads": 1},
    )


def same(a, b):
    assert a.float64.losses.dtype == b.float64.losses.dtype == np.float64
    assert a.float32.losses.dtype == b.float32.losses.dtype == np.float32
    for mine, other in ((a.float64, b.float64), (a.float32, b.float32)):
        np.testing.assert_array_equal(mine.losses, other.losses)
        for name, sample in mine.tensors.items():
            twin = other.tensors[name]
            np.testing.assert_array_equal(sample.entries, twin.entries)
            assert (sample.shape, sample.largest, sample.digest) == (
                twin.shape,
                twin.largest,
                twin.digest,
            )
    assert a.initial.keys() == b.initial.keys()
    np.testing.assert_array_equal(a.floor.losses, b.floor.losses)
    assert a.floor.tensors == pytest.approx(b.floor.tensors, rel=0)
    assert a.floor.members == b.floor.members
    assert a.floor.distances == b.floor.distances
    assert a.environment == b.environment


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
@pytest.mark.parametrize("thin", [False, True])
def test_files_give_back_what_was_saved(reference, tmp_path, suffix, thin):
    if thin:
        reference = reference.thinned(16)
        assert reference.float64.tensors["weight"].entries.size == 16
    path = tmp_path / f"run.{suffix}"
    reference.save(path)
    same(Reference.load(path), reference)


def test_a_file_of_plain_arrays_will_do(tmp_path):
    path = tmp_path / "run.npz"
    arrays = {
        "float64/losses": np.array([2.0, 1.0]),
        "float64/tensor/weight": np.ones((2, 3)),
    }
    np.savez(path, **arrays)
    found = Reference.load(path)
    assert found.float32 is None
    assert found.floor is None
    assert found.float64.tensors["weight"].shape == (2, 3)


def test_what_is_no_reference(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        Reference.load(tmp_path / "none.npz")
    with pytest.raises(ValueError, match=r"\.safetensors or a \.npz file"):
        Reference.load(tmp_path / "run.pt")
    empty = tmp_path / "empty.npz"
    np.savez(empty, weight=np.ones(2))
    with pytest.raises(ValueError, match=r"expected float64/losses.*got \['weight'\]"):
        Reference.load(empty)
    for suffix in ("npz", "safetensors"):
        damaged = tmp_path / f"damaged.{suffix}"
        damaged.write_bytes(b"PK no archive")
        with pytest.raises(ValueError, match="is damaged"):
            Reference.load(damaged)
    with pytest.raises(ValueError, match="needs a float64 run"):
        Reference()


def test_a_floor_of_another_length_is_refused(reference):
    long = NoiseFloor(np.ones(5), {}, "PyTorch", (), ())
    with pytest.raises(ValueError, match="floor has 5 steps, the float32 run 3"):
        Reference(float32=reference.float32, floor=long)


def test_pytorch_is_asked_for_where_it_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"flaxnn\[torch\]"):
        Reference.record(lambda variant: [1.0])


def test_samples_know_the_whole_tensor():
    array = np.arange(12.0).reshape(3, 4) - 20
    whole = Sample.of(array)
    few = whole.thinned(4)
    assert few.largest == 20
    assert few.digest == whole.digest
    np.testing.assert_array_equal(few.entries, [-20, -17, -13, -9])
    np.testing.assert_array_equal(few.entries_of(array + 1), few.entries + 1)
    assert few.thinned(9) is few
    with pytest.raises(ValueError, match=r"expected shape \(3, 4\), got \(4, 3\)"):
        few.entries_of(array.T)


def test_losses_must_be_a_series_of_floats():
    for losses in (np.zeros((2, 2)), np.zeros(0), np.array([1, 2])):
        with pytest.raises(ValueError, match="must be a series of floats"):
            Recording.of(losses, {})


def test_the_floor_is_the_largest_distance_between_any_two():
    runs = {
        name: Recording.of(np.array(losses), {"w": np.array([last])})
        for name, losses, last in (
            ("a", [1.0, 1.0, 1.0], 0.5),
            ("b", [1.0, 1.5, 1.1], 0.25),
            ("c", [1.0, 0.75, 1.0], 0.5),
        )
    }
    floor = NoiseFloor.of(runs, "PyTorch")
    np.testing.assert_array_equal(floor.losses, [0, 0.75, 0.75])
    assert floor.distances == (0.0, 0.5, 0.25)
    assert floor.tensors == {"w": 0.25}
    assert floor.for_tensor("w", 1.0) == 0.25
    assert floor.for_tensor("other", 1.0) is None
    at_first = floor.for_losses(np.float32([1, 1]))
    np.testing.assert_array_equal(at_first, [np.spacing(np.float32(1)), 0.75])
    short = Recording.of(np.ones(2), {})
    with pytest.raises(ValueError, match="same number of steps"):
        NoiseFloor.of({**runs, "short": short}, "PyTorch")


def test_criteria():
    theirs, ours = np.array([1.0, 2.0, np.inf, 4.0]), np.array([1.5, 2.0, np.inf, 4.25])
    np.testing.assert_array_equal(distances(theirs, ours), [0.5, 0, 0, 0.25])
    limits = np.array([1.0, 0.4, 1.0, 1.0])
    assert worst(theirs, ours, limits).passed
    found = worst(theirs, ours, limits, running=True)
    assert (found.index, found.error, found.limit, found.passed) == (1, 0.5, 0.4, False)
    bad = worst(theirs, np.array([1.0, np.nan, np.inf, 4.0]), limits)
    assert (bad.index, bad.passed) == (1, False)
    zeros = np.zeros(2)
    assert worst(zeros, zeros, zeros, scale=0.0).passed
    assert not worst(zeros, zeros + 1e-30, zeros + 1e-12, scale=0.0).passed
    np.testing.assert_array_equal(
        spread([np.array([1.0, 5.0, 1.0]), np.array([2.0, 1.0, 1.0])]), [1, 4, 4]
    )
    losses = np.float32([4, 1])
    np.testing.assert_array_equal(
        at_least_a_digit(np.zeros(2), losses), [np.spacing(np.float32(4))] * 2
    )


def test_weights_are_moved_by_one_ulp_each_way():
    weights = np.float32([[1.0, -2.0, 0.5, 3.0]] * 4)
    by = moved(weights, 0)
    assert by.dtype == np.float32
    up, down = (
        np.nextafter(weights, np.float32(np.inf)),
        -np.nextafter(-weights, np.float32(np.inf)),
    )
    assert ((by == up) | (by == down)).all()
    assert (by == up).any()
    assert (by == down).any()
    np.testing.assert_array_equal(by, moved(weights, 0))
    assert (by != moved(weights, 1)).any()


def test_importing_the_room_loads_neither_jax_nor_torch():
    import subprocess
    import sys

    code = (
        "import sys; from flaxnn.parity import Reference; "
        "sys.exit(bool({'jax', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert parity.__all__
