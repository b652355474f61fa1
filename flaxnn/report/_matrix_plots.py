# SPDX-License-Identifier: Apache-2.0
"""Pictures of what a classifier says: its confusions and its probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._arrays import (
    checked_names,
    indices,
    probability_rows,
    same_length,
)
from flaxnn.report._heat_map import heat_map
from flaxnn.report._style import WRONG, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_confusion_matrix(
    labels: ArrayLike,
    predictions: ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    normalize: bool = False,
    title: str | None = None,
) -> Figure:
    """Returns a picture of how often each class is taken for each other.

    Args:
        labels: ``(N,)`` the right classes, the rows of the matrix.
        predictions: ``(N,)`` the predicted classes, its columns.
        class_names: A name for each class; None counts them up to the largest.
        normalize: Whether cells are per cent of their row instead of counts.
        title: A heading.

    Raises:
        ValueError: A shape or a class is wrong.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> plot_confusion_matrix([0, 0, 1], [0, 1, 1], class_names=["cat", "dog"])
        <Picture size ... with 1 Axes>
    """
    count = None if class_names is None else len(class_names)
    truth = indices("labels", labels, count)
    predicted = indices("predictions", predictions, count)
    same_length(labels=truth, predictions=predicted)
    count = count or 1 + int(max(truth.max(), predicted.max()))
    names = checked_names(class_names, count)
    matrix = np.zeros((count, count))
    np.add.at(matrix, (truth, predicted), 1)
    unit, label = "samples", "predicted class"
    if normalize:
        # A class without samples has a row of zeros.
        matrix *= 100 / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
        unit = "% of the true class"
        label = f"{label}, {unit}"
    with styled():
        figure, _ = heat_map(
            matrix,
            [[f"{cell:,.0f}" for cell in row] for row in matrix],
            names=(names, names),
            labels=("true class", label),
            unit=unit,
            largest=100.0 if normalize else float(matrix.max()),
            title=title,
        )
    return figure


def plot_probabilities(
    probabilities: ArrayLike,
    labels: ArrayLike | None = None,
    *,
    class_names: Sequence[str] | None = None,
    sample_names: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Returns a picture of the probabilities of the classes, a row for each sample.

    Args:
        probabilities: ``(N, C)`` probabilities, from 0 to 1.
        labels: ``(N,)`` the right classes; each gets a frame.
        class_names: A name for each class.
        sample_names: A name for each sample.
        title: A heading.

    Raises:
        ValueError: A shape, a label or a probability is wrong, or a number is not
            finite.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> plot_probabilities([[0.9, 0.1], [0.2, 0.8]], [0, 1])
        <Picture size ... with 1 Axes>
    """
    chances = probability_rows("probabilities", probabilities)
    truth = None if labels is None else indices("labels", labels, chances.shape[1])
    if truth is not None:
        same_length(probabilities=chances, labels=truth)
    names = (
        checked_names(sample_names, len(chances), argument="sample_names"),
        checked_names(class_names, chances.shape[1]),
    )
    with styled():
        from matplotlib.patches import Rectangle

        figure, axes = heat_map(
            chances,
            [[f"{chance:.2f}" for chance in row] for row in chances],
            names=names,
            labels=(
                "sample",
                "class" + " (the right one framed)" * (truth is not None),
            ),
            unit="probability",
            largest=1.0,
            flat=0.5,
            title=title,
        )
        for row, column in enumerate([] if truth is None else truth):
            corner = column - 0.47, row - 0.44
            axes.add_patch(
                Rectangle(corner, 0.94, 0.88, fill=False, edgecolor=WRONG, linewidth=2)
            )
    return figure
