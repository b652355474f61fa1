# SPDX-License-Identifier: Apache-2.0
"""A panel of a plot in HTML: an SVG that takes any width, its labels in page letters.

The drawing stretches with the page and the letters do not, so that a plot can be read
on a phone as well as on paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import pairwise

import numpy as np

from flaxnn.report._axis import Axis

# Units of the drawing: fine enough for whole numbers on any screen.
_WIDTH, _HEIGHT = 2000, 1000
# Nearer to the foot a label would lie on those of the steps.
_LOWEST_LABEL = 0.04
# A line of more steps is drawn as its lowest and highest in each of as many parts.
_PARTS = 400


class Panel:
    """What is drawn over two axes.

    Args:
        across: The axis of steps.
        up: The axis of values.
    """

    def __init__(self, across: Axis, up: Axis) -> None:
        self._across = across
        self._up = up
        self._paths: list[str] = []
        for at, _ in up.ticks():
            y = round(_HEIGHT * (1 - at))
            self._add("grid", f"M0 {y}h{_WIDTH}")

    def line(self, css: str, x: np.ndarray, y: np.ndarray) -> None:
        """Draws a line through points, of which many are thinned."""
        if len(x):
            self._add(css, "M" + " ".join(self._points(*envelope(x, y))))

    def area(self, css: str, x: np.ndarray, y: np.ndarray) -> None:
        """Fills what lies under a line."""
        points = self._points(*envelope(x, y))
        ends = points[0].split(",")[0], points[-1].split(",")[0]
        body = " ".join(points)
        self._add(css, f"M{ends[0]},{_HEIGHT} {body} {ends[1]},{_HEIGHT}Z")

    def dots(self, css: str, x: np.ndarray, y: np.ndarray) -> None:
        """Draws a dot at each point, of which many are thinned."""
        points = dict.fromkeys(self._points(*_thinned(x, y)) if len(x) else ())
        # A line of no length with round ends: round however the drawing stretches.
        self._add(css, "".join(f"M{point}h0" for point in points))

    def feet(self, css: str, x: np.ndarray) -> None:
        """Draws a short mark at the foot for each of the steps."""
        places = np.unique(np.round(_WIDTH * self._across.at(x)).astype(int))
        self._add(css, "".join(f"M{at} {_HEIGHT}v-40" for at in places.tolist()))

    def html(self, unit: str, *, title: str, description: str, key: str) -> str:
        """Returns the panel with its labels.

        Args:
            unit: What the values are.
            title: What is drawn, for who does not see it.
            description: What there is to see.
            key: An id of its own in the page.
        """
        self._add("edge", f"M0 {_HEIGHT}H{_WIDTH}")
        marks = "".join(
            f'<span style="top:{100 * (1 - at):.2f}%">{escape(text)}</span>'
            for at, text in self._up.ticks()
            if at >= _LOWEST_LABEL
        )
        steps = "".join(
            f'<span style="left:{100 * at:.2f}%">{escape(text)}</span>'
            for at, text in self._across.ticks(5, whole=True)
        )
        return (
            f'<div class="unit" aria-hidden="true">{escape(unit)}</div>'
            f'<div class="marks" aria-hidden="true">{marks}</div>'
            f'<svg role="img" aria-labelledby="{key}-t {key}-d" '
            f'viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none">'
            f'<title id="{key}-t">{escape(title)}</title>'
            f'<desc id="{key}-d">{escape(description)}</desc>'
            f"{''.join(self._paths)}</svg>"
            '<div class="name" aria-hidden="true">step</div>'
            f'<div class="steps" aria-hidden="true">{steps}</div>'
        )

    def _add(self, css: str, path: str) -> None:
        if path:
            self._paths.append(f'<path class="{css}" d="{path}"/>')

    def _points(self, x: np.ndarray, y: np.ndarray) -> list[str]:
        across = np.round(_WIDTH * self._across.at(x)).astype(int)
        down = np.round(_HEIGHT * (1 - self._up.at(y))).astype(int)
        return [f"{a},{b}" for a, b in zip(across.tolist(), down.tolist(), strict=True)]


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Dots that show how many lie where, the extremes among them."""
    if len(x) <= 2 * _PARTS:
        return x, y
    every = -(-len(x) // (2 * _PARTS))
    at, extremes = envelope(x, y)
    return np.concatenate([x[::every], at]), np.concatenate([y[::every], extremes])


def envelope(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns what a picture needs of a long line: the extremes of each part, in order.

    Args:
        x: ``(N,)``.
        y: ``(N,)``.

    Returns:
        The first, the last, and the lowest and highest point of each part; all points
        where there are few.
    """
    if len(x) <= 2 * _PARTS:
        return x, y
    edges = np.linspace(0, len(x), _PARTS + 1).astype(int)
    kept = {0, len(x) - 1}
    for start, end in pairwise(edges.tolist()):
        part = y[start:end]
        kept |= {start + int(part.argmin()), start + int(part.argmax())}
    indices = sorted(kept)
    return x[indices], y[indices]


def key_of(entries: Sequence[tuple[str, str]]) -> str:
    """Returns the key of a plot: a sample of each line beside its name.

    Args:
        entries: Pairs of a line's class and its name.
    """
    samples = []
    for css, name in entries:
        path = "M0 0h28v13H0z" if css == "floor" else "M2 6.5H26"
        if css in ("points", "dots", "specks"):
            path = "M14 6.5h0"
        elif css == "zeros":
            path = "M8 1v11M14 1v11M20 1v11"
        samples.append(
            '<span><svg aria-hidden="true" viewBox="0 0 28 13">'
            f'<path class="{css}" d="{path}"/></svg>{escape(name)}</span>'
        )
    return f'<div class="key">{"".join(samples)}</div>'
