# SPDX-License-Identifier: Apache-2.0
"""What the shell is told: the exit codes of all commands, and errors that carry one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

# All right.
OK = 0
# The answer is no: figures are off, files differ, a run diverged, a check found
# something.
NO = 1
# The command line is wrong, or something it names: a file that is missing, damaged or
# cannot be written, an unknown name, a package that is not installed.
WRONG = 2
# A fault of flaxnn; EX_SOFTWARE of BSD's sysexits.h.
FAULT = 70
# As shells count a process that a signal ended: 128 and the signal's number.
INTERRUPTED, CLOSED_PIPE, TERMINATED = 130, 141, 143

EPILOG = """\b
Exit codes:
  0    all right
  1    the answer is no: a figure is off, files differ, a run diverged
  2    the command line or a file it names is wrong, or a package is missing
  70   a fault of flaxnn itself
  130  interrupted by Ctrl-C (143: ended by SIGTERM)
"""


class CommandError(Exception):
    """Ends a command with a message and an exit code.

    Args:
        message: What was expected, what was got, what to do.
        code: One of this module's.
        report: What ``--json`` prints beside the error.
    """

    def __init__(
        self, message: str, code: int = WRONG, report: Mapping[str, Any] | None = None
    ):
        super().__init__(message)
        self.code = code
        self.report = dict(report or {})


@contextmanager
def blaming(argument: str) -> Iterator[None]:
    """Tells the user which argument a library's error is about.

    Raises:
        typer.BadParameter: The body raised a ValueError, an OSError or an ImportError.
    """
    from flaxnn.cli._blame import message

    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        raise typer.BadParameter(message(error), param_hint=argument) from error
