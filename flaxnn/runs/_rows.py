# SPDX-License-Identifier: Apache-2.0
"""Rows as a model takes them: what is done to inputs and targets before a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flaxnn.data import Dataset, LazyDataset


@dataclass(frozen=True)
class Inputs:
    """What is done to the inputs of a run, and of all that it predicts later.

    Attributes:
        shape: Of one row, as the data have it.
        dtype: The data's.
        to: The dtype that floating-point inputs get, the model's.
        channel: Whether grey images get an axis for their channel, as ToTensor's.
        flatten: Whether a row becomes a vector.
        mean: Of each feature, subtracted in float64; None where nothing is.
        std: Of each feature, which it is then divided by.
        integers: Whether whole numbers stay what they are, such as for an embedding.
    """

    shape: tuple[int, ...]
    dtype: str
    to: str = "float32"
    channel: bool = False
    flatten: bool = False
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    integers: bool = False

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Returns rows ``(N, …)`` as the model takes them."""
        if x.shape[1:] != self.shape:
            raise ValueError(
                f"expected rows of shape {self.shape}, as the run was trained on, got "
                f"{x.shape[1:]}"
            )
        if (x.dtype == np.uint8) != (self.dtype == "uint8"):
            # Pixels are divided by 255, and other numbers are not.
            raise ValueError(
                f"expected rows of {self.dtype}, as the run was trained on, got "
                f"{x.dtype}: only uint8 is taken for pixels, from 0 to 255"
            )
        if self.flatten:
            x = x.reshape(len(x), -1)
        elif self.channel:
            x = x[:, None]
        if self.mean is not None:
            x = (x - np.asarray(self.mean)) / np.asarray(self.std)
        if x.dtype == np.uint8 or (self.integers and x.dtype.kind in "iu"):
            return x
        return x.astype(self.to)

    @property
    def row(self) -> tuple[int, ...]:
        """The shape of a row as the model takes it."""
        return self(np.zeros((1, *self.shape), self.dtype)).shape[1:]


def standardized(x: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The mean and the deviation of each feature, 1 where it does not vary.

    As scikit-learn's StandardScaler, and as document 002 does it.
    """
    if x.ndim != 2 or x.dtype == np.uint8:
        raise ValueError(
            "data.standardize: expected a table of numbers, (N, D), got rows of shape "
            f"{x.shape[1:]} and {x.dtype}; images are divided by 255 anyway"
        )
    mean, std = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    std[std == 0] = 1
    return tuple(mean.tolist()), tuple(std.tolist())


def numbered(rows: Dataset, class_names: Sequence[str] | None = None) -> Dataset:
    """The rows with labels that are names as numbers, names in their sorted order.

    Args:
        rows: The target last.
        class_names: The names; none where labels have to be numbers. None finds them.
    """
    *inputs, target = rows.arrays
    if target.dtype.kind not in "SU":
        return rows
    if class_names is not None and not class_names:
        raise ValueError(
            f"{rows.source}: the labels are names, such as {str(target[0])!r}, and "
            "those of the rows trained on were numbers"
        )
    names = list(class_names or ()) or sorted(set(target.astype(str).tolist()))
    unknown = sorted(set(target.astype(str).tolist()) - set(names))
    if unknown:
        raise ValueError(
            f"{rows.source}: the label {unknown[0]!r} is none of {', '.join(names)}"
        )
    places = {name: number for number, name in enumerate(names)}
    labels = np.array([places[str(each)] for each in target], np.int64)
    return Dataset(
        (*inputs, labels), class_names=names, name=rows.name, source=rows.source
    )


def first_row(rows: Dataset | LazyDataset) -> tuple[np.ndarray, ...]:
    """The first row of a data set, as arrays with one row."""
    if len(rows) == 0:
        raise ValueError("data is empty: expected at least one row, got 0")
    found: Any = rows[:1]
    return found


def split_fields(rows: Any, where: str) -> tuple[Any, Any]:
    """Inputs and target of a row, or of rows."""
    if len(rows) != 2:
        raise ValueError(
            f"{where}: expected one array of inputs and one of labels, got {len(rows)} "
            "array(s); data.keys names the two"
        )
    return rows[0], rows[1]


def as_target(target: np.ndarray, task: str, output: tuple[int, ...]) -> np.ndarray:
    """A target as a loss of PyTorch's takes it.

    Args:
        target: ``(N,)`` or more.
        task: "classes" for whole numbers, else floating-point numbers.
        output: The shape of the model's output for one row: ``(1,)`` gives targets
            ``(N,)`` that axis too.
    """
    if task == "classes":
        return target.astype(np.int64) if target.dtype.kind in "iub" else target
    if target.dtype.kind in "iub":
        target = target.astype(np.float32)
    if target.ndim == 1 and output == (1,):
        target = target[:, None]
    return target
