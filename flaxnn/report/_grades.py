# SPDX-License-Identifier: Apache-2.0
"""Tables of grades in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

_TEXTS = ("", "document", "entry", "figures", "grade")


def grades_table(grades: Sequence[dict[str, Any]]) -> RenderableType:
    """Returns a table with a line for each group of figures and grade.

    Args:
        grades: Mappings with ``entry``, ``group``, ``grade``, ``numbers``, ``error``,
            ``tolerance``, ``margin`` (None where there is none) and ``passed``.

    Example:
        >>> from rich.console import Console
        >>> row = {
        ...     "entry": "wine", "group": "losses", "grade": "T2", "numbers": 1001,
        ...     "error": 2.4e-7, "tolerance": 4.8e-7, "margin": 2.0, "passed": True,
        ... }
        >>> Console(width=90).print(grades_table([row]))
            entry  figures  grade  numbers    error  tolerance  margin
         ✓  wine   losses   T2       1,001  2.4e-07    4.8e-07   2.0 ×
    """
    table = _table("entry", "figures", "grade", "numbers", "error", "tolerance")
    entry = None
    for row in grades:
        table.add_row(
            _mark(row["passed"]),
            row["entry"] if row["entry"] != entry else "",
            Text(row["group"]),
            row["grade"],
            f"{row['numbers']:,}",
            *_error(row),
            _margin(row["margin"]),
        )
        entry = row["entry"]
    return table


def totals_table(totals: Sequence[dict[str, Any]]) -> RenderableType:
    """Returns a table with a line for each document and grade.

    Args:
        totals: Mappings with ``document``, ``grade``, ``groups``, ``numbers``,
            ``margin`` (None where there is none) and ``passed``.
    """
    table = _table("document", "grade", "groups", "numbers")
    document = None
    for row in totals:
        table.add_row(
            _mark(row["passed"]),
            row["document"] if row["document"] != document else "",
            row["grade"],
            f"{row['groups']:,}",
            f"{row['numbers']:,}",
            _margin(row["margin"]),
        )
        document = row["document"]
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="dim")
    for name in ("", *columns, "margin"):
        right = name not in _TEXTS
        table.add_column(name, justify="right" if right else "left", no_wrap=right)
    return table


def _mark(passed: bool) -> Text:
    return Text("✓", "green") if passed else Text("✗", "bold red")


def _error(row: dict[str, Any]) -> tuple[str, str]:
    if row["error"] is None:
        return ("equal" if row["passed"] else "different"), ""
    return f"{row['error']:.1e}" if row["error"] else "0", f"{row['tolerance']:.1e}"


def _margin(margin: float | None) -> str:
    return "" if margin is None else f"{margin:,.1f} ×"
