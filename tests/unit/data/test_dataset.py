# SPDX-License-Identifier: Apache-2.0
"""Dataset and Subset: what they hold, how they are indexed, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from flaxnn.data import Dataset, Subset

X = np.arange(12.0, dtype=np.float32).reshape(6, 2)
Y = np.array([0, 1, 2, 0, 1, 2])


def test_rows_and_length():
    dataset = Dataset((X, Y))
    assert len(dataset) == 6
    features, label = dataset[2]
    np.testing.assert_array_equal(features, [4, 5])
    assert label == 2
    np.testing.assert_array_equal(dataset[-1][0], X[5])
    np.testing.assert_array_equal(dataset[np.int64(1)][0], X[1])
    assert [int(label) for _, label in dataset] == Y.tolist()


@pytest.mark.parametrize(
    "index",
    [
        slice(1, 4),
        slice(None, None, -2),
        [4, 0, -1],
        np.array([3, 3], np.uint8),
        Y == 1,
        [],
    ],
    ids=str,
)
def test_many_rows(index):
    features, labels = Dataset((X, Y))[index]
    if not isinstance(index, slice):
        index = np.array(index, int if isinstance(index, list) else None)
    np.testing.assert_array_equal(features, X[index])
    np.testing.assert_array_equal(labels, Y[index])


@pytest.mark.parametrize(
    ("index", "error"),
    [
        (6, IndexError),
        (-7, IndexError),
        ([6], IndexError),
        (True, TypeError),
        (1.0, TypeError),
        ("0", TypeError),
        (None, TypeError),
        ([[0]], TypeError),
        ((0, 1), None),
    ],
    ids=str,
)
def test_bad_index(index, error):
    dataset = Dataset((X, Y))
    if error is None:  # a tuple of ints is as good as a list, not two dimensions
        np.testing.assert_array_equal(dataset[index][1], Y[[0, 1]])
        return
    with pytest.raises(error):
        dataset[index]


def test_arrays_cannot_be_changed_through_it_and_stay_the_callers():
    x = X.copy()
    dataset = Dataset((x, Y))
    with pytest.raises(ValueError, match="read-only"):
        dataset.arrays[0][0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        dataset[0][0][0] = 1
    x[0, 0] = 1  # the caller's own array is not frozen


def test_repr():
    dataset = Dataset(
        (X, Y), class_names=("a", "b"), name="toy", split="train", source="nowhere"
    )
    assert repr(dataset) == (
        "Dataset toy\n"
        "    Number of datapoints: 6\n"
        "    Split: train\n"
        "    Source: nowhere\n"
        "    Arrays: (6, 2) float32, (6,) int64\n"
        "    Classes: a, b"
    )
    assert repr(Dataset((Y,))).splitlines()[0] == "Dataset"


def test_lengths_must_agree():
    with pytest.raises(ValueError, match=r"Size mismatch between arrays.*got 6, 5"):
        Dataset((X, Y[:5]))


def test_no_arrays():
    with pytest.raises(ValueError, match="at least one array"):
        Dataset(())


@pytest.mark.parametrize("bad", [np.array(3), [1, 2, 3, 4, 5, 6], 3, None], ids=repr)
def test_not_arrays(bad):
    with pytest.raises(TypeError, match="at position 1"):
        Dataset((X, bad))


class Squares:
    """A data set with rows only."""

    def __len__(self):
        return 5

    def __getitem__(self, index):
        if not isinstance(index, int):
            raise TypeError(index)
        return np.full(2, index), index**2


@pytest.mark.parametrize("source", [Dataset((X, Y)), (X, Y)], ids=["Dataset", "tuple"])
def test_subset_of_arrays(source):
    subset = Subset(source, [5, 0, 0, -2])
    assert len(subset) == 4
    assert subset.indices.tolist() == [5, 0, 0, 4]
    assert subset.arrays is not None
    np.testing.assert_array_equal(subset.arrays[0], X[[5, 0, 0, 4]])
    np.testing.assert_array_equal(subset[3][0], X[4])
    np.testing.assert_array_equal(subset[1:][1], Y[[0, 0, 4]])
    np.testing.assert_array_equal(subset[[0, -1]][1], Y[[5, 4]])
    assert repr(subset) == "Subset(4 of 6 rows)"


def test_subset_of_rows():
    subset = Subset(Squares(), np.array([3, 1]))
    assert subset.arrays is None
    assert subset[0][1] == 9
    np.testing.assert_array_equal(subset[:][0], [[3, 3], [1, 1]])
    np.testing.assert_array_equal(subset[:][1], [9, 1])


def test_subset_of_a_subset_and_of_a_mask():
    inner = Subset(X, Y == 1)
    assert inner.indices.tolist() == [1, 4]
    np.testing.assert_array_equal(Subset(inner, [1])[0][0], X[4])


@pytest.mark.parametrize("indices", [[6], [0, -7]])
def test_subset_out_of_range(indices):
    with pytest.raises(IndexError, match="out of bounds"):
        Subset(X, indices)


def test_subset_index_out_of_range():
    with pytest.raises(IndexError, match="index 2 is out of range"):
        Subset(X, [0, 1])[2]
