# SPDX-License-Identifier: Apache-2.0
"""What happens around every command: errors, signals and pipes become exit codes."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import typer

from flaxnn.cli._exit import (
    CLOSED_PIPE,
    INTERRUPTED,
    OK,
    WRONG,
    CommandError,
)

# The root of all errors of a command line: click's, or that of typer's copy of click.
_COMMAND_LINE_ERROR: Any = typer.BadParameter.__mro__[2]


def run(command: Callable[[list[str]], object], arguments: Sequence[str]) -> NoReturn:
    """Runs a command and ends the process with its exit code.

    Args:
        command: Called with the arguments that are left; it may raise anything.
        arguments: The command line. ``--debug`` is taken out of it.
    """
    given, debug = _without_debug(arguments)
    as_json = "--json" in _options(given)
    try:
        command(given)
        sys.stdout.flush()
        code = OK
    except typer.Exit as ended:
        code = _flushed(ended.exit_code)
    except SystemExit as ended:
        # Rich ends a process whose pipe is closed, with a code of its own.
        if isinstance(ended.__context__, BrokenPipeError):
            _leave_pipe()
            sys.exit(CLOSED_PIPE)
        raise
    except BrokenPipeError:
        _leave_pipe()
        code = CLOSED_PIPE
    except (KeyboardInterrupt, typer.Abort) as error:
        code = INTERRUPTED
        _tell(f"Interrupted: {error}" if str(error) else "Interrupted", debug)
        _print_error(str(error) or "interrupted", code, as_json)
    except Exception as error:
        said, code, report, hint = _explained(error)
        _tell(f"Error: {said}{hint}", debug)
        _print_error(said, code, as_json, report)
    sys.exit(code)


def _explained(error: Exception) -> tuple[str, int, Mapping[str, Any], str]:
    """What to say, the exit code, what JSON has beside, and where to read more."""
    if isinstance(error, _COMMAND_LINE_ERROR):
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else "flaxnn"
        mistake: Any = error
        return mistake.format_message(), WRONG, {}, f"\nSee '{path} --help'."
    from flaxnn.cli._blame import judge

    said, code = judge(error)
    report = error.report if isinstance(error, CommandError) else {}
    return said, code, report, ""


def _tell(line: str, debug: bool) -> None:
    """Writes to standard error, as far as there is one."""
    with contextlib.suppress(OSError, ValueError):
        if debug:
            traceback.print_exc()
        print(line, file=sys.stderr, flush=True)


def _print_error(
    said: str, code: int, as_json: bool, report: Mapping[str, Any] | None = None
) -> None:
    if as_json:
        value = {**(report or {}), "error": said, "exit_code": code}
        with contextlib.suppress(OSError):
            print(json.dumps(value, indent=2), flush=True)


def _options(arguments: Sequence[str]) -> Sequence[str]:
    """The part of a command line that may have options."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:end]


def _without_debug(arguments: Sequence[str]) -> tuple[list[str], bool]:
    front = _options(arguments)
    left = [one for one in front if one != "--debug"]
    wanted = len(left) < len(front) or os.environ.get("FLAXNN_DEBUG", "") not in "0"
    return [*left, *arguments[len(front) :]], wanted


def _flushed(code: int) -> int:
    """The exit code, or a closed pipe's."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_pipe()
        return CLOSED_PIPE
    return code


def _leave_pipe() -> None:
    """Lets Python's own flush at the end find an open file."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
