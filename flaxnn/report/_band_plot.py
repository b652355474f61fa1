# SPDX-License-Identifier: Apache-2.0
"""The picture of many runs: a median and quantile bands for each group of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._arrays import vector
from flaxnn.report._smoothing import means, smoothing_window
from flaxnn.report._style import (
    OURS,
    SMALL,
    THEIRS,
    WIDTH,
    WRONG,
    new_figure,
    put_title,
    step_axis,
    styled,
)
from flaxnn.report._text_fit import text_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The outer band holds 90 % of the runs, the inner one half of them.
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# The least ratio of values that makes their axis logarithmic.
_DECADES = 100.0
# Steps at which the quantiles are drawn, at most.
_MOST_POINTS = 1000
# Okabe and Ito's; more groups than these are shades in order.
_GROUPS = (OURS, THEIRS, "#009E73", "#CC79A7", "#56B4E9", WRONG)
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1)), (0, (6, 1.5, 1.5, 1.5)))


def plot_bands(
    curves: Mapping[str, ArrayLike],
    *,
    steps: ArrayLike | None = None,
    label: str = "loss",
    title: str | None = None,
) -> Figure:
    """Returns a picture of groups of runs: a median, bands of half and 90 % of them.

    A noisy curve is averaged over a fiftieth of the run before quantiles are taken. A
    run counts up to its first number that is not finite; the legend says how many of a
    group end so.

    Args:
        curves: ``(N, R)`` for each group under its name: a column for each run, a row
            for each time.
        steps: ``(N,)`` the step of each row; 0, 1, … when None.
        label: What is drawn.
        title: A heading.

    Raises:
        ValueError: There is nothing to draw, or a shape is wrong.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> plot_bands({"lr = 0.1": [[0.9, 0.8], [0.5, 0.4], [0.3, 0.3]]})
        <Picture size 720x... with 1 Axes>
    """
    groups = {name: _checked(name, values) for name, values in curves.items()}
    if not groups:
        raise ValueError("curves: expected at least one group of runs, got none")
    lengths = {name: len(values) for name, values in groups.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise ValueError(f"curves: expected equal lengths, got {told}")
    length = next(iter(lengths.values()))
    at = np.arange(length, dtype=np.float64)
    if steps is not None:
        at = vector("steps", steps)
        if len(at) != length:
            raise ValueError(f"steps: expected {length} of them, got {len(at)}")
    groups = {name: _until_not_finite(values) for name, values in groups.items()}
    window = _window(np.concatenate(list(groups.values()), axis=1))
    names = [_named(name, values) for name, values in groups.items()]
    columns = _columns(names)
    with styled():
        figure = new_figure(
            3.3 + 0.2 * -(-len(groups) // columns), layout="constrained"
        )
        axes = figure.subplots()
        drawn = [
            _bands(axes, at, values, window, name, *style)
            for name, values, style in zip(
                names, groups.values(), _styles(len(groups)), strict=True
            )
        ]
        _scale(axes, np.concatenate(drawn), label)
        edge = 0.02 * (at[-1] - at[0]) or 0.5
        axes.set_xlim(at[0] - edge, at[-1] + edge)
        step_axis(axes)
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(0, 1),
            ncols=columns,
            title="median, and bands of half and of 90 % of the runs"
            + (f"; means of {window:,} steps" if window > 1 else ""),
            title_fontsize=SMALL,
            alignment="left",
        )
        put_title(figure, title)
    return figure


def _checked(name: str, values: ArrayLike) -> np.ndarray:
    array = np.asarray(values, np.float64)
    if array.ndim != 2 or not array.size:
        raise ValueError(
            f"curves[{name!r}]: expected a row for each time and a column for each "
            f"run, got shape {array.shape}"
        )
    return array


def _until_not_finite(values: np.ndarray) -> np.ndarray:
    """The runs with nan from their first number on that is not finite."""
    finite = np.logical_and.accumulate(np.isfinite(values), axis=0)
    return np.where(finite, values, np.nan)


def _named(name: str, values: np.ndarray) -> str:
    """The name in the legend, which says how many runs end early."""
    ended = int(np.isnan(values[-1]).sum())
    return f"{name} ({ended} of {values.shape[1]} not finite)" if ended else name


def _columns(names: list[str]) -> int:
    """How many names fit beside each other."""
    # Beside each is a line and some space.
    each = max(text_width(name, SMALL) for name in names) + 3.5 * SMALL
    return int(np.clip(72 * (WIDTH - 1) // each, 1, len(names)))


def _styles(count: int) -> list[tuple[str | tuple[float, ...], object]]:
    """A colour and a dash for each group; neighbours differ in both."""
    if count <= len(_GROUPS):
        return [(_GROUPS[k], _DASHES[k % len(_DASHES)]) for k in range(count)]
    from matplotlib import colormaps

    # One whose lightness tells the order to any eye; its palest end is left out.
    shades = colormaps["viridis"](np.linspace(0.0, 0.9, count))
    return [(tuple(shade), _DASHES[k % len(_DASHES)]) for k, shade in enumerate(shades)]


def _bands(
    axes: Axes,
    at: np.ndarray,
    values: np.ndarray,
    window: int,
    name: str,
    color: object,
    dash: object,
) -> np.ndarray:
    """Draws a group, and returns the numbers that are drawn."""
    if window > 1:
        values = np.stack([means(column, window) for column in values.T], axis=1)
        at = means(at, window)
    stride = -(-len(at) // _MOST_POINTS)
    values, at = values[::-1][::stride][::-1], at[::-1][::stride][::-1]
    some = np.isfinite(values).any(axis=1)
    values, at = values[some], at[some]
    if not len(at):
        axes.plot([], [], color=color, linestyle=dash, label=name)
        return np.zeros(0)
    low, lower, middle, upper, high = np.nanquantile(values, _QUANTILES, axis=1)
    if values.shape[1] > 1:
        style = {"color": color, "linewidth": 0}
        axes.fill_between(at, low, high, alpha=0.15, **style)
        axes.fill_between(at, lower, upper, alpha=0.3, **style)
    marker = "o" if len(at) == 1 else None
    axes.plot(
        at,
        middle,
        color=color,
        linestyle=dash,
        linewidth=1.6,
        marker=marker,
        label=name,
    )
    return np.concatenate([low, high])


def _window(values: np.ndarray) -> int:
    """How many steps are averaged: what half of the whole runs would want."""
    whole = values[:, np.isfinite(values).all(axis=0)]
    if not whole.size:
        return 1
    return int(np.median([smoothing_window(column) for column in whole.T]))


def _scale(axes: Axes, drawn: np.ndarray, label: str) -> None:
    if len(drawn) and drawn.min() > 0 and drawn.max() / drawn.min() > _DECADES:
        axes.set_yscale("log")
    axes.set_ylabel(label)
