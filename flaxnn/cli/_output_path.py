# SPDX-License-Identifier: Apache-2.0
"""Files that options name for output, tried before a long run."""

from __future__ import annotations

import tempfile
from pathlib import Path

from flaxnn.cli._exit import blaming


def prepare_page(path: Path) -> None:
    """Says before any run why a page cannot be written there.

    Raises:
        typer.BadParameter: It cannot.
    """
    from flaxnn.report import Page

    with blaming("--report"):
        Page.prepare(path)


def prepare_file(path: Path, option: str) -> None:
    """Makes a file's folder, and says before any run why it cannot be written.

    Raises:
        typer.BadParameter: It cannot.
    """
    with blaming(option):
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder, expected a file")
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            with path.open("ab"):
                return
        with tempfile.TemporaryFile(dir=path.parent):
            pass
