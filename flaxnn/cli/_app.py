# SPDX-License-Identifier: Apache-2.0
"""The application and its commands."""

from __future__ import annotations

from typing import Annotated

import typer

import flaxnn
from flaxnn.cli import _bench, _data
from flaxnn.cli._compare import compare
from flaxnn.cli._convert import convert
from flaxnn.cli._doctor import doctor
from flaxnn.cli._evaluate import evaluate
from flaxnn.cli._predict import predict
from flaxnn.cli._reproduce import reproduce
from flaxnn.cli._train import train

app = typer.Typer(
    name="flaxnn",
    help="PyTorch training runs reproduced in JAX and Flax.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"flaxnn {flaxnn.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            is_eager=True,
            callback=_print_version,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    pass


app.command()(reproduce)
app.command()(train)
app.command()(evaluate)
app.command()(predict)
app.command()(doctor)
app.command()(convert)
app.command()(compare)
app.command(epilog=_bench.EPILOG)(_bench.bench)
app.add_typer(_data.app, name="data")
