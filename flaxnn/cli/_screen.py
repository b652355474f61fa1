# SPDX-License-Identifier: Apache-2.0
"""The console that commands write tables to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def screen(width: int = 140) -> Console:
    """Returns a console on standard output.

    Args:
        width: Columns where standard output is no terminal. A pipe has no width of its
            own, and a table cut at 80 columns would hide figures.
    """
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=width)
