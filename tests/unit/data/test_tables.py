# SPDX-License-Identifier: Apache-2.0
"""The tables of scikit-learn, and its split."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from flaxnn import data
from flaxnn._errors import CorruptDataError
from flaxnn.data import _tables
from flaxnn.data._prepared import stored_order
from flaxnn.data._tables import check_table, read_table
from tests.unit.data._tfds_files import example, write_records

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


@pytest.mark.parametrize("name", TABLES)
def test_the_known_facts_are_scikit_learns(name):
    """Those that a prepared copy is held to, and described with."""
    sklearn = pytest.importorskip(
        "sklearn.datasets", reason="scikit-learn is not installed"
    )
    bunch = getattr(sklearn, f"load_{name}")()
    check_table(name, (bunch.data, bunch.target), "scikit-learn")
    assert list(_tables.TABLES[name].class_names) == list(map(str, bunch.target_names))


def _prepare_iris(folder, damage):
    """Writes iris as TFDS would, but for the damage."""
    features, labels = (array.copy() for array in read_table("iris"))
    if damage == "another value":
        features[77, 2] = np.nextafter(features[77, 2], 9)
    if damage == "another label":
        labels[0] = 1
    if damage == "a huge label":
        labels[0] += 256
    if damage == "a column less":
        features = features[:, 1:]
    rows = [
        example(features=features[row].tobytes(), label=int(labels[row]))
        for row in stored_order("train", 149 if damage == "a row less" else 150)
    ]
    if damage == "another type":
        rows[5] = example(features=features[0, 0].tobytes()[:3], label=0)
    if damage == "no features":
        rows[5] = example(label=0)
    if damage == "no rows":
        rows = []
    folder.mkdir(parents=True)
    write_records(folder / "sklearn_iris-train.tfrecord-00000-of-00001", rows)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("another value", "expected iris with SHA-256"),
        ("another label", "expected iris with SHA-256"),
        ("a huge label", "expected iris with SHA-256"),
        ("a column less", r"features of shape \(150, 4\), got \(150, 3\)"),
        ("a row less", r"got \(149, 4\) and 149 labels"),
        ("another type", "expected rows of float64"),
        ("no features", "expected 'features' to be of type bytes"),
        ("no rows", "expected rows of float64"),
    ],
)
def test_a_wrong_prepared_copy_is_refused(tmp_path, damage, message):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    folder = tmp_path / "sklearn_iris/1.0.0"
    _prepare_iris(folder, damage)
    with pytest.raises(CorruptDataError, match=message) as caught:
        data.load("iris", data_dir=tmp_path)
    assert str(folder) in str(caught.value)


def test_a_right_prepared_copy_is_read_without_scikit_learn(tmp_path, monkeypatch):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    _prepare_iris(tmp_path / "sklearn_iris/1.0.0", None)
    expected = data.load("iris").arrays
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    for got, array in zip(
        data.load("iris", data_dir=tmp_path).arrays, expected, strict=True
    ):
        np.testing.assert_array_equal(got, array)


def test_without_a_prepared_copy_there_scikit_learns_is_read(tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed")
    assert data.load("iris", data_dir=tmp_path).source.startswith("scikit-learn ")


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
    with pytest.raises(ImportError, match=r'pip install "flaxnn\[data\]"'):
        data.load("iris")
    with pytest.raises(ImportError, match=r'pip install "flaxnn\[data\]"'):
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
