# SPDX-License-Identifier: Apache-2.0
"""The entry point: answers what needs no imports, then starts the application."""

from __future__ import annotations

import sys


def main() -> None:
    """Runs the ``flaxnn`` command with the process's arguments."""
    if sys.argv[1:] == ["--version"]:
        import flaxnn

        print(f"flaxnn {flaxnn.__version__}")
        return
    from flaxnn.cli._app import app

    app()
