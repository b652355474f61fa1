# SPDX-License-Identifier: Apache-2.0
"""The entry point: answers what needs no imports, then starts the application."""

from __future__ import annotations

import io
import signal
import sys
from collections.abc import Sequence
from types import FrameType


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the ``flaxnn`` command and ends the process.

    Args:
        arguments: The command line; the process's when None.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if _asks_for_version(given):
        import flaxnn

        print(f"flaxnn {flaxnn.__version__}")
        return
    try:
        signal.signal(signal.SIGTERM, _end)
        _accept_any_output()
        from flaxnn.cli._app import app

        app(given)
    except KeyboardInterrupt:
        # The frame was not there yet.
        print("Interrupted", file=sys.stderr)
        sys.exit(130)


def _asks_for_version(arguments: list[str]) -> bool:
    """Whether one of the options before the command is ``--version``."""
    for one in arguments:
        if one in ("--version", "-V"):
            return True
        if one != "--debug":
            return False
    return False


def _accept_any_output() -> None:
    """Has a sign that the terminal's encoding lacks replaced, not refused."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def _end(number: int, frame: FrameType | None) -> None:
    """Ends as SIGTERM would, but through `finally`: worker processes end too."""
    signal.signal(number, signal.SIG_DFL)
    sys.exit(128 + number)
