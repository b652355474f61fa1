# SPDX-License-Identifier: Apache-2.0
"""The picture of a result, drawn without any library."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

_WIDTH, _LABELS, _BAR, _GAP, _HEADING = 760, 230, 18, 6, 34
_OURS, _OTHERS, _RECORDED = "#3f51b5", "#9aa0a6", "#d0d4d9"


def chart(result: dict[str, Any]) -> str:
    """Returns an SVG with a bar for the steady run of every side of every case.

    The bars of a case share a scale, on which the slowest side fills the width.

    Args:
        result: What `measure` returned, or its file.
    """
    parts: list[str] = []
    y = 0
    for case in result["cases"].values():
        y += _HEADING
        parts.append(_text(8, y - 10, case["title"], weight="bold"))
        slowest = max(side["run_s"]["median"] for side in case["sides"].values())
        for name, side in case["sides"].items():
            parts += _bar(y, name == case["base"], side, slowest, case["ratios"], name)
            y += _BAR + _GAP
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + _GAP}" '
        f'width="{_WIDTH}" font-family="sans-serif" font-size="12" role="img" '
        'aria-label="Time of a steady run of each side">\n'
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n{body}\n</svg>\n'
    )


def _bar(
    y: int,
    ours: bool,
    side: dict[str, Any],
    slowest: float,
    ratios: dict[str, Any],
    name: str,
) -> list[str]:
    seconds = side["run_s"]["median"]
    # The longest bar leaves room for what is written behind it.
    length = max(1.0, (_WIDTH - _LABELS - 150) * seconds / slowest)
    recorded = side["kind"] != "measured"
    colour = _OURS if ours else _RECORDED if recorded else _OTHERS
    said = f"{1e3 * seconds:,.1f} ms" if seconds < 1 else f"{seconds:,.2f} s"
    if name in ratios:
        said += f", {ratios[name]['run_s']['median']:.3g} ×"
    place = f'x="{_LABELS}" y="{y}" width="{length:.1f}" height="{_BAR}"'
    return [
        _text(_LABELS - 8, y + 13, side["title"], anchor="end"),
        f'<rect {place} fill="{colour}"/>',
        _text(_LABELS + length + 6, y + 13, said),
    ]


def _text(
    x: float, y: float, words: str, *, anchor: str = "start", weight: str = "normal"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="#202124">{escape(words)}</text>'
    )
