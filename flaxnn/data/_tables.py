# SPDX-License-Identifier: Apache-2.0
"""Tabular data sets that scikit-learn ships, and its split."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn._errors import CorruptDataError
from flaxnn.data._dataset import Dataset
from flaxnn.data._optional import require
from flaxnn.data._places import PathLike, absolute
from flaxnn.data._prepared import column, prepared_folder, read_prepared, why_unreadable


@dataclass(frozen=True)
class Table:
    """A table of scikit-learn: how it is loaded, and what it holds.

    Attributes:
        loader: The function of `sklearn.datasets`.
        rows: How many.
        width: The features of each row.
        class_names: The name of each label.
        features_sha256: Of the features as little-endian float64, row by row.
        labels_sha256: Of the labels as little-endian int64.
    """

    loader: str
    rows: int
    width: int
    class_names: tuple[str, ...]
    features_sha256: str
    labels_sha256: str


# The hashes were taken from scikit-learn 1.9; they hold for 1.6.1 too.
TABLES = {
    "breast_cancer": Table(
        "load_breast_cancer",
        569,
        30,
        ("malignant", "benign"),
        "6b202a2072f9a0385f405a8f8605b1b06f6f36ae6d23d9cd6cbbc0974a416bc7",
        "1763c0f8cd3f454b9eda72031113884593bb382411c0cd511e3ec6e7ac85cddb",
    ),
    "digits": Table(
        "load_digits",
        1797,
        64,
        tuple("0123456789"),
        "20def7f70a702f0af9732fbba4375e147a7d54fe70d8c45569b8e7c1c7010c10",
        "a3c91c262eddcf7ba8f0e37507c30284493c9b20412ffe4af30d536401f7ba21",
    ),
    "iris": Table(
        "load_iris",
        150,
        4,
        ("setosa", "versicolor", "virginica"),
        "012f498fe9c8b3b34212c3c5d98e1f03f2f79931cd49349beb1bad64dcf164a7",
        "734737f11162991213afc3a96aa5e8823b2d9cdcfb8992df1e85a0bae44b2395",
    ),
    "wine": Table(
        "load_wine",
        178,
        13,
        ("class_0", "class_1", "class_2"),
        "8edcf3903afd97c64d51e0212eb10b213f7943da650574d1c055b836c5c35d37",
        "b6514e07a6d27854e0da000ca82d8d8cc3d0cb904c51600344ca34f1ee04884b",
    ),
}


def stored_name(name: str) -> str:
    """Returns a table's name in TFDS, where `iris` is another data set."""
    return f"sklearn_{name}"


def load_table(name: str, split: str, data_dir: PathLike | None = None) -> Dataset:
    """One of `TABLES`, whole and in scikit-learn's order."""
    if split not in ("train", "all"):
        raise ValueError(
            f"{name} is one whole and has no split {split!r}: expected 'train' or "
            "'all', which both give every row. Divide it with "
            "flaxnn.data.train_test_split(*dataset.arrays, test_size=0.3, "
            "random_state=0)"
        )
    folder = None if data_dir is None else prepared_table(name, absolute(data_dir))
    if folder is None:
        features, labels = read_table(name)
        source = f"scikit-learn {require('sklearn', 'scikit-learn').__version__}"
    else:
        features, labels = _read_prepared_table(name, folder)
        source = str(folder)
    return Dataset(
        (features, labels),
        class_names=TABLES[name].class_names,
        name=name,
        split=split,
        source=source,
    )


def read_table(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The float64 features and int64 labels of a table, from scikit-learn."""
    module = require("sklearn.datasets", "scikit-learn")
    bunch = getattr(module, TABLES[name].loader)()
    return bunch.data.astype(np.float64), bunch.target.astype(np.int64)


def prepared_table(name: str, data_dir: Path) -> Path | None:
    """The folder in which TFDS has prepared a table, or None."""
    folder = prepared_folder(data_dir / stored_name(name))
    return folder if folder is not None and why_unreadable(folder) is None else None


def check_table(name: str, arrays: tuple[np.ndarray, ...], source: str) -> None:
    """Refuses features and labels that are not, bit for bit, the known ones."""
    table = TABLES[name]
    features, labels = arrays
    shape = (table.rows, table.width)
    if features.shape != shape or labels.shape != shape[:1]:
        raise CorruptDataError(
            f"{source}: expected {name} with features of shape {shape}, got "
            f"{features.shape} and {len(labels)} labels. Prepare the data again."
        )
    expected = (table.features_sha256, table.labels_sha256)
    got = table_sha256(features, labels)
    if got != expected:
        raise CorruptDataError(
            f"{source}: expected {name} with SHA-256 {' and '.join(expected)} of "
            f"features and labels, got {' and '.join(got)}. Prepare the data again."
        )


def table_sha256(features: np.ndarray, labels: np.ndarray) -> tuple[str, str]:
    """The SHA-256 of float64 features and of int64 labels, both little-endian."""
    return (
        hashlib.sha256(features.astype("<f8").tobytes()).hexdigest(),
        hashlib.sha256(labels.astype("<i8").tobytes()).hexdigest(),
    )


def _read_prepared_table(name: str, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    rows = read_prepared(folder, stored_name(name), "train")
    try:
        cells = np.frombuffer(b"".join(column(rows, "features", bytes)), "<f8")
        features = cells.reshape(len(rows), -1).astype(np.float64)
        labels = np.array(column(rows, "label", int), np.int64)
    except (ValueError, OverflowError) as error:
        raise CorruptDataError(
            f"{folder}: expected rows of float64, got others ({error}). Remove the "
            "folder and prepare the data again."
        ) from error
    check_table(name, (features, labels), str(folder))
    return features, labels


def train_test_split(
    *arrays: Any,
    test_size: float | int | None = None,
    train_size: float | int | None = None,
    random_state: Any = None,
    shuffle: bool = True,
    stratify: Any = None,
) -> list[Any]:
    """Splits arrays into a training and a test part, as scikit-learn does.

    Args:
        arrays: One or more arrays of equal length, `(N, ...)` each.
        test_size: The test rows, as a fraction of N or as a number; a quarter where
            neither size is given.
        train_size: The training rows, likewise; the rest where it is not given.
        random_state: An int for a split that can be repeated, or a NumPy RandomState.
        shuffle: Whether rows are shuffled before they are divided.
        stratify: `(N,)` labels whose proportions both parts keep.

    Returns:
        The training and the test part of the first array, then of the next, and so on.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: Sizes or lengths do not fit.

    Torch:
        None: this is `sklearn.model_selection.train_test_split` itself, with NumPy's
        random numbers, not PyTorch's. `random_split` is PyTorch's.

    Example:
        >>> import numpy as np
        >>> x, y = np.arange(10), np.arange(10) % 2
        >>> parts = train_test_split(x, y, test_size=0.3, random_state=0)
        >>> [part.tolist() for part in parts[:2]]
        [[9, 1, 6, 7, 3, 0, 5], [2, 8, 4]]
    """
    return require("sklearn.model_selection", "scikit-learn").train_test_split(
        *arrays,
        test_size=test_size,
        train_size=train_size,
        random_state=random_state,
        shuffle=shuffle,
        stratify=stratify,
    )
