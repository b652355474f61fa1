"""A table of figures in the terminal: one line for each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

_WIDTH = 24


def figures_table(
    figures: Sequence[Mapping[str, Any]], *, every: bool = False
) -> RenderableType:
    """Returns a table of an entry's figures, ready for a rich console.

    Args:
        figures: Mappings with ``group``, ``name``, ``reference``, ``value``,
            ``error`` (None for texts), ``tolerance``, ``digits`` (None for texts),
            ``grade``, ``passed`` and ``count``.
        every: Whether each figure has a line; else a group has one, that of its worst
            figure.

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
    table.add_column("", no_wrap=True, min_width=1)
    table.add_column("figure", no_wrap=True, overflow="ellipsis")
    for heading in ("reference", "flaxnn"):
        table.add_column(heading, overflow="ellipsis", no_wrap=True, max_width=_WIDTH)
    # On a narrow screen the texts shrink; what is judged by stays.
    for heading, width in (
        ("numbers", 7),
        ("digits", 6),
        ("error", 9),
        ("tolerance", 9),
        ("grade", 7),
    ):
        table.add_column(heading, justify="right", no_wrap=True, min_width=width)
    for _, members in groupby(figures, key=lambda figure: figure["group"]):
        group = list(members)
        for row in group if every else [_worst(group)]:
            count = row["count"] if every else sum(f["count"] for f in group)
            table.add_row(*_cells(row, count, alone=every or len(group) == 1))
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


def _cells(row: Mapping[str, Any], count: int, *, alone: bool) -> list[Text | str]:
    mark = Text("✓", "green") if row["passed"] else Text("✗", "bold red")
    name = f"{row['group']}, {row['name']}" if alone else row["group"]
    text = row["error"] is None
    return [
        mark,
        name,
        _one_line(row["reference"]),
        _one_line(row["value"]),
        f"{count:,}",
        "" if row["digits"] is None else str(row["digits"]),
        "same text" if text and row["passed"] else _number(row["error"]),
        "" if text else _number(row["tolerance"]),
        row["grade"],
    ]


def _one_line(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first} …" if rest else first


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.1e}" if value else "0"
