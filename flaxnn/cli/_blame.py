# SPDX-License-Identifier: Apache-2.0
"""Whose mistake an exception is: the user's, or flaxnn's."""

from __future__ import annotations

import dis
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import typer

from flaxnn.cli._exit import FAULT, NO, WRONG, CommandError

_PACKAGE = str(Path(__file__).parents[1])
_INSTALLED = tuple(
    {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib")}
    | {sysconfig.get_path("platlib"), sys.prefix, sys.base_prefix}
    | {str(Path(typer.__file__).parents[1])}
)


def judge(error: BaseException) -> tuple[str, int]:
    """Returns what to say of an exception, and the exit code.

    What a library of flaxnn raises on purpose teaches the user something: a value is
    refused, a file cannot be read. So does what the user's own file raises. Anything
    else is a fault of flaxnn.
    """
    if isinstance(error, CommandError):
        return str(error), error.code
    if isinstance(error, FloatingPointError):
        return message(error), NO
    if isinstance(error, OSError | MemoryError):
        return message(error), WRONG
    if isinstance(error, ImportError) and not (error.name or "").startswith("flaxnn"):
        return message(error), WRONG
    if where := own_place(error):
        return f"{where}: {type(error).__name__}: {message(error)}", WRONG
    frames = [*_frames(error)]
    purposely = frames and _raises_on_purpose(*frames[-1])
    if purposely and not isinstance(error, AssertionError):
        return message(error), WRONG
    kind, said = type(error).__name__, " ".join(message(error).split())
    ask = "please report it with what the same command prints with --debug"
    return f"a fault of flaxnn, {kind}: {said}; {ask}", FAULT


def own_place(error: BaseException) -> str:
    """The last line of the user's own files on the way to an error; may be empty."""
    own = [(frame, line) for frame, line, _ in _frames(error) if _is_own(frame)]
    return f"{own[-1][0].f_code.co_filename}, line {own[-1][1]}" if own else ""


def message(error: BaseException) -> str:
    """What an exception says, in a form for people."""
    if isinstance(error, OSError) and error.strerror is not None:
        names = [str(name) for name in (error.filename, error.filename2) if name]
        return ": ".join([" -> ".join(names), error.strerror][not names :])
    if isinstance(error, KeyError) and len(error.args) == 1:
        return str(error.args[0])
    if isinstance(error, MemoryError) and not error.args:
        return "the memory of this machine is not enough"
    return str(error) or type(error).__name__


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int, int]]:
    """Frame, line and last instruction of each call on the way to the error."""
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno, trace.tb_lasti
        trace = trace.tb_next


def _is_own(frame: FrameType) -> bool:
    """Whether a frame runs a file of the user's: neither ours nor an installed one."""
    file = frame.f_code.co_filename
    return not file.startswith((_PACKAGE, "<", *_INSTALLED))


def _raises_on_purpose(frame: FrameType, line: int, instruction: int) -> bool:
    """Whether the error comes from a `raise` or an `assert` in flaxnn."""
    code = frame.f_code.co_code
    return (
        frame.f_code.co_filename.startswith(_PACKAGE)
        and dis.opname[code[instruction]] == "RAISE_VARARGS"
    )
