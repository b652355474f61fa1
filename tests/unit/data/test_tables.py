"""The tables of scikit-learn, and its split."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from flaxnn import data

# Facts of scikit-learn's documentation: rows, features, rows of each class.
TABLES = {
    "wine": (13, [59, 71, 48], ["class_0", "class_1", "class_2"]),
    "iris": (4, [50, 50, 50], ["setosa", "versicolor", "virginica"]),
    "digits": (
        64,
        [178, 182, 177, 183, 181, 182, 181, 179, 174, 180],
        list("0123456789"),
    ),
    "breast_cancer": (30, [212, 357], ["malignant", "benign"]),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(name):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    width, counts, class_names = TABLES[name]
    dataset = data.load(name)
    features, labels = dataset.arrays
    assert features.shape == (sum(counts), width)
    assert (features.dtype, labels.dtype) == (np.float64, np.int64)
    assert np.bincount(labels).tolist() == counts
    assert list(dataset.class_names) == class_names
    assert not features.flags.writeable
    assert dataset.source.startswith("scikit-learn ")
    np.testing.assert_array_equal(data.load(name, "all").arrays[0], features)


def test_first_row_of_wine():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    features, label = data.load("wine")[0]
    np.testing.assert_array_equal(features[:4], [14.23, 1.71, 2.43, 15.6])
    assert label == 0


def test_tables_have_no_test_split():
    with pytest.raises(ValueError, match=r"no split 'test'.*train_test_split"):
        data.load("wine", "test")


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    monkeypatch.setitem(sys.modules, "sklearn.model_selection", None)
    with pytest.raises(ImportError, match=r"pip install flaxnn\[data\]"):
        data.load("iris")
    with pytest.raises(ImportError, match=r"pip install flaxnn\[data\]"):
        data.train_test_split(np.arange(4))


def test_train_test_split_is_scikit_learns():
    sklearn = pytest.importorskip(
        "sklearn.model_selection", reason="scikit-learn is not installed"
    )
    x, y = np.arange(60.0).reshape(20, 3), np.repeat([0, 1], 10)
    for options in (
        {},
        {"test_size": 0.3, "random_state": 0},
        {"train_size": 7, "test_size": 5, "random_state": 3, "stratify": y},
        {"test_size": 4, "shuffle": False},
    ):
        options = {"random_state": 1, **options}
        ours = data.train_test_split(x, y, **options)
        theirs = sklearn.train_test_split(x, y, **options)
        assert len(ours) == len(theirs) == 4
        for left, right in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(left, right)


def test_documents_wine_split():
    """Document 002's 70:30 split as flaxnn fixes it: 124 and 54 rows."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    parts = data.train_test_split(
        *data.load("wine").arrays, test_size=0.3, random_state=0
    )
    assert [len(part) for part in parts] == [124, 54, 124, 54]
