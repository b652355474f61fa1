# SPDX-License-Identifier: Apache-2.0
"""The file that ``--report`` names."""

from __future__ import annotations

from pathlib import Path

import typer


def prepare_page(path: Path) -> None:
    """Says before any run why a page cannot be written there.

    Raises:
        typer.BadParameter: It cannot.
    """
    from flaxnn.report import Page

    try:
        Page.prepare(path)
    except (OSError, ValueError) as error:
        raise typer.BadParameter(str(error), param_hint="--report") from error
