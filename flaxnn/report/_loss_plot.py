# SPDX-License-Identifier: Apache-2.0
"""The picture of a run: both sides' losses, and how far apart they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._arrays import vector
from flaxnn.report._both_sides import noise_floor, steps_and_losses
from flaxnn.report._smoothing import means, smoothing_window
from flaxnn.report._style import (
    INK,
    OURS,
    THEIRS,
    legend_above,
    new_figure,
    put_title,
    step_axis,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# The least ratio of losses that makes their axis logarithmic.
_DECADES = 100.0
# More differences than this are small dots.
_FEW = 200


def plot_losses(
    losses: ArrayLike,
    reference: ArrayLike | Mapping[int, float],
    *,
    floor: ArrayLike | None = None,
    names: tuple[str, str] = ("flaxnn", "PyTorch"),
    title: str | None = None,
) -> Figure:
    """Returns a picture of two runs' losses, and below it of their difference.

    Args:
        losses: ``(N,)`` our loss at every step.
        reference: The other side's: ``(N,)`` too, or a mapping from some of the steps
            to their losses, as a document prints them.
        floor: The noise floor of the reference, one number or ``(N,)``; four times it
            is the largest difference that T2 lets pass, and both are shown.
        names: What the two sides are called.
        title: A heading.

    Raises:
        ValueError: A shape or a step is wrong, or a number is not finite.
        MissingPackageError: matplotlib is not installed.

    Example:
        >>> plot_losses([0.9, 0.5, 0.3], {0: 0.9, 2: 0.3}, floor=1e-7)
        <Picture size 720x490 with 2 Axes>
    """
    ours = vector("losses", losses)
    steps, theirs = steps_and_losses(reference, len(ours))
    limit = noise_floor(floor, len(ours))
    with styled():
        figure = new_figure(4.9, layout="constrained")
        above, below = figure.subplots(
            2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 2]}
        )
        _curves(above, ours, steps, theirs, names)
        _differences(below, steps, np.abs(ours[steps] - theirs), limit)
        edge = 0.02 * (len(ours) - 1) or 0.5
        below.set_xlim(-edge, len(ours) - 1 + edge)
        figure.align_ylabels()
        put_title(figure, title)
    return figure


def _curves(
    axes: Axes,
    ours: np.ndarray,
    steps: np.ndarray,
    theirs: np.ndarray,
    names: tuple[str, str],
) -> None:
    whole = len(steps) == len(ours)
    window = smoothing_window(ours) if whole else 1
    if window > 1:
        for curve, color in ((theirs, THEIRS), (ours, OURS)):
            axes.plot(curve, color=color, linewidth=0.4, alpha=0.35)
        steps, theirs, ours = (means(a, window) for a in (steps, theirs, ours))
        mean = f"mean of {window} steps"
        names = f"{names[0]}, {mean}", f"{names[1]}, {mean}"
    if whole:
        # One under the other: equal curves show as a line with an edge.
        axes.plot(steps, theirs, color=THEIRS, linewidth=4.5, label=names[1])
    else:
        axes.plot(
            steps,
            theirs,
            "o",
            color=THEIRS,
            markersize=4 if len(steps) > 50 else 7,
            label=names[1],
        )
        steps = np.arange(len(ours))
    marker = "o" if len(ours) == 1 else None
    axes.plot(steps, ours, color=OURS, linewidth=1.4, marker=marker, label=names[0])
    if ours.min() > 0 and ours.max() / ours.min() > _DECADES:
        axes.set_yscale("log")
    axes.set_ylabel("loss")
    legend_above(axes)


def _differences(
    axes: Axes,
    steps: np.ndarray,
    difference: np.ndarray,
    floor: np.ndarray | None,
) -> None:
    from matplotlib.ticker import NullFormatter

    axes.set_yscale("log")
    shown = [difference[difference > 0]]
    if floor is not None:
        shown += [floor[floor > 0], 4 * floor[floor > 0]]
    drawn = np.concatenate(shown)
    low, high = (drawn.min(), drawn.max()) if drawn.size else (1e-8, 1e-6)
    # So wide that a power of ten is among them, and no other needs a label.
    low, high = low / 4, high * 4
    if floor is not None and floor.any():
        everywhere = np.arange(len(floor))
        axes.fill_between(
            everywhere, low, np.maximum(floor, low), color="#cfcfcf", linewidth=0
        )
        axes.plot(floor, color="#8c8c8c", linewidth=1, label="noise floor")
        axes.plot(
            4 * floor,
            color=INK,
            linewidth=1,
            linestyle=(0, (4, 2)),
            label="4 × noise floor, the limit of T2",
        )
    few = len(steps) <= _FEW
    apart = difference > 0
    axes.plot(
        steps[apart],
        difference[apart],
        "o" if few else ".",
        color=OURS,
        markersize=4 if few else 2,
        markeredgewidth=0,
    )
    if not apart.all():
        # Zero has no place on a logarithmic axis: a mark at its foot.
        equal = int((~apart).sum())
        axes.plot(
            steps[~apart],
            np.full(equal, low),
            "|",
            color=OURS,
            markersize=6,
            markeredgewidth=1 if few else 0.4,
            clip_on=False,
            label=f"equal ({equal:,} of {len(steps):,})",
        )
    axes.set_ylim(low, high)
    step_axis(axes)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("|difference|")
    legend_above(axes)
