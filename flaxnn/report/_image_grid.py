# SPDX-License-Identifier: Apache-2.0
"""Many small images in one picture, each with lines of text above it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from flaxnn.report._style import (
    INK,
    SMALL,
    WIDTH,
    WRONG,
    new_figure,
    put_title,
    title_height,
)
from flaxnn.report._text_fit import fit_text

if TYPE_CHECKING:
    from matplotlib.image import AxesImage

# Lengths in inches.
_LARGEST_TILE = 1.35
_MARGIN = 0.1
_LINE = 0.155
_BAR, _SHORTEST_BAR, _LONGEST_BAR = 1.05, 1.0, 3.2


class ImageGrid:
    """A figure with places for images, in rows; create it inside `styled`.

    Attributes:
        figure: The figure, of the size that the images need.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        columns: int | None,
        *,
        lines: int,
        bar: bool = False,
        title: str | None = None,
    ) -> None:
        """Lays out ``shape = (N, H, W)`` images under so many lines of text each."""
        count, height, width = shape
        if columns is not None and columns < 1:
            raise ValueError(f"columns: expected 1 or more, got {columns}")
        columns = columns or _columns(count, height / width, named=lines > 0)
        self._columns = min(columns, count)
        self._lines = lines
        room = WIDTH - 2 * _MARGIN - bar * _BAR
        pitch = min(room / self._columns, _LARGEST_TILE)
        gap = pitch / 12
        scale = min((pitch - gap) / width, 2 * _LARGEST_TILE / height)
        self._tile = scale * width, scale * height
        text = lines * _LINE + (0.03 if lines else 0)
        # A name needs its room above a narrow image too.
        self._across = pitch if lines else self._tile[0] + gap
        self._down = self._tile[1] + gap + text
        self._size = (
            self._columns * self._across - gap,
            math.ceil(count / self._columns) * self._down - gap,
        )
        self._frame(title, bar)

    def _frame(self, title: str | None, bar: bool) -> None:
        """The figure, and one set of axes over all images whose units are inches."""
        width, height = self._size
        whole = max(width + 2 * _MARGIN + bar * _BAR, WIDTH / 2)
        length = min(max(height, _SHORTEST_BAR), _LONGEST_BAR)
        body = max(height, bar * length)
        total = body + 2 * _MARGIN + title_height(title, whole)
        self.figure = new_figure(total, width=whole)
        put_title(self.figure, title)

        def box(left: float, bottom: float, across: float, up: float) -> tuple:
            return left / whole, bottom / total, across / whole, up / total

        top = _MARGIN + body
        self._axes = self.figure.add_axes(box(_MARGIN, top - height, width, height))
        self._axes.set_axis_off()
        self._bar = box(_MARGIN + width + 0.15, top - length, 0.12, length)

    def _corner(self, k: int) -> tuple[float, float]:
        """The top left of image k."""
        row, column = divmod(k, self._columns)
        text = self._lines * _LINE + (0.03 if self._lines else 0)
        return column * self._across, row * self._down + text

    def show(
        self, k: int, image: np.ndarray, colours: str, low: float, high: float
    ) -> AxesImage:
        """Draws an ``(H, W)`` image in place k."""
        left, top = self._corner(k)
        across, down = self._tile
        shown = self._axes.imshow(
            image,
            cmap=colours,
            vmin=low,
            vmax=high,
            extent=(left, left + across, top + down, top),
            aspect="auto",
        )
        # Every image moves the limits to itself.
        self._axes.set(xlim=(0, self._size[0]), ylim=(self._size[1], 0))
        return shown

    def write(self, k: int, line: int, text: str, *, color: str = INK) -> None:
        """Writes a line above image k, as much of it as there is room for."""
        left, top = self._corner(k)
        room = 72 * (self._across - 0.08)
        self._axes.text(
            left,
            top - 0.05 - (self._lines - 1 - line) * _LINE,
            fit_text(text, room, size=SMALL),
            size=SMALL,
            color=color,
            va="baseline",
            parse_math=False,
        )

    def frame(self, k: int, *, wrong: bool) -> None:
        """Draws the edge of image k, a thick one around what is wrong."""
        from matplotlib.patches import Rectangle

        edge = {
            "edgecolor": WRONG if wrong else "#c8c8c8",
            "linewidth": 2.5 if wrong else 0.8,
        }
        self._axes.add_patch(
            Rectangle(self._corner(k), *self._tile, fill=False, clip_on=False, **edge)
        )

    def scale(self, image: AxesImage, label: str) -> None:
        """Adds the colour bar of an image, beside all of them."""
        axes = self.figure.add_axes(self._bar)
        axes.grid(visible=False)
        bar = self.figure.colorbar(image, cax=axes, label=label, format="{x:g}")
        bar.outline.set_linewidth(0)  # pyright: ignore[reportCallIssue]


def _columns(count: int, ratio: float, *, named: bool) -> int:
    """A number of columns that leaves few places empty."""
    if named:
        # A name needs some width.
        wanted = 5 if count <= 25 else 6
        near = range(wanted - 1, wanted + 1)
    else:
        # Twice as wide as high.
        wanted = math.ceil(math.sqrt(2 * count * ratio))
        near = range(math.ceil(0.75 * wanted), math.floor(1.25 * wanted) + 1)
    if wanted >= count:
        return count
    return min(near, key=lambda columns: (-count % columns, abs(columns - wanted)))
