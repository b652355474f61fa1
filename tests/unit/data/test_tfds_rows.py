# SPDX-License-Identifier: Apache-2.0
"""TFDS' data sources as data sets whose rows stay on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flaxnn.data import DataLoader, builder, from_tfds, load
from flaxnn.data._prepared import stored_order

ROWS: list[Any] = [{"image": np.full((2, 2), n), "label": n % 2} for n in range(5)]


def test_rows_are_the_features_in_order() -> None:
    images, labels = from_tfds(ROWS)[[3, 0]]
    np.testing.assert_array_equal(images, [[[3, 3]] * 2, [[0, 0]] * 2])
    np.testing.assert_array_equal(labels, [1, 0])
    (only,) = from_tfds(ROWS, features=("label",))[:2]
    np.testing.assert_array_equal(only, [0, 1])


def test_prepared_data_are_read_batch_by_batch(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow_datasets", reason="TFDS is not installed")
    prepared: Any = builder("iris", data_dir=tmp_path)
    prepared.download_and_prepare()
    source = prepared.as_data_source("train")
    iris = load("iris")
    order = stored_order("train", len(iris))
    asked = []
    read = source.__getitems__
    source.__getitems__ = lambda rows: asked.append(rows) or read(rows)
    first = next(iter(DataLoader(from_tfds(source, ("features", "label")), 64)))
    assert asked[1:] == [list(range(64))]
    for mine, whole in zip(first, iris.arrays, strict=True):
        np.testing.assert_array_equal(mine, whole[order][:64])


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ({"train": ROWS, "test": ROWS}, TypeError, "those of train, test"),
        (iter(ROWS), TypeError, "expected a data source with __len__"),
        ([], ValueError, "empty"),
        ([(1, 2)], TypeError, r"mappings, got tuple.* into a DataLoader as they are"),
        ([{"x": 1, "label": 0}], ValueError, r"no feature 'image'.* 'x', 'label'"),
    ],
    ids=["splits", "iterator", "empty", "tuples", "other features"],
)
def test_what_is_no_data_source(source: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        from_tfds(source)


def test_an_error_says_which_row_it_is() -> None:
    class Damaged:
        def __len__(self) -> int:
            return 9

        def __getitem__(self, index: int) -> Any:
            if index == 7:
                raise OSError("unreadable")
            return ROWS[0]

    with pytest.raises(OSError, match="unreadable") as caught:
        list(DataLoader(from_tfds(Damaged()), 5))
    assert caught.value.__notes__ == ["This is row 7 of the data set."]
