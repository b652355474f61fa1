# SPDX-License-Identifier: Apache-2.0
"""``flaxnn compare``: where a port leaves a recorded run, or two runs part."""

from __future__ import annotations

import runpy
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from flaxnn.cli._blame import own_place
from flaxnn.cli._exit import NO, OK, CommandError

_FUNCTION = "port"


def compare(
    trace: Annotated[Path, typer.Argument(metavar="RUN.trace", help="A recorded run.")],
    other: Annotated[
        str,
        typer.Argument(
            metavar="PORT.py[:NAME] | OTHER.trace",
            help="A Python file whose function NAME (port) returns the arguments of "
            "flaxnn.parity.diverge; or another recorded run.",
        ),
    ],
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="Do not stop at the first step.")
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Of two traces: rounding counts too.")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Find the first step, phase and layer at which a port leaves a recorded run.

    Runs are recorded in PyTorch by the file that `python -c "from flaxnn import
    parity; print(parity.recorder_path())"` names. PORT.py is run; its function returns
    a dictionary: model, loss, optimizer, data, ... Exits with 0 where nothing differs
    beyond rounding, with 1 where something does, and with 2 when a trace or the port
    cannot be read.

    Examples:
      flaxnn compare run.trace port.py
      flaxnn compare run.trace port.py:build --everywhere --json
      flaxnn compare before.trace after.trace --exact
    """
    from flaxnn import parity

    place = Path(other)
    if place.is_dir():
        found = parity.compare(trace, place, exact=exact, everywhere=everywhere)
    else:
        opened = parity.Trace.open(trace)
        port = _port(other)
        try:
            found = parity.diverge(opened, **port, everywhere=everywhere)
        except (TypeError, ValueError, RuntimeError) as error:
            # JAX's words for shapes that do not fit, say: they are about the port.
            raise CommandError(f"{other} does not run: {error}") from error
    if json:
        from flaxnn.report import print_json

        print_json(found.to_json())
    else:
        typer.echo(str(found))
    raise typer.Exit(NO if found else OK)


def _port(text: str) -> dict[str, Any]:
    """The arguments that a port's file gives."""
    file, _, name = text.rpartition(":") if ".py:" in text else (text, "", _FUNCTION)
    if not Path(file).is_file():
        raise FileNotFoundError(
            f"there is no {file}: give a Python file, or the directory of a trace"
        )
    try:
        namespace = runpy.run_path(file)
        function = namespace.get(name)
    except (Exception, SystemExit) as error:
        kind = type(error).__name__
        where = own_place(error) or file
        raise CommandError(f"{where} ended with {kind}: {error}") from error
    if not callable(function):
        raise ValueError(
            f"{file} has no function {name}: define one that returns the arguments of "
            "flaxnn.parity.diverge, {'model': …, 'loss': …, 'optimizer': …, 'data': …}"
        )
    given = function()
    if not isinstance(given, Mapping) or "model" not in given:
        raise TypeError(
            f"{name}() of {file} must return a dictionary with 'model' and what else "
            f"flaxnn.parity.diverge takes, got {type(given).__name__}"
        )
    return dict(given)
