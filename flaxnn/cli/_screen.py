# SPDX-License-Identifier: Apache-2.0
"""The console that commands write tables to, and the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def screen(width: int = 140) -> Console:
    """Returns a console on standard output.

    Args:
        width: Columns where standard output is no terminal. A pipe has no width of its
            own, and a table cut at 80 columns would hide figures.
    """
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=width)


def new_table(*names: str, **options: Any) -> Table:
    """Returns a table without lines, which a narrow terminal folds and never cuts.

    Args:
        *names: Of the columns.
        **options: Further arguments of `rich.table.Table`.
    """
    from rich.table import Column, Table

    columns = [Column(name, overflow="fold") for name in names]
    return Table(*columns, **{"box": None, "header_style": "dim", **options})
