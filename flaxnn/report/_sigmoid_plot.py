# SPDX-License-Identifier: Apache-2.0
"""The picture of a binary classifier of one feature."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._arrays import indices, same_length, vector
from flaxnn.report._style import (
    CLASSES,
    INK,
    MUTED,
    SMALL,
    legend_above,
    new_figure,
    put_title,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_fitted_sigmoid(
    x: ArrayLike,
    y: ArrayLike,
    weight: ArrayLike,
    bias: ArrayLike,
    *,
    title: str | None = None,
) -> Figure:
    """Returns a picture of training points and the sigmoid fitted to them.

    The decision boundary is where the probability is one half, at ``-bias / weight``.

    Args:
        x: ``(N,)`` or ``(N, 1)`` inputs.
        y: ``(N,)`` or ``(N, 1)`` labels, 0 or 1.
        weight: The layer's one weight, in any shape.
        bias: Its one bias, in any shape.
        title: A heading.

    Raises:
        ValueError: A shape or a label is wrong, or a number is not finite.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> plot_fitted_sigmoid([0, 1, 3, 8], [0, 0, 0, 1], [[1.2]], [-6.0])
        <Picture size 720x400 with 1 Axes>
    """
    inputs = vector("x", x)
    labels = indices("y", vector("y", y), 2)
    same_length(x=inputs, y=labels)
    slope, offset = _single("weight", weight), _single("bias", bias)
    span = float(np.ptp(inputs)) or 1.0
    low, high = inputs.min() - 0.08 * span, inputs.max() + 0.08 * span
    grid = np.linspace(low, high, 401)
    # The sigmoid by tanh, which cannot overflow.
    curve = 0.5 * (1 + np.tanh(0.5 * (slope * grid + offset)))
    with styled():
        figure = new_figure(4.0, layout="constrained")
        axes = figure.add_subplot()
        axes.axhline(0.5, color=MUTED, linewidth=0.8, linestyle=(0, (1, 3)))
        axes.plot(grid, curve, color=INK, linewidth=2, label="fitted sigmoid")
        for label, marker in ((0, "o"), (1, "s")):
            chosen = inputs[labels == label]
            if not chosen.size:
                continue
            axes.plot(
                chosen,
                np.full(len(chosen), label),
                marker,
                color=CLASSES[label],
                markersize=8,
                markeredgecolor="white",
                markeredgewidth=1,
                label=f"label {label}",
                clip_on=False,
            )
        _boundary(axes, slope, offset, low, high)
        axes.set_xlim(low, high)
        axes.set_ylim(-0.06, 1.06)
        axes.set_xlabel("x")
        axes.set_ylabel("probability of label 1")
        legend_above(axes)
        put_title(figure, title)
    return figure


def _single(name: str, array: ArrayLike) -> float:
    values = vector(name, array)
    if values.size != 1:
        raise ValueError(
            f"{name}: expected one number, as a model of one feature has, got "
            f"{values.size}"
        )
    return float(values[0])


def _boundary(axes: Axes, slope: float, offset: float, low: float, high: float) -> None:
    """Marks where the class changes; says where it is when it lies outside."""
    if slope == 0:
        note, where, side = "no boundary: the weight is 0", (low + high) / 2, "center"
    else:
        where = -offset / slope
        note, side = f"boundary at x = {where:.4g}", "left"
        if where < low:
            note, where = f"← {note}", low
        elif where > high:
            note, where = f"{note} →", high
        else:
            axes.axvline(where, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        if where > (low + high) / 2:
            side = "right"
    # Beside the line, on the side with more room, in the half the curve leaves free.
    free_above = offset < 0 if slope == 0 else (side == "right") == (slope > 0)
    axes.annotate(
        note,
        (where, 0.75 if free_above else 0.25),
        xytext=({"left": 6, "right": -6, "center": 0}[side], 0),
        textcoords="offset points",
        ha=side,
        va="center",
        size=SMALL,
        color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
    )
