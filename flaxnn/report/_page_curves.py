# SPDX-License-Identifier: Apache-2.0
"""Both sides' losses over each other and their difference below, as HTML."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from flaxnn.report._axis import Axis
from flaxnn.report._both_sides import noise_floor, steps_and_losses
from flaxnn.report._panel import Panel, key_of
from flaxnn.report._smoothing import means, smoothing_window

# More dots than this are small ones.
_FEW = 200

Key = list[tuple[str, str]]


def curves(
    ours: ArrayLike,
    theirs: ArrayLike | Mapping[int, float],
    floor: ArrayLike | None,
    names: tuple[str, str],
    title: str,
    key: str,
) -> str:
    """Returns the figure of `Page.curves`; `key` begins its ids."""
    losses = np.asarray(ours, np.float64).ravel()
    if not losses.size:
        raise ValueError("ours: expected the losses of at least one step, got none")
    steps, reference = steps_and_losses(theirs, len(losses))
    limits = noise_floor(floor, len(losses))
    count = len(losses)
    edge = 0.02 * (count - 1) or 0.5
    across = Axis(-edge, count - 1 + edge)
    finite = np.isfinite(losses)
    shown = losses[finite]
    said = _sentence(losses, steps, reference, names)
    upper, key_above = _losses(across, losses, finite, steps, reference, names)
    apart = np.abs(losses[steps] - reference)
    lower, key_below = _differences(across, steps, apart, limits)
    first = f"{names[0]}: {shown[0]:.6g} to {shown[-1]:.6g}. " if shown.size else ""
    above = upper.html(
        "loss",
        title=f"{title}: losses of {names[0]} and {names[1]}",
        description=f"{first}{names[1]}: {reference[0]:.6g} to {reference[-1]:.6g}.",
        key=f"{key}-above",
    )
    below = lower.html(
        "|difference|",
        title=f"{title}: their difference at each step",
        description=said,
        key=f"{key}-below",
    )
    return (
        f"<figure><figcaption>{escape(f'{title}. {said}')}</figcaption>"
        f'{key_of(key_above)}<div class="plot">{above}</div>'
        f'{key_of(key_below)}<div class="plot low">{below}</div></figure>\n'
    )


def _sentence(
    losses: np.ndarray, steps: np.ndarray, reference: np.ndarray, names: tuple[str, str]
) -> str:
    """What the picture shows, in words."""
    bad = np.flatnonzero(~np.isfinite(losses))
    if bad.size:
        return (
            f"{bad.size:,} of the {len(losses):,} losses of {names[0]} are not finite, "
            f"the first at step {bad[0]:,}."
        )
    apart = np.abs(losses[steps] - reference)
    worst = int(apart.argmax())
    many = f"{len(steps):,} losses"
    if not apart[worst]:
        return f"All {many} are equal."
    return f"{many}, at most {apart[worst]:.2g} apart, at step {steps[worst]:,}."


def _losses(
    across: Axis,
    losses: np.ndarray,
    finite: np.ndarray,
    steps: np.ndarray,
    reference: np.ndarray,
    names: tuple[str, str],
) -> tuple[Panel, Key]:
    everywhere = np.arange(len(losses))
    panel = Panel(across, Axis.around(np.concatenate([losses[finite], reference])))
    whole = len(steps) == len(losses)
    if len(losses) == 1 or not whole:
        panel.dots("theirs points", steps, reference)
        _broken_line(panel, "ours", everywhere, losses, finite)
        if len(losses) == 1:
            panel.dots("ours dots", everywhere[finite], losses[finite])
        return panel, [("theirs points", names[1]), ("ours", names[0])]
    window = smoothing_window(reference)
    if window == 1 or not finite.all():
        # One under the other: equal curves show as a line with an edge.
        panel.line("theirs", steps, reference)
        _broken_line(panel, "ours", everywhere, losses, finite)
        return panel, [("theirs", names[1]), ("ours", names[0])]
    panel.line("theirs each", steps, reference)
    panel.line("ours each", steps, losses)
    middle = means(steps, window)
    panel.line("theirs", middle, means(reference, window))
    panel.line("ours", middle, means(losses, window))
    mean = f"mean of {window:,} steps"
    return panel, [("theirs", f"{names[1]}, {mean}"), ("ours", f"{names[0]}, {mean}")]


def _broken_line(
    panel: Panel, css: str, x: np.ndarray, y: np.ndarray, finite: np.ndarray
) -> None:
    """A line with gaps where a number is not finite."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], finite, [False]])))
    for start, end in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=True):
        panel.line(css, x[start:end], y[start:end])


def _differences(
    across: Axis, steps: np.ndarray, apart: np.ndarray, floor: np.ndarray | None
) -> tuple[Panel, Key]:
    above = np.isfinite(apart) & (apart > 0)
    drawn = apart[above]
    if floor is not None:
        drawn = np.concatenate([drawn, floor[floor > 0], 4 * floor[floor > 0]])
    if not drawn.size:
        drawn = np.array([1e-8, 1e-6])
    panel = Panel(across, Axis.around(drawn, log=True))
    key: Key = []
    if floor is not None and floor.any():
        everywhere = np.arange(len(floor))
        panel.area("floor", everywhere, floor)
        panel.line("floor-edge", everywhere, floor)
        panel.line("limit", everywhere, 4 * floor)
        key += [("floor", "noise floor"), ("limit", "4 × noise floor, the limit of T2")]
    if above.any():
        css = "dots" if len(steps) <= _FEW else "specks"
        panel.dots(css, steps[above], apart[above])
        key.insert(0, (css, "distance"))
    equal = steps[apart == 0]
    if equal.size:
        # Zero has no place on a logarithmic axis: a mark at its foot.
        panel.feet("zeros", equal)
        key.append(("zeros", f"equal ({equal.size:,} of {len(steps):,})"))
    return panel, key
