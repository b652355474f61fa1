# SPDX-License-Identifier: Apache-2.0
"""The picture of a classifier of two features: its regions, and the points in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._arrays import checked_names, indices, matrix, numbers, same_length
from flaxnn.report._style import INK, SMALL, WIDTH, new_figure, put_title, styled
from flaxnn.report._text_fit import fit_text, text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

# Okabe and Ito's; more classes than these are shades in order.
_COLOURS = ("#E69F00", "#0072B2", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")
_MARKERS = "osD^vPX*"
# How much of a class's colour its region has.
_PALE = 0.3
# Room around the points, in parts of their range.
_ROOM = 0.08

Classifier = Callable[[np.ndarray], Any]


@dataclass(frozen=True)
class _Plane:
    """What a classifier says of a plane.

    Attributes:
        extent: ``(left, right, bottom, top)``.
        classes: ``(R, C)`` the class of each cell, from the bottom up.
        margins: ``(R, C)`` for each boundary: a number that is 0 on it. Without any,
            boundaries are the sides of cells.
    """

    extent: tuple[float, float, float, float]
    classes: np.ndarray
    margins: list[np.ndarray] = field(default_factory=list)

    def centres(self) -> tuple[np.ndarray, np.ndarray]:
        """Where the cells' columns and rows are."""
        left, right, bottom, top = self.extent
        rows, columns = self.classes.shape
        return _centres(left, right, columns), _centres(bottom, top, rows)

    def at(self, points: np.ndarray) -> np.ndarray:
        """The class of each point's cell; -1 outside."""
        left, right, bottom, top = self.extent
        rows, columns = self.classes.shape
        across = (points[:, 0] - left) / (right - left)
        up = (points[:, 1] - bottom) / (top - bottom)
        inside = (across >= 0) & (across <= 1) & (up >= 0) & (up <= 1)
        column = np.clip((across * columns).astype(int), 0, columns - 1)
        row = np.clip((up * rows).astype(int), 0, rows - 1)
        return np.where(inside, self.classes[row, column], -1)


def plot_decision_boundary(
    points: ArrayLike,
    labels: ArrayLike,
    predictions: Classifier | ArrayLike,
    *,
    extent: tuple[float, float, float, float] | None = None,
    threshold: float = 0.5,
    resolution: int = 300,
    class_names: Sequence[str] | None = None,
    feature_names: Sequence[str] = ("feature 0", "feature 1"),
    title: str | None = None,
) -> Figure:
    """Returns a picture of which class is predicted where, with the points in it.

    Each class has a colour and a marker. A point whose class is not the predicted one
    has a dark edge, and the legend counts them.

    Args:
        points: ``(N, 2)`` samples.
        labels: ``(N,)`` their classes.
        predictions: A function from ``(M, 2)`` float32 points to ``(M, C)`` scores, of
            which the largest counts, to ``(M,)`` or ``(M, 1)`` scores of class 1, or to
            ``(M,)`` integers, the classes themselves. Or ``(R, C)`` classes of a grid
            over ``extent``, row 0 at the bottom.
        extent: ``(left, right, bottom, top)`` of the picture; None takes the range of
            the points and some room. A grid needs it.
        threshold: A score of class 1 that is at least this says class 1: 0.5 for a
            probability, 0.0 for a logit.
        resolution: Cells along each side, where a function is asked.
        class_names: A name for each class.
        feature_names: What the two columns are.
        title: A heading.

    Raises:
        TypeError: Something is not a real number.
        ValueError: A shape, a class or the extent is wrong, or a number is not finite.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> plot_decision_boundary(
        ...     [[0.0, 0.0], [1.0, 1.0]], [0, 1], lambda x: x.sum(axis=1), threshold=1.0
        ... )
        <Picture size ... with 1 Axes>
    """
    samples = matrix("points", points)
    if samples.shape[1] != 2:
        raise ValueError(
            f"points: expected two features, got shape {samples.shape}; choose two "
            "columns, and let the function fill in the others"
        )
    named = None if class_names is None else len(class_names)
    truth = indices("labels", labels, named)
    same_length(points=samples, labels=truth)
    axis_names = checked_names(feature_names, 2, argument="feature_names") or []
    if callable(predictions):
        bounds = _checked_extent(extent) if extent is not None else _around(samples)
        plane = _asked(predictions, bounds, resolution, threshold)
    else:
        plane = _given(predictions, extent)
    count = named or 1 + int(max(truth.max(), plane.classes.max()))
    if plane.classes.max() >= count:
        raise ValueError(
            f"class_names: expected {plane.classes.max() + 1} names or more, as there "
            f"is class {plane.classes.max()}, got {count}"
        )
    names = checked_names(class_names, count) or [f"class {k}" for k in range(count)]
    with styled():
        figure = new_figure(5.2, layout="constrained")
        axes = figure.subplots()
        _regions(axes, plane, count)
        _samples(axes, samples, truth, plane.at(samples), names)
        axes.grid(visible=False)
        axes.set_xlim(plane.extent[:2])
        axes.set_ylim(plane.extent[2:])
        axes.set_xlabel(axis_names[0], parse_math=False)
        axes.set_ylabel(axis_names[1], parse_math=False)
        put_title(figure, title)
    return figure


def _around(samples: np.ndarray) -> tuple[float, float, float, float]:
    low, high = samples.min(axis=0), samples.max(axis=0)
    room = np.where(high > low, _ROOM * (high - low), 0.5)
    (left, bottom), (right, top) = (low - room).tolist(), (high + room).tolist()
    return left, right, bottom, top


def _checked_extent(
    extent: tuple[float, float, float, float] | None,
) -> tuple[float, float, float, float]:
    if extent is None:
        raise ValueError(
            "extent: a grid needs (left, right, bottom, top), the plane that it covers"
        )
    bounds = numbers("extent", extent)
    if bounds.shape != (4,) or bounds[0] >= bounds[1] or bounds[2] >= bounds[3]:
        raise ValueError(
            "extent: expected (left, right, bottom, top), each pair rising, got "
            f"{tuple(extent)}"
        )
    left, right, bottom, top = bounds.tolist()
    return left, right, bottom, top


def _centres(low: float, high: float, count: int) -> np.ndarray:
    return low + (high - low) * (np.arange(count) + 0.5) / count


def _asked(
    classifier: Classifier,
    extent: tuple[float, float, float, float],
    resolution: int,
    threshold: float,
) -> _Plane:
    """The plane as a function sees it."""
    if resolution < 2:
        raise ValueError(f"resolution: expected 2 cells or more, got {resolution}")
    left, right, bottom, top = extent
    across, up = _centres(left, right, resolution), _centres(bottom, top, resolution)
    grid = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    answer = np.asarray(classifier(grid.astype(np.float32)))
    shape = (resolution, resolution)
    if answer.shape == (len(grid),) and answer.dtype.kind in "iub":
        return _Plane(extent, indices("predictions", answer).reshape(shape))
    scores = numbers("predictions", answer)
    if scores.shape in {(len(grid),), (len(grid), 1)}:
        margin = scores.reshape(shape) - threshold
        return _Plane(extent, (margin >= 0).astype(int), [margin])
    if scores.ndim != 2 or len(scores) != len(grid):
        raise ValueError(
            f"predictions: expected scores ({len(grid)}, C), ({len(grid)},) or classes "
            f"({len(grid)},) from the function, got shape {scores.shape}"
        )
    margins = []
    for k in range(scores.shape[1]):
        others = np.delete(scores, k, axis=1).max(axis=1)
        margins.append((scores[:, k] - others).reshape(shape))
    return _Plane(extent, scores.argmax(axis=1).reshape(shape), margins)


def _given(grid: ArrayLike, extent: tuple[float, float, float, float] | None) -> _Plane:
    """The plane of a grid of classes."""
    cells = matrix("predictions", grid)
    if min(cells.shape) < 2:
        raise ValueError(
            f"predictions: expected a grid of 2 by 2 or more, got shape {cells.shape}"
        )
    classes = indices("predictions", cells.ravel()).reshape(cells.shape)
    return _Plane(_checked_extent(extent), classes)


def _colours(count: int) -> np.ndarray:
    """``(count, 3)`` a colour for each class."""
    from matplotlib import colormaps
    from matplotlib.colors import to_rgb

    if count <= len(_COLOURS):
        return np.array([to_rgb(colour) for colour in _COLOURS[:count]])
    # One whose lightness tells the order to any eye.
    return colormaps["viridis"](np.linspace(0, 1, count))[:, :3]


def _regions(axes: Axes, plane: _Plane, count: int) -> None:
    shades = 1 - _PALE * (1 - _colours(count))
    axes.imshow(
        shades[plane.classes],
        extent=plane.extent,
        origin="lower",
        aspect="auto",
        interpolation="nearest",
    )
    across, up = plane.centres()
    for margin in plane.margins:
        if margin.min() < 0 < margin.max():
            axes.contour(across, up, margin, [0.0], colors=INK, linewidths=1)
    if not plane.margins:
        axes.add_collection(_sides(plane))


def _sides(plane: _Plane) -> LineCollection:
    """The sides between cells of different classes."""
    from matplotlib.collections import LineCollection

    left, right, bottom, top = plane.extent
    rows, columns = plane.classes.shape
    x, y = np.linspace(left, right, columns + 1), np.linspace(bottom, top, rows + 1)
    row, column = np.nonzero(np.diff(plane.classes, axis=1))
    upright = [x[column + 1], y[row]], [x[column + 1], y[row + 1]]
    row, column = np.nonzero(np.diff(plane.classes, axis=0))
    level = [x[column], y[row + 1]], [x[column + 1], y[row + 1]]
    lines = [np.transpose(ends, (2, 0, 1)) for ends in (upright, level)]
    return LineCollection(list(np.concatenate(lines)), colors=INK, linewidths=1)


def _samples(
    axes: Axes,
    samples: np.ndarray,
    truth: np.ndarray,
    predicted: np.ndarray,
    names: list[str],
) -> None:
    colours = _colours(len(names))
    room = 72 * (WIDTH - 1) / 3
    wrong = predicted != truth
    fitted = [fit_text(name, room, size=SMALL) for name in names]
    for k, name in enumerate(fitted):
        for chosen, edge in ((~wrong, "white"), (wrong, INK)):
            here = samples[(truth == k) & chosen]
            axes.plot(
                here[:, 0],
                here[:, 1],
                linestyle="none",
                marker=_MARKERS[k % len(_MARKERS)],
                color=colours[k],
                markersize=6.5,
                markeredgecolor=edge,
                markeredgewidth=0.8 if edge == "white" else 1.6,
                label=name if edge == "white" else None,
            )
    said = f"wrong: {int(wrong.sum()):,} of {len(truth):,}"
    axes.plot(
        [],
        [],
        linestyle="none",
        marker="o",
        markersize=6.5,
        color="white",
        markeredgecolor=INK,
        markeredgewidth=1.6,
        label=said,
    )
    widest = max(text_width(text, SMALL) for text in [*fitted, said]) + 3.5 * SMALL
    columns = int(np.clip(72 * (WIDTH - 1) // widest, 1, len(names) + 1))
    for text in axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=columns
    ).get_texts():
        text.set_parse_math(False)
