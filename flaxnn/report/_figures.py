# SPDX-License-Identifier: Apache-2.0
"""A table of figures in the terminal: one line for each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

# The columns: heading, and the least width of the terminal that shows it.
_COLUMNS = {
    "": 0,
    "figure": 0,
    "reference": 110,
    "flaxnn": 110,
    "numbers": 80,
    "digits": 0,
    "error": 0,
    "tolerance": 0,
    "grade": 0,
}
_TEXTS = ("figure", "reference", "flaxnn")
_LONGEST_NUMBER = 20


def figures_table(
    figures: Sequence[Mapping[str, Any]], *, every: bool = False, width: int = 140
) -> RenderableType:
    """Returns a table of an entry's figures, ready for a rich console.

    Args:
        figures: Mappings with ``group``, ``name``, ``reference``, ``value``,
            ``error`` (None for texts), ``tolerance``, ``digits`` (None for texts),
            ``grade``, ``passed`` and ``count``.
        every: Whether each figure has a line; else a group has one, that of its worst
            figure.
        width: Columns of the terminal; a narrow one loses the numbers themselves
            before it loses what they are judged by.

    Example:
        >>> from rich.console import Console
        >>> figure = {
        ...     "group": "losses", "name": "step 0", "reference": "0.9551",
        ...     "value": "0.9551", "error": 1e-5, "tolerance": 5e-5, "digits": 4,
        ...     "grade": "printed", "passed": True, "count": 1,
        ... }
        >>> Console(width=90).print(figures_table([figure]))  # doctest: +ELLIPSIS
            figure ... grade
         ✓  losses, step 0  0.9551 ... printed
    """
    table = Table(box=None, padding=(0, 1), header_style="dim", expand=False)
    shown = [name for name, least in _COLUMNS.items() if width >= least]
    for name in shown:
        table.add_column(
            name,
            justify="left" if name in ("", *_TEXTS) else "right",
            no_wrap=True,
            overflow="ellipsis",
            max_width=_LONGEST_NUMBER if name in ("reference", "flaxnn") else None,
            min_width=None if name in _TEXTS else max(1, len(name)),
        )
    for _, members in groupby(figures, key=lambda figure: figure["group"]):
        group = list(members)
        for row in group if every else [_worst(group)]:
            count = row["count"] if every else sum(f["count"] for f in group)
            cells = _cells(row, count, alone=every or len(group) == 1)
            table.add_row(*(cells[name] for name in shown))
    return table


def failures(figures: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Returns what the figures that are off say, in full.

    Args:
        figures: As for `figures_table`.
    """
    return Group(
        *(
            Text(
                f"✗ {f['group']}, {f['name']}: expected {f['reference']}\n"
                f"  got {f['value']}",
                style="red",
            )
            for f in figures
            if not f["passed"]
        )
    )


def print_json(value: Any) -> None:
    """Prints a value as JSON on standard output, without colours or wrapping.

    Args:
        value: Anything `json` can write.
    """
    Console(no_color=True, highlight=False, soft_wrap=True).print_json(data=value)


def _worst(group: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The figure nearest to its tolerance, or beyond it; any text that is off first."""

    def excess(figure: Mapping[str, Any]) -> tuple[bool, float]:
        error, tolerance = figure["error"] or 0.0, figure["tolerance"] or 1e-300
        return not figure["passed"], error / tolerance

    return max(group, key=excess)


def _cells(row: Mapping[str, Any], count: int, *, alone: bool) -> dict[str, Text | str]:
    mark = Text("✓", "green") if row["passed"] else Text("✗", "bold red")
    text = row["error"] is None
    return {
        "": mark,
        "figure": f"{row['group']}, {row['name']}" if alone else row["group"],
        "reference": _one_line(row["reference"]),
        "flaxnn": _one_line(row["value"]),
        "numbers": f"{count:,}",
        "digits": "" if row["digits"] is None else str(row["digits"]),
        "error": "same text" if text and row["passed"] else _number(row["error"]),
        "tolerance": "" if text else _number(row["tolerance"]),
        "grade": row["grade"],
    }


def _one_line(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first} …" if rest else first


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}" if value else "0"
