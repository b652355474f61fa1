# SPDX-License-Identifier: Apache-2.0
"""The picture of a growth: a line for each side, both scales logarithmic."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 190, 60, 50
# Ours first; told apart in grey print by their marks as well.
_COLOURS = ("#3f51b5", "#e8710a", "#188038", "#9334e6", "#d93025", "#5f6368")
_MARKS = ("●", "■", "▲", "◆", "▼", "○")


def growth_chart(result: dict[str, Any]) -> str:
    """Returns an SVG with the time of a step of each side against the size.

    Args:
        result: What `measure_growth` returned, or its file.

    Raises:
        ValueError: No side was measured.
    """
    about = result["growth"]
    lines = _lines(result)
    sizes = [size for line in lines.values() for size, _ in line]
    seconds = [second for line in lines.values() for _, second in line]
    if not sizes:
        raise ValueError("no side was measured, so there is no line to draw")
    across = _Scale(min(sizes), max(sizes), _LEFT, _WIDTH - _RIGHT)
    up = _Scale(*_decades(seconds), _HEIGHT - _BOTTOM, _TOP)
    parts = [_text(8, 20, about["title"], weight="bold")]
    parts += [_text(8, 36, "time of a step")]
    for exponent in range(round(math.log10(up.low)), round(math.log10(up.high)) + 1):
        y = up(10.0**exponent)
        line = f'x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"'
        parts += [f'<line {line} stroke="#e0e0e0"/>']
        parts += [_text(_LEFT - 8, y + 4, _power(exponent), anchor="end")]
    for size in sorted(set(sizes)):
        place = across(size), _HEIGHT - _BOTTOM + 18
        parts += [_text(*place, f"{size:,}", anchor="middle")]
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts += [_text(middle, _HEIGHT - 10, about["axis"], anchor="middle")]
    for k, (title, line) in enumerate(lines.items()):
        colour, mark = _COLOURS[k % len(_COLOURS)], _MARKS[k % len(_MARKS)]
        points = [(across(size), up(second)) for size, second in line]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts += [f'<polyline points="{path}" fill="none" stroke="{colour}"/>']
        parts += [
            _text(x, y + 4, mark, anchor="middle", colour=colour) for x, y in points
        ]
        beside = _WIDTH - _RIGHT + 16, _TOP + 16 + 20 * k
        parts += [_text(*beside, f"{mark} {title}", colour=colour)]
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="{_WIDTH}" font-family="sans-serif" font-size="12" role="img" '
        f'aria-label="Time of a step of each side against {escape(about["axis"])}">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


class _Scale:
    """Where a value lies between two places, by its logarithm."""

    def __init__(self, low: float, high: float, start: float, end: float):
        self.low, self.high = low, high
        self._start, self._end = start, end

    def __call__(self, value: float) -> float:
        span = math.log(self.high / self.low) or 1.0
        part = math.log(value / self.low) / span
        return self._start + part * (self._end - self._start)


def _lines(result: dict[str, Any]) -> dict[str, list[tuple[int, float]]]:
    """Size and seconds of each side, under its title."""
    lines: dict[str, list[tuple[int, float]]] = {}
    for name, size in result["growth"]["sizes"].items():
        for side in result["cases"].get(name, {"sides": {}})["sides"].values():
            point = size, side["step_s"]["median"]
            lines.setdefault(side["title"], []).append(point)
    return lines


def _decades(values: Sequence[float]) -> tuple[float, float]:
    low, high = math.log10(min(values)), math.log10(max(values))
    return 10.0 ** math.floor(low), 10.0 ** math.ceil(high)


def _power(exponent: int) -> str:
    """A power of ten seconds in a unit without decimals."""
    for unit, size in (("s", 0), ("ms", -3), ("µs", -6)):
        if exponent >= size:
            return f"{10 ** (exponent - size):,} {unit}"
    return f"{10 ** (exponent + 9):,} ns"


def _text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    weight: str = "normal",
    colour: str = "#202124",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
        f'font-weight="{weight}" fill="{colour}">{escape(words)}</text>'
    )
