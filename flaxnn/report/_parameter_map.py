# SPDX-License-Identifier: Apache-2.0
"""A value over two parameters, as a table in shades."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._arrays import checked_names
from flaxnn.report._heat_map import heat_map
from flaxnn.report._style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_parameter_map(
    matrix: ArrayLike,
    *,
    names: tuple[Sequence[str], Sequence[str]],
    labels: tuple[str, str],
    unit: str,
    title: str | None = None,
) -> Figure:
    """Returns a picture of a value over two parameters, one cell for each pair.

    The shades go from the smallest number to the largest; cells without a finite one
    are hatched.

    Args:
        matrix: ``(R, C)`` the value for each pair.
        names: The parameter's values of the rows, and of the columns.
        labels: What the rows and the columns are.
        unit: What the value is.
        title: A heading.

    Raises:
        ValueError: A shape is wrong, or no number is finite.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> plot_parameter_map(
        ...     [[0.3, 0.1], [0.4, float("nan")]],
        ...     names=(["0.01", "0.1"], ["0", "1e-4"]),
        ...     labels=("lr", "weight_decay"),
        ...     unit="loss",
        ... )
        <Picture size ... with 1 Axes>
    """
    values = np.asarray(matrix, np.float64)
    if values.ndim != 2:
        raise ValueError(f"matrix: expected two dimensions, got shape {values.shape}")
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise ValueError("matrix: expected a finite number, got none")
    values = np.where(np.isfinite(values), values, np.nan)
    rows, columns = (
        checked_names(these, count, argument=f"names of the {what}")
        for these, count, what in zip(
            names, values.shape, ("rows", "columns"), strict=True
        )
    )
    digits = _digits(finite)
    with styled():
        from matplotlib.patches import Rectangle

        figure, axes = heat_map(
            values,
            [[_written(cell, digits) for cell in row] for row in values],
            names=(rows, columns),
            labels=(labels[0], f"{labels[1]}  (cells: {unit})"),
            unit=unit,
            smallest=float(finite.min()),
            largest=float(finite.max()),
            flat=0.6,
            title=title,
        )
        for row, column in np.argwhere(np.isnan(values)):
            corner = column - 0.5, row - 0.5
            hatched = {"hatch": "////", "edgecolor": "#c4c4c4", "linewidth": 0}
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, zorder=1, **hatched))
    return figure


def _digits(values: np.ndarray) -> int:
    """Significant digits that tell apart what is a hundredth of the range apart."""
    span = float(np.ptp(values)) or abs(float(values[0])) or 1.0
    largest = float(np.abs(values).max()) or 1.0
    return int(np.clip(np.ceil(np.log10(largest / span)) + 2, 3, 6))


def _written(number: float, digits: int) -> str:
    # With its last zeros, so that all cells have as many digits.
    return f"{number:#.{digits}g}".rstrip(".") if np.isfinite(number) else "–"
