# SPDX-License-Identifier: Apache-2.0
"""``flaxnn sweep``: seeds and hyper-parameters, all in one program."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flaxnn.cli._exit import NO, OK, CommandError, blaming
from flaxnn.cli._output_path import prepare_file, whole_file
from flaxnn.cli._screen import new_table, screen
from flaxnn.cli._sweep_space import Variation, parse_seeds
from flaxnn.cli._values import data_sets, models

if TYPE_CHECKING:
    from flaxnn.runs import Config
    from flaxnn.sweeps import Sweep

_OUT = "What to write"
_HOW = "How it runs"


def sweep(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL|CONFIG.toml",
            help="A model of flaxnn.models, FILE.py:CLASS, or a configuration, as for "
            "flaxnn train.",
            autocompletion=models,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA",
            help="A data set's name, or a path.",
            autocompletion=data_sets,
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUES",
            help="One value for all runs, several (0.1,0.01), or log(LOW,HIGH), "
            "uniform(LOW,HIGH), int(LOW,HIGH) to draw from.",
        ),
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option(
            "--space",
            metavar="FILE.toml",
            help="seeds, samples, sample_seed and a table [set], for the same.",
        ),
    ] = None,
    seeds: Annotated[
        str | None,
        typer.Option(
            "--seeds", metavar="A:B|A,B,...", help="A run for each; the run's own."
        ),
    ] = None,
    samples: Annotated[
        int | None,
        typer.Option(
            "--samples", metavar="N", min=1, help="How often to draw, where it is."
        ),
    ] = None,
    sample_seed: Annotated[
        int | None,
        typer.Option("--sample-seed", metavar="SEED", help="Of what is drawn; 0."),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--directory",
            metavar="DIR",
            help="Keep what is done there; the same command goes on from it.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    lanes: Annotated[
        int | None,
        typer.Option(
            "--lanes-at-once",
            metavar="N",
            min=1,
            help="Runs side by side at most; as the memory allows.",
            rich_help_panel=_HOW,
        ),
    ] = None,
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="COLUMN",
            help="What runs are ranked by; the validation's loss, or the loss.",
            rich_help_panel=_OUT,
        ),
    ] = None,
    top: Annotated[
        int,
        typer.Option(
            "--top",
            metavar="N",
            min=1,
            help="Rows of the table that are shown.",
            rich_help_panel=_OUT,
        ),
    ] = 20,
    table: Annotated[
        Path | None,
        typer.Option(
            "--csv",
            metavar="FILE.csv",
            help="Write all rows there.",
            rich_help_panel=_OUT,
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots",
            metavar="DIR",
            help="Write curves, and a map of two hyper-parameters, there as PNG.",
            rich_help_panel=_OUT,
        ),
    ] = None,
    save_best: Annotated[
        Path | None,
        typer.Option(
            "--save-best",
            metavar="FILE",
            help="Write the best run there: its whole state as .pt, or its "
            "parameters as .safetensors.",
            rich_help_panel=_OUT,
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Train a model for every seed and combination of hyper-parameters at once.

    All runs of one shape are one compiled program, and each is the run that flaxnn
    train gives with its seed and values. Exits with 0, with 1 when no run has a finite
    loss, and with 2 when the arguments are wrong.

    Examples:
      flaxnn sweep SoftmaxRegression wine --seeds 0:8 --set data.standardize=true
      flaxnn sweep run.toml --seeds 0:64 --set optimizer.lr=0.1,0.01
      flaxnn sweep run.toml --set "optimizer.lr=log(1e-4,1e-1)" --samples 20
      flaxnn sweep run.toml --space space.toml --directory sweep --json
    """
    from flaxnn.cli._sweep_run import column_names, numbers, prepared, run_sweep

    varied = _variation(space, settings or [], seeds, samples, sample_seed)
    run = _config(what, data, varied)
    ready = prepared(run, varied)
    column = _column(by, numbers(ready))
    _prepare(table, plots, save_best)
    try:
        result = run_sweep(
            ready,
            varied,
            directory=directory,
            lanes_at_once=lanes,
            progress=False if json else None,
        )
    except KeyboardInterrupt:
        if directory is None:
            raise
        raise KeyboardInterrupt(
            f"what is done is in {directory}; the same command goes on from there"
        ) from None
    order = _ranked(result, column)
    names = [*column_names(varied).values()]
    written = _write(result, order, column, names, table, plots, save_best)
    rows = [{"lane": k, **result.records[k]} for k in order]
    finite = len(result) - len(result.nonfinite)
    if json:
        from flaxnn.report import print_json

        listed = _for_json(rows)
        print_json(
            {
                "config": dict(ready.config.values),
                "by": column,
                "best": listed[0] if finite else None,
                "runs": listed,
                "nonfinite": len(result.nonfinite),
                "programs": result.programs,
                "files": [str(path) for path in written],
            }
        )
    else:
        _show(result, rows[:top], column, written)
    raise typer.Exit(OK if finite else NO)


def _variation(
    space: Path | None,
    settings: list[str],
    seeds: str | None,
    samples: int | None,
    sample_seed: int | None,
) -> Variation:
    """What varies: the file's, and over it the command line's."""
    varied = Variation() if space is None else Variation.read(space)
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not (equals and key and text):
            raise typer.BadParameter(
                f"expected KEY=VALUES, such as optimizer.lr=0.1,0.01; got {setting!r}",
                param_hint="--set",
            )
        varied.set(key.strip(), text)
    if seeds is not None:
        varied.seeds = parse_seeds(seeds)
    varied.samples = varied.samples if samples is None else samples
    varied.sample_seed = varied.sample_seed if sample_seed is None else sample_seed
    return varied


def _config(what: str | None, data: str | None, varied: Variation) -> Config:
    """The run that all of them are."""
    from flaxnn.cli._sweep_run import base
    from flaxnn.runs import Config

    file = what if what is not None and what.endswith(".toml") else None
    names = {"model.name": None if file else what, "data.name": data}
    given = {key: value for key, value in names.items() if value is not None}

    def make(changes: Mapping[str, Any]) -> Config:
        changes = {**given, **changes}
        return Config.of(changes) if file is None else Config.read(file, changes)

    return base(make, varied)


def _prepare(table: Path | None, plots: Path | None, best: Path | None) -> None:
    """Says before any run what cannot be written."""
    if table is not None:
        prepare_file(table, "--csv")
    if best is not None:
        if best.suffix not in (".pt", ".pth", ".safetensors"):
            raise typer.BadParameter(
                f"expected .pt, .pth or .safetensors, got {best}",
                param_hint="--save-best",
            )
        prepare_file(best, "--save-best")
    if plots is not None:
        from flaxnn.reproduce import prepare_plots

        with blaming("--plots"):
            prepare_plots(plots)


def _column(by: str | None, known: list[str]) -> str:
    """What runs are ranked by."""
    from flaxnn.runs._nearest import did_you_mean

    if by is None:
        return "val_loss" if "val_loss" in known else "loss"
    if by not in known:
        raise CommandError(
            f"--by: there is no column {by!r}; {did_you_mean(by, known)}"
        )
    return by


def _ranked(result: Sweep, column: str) -> list[int]:
    """The lanes, best first; those that are not finite last."""
    from flaxnn.runs._task import better

    sign = -1 if better(column.removeprefix("val_")) == "max" else 1

    def place(lane: int) -> tuple[bool, float]:
        value = result.records[lane][column]
        bad = lane in result.nonfinite or not math.isfinite(value)
        return bad, 0 if bad else sign * value

    return sorted(range(len(result)), key=place)


def _write(
    result: Sweep,
    order: list[int],
    column: str,
    names: list[str],
    table: Path | None,
    plots: Path | None,
    best: Path | None,
) -> list[Path]:
    """Writes what is asked for, and returns the files."""
    written = []
    if table is not None:
        with whole_file(table) as place:
            result.to_csv(place)
        written.append(table)
    if plots is not None:
        written += _draw(result, column, names, plots)
    if best is not None and order[0] not in result.nonfinite:
        with whole_file(best) as place:
            _save(result, order[0], place)
        written.append(best)
    return written


def _save(result: Sweep, lane: int, path: Path) -> None:
    if path.suffix == ".safetensors":
        from flaxnn.interop import save

        save(result.model(lane).state_dict(), path)
    else:
        result.save_checkpoint(lane, path)


def _draw(result: Sweep, column: str, names: list[str], folder: Path) -> list[Path]:
    """Curves by the first name that varies, and a map of the first two."""
    paths = [folder / "curves.png"]
    few = [n for n in names if len({str(r[n]) for r in result.records}) <= 8]
    figure = result.plot_curves(few[0] if few else None, value=column)
    figure.savefig(paths[0])
    if len(few) > 1:
        paths.append(folder / "map.png")
        result.plot_heat_map(few[0], few[1], value=column).savefig(paths[1])
    return paths


def _show(
    result: Sweep, rows: list[dict[str, Any]], column: str, written: list[Path]
) -> None:
    from flaxnn.sweeps._table import written as cell

    console = screen()
    shown = new_table(*rows[0], pad_edge=False)
    for row in rows:
        shown.add_row(*map(cell, row.values()))
    console.print(shown)
    left = len(result) - len(rows)
    runs = "1 run" if len(result) == 1 else f"{len(result)} runs"
    count = f"{runs}, best {column} first"
    console.print(f"{count}; {left} more" if left else count, style="bold")
    if result.nonfinite:
        console.print(f"not finite: {len(result.nonfinite)}", style="red")
    for path in written:
        console.print(f"written: {path}", markup=False)


def _for_json(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with null for a number that JSON has not."""
    return [
        {
            name: None if isinstance(v, float) and not math.isfinite(v) else v
            for name, v in row.items()
        }
        for row in rows
    ]
