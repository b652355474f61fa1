# SPDX-License-Identifier: Apache-2.0
"""Texts cut to the room they have, by the widths of their letters."""

from __future__ import annotations

from functools import lru_cache


def fit_text(
    text: str, points: float, *, size: float, bold: bool = False, lines: int = 1
) -> str:
    """Breaks a text into lines, and cuts it, so that none is wider than so many points.

    Args:
        text: The text; it is broken between words only.
        points: The room.
        size: Of the letters, in points.
        bold: Whether they are bold.
        lines: The most lines.
    """
    fitted: list[str] = []
    rest = text.split()
    while rest and len(fitted) < lines:
        count = len(rest)
        while count > 1 and text_width(" ".join(rest[:count]), size, bold) > points:
            count -= 1
        fitted.append(" ".join(rest[:count]))
        rest = rest[count:]
    if rest:
        fitted[-1] = f"{fitted[-1]} {rest[0]}"
    return "\n".join(_cut(line, points, size, bold) for line in fitted)


@lru_cache(maxsize=4096)
def text_width(text: str, size: float, bold: bool = False) -> float:
    """The width of a line in points."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def _cut(line: str, points: float, size: float, bold: bool) -> str:
    if text_width(line, size, bold) <= points:
        return line
    while len(line) > 1 and text_width(f"{line}…", size, bold) > points:
        line = line[:-1].rstrip()
    return f"{line}…"
