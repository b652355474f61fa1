# SPDX-License-Identifier: Apache-2.0
"""The picture of a run by itself: losses, metrics and learning rate over its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._arrays import vector
from flaxnn.report._smoothing import means, smoothing_window
from flaxnn.report._style import (
    OURS,
    THEIRS,
    WRONG,
    legend_above,
    new_figure,
    put_title,
    step_axis,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The least ratio of values that makes their axis logarithmic.
_DECADES = 100.0
# A curve of more steps is drawn as its range in each of as many parts.
_MOST_POINTS = 2000
# Inches of the losses, and of each panel below them.
_LOSS, _OTHER = 2.6, 1.6
_MARGIN = 0.5
_LEARNING_RATE = "lr"
# Okabe and Ito's, for the learning rates of groups of parameters.
_GROUPS = (OURS, THEIRS, "#009E73", "#CC79A7", "#56B4E9", "#D55E00")


def plot_history(
    history: Mapping[str, ArrayLike],
    evaluations: Mapping[str, ArrayLike] | None = None,
    *,
    first_step: int = 0,
    title: str | None = None,
) -> Figure:
    """Returns a picture of a run: one panel for the loss and one for each metric.

    A noisy curve is shown thin as it is, and thick averaged over a fiftieth of the
    run. Numbers that are not finite have marks at the foot of their panel.

    Args:
        history: ``(N,)`` for each training metric, such as ``run.history``: a value
            for each step. ``"lr"`` may be ``(N, G)``, with a curve for each group.
            Other arrays of more dimensions are left out.
        evaluations: ``(M,)`` for each metric of the validation, such as
            ``run.evaluations``: a value for each time, and in ``"step"`` how many
            steps were done then. ``"epoch"`` and arrays of more dimensions are left
            out.
        first_step: The step of the history's first values.
        title: A heading.

    Raises:
        ValueError: There is nothing to draw, or lengths differ.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> plot_history(
        ...     {"loss": [0.9, 0.5, 0.3, 0.2]},
        ...     {"step": [2, 4], "loss": [0.6, 0.4], "accuracy": [0.5, 1.0]},
        ... )
        <Picture size 720x470 with 2 Axes>
    """
    steps, training = _training(history, first_step)
    when, validation = _validation(evaluations or {})
    names = list(dict.fromkeys([*training, *validation]))
    # The learning rate comes last: it explains the curves above it.
    names.sort(key=lambda name: name == _LEARNING_RATE)
    heights = [_LOSS, *[_OTHER] * (len(names) - 1)]
    with styled():
        figure = new_figure(sum(heights) + _MARGIN, layout="constrained")
        panels = figure.subplots(
            len(names),
            1,
            sharex=True,
            squeeze=False,
            gridspec_kw={"height_ratios": heights},
        )[:, 0]
        for name, axes in zip(names, panels, strict=True):
            if name in training:
                _training_curves(axes, steps, training[name], name)
            if name in validation:
                _validation_curve(axes, when, validation[name])
            _scale(axes, name, training.get(name), validation.get(name))
        last = max(len(steps) + first_step, *when, first_step + 1)
        edge = 0.02 * (last - first_step)
        panels[-1].set_xlim(first_step - edge, last + edge)
        step_axis(panels[-1])
        figure.align_ylabels()
        put_title(figure, title)
    return figure


def _training(
    history: Mapping[str, ArrayLike], first: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The steps, and ``(N, G)`` values of what is drawn, the loss before the others."""
    found: dict[str, np.ndarray] = {}
    for name, values in history.items():
        array = np.asarray(values, np.float64)
        if array.ndim == 1:
            array = array[:, None]
        if array.ndim == 2 and (array.shape[1] == 1 or name == _LEARNING_RATE):
            found[name] = array
    if not found or not len(next(iter(found.values()))):
        raise ValueError("history: expected values of at least one step, got none")
    _check_lengths("history", found)
    found = {name: found[name] for name in sorted(found, key=lambda n: n != "loss")}
    return first + np.arange(len(next(iter(found.values())))), found


def _validation(
    evaluations: Mapping[str, ArrayLike],
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """When there were validations, and ``(M,)`` values of what is drawn."""
    if not evaluations:
        return np.zeros(0), {}
    if "step" not in evaluations:
        raise ValueError(
            f"evaluations: expected 'step' among {sorted(evaluations)}, which says "
            "after how many steps each was"
        )
    arrays = {name: np.asarray(values) for name, values in evaluations.items()}
    found = {
        name: array.astype(np.float64)
        for name, array in arrays.items()
        if name not in ("epoch", "step") and array.ndim == 1
    }
    _check_lengths("evaluations", {"step": arrays["step"], **found})
    return vector("evaluations['step']", arrays["step"]), found


def _check_lengths(what: str, arrays: Mapping[str, np.ndarray]) -> None:
    if len({len(array) for array in arrays.values()}) > 1:
        lengths = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise ValueError(f"{what}: expected equal lengths, got {lengths}")


def _training_curves(
    axes: Axes, steps: np.ndarray, values: np.ndarray, name: str
) -> None:
    groups = values.shape[1]
    for group, column in enumerate(values.T):
        label = "training" if groups == 1 else f"group {group}"
        finite = np.isfinite(column)
        _mark_steps(axes, steps[~finite], len(steps))
        at, curve = steps[finite], column[finite]
        if not len(at):
            continue
        color = _GROUPS[group % len(_GROUPS)]
        # A learning rate that goes up and down is meant to.
        window = 1 if name == _LEARNING_RATE else smoothing_window(curve)
        if window > 1:
            _as_it_is(axes, at, curve, color)
            at, curve = means(at, window), means(curve, window)
            label += f", mean of {window:,} steps"
        at, curve = _thinned(at), _thinned(curve)
        marker = "o" if len(at) == 1 else None
        axes.plot(at, curve, color=color, linewidth=1.4, marker=marker, label=label)


def _as_it_is(axes: Axes, at: np.ndarray, curve: np.ndarray, color: str) -> None:
    if len(at) <= _MOST_POINTS:
        axes.plot(at, curve, color=color, linewidth=0.5, alpha=0.4)
        return
    starts = np.linspace(0, len(at), _MOST_POINTS // 2, endpoint=False).astype(int)
    low, high = np.minimum.reduceat(curve, starts), np.maximum.reduceat(curve, starts)
    axes.fill_between(at[starts], low, high, color=color, alpha=0.3, linewidth=0)


def _thinned(values: np.ndarray) -> np.ndarray:
    """So many of the values that no picture shows the difference, the last included."""
    stride = -(-len(values) // _MOST_POINTS)
    return values[::-1][::stride][::-1]


def _validation_curve(axes: Axes, when: np.ndarray, values: np.ndarray) -> None:
    finite = np.isfinite(values)
    _mark_steps(axes, when[~finite], len(when))
    axes.plot(
        when[finite],
        values[finite],
        "o-",
        color=THEIRS,
        linewidth=1.4,
        markersize=4 if len(when) <= 50 else 0,
        label="validation",
    )


def _mark_steps(axes: Axes, steps: np.ndarray, of: int) -> None:
    """Marks where a value is not finite, which has no place on the axis."""
    if len(steps):
        marked = _thinned(steps)
        axes.plot(
            marked,
            np.zeros(len(marked)),
            "|",
            color=WRONG,
            markersize=7,
            transform=axes.get_xaxis_transform(),
            clip_on=False,
            label=f"not finite ({len(steps):,} of {of:,})",
        )


def _scale(axes: Axes, name: str, *values: np.ndarray | None) -> None:
    if name == _LEARNING_RATE:
        # Linear: a schedule may end at nearly nothing.
        axes.set_ylabel("learning rate")
        if len(axes.lines) == 1:
            return
    else:
        drawn = np.concatenate([x.ravel() for x in values if x is not None])
        drawn = drawn[np.isfinite(drawn)]
        if len(drawn) and drawn.min() > 0 and drawn.max() / drawn.min() > _DECADES:
            axes.set_yscale("log")
        axes.set_ylabel(name)
    legend_above(axes)
