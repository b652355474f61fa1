# SPDX-License-Identifier: Apache-2.0
"""A table of numbers in shades of blue, with its rows and columns named."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flaxnn.report._style import (
    INK,
    LETTERS,
    SMALL,
    new_figure,
    put_title,
    title_height,
)
from flaxnn.report._text_fit import fit_text, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches: the most and the least that all cells take, the largest one, the space
# around them.
_CELLS, _LEAST, _LARGEST_CELL = 5.0, 0.8, 0.62
_MARGIN, _AXIS, _BAR = 0.12, 0.37, 0.85
# Points: the longest name, and the smallest letters that can be read.
_LONGEST_NAME, _SMALLEST = 110.0, 5.5
# The names of columns are turned so far, in degrees, where they find no room.
_TURNED = 40
# More rows or columns without names are numbered at round numbers only.
_MOST_NUMBERS = 25

Names = list[str] | None


def heat_map(
    matrix: np.ndarray,
    written: list[list[str]],
    *,
    names: tuple[Names, Names],
    labels: tuple[str, str],
    unit: str,
    largest: float,
    smallest: float = 0.0,
    flat: float = 1.0,
    title: str | None,
) -> tuple[Figure, Axes]:
    """Draws a matrix; call it inside `styled`.

    Args:
        matrix: ``(R, C)`` numbers; a cell of nan stays empty.
        written: What each cell says, where there is room for it.
        names: Names of the rows and of the columns; None numbers them.
        labels: What the rows and the columns are.
        unit: Of the numbers; said by a colour bar where the cells are not written in.
        largest: The number of the darkest shade.
        smallest: The number of the lightest.
        flat: Height of the largest cell, in parts of its width.
        title: A heading.
    """
    from matplotlib.ticker import MaxNLocator

    rows, columns = matrix.shape
    down = max(min(_CELLS / rows, flat * _LARGEST_CELL), _LEAST / rows)
    across = max(min(_CELLS / columns, _LARGEST_CELL), _LEAST / columns)
    width, height = columns * across, rows * down
    side, foot = (
        _Ticks.of(these, count, 72 * cell)
        for these, count, cell in zip(names, matrix.shape, (down, across), strict=True)
    )
    angle = foot.angle(72 * across)
    # A turned name begins to the left of its column.
    leftmost = foot.widest * math.cos(math.radians(angle)) / 72 if angle else 0.0
    beyond = text_width(labels[1], LETTERS) / 144 - width / 2 + _MARGIN
    left = max(_AXIS + side.widest / 72, leftmost + _MARGIN - across / 2, beyond)
    under = foot.widest * math.sin(math.radians(angle)) + 1.3 * foot.size
    bottom = _AXIS - 0.05 + under / 72
    size = _cell_letters(written, 72 * across, 72 * down)
    whole = left + width + max(_MARGIN if size else _BAR, beyond)
    total = bottom + height + _MARGIN + title_height(title, whole)
    figure = new_figure(total, width=whole)
    put_title(figure, title)
    box = left / whole, bottom / total, width / whole, height / total
    axes = figure.add_axes(box)
    top = largest if largest > smallest else smallest + 1
    image = axes.imshow(matrix, cmap="Blues", vmin=smallest, vmax=top, aspect="auto")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    _label(axes, side, foot, angle, labels)
    if size:
        _write(axes, matrix, written, size, smallest + 0.55 * (top - smallest))
    else:
        place = (left + width + 0.12) / whole, box[1], 0.12 / whole, box[3]
        beside = figure.add_axes(place)
        beside.grid(visible=False)
        counts = MaxNLocator(integer=True) if (matrix == matrix.round()).all() else None
        bar = figure.colorbar(
            image, cax=beside, label=unit, ticks=counts, format="{x:g}"
        )
        bar.outline.set_linewidth(0)  # pyright: ignore[reportCallIssue]
    return figure, axes


@dataclass(frozen=True)
class _Ticks:
    """The names along one side.

    Attributes:
        texts: The names that are shown, by their places; None leaves numbers to
            matplotlib.
        size: Of the letters, in points.
        widest: Width of the longest name, in points.
    """

    texts: dict[int, str] | None
    size: float
    widest: float

    @classmethod
    def of(cls, names: Names, count: int, points: float) -> _Ticks:
        """The ticks of so many rows or columns, each of so many points."""
        if names is None and count > _MOST_NUMBERS:
            return cls(None, SMALL, text_width(str(count), SMALL))
        # Where rows are lower than letters, some names are left out.
        step = math.ceil(_SMALLEST / 0.8 / points)
        size = min(SMALL, 0.8 * points * step)
        every = names or [str(k) for k in range(count)]
        texts = {
            k: fit_text(every[k], _LONGEST_NAME, size=size)
            for k in range(0, count, step)
        }
        widest = max(text_width(text, size) for text in texts.values())
        return cls(texts, size, widest)

    def angle(self, points: float) -> int:
        """How far names have to be turned to fit in columns of so many points."""
        if self.texts is None or self.widest < 0.95 * points:
            return 0
        apart = points * (list(self.texts)[1] if len(self.texts) > 1 else 1)
        enough = apart * math.sin(math.radians(_TURNED)) > 1.2 * self.size
        return _TURNED if enough else 90


def _label(
    axes: Axes, side: _Ticks, foot: _Ticks, angle: int, labels: tuple[str, str]
) -> None:
    from matplotlib.ticker import MaxNLocator

    for axis, ticks, label in zip(
        (axes.yaxis, axes.xaxis), (side, foot), labels, strict=True
    ):
        axis.set_tick_params(labelsize=ticks.size)
        axis.set_label_text(label)
        if ticks.texts is None:
            axis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))
        else:
            texts = list(ticks.texts.values())
            axis.set_ticks(list(ticks.texts), texts, parse_math=False)
    if angle:
        axes.tick_params(axis="x", rotation=angle)
        for text in axes.get_xticklabels():
            text.set(ha="right", va="center", rotation_mode="anchor")


def _cell_letters(written: list[list[str]], across: float, down: float) -> float:
    """The size of the letters in the cells; 0 where they could not be read."""
    widest = max(text_width(text, 1.0) for text in {t for row in written for t in row})
    size = min(9.0, 0.8 * across / widest, 0.6 * down)
    return size if size >= _SMALLEST else 0.0


def _write(
    axes: Axes,
    matrix: np.ndarray,
    written: list[list[str]],
    size: float,
    dark: float,
) -> None:
    """Writes in the cells, in white where they are dark."""
    for (row, column), number in np.ndenumerate(matrix):
        axes.text(
            column,
            row,
            written[row][column],
            size=size,
            ha="center",
            va="center",
            color="white" if number > dark else INK,
            alpha=1 if number else 0.45,
        )
