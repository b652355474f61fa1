# SPDX-License-Identifier: Apache-2.0
"""The picture of one vector of logits at several temperatures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._arrays import checked_names, vector
from flaxnn.report._style import (
    INK,
    OURS,
    SMALL,
    WIDTH,
    new_figure,
    put_title,
    styled,
)
from flaxnn.report._text_fit import fit_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Panels side by side, and in one picture; more could not be read.
_MOST_COLUMNS, _MOST_PANELS = 4, 12
# Inches: the least that all bars of a panel take, the most, and one of few.
_LEAST, _MOST, _BAR = 1.2, 5.0, 0.21
_HEADING, _FOOT = 0.3, 0.45
# Bars that are lower than this have no number and no name of their own.
_LOWEST_NAMED = 0.13
_LONGEST_NAME = 110.0  # points


def plot_softmax(
    logits: ArrayLike,
    temperatures: Sequence[float] = (0.25, 1.0, 4.0),
    *,
    class_names: Sequence[str] | None = None,
    title: str | None = None,
) -> Figure:
    """Returns a picture of ``softmax(logits / T)``, a panel for each temperature T.

    Below 1 a temperature makes the largest logit win; above 1 it brings the classes
    together. The order of the classes stays.

    Args:
        logits: ``(C,)`` real numbers.
        temperatures: At most 12 numbers above 0, in the order of the panels.
        class_names: A name for each class.
        title: A heading.

    Raises:
        TypeError: Something is not a real number.
        ValueError: A shape or a temperature is wrong, or a number is not finite.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> plot_softmax([2.0, 1.0, 0.1], (0.5, 1.0, 2.0), class_names=list("abc"))
        <Picture size ... with 3 Axes>

    References:
        Hinton, Vinyals and Dean (2015), "Distilling the Knowledge in a Neural
        Network", equation 1.
    """
    scores = vector("logits", logits)
    scales = _checked_temperatures(temperatures)
    names = checked_names(class_names, len(scores))
    columns = _columns(len(scales))
    rows = -(-len(scales) // columns)
    bars = float(np.clip(_BAR * len(scores), _LEAST, _MOST))
    with styled():
        figure = new_figure(rows * (bars + _HEADING) + _FOOT, layout="constrained")
        panels = figure.subplots(
            rows, columns, sharex=True, sharey=True, squeeze=False
        ).ravel()
        for axes, scale in zip(panels, scales, strict=False):
            _bars(axes, _softmax(scores / scale), written=_legible(bars, len(scores)))
            axes.tick_params(axis="y", length=0)
            axes.set_title(f"T = {scale:g}", size=SMALL, color=INK, loc="left")
        for axes in panels[len(scales) :]:
            axes.set_visible(False)
        # What stands above a gap has to say its numbers itself.
        for axes in panels[max(0, len(scales) - columns) : len(scales)]:
            axes.tick_params(labelbottom=True)
        _name_classes(panels[0], names, len(scores), bars)
        figure.supxlabel("probability", size="medium", color=INK)
        put_title(figure, title)
    return figure


def _checked_temperatures(temperatures: Sequence[float]) -> list[float]:
    scales = vector("temperatures", temperatures)
    if scales.min() <= 0:
        raise ValueError(
            f"temperatures: expected numbers above 0, got {scales.min():g}; towards 0 "
            "all probability goes to the largest logit, so 0.01 shows the limit"
        )
    if len(scales) > _MOST_PANELS:
        raise ValueError(
            f"temperatures: expected at most {_MOST_PANELS}, got {len(scales)}"
        )
    return scales.tolist()


def _columns(count: int) -> int:
    """Panels side by side, so that the rows are as even as can be."""
    rows = -(-count // _MOST_COLUMNS)
    return -(-count // rows)


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max())
    return powers / powers.sum()


def _legible(inches: float, count: int) -> bool:
    return inches / count >= _LOWEST_NAMED


def _bars(axes: Axes, chances: np.ndarray, *, written: bool) -> None:
    places = np.arange(len(chances))
    axes.barh(places, chances, height=0.72 if written else 1.0, color=OURS)
    axes.grid(visible=False, axis="y")
    # A number stands behind its bar, within the panel even where the bar fills it.
    axes.set_xlim(0, 1.28 if written else 1.0)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_ylim(len(chances) - 0.5, -0.5)
    for place, chance in zip(places, chances, strict=True) if written else ():
        axes.annotate(
            _written(chance),
            (chance, place),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            size=SMALL - 1,
            color=INK,
        )


def _written(chance: float) -> str:
    return f"{chance:.2f}" if chance >= 0.005 or chance == 0 else "<.01"


def _name_classes(
    axes: Axes, names: list[str] | None, count: int, inches: float
) -> None:
    """Names the bars at the left of every row of panels."""
    from matplotlib.ticker import MaxNLocator

    if names is None:
        axes.set_ylabel("class")
    if not _legible(inches, count):
        axes.yaxis.set_major_locator(MaxNLocator(steps=[1, 2, 5, 10], integer=True))
        return
    texts = names or [str(k) for k in range(count)]
    room = min(_LONGEST_NAME, 72 * WIDTH / 5)
    fitted = [fit_text(text, room, size=SMALL) for text in texts]
    axes.set_yticks(range(count), fitted, parse_math=False)
