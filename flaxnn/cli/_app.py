# SPDX-License-Identifier: Apache-2.0
"""The application: options before a command, and commands loaded when asked for."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

import flaxnn
from flaxnn.cli._commands import COMMANDS
from flaxnn.cli._exit import EPILOG
from flaxnn.cli._frame import run
from flaxnn.cli._group import Command, Group

_NAME = "flaxnn"
_COMPLETION = "_FLAXNN_COMPLETE"


class _Application(Group):
    """The group of all commands, run within the frame."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the commands, in the order of the help."""
        return [*COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Imports a command's module and makes the command."""
        if cmd_name not in self.commands and cmd_name in COMMANDS:
            self.commands[cmd_name] = _made(cmd_name)
        return self.commands.get(cmd_name)

    def summaries(self, ctx: Any) -> list[tuple[str, str]]:
        """The table's lines; nothing is imported for them."""
        return [(name, entry.summary) for name, entry in COMMANDS.items()]

    def main(
        self, args: Sequence[str] | None = None, *others: Any, **options: Any
    ) -> Any:
        """Runs the command line and ends the process with its exit code."""
        if os.environ.get(_COMPLETION):
            return super().main(args, _NAME, _COMPLETION)
        return run(self._run, sys.argv[1:] if args is None else args)

    def _run(self, arguments: list[str]) -> None:
        if arguments[:1] == ["help"]:
            arguments = [*arguments[1:], "--help"]
        with self.make_context(_NAME, arguments) as context:
            self.invoke(context)


def _made(name: str) -> Any:
    module, _, attribute = COMMANDS[name].target.partition(":")
    target = getattr(importlib.import_module(module), attribute)
    if isinstance(target, typer.Typer):
        return get_command(target)
    alone = typer.Typer(add_completion=False, rich_markup_mode=None)
    alone.command(name, cls=Command)(target)
    return get_command(alone)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"flaxnn {flaxnn.__version__}")
        raise typer.Exit


app = typer.Typer(
    name=_NAME,
    cls=_Application,
    help="PyTorch training runs reproduced in JAX and Flax.",
    epilog=EPILOG,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            is_eager=True,
            callback=_print_version,
            help="Print the version and exit.",
        ),
    ] = False,
    # Taken out of the command line by the frame, wherever it stands.
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show the stack trace of an error."),
    ] = False,
) -> None:
    pass
