"""Tabular data sets that scikit-learn ships, and its split."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from flaxnn._errors import MissingPackageError
from flaxnn.data._dataset import Dataset

# Our names, and the functions of sklearn.datasets that load them.
TABLES = {
    "breast_cancer": "load_breast_cancer",
    "digits": "load_digits",
    "iris": "load_iris",
    "wine": "load_wine",
}


def load_table(name: str, split: str) -> Dataset:
    """One of `TABLES`, whole and in scikit-learn's order."""
    if split not in ("train", "all"):
        raise ValueError(
            f"{name} is one whole and has no split {split!r}: expected 'train' or "
            "'all', which both give every row. Divide it with "
            "flaxnn.data.train_test_split(*dataset.arrays, test_size=0.3, "
            "random_state=0)"
        )
    bunch = getattr(_sklearn("datasets"), TABLES[name])()
    return Dataset(
        (bunch.data.astype(np.float64), bunch.target.astype(np.int64)),
        class_names=[str(label) for label in bunch.target_names],
        name=name,
        split=split,
        source=f"scikit-learn {_sklearn().__version__}",
    )


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
    return _sklearn("model_selection").train_test_split(
        *arrays,
        test_size=test_size,
        train_size=train_size,
        random_state=random_state,
        shuffle=shuffle,
        stratify=stratify,
    )


def _sklearn(module: str | None = None) -> Any:
    """The package or one of its modules, imported at first use: it takes a second."""
    name = f"sklearn.{module}" if module else "sklearn"
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(
            f"scikit-learn is needed here and could not be imported ({error}): "
            "pip install flaxnn[data]"
        ) from error
