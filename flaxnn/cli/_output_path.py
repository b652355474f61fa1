# SPDX-License-Identifier: Apache-2.0
"""Files that options name for output, tried before a long run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flaxnn.cli._blame import message
from flaxnn.cli._exit import CommandError, blaming


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


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Gives a place to write a file to, which it takes only when it is whole.

    Raises:
        CommandError: It cannot be written, as on a full disk; what was there stays.
    """
    # A device or a pipe is written to as it is.
    beside = not path.exists() or path.is_file()
    part = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        yield part if beside else path
        if beside:
            part.replace(path)
    except OSError as error:
        said = error.strerror or message(error)
        raise CommandError(f"{path} cannot be written: {said}") from error
    finally:
        if beside:
            part.unlink(missing_ok=True)
