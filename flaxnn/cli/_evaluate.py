# SPDX-License-Identifier: Apache-2.0
"""``flaxnn evaluate``: how good a trained model is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flaxnn.cli import _values
from flaxnn.cli._exit import blaming
from flaxnn.cli._screen import new_table, screen
from flaxnn.cli._sets import parse_sets, step_of

if TYPE_CHECKING:
    import numpy as np

    from flaxnn.runs import TrainedRun

# Wider matrices are for --json and the picture.
_WIDEST = 20
_WEIGHTS, _OUTPUT = "For a file of weights", "Output"


def evaluate(
    run: Annotated[
        Path,
        typer.Argument(metavar="RUN", help="A run's directory, or a file of weights."),
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="Other data than the run's.",
            autocompletion=_values.data_sets,
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            metavar="NAME",
            help="validation, train, or a split of the data; the validation where the "
            "run has one.",
            autocompletion=_values.splits,
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="NAME,...",
            help="accuracy, precision, recall, f1, auroc, top_5_accuracy, "
            "calibration_error, confusion_matrix; the run's own.",
            autocompletion=_values.metric_lists,
        ),
    ] = None,
    checkpoint: Annotated[
        str,
        typer.Option(
            "--checkpoint",
            metavar="best|last|STEP",
            help="Which weights.",
            autocompletion=_values.checkpoints,
        ),
    ] = "last",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="Of flaxnn.models, or FILE.py:CLASS.",
            autocompletion=_values.models,
            rich_help_panel=_WEIGHTS,
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="As flaxnn train, of model, data, loss, metrics and dtype.",
            rich_help_panel=_WEIGHTS,
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots",
            metavar="DIR",
            help="Write pictures there, as PNG.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object and nothing else.",
            rich_help_panel=_OUTPUT,
        ),
    ] = False,
) -> None:
    """Measure a trained model: its loss, its metrics, which class it takes for which.

    RUN is a directory of `flaxnn train`, or a .pt, .pth or .safetensors file, which
    needs --model and DATA.

    Examples:
      flaxnn evaluate wine
      flaxnn evaluate wine --split train --metrics accuracy,f1,confusion_matrix
      flaxnn evaluate fashion --checkpoint best --plots pictures
      flaxnn evaluate model.pt wine --model SoftmaxRegression

    Exit codes: 0 measured; 2 the run, the data or an option is wrong.
    """
    wanted = None if metrics is None else [name.strip() for name in metrics.split(",")]
    if run.is_file():
        if plots is not None or checkpoint != "last":
            raise typer.BadParameter("a file of weights has no checkpoints or pictures")
        found, which, names, count = _weights(
            run, data, split, wanted, model, sets or []
        )
        pictures: list[Path] = []
    else:
        from flaxnn.runs import open as open_run

        if model is not None or sets:
            raise typer.BadParameter(
                "--model and --set are for a file of weights; a run has its own"
            )
        opened = open_run(run)
        chosen = step_of(checkpoint)
        if plots is not None:
            from flaxnn.reproduce import prepare_plots

            with blaming("--plots"):
                prepare_plots(plots)
        rows, which = opened.rows(data, split=split)
        found = opened.evaluate(rows, metrics=wanted, checkpoint=chosen)
        names, count = opened.class_names, len(rows)
        pictures = [] if plots is None else _draw(opened, plots, rows, which, chosen)
    if json:
        from flaxnn.report import print_json

        values = {
            k: v if isinstance(v, float) else v.tolist() for k, v in found.items()
        }
        print_json(
            {
                "run": str(run),
                "data": which,
                "rows": count,
                "metrics": values,
                "class_names": list(names),
                "plots": [str(path) for path in pictures],
            }
        )
        return
    typer.echo(f"{count:,} rows ({which})")
    for name, value in found.items():
        if isinstance(value, float):
            typer.echo(f"{name} {value:.6g}")
        else:
            _show(name, value, names)
    for path in pictures:
        typer.echo(f"picture {path}")


def _weights(
    path: Path,
    data: str | None,
    split: str | None,
    metrics: list[str] | None,
    model: str | None,
    sets: list[str],
) -> tuple[dict[str, Any], str, tuple[str, ...], int]:
    """Metrics of a file of weights, the rows' name, the classes' names, how many."""
    from flaxnn.runs._weights import evaluate_weights

    if model is None or data is None:
        raise typer.BadParameter("a file of weights needs --model MODEL, and DATA")
    values: dict[str, Any] = {"model.name": model, "data.name": data}
    if split is not None:
        values["data.split"] = split
    if metrics is not None:
        values["metrics"] = metrics
    values |= parse_sets(sets)
    found, prepared = evaluate_weights(path, values)
    named = data if split is None else f"{data}, {split}"
    return found, named, prepared.class_names, len(prepared.rows)


def _draw(
    run: TrainedRun, folder: Path, rows: Any, which: str, checkpoint: Any
) -> list[Path]:
    from flaxnn.runs._plots import write_plots

    return write_plots(run, folder, rows, which, checkpoint=checkpoint, history=False)


def _show(name: str, value: np.ndarray, class_names: tuple[str, ...]) -> None:
    """A matrix or a list of numbers as a table."""
    console = screen(200)
    if value.ndim != 2 or len(value) > _WIDEST:
        typer.echo(f"{name} of shape {value.shape}: see --json or --plots")
        return
    named = class_names or tuple(str(number) for number in range(len(value)))
    matrix = new_table("true \\ predicted", *named, header_style="bold", title=name)
    for label, row in zip(named, value.tolist(), strict=True):
        matrix.add_row(
            label, *(f"{x:,}" if isinstance(x, int) else f"{x:.3f}" for x in row)
        )
    console.print(matrix)
