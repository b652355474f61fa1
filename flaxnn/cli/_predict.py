# SPDX-License-Identifier: Apache-2.0
"""``flaxnn predict``: what a trained model makes of files."""

from __future__ import annotations

import csv
import json as json_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flaxnn.cli import _values
from flaxnn.cli._output_path import prepare_file, whole_file
from flaxnn.cli._screen import new_table, screen
from flaxnn.cli._sets import step_of

if TYPE_CHECKING:
    from flaxnn.runs import TrainedRun

# What the shell is told where an input is bad; the others are predicted.
_WRONG = 2
_SUFFIXES = (".csv", ".json", ".npz")


def predict(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A directory of flaxnn train.")
    ],
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="Pictures (.png, .jpg, ...), .csv, .tsv, .npz, .npy or IDX files.",
        ),
    ],
    top: Annotated[
        int, typer.Option("--top", metavar="K", min=1, help="How many classes to show.")
    ] = 1,
    resize: Annotated[
        bool,
        typer.Option("--resize", help="Bring pictures to the run's size, bilinear."),
    ] = False,
    invert: Annotated[
        bool,
        typer.Option(
            "--invert", help="Dark on light becomes light on dark, as Fashion-MNIST is."
        ),
    ] = False,
    checkpoint: Annotated[
        str,
        typer.Option(
            "--checkpoint",
            metavar="best|last|STEP",
            help="Which weights.",
            autocompletion=_values.checkpoints,
        ),
    ] = "last",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="Write them there: .csv, .json or .npz."
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Predict with a trained model: classes with probabilities, or values.

    Rows are scaled as the run's data were. Pictures become grey where the run's are,
    transparent parts white; their size has to be the run's, unless --resize. A table is
    read by the names of its columns, in any order; the labels' may be missing.

    Examples:
      flaxnn predict wine rows.csv --top 3
      flaxnn predict fashion shoe.png shirt.jpg --resize --invert
      flaxnn predict fashion images.npz --output predictions.csv

    Exit codes: 0 predicted; 2 an input, which is named, or an option is wrong; the
    other inputs are predicted all the same.
    """
    from flaxnn.runs import open as open_run
    from flaxnn.runs._inputs import PictureRules
    from flaxnn.runs._predictions import predictions

    if output is not None and output.suffix not in _SUFFIXES:
        raise typer.BadParameter(
            f"expected a file that ends in {', '.join(_SUFFIXES)}, got {output}",
            param_hint="--output",
        )
    opened = open_run(run)
    if output is not None:
        prepare_file(output, "--output")
    found = predictions(
        opened,
        inputs,
        rules=PictureRules(resize, invert),
        top=top,
        checkpoint=step_of(checkpoint),
    )
    if output is not None and found.rows:
        _write(output, found)
    if json:
        from flaxnn.report import print_json

        print_json({"run": str(run), **found.to_json()})
    else:
        _show(opened, found)
        if output is not None and found.rows:
            typer.echo(f"{len(found.rows):,} predictions in {output}")
    for fault in found.faults:
        typer.echo(f"Error: {fault['error']}", err=True)
    if found.faults:
        raise typer.Exit(_WRONG)


def _show(run: TrainedRun, found: Any) -> None:
    if not found.rows:
        return
    console = screen(160)
    columns = list(found.rows[0])
    shown = new_table(*columns, header_style="bold")
    for row in found.rows:
        shown.add_row(
            *(f"{v:.4f}" if isinstance(v, float) else str(v) for v in row.values())
        )
    console.print(shown)
    if found.how:
        typer.echo(f"probabilities: {found.how}", err=True)


def _write(path: Path, found: Any) -> None:
    """Writes predictions, as the suffix says."""
    with whole_file(path) as place:
        if path.suffix == ".npz":
            import numpy as np

            np.savez(place, **found.arrays)
        elif path.suffix == ".json":
            text = json_.dumps(found.to_json(), indent=1) + "\n"
            place.write_text(text, encoding="utf-8")
        else:
            with place.open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(found.rows[0]))
                writer.writeheader()
                writer.writerows(found.rows)
