# SPDX-License-Identifier: Apache-2.0
"""``flaxnn bench``: how long runs take, against PyTorch and other peers."""

from __future__ import annotations

import json as json_
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from flaxnn.cli._exit import NO, CommandError, blaming
from flaxnn.cli._output_path import prepare_file, prepare_page, whole_file
from flaxnn.cli._screen import new_table, screen
from flaxnn.cli._values import cases_of_bench

# The word for everybody who can take part.
ALL = "all"


def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CASE",
            help="Cases, or groups of them, to measure; all when none is given.",
            autocompletion=cases_of_bench,
        ),
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            "--against",
            metavar="NAME,...",
            help="Who else runs: torch, flax, keras, sklearn, scan (the bare scan), "
            f"torch-compile, ...; '{ALL}' for all that a case has.",
        ),
    ] = "torch,flax",
    growth: Annotated[
        str | None,
        typer.Option(
            "--growth",
            metavar="SIZE",
            help="Measure a step at growing sizes instead: batch, width, rows or runs.",
        ),
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", metavar="N", min=1, help="Steady runs.")
    ] = 5,
    processes: Annotated[
        int,
        typer.Option(
            "--processes",
            metavar="N",
            min=0,
            help="New processes, cold, and as many with a warm compilation cache.",
        ),
    ] = 2,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", metavar="N", min=1, help="Processors for each side; all."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Folder with the Fashion-MNIST files, or with fashion_mnist/.",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A few steps, once: does it work?")
    ] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write the JSON there too."),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--report", metavar="FILE.html", help="Write a page of the result there."
        ),
    ] = None,
    show_list: Annotated[
        bool, typer.Option("--list", help="List cases, sizes and sides, and exit.")
    ] = False,
) -> None:
    """Measure training runs against PyTorch, Flax, Keras, scikit-learn, a bare scan.

    Every side runs in processes of its own on the same processors, and its losses are
    compared before any time is shown. Without PyTorch, its recorded times stand in,
    marked as such. Cases in which a peer is faster come first. Exits with 0, with 1
    when a side fails or computes other losses, and with 2 when the arguments are wrong.

    Examples:
      flaxnn bench multinomial                 one case, PyTorch and Flax
      flaxnn bench --against all --data DIR    every case, everybody
      flaxnn bench wine --against keras,sklearn --json
      flaxnn bench --growth batch              a step's time at growing batches
    """
    from flaxnn.bench import find, measure, read_reference, report_page
    from flaxnn.bench._growth import find_growth, measure_growth
    from flaxnn.bench._side import choose
    from flaxnn.report import print_json

    if data is not None and not data.is_dir():
        raise typer.BadParameter(f"{data} is not a folder", param_hint="--data")
    with blaming("CASE"):
        cases = find(names or [])
    with blaming("--against"):
        sides = _sides(against)
        choose(sides or [])
    if growth is not None:
        if names:
            raise typer.BadParameter("--growth brings its own cases", param_hint="CASE")
        with blaming("--growth"):
            find_growth(growth)
    if show_list:
        _list(json)
        return
    if page is not None:
        prepare_page(page)
    if output is not None:
        prepare_file(output, "--output")
    options: dict[str, Any] = {
        "sides": sides,
        "repeats": 1 if quick else repeats,
        "threads": threads,
        "quick": quick,
    }
    if growth is None:
        options["processes"] = min(processes, 1) if quick else processes
        options |= {"warm": not quick, "data": data, "reference": read_reference()}
    try:
        with _watching() as watch:
            result = (
                measure(cases, watch=watch, **options)
                if growth is None
                else measure_growth(growth, watch=watch, **options)
            )
    except RuntimeError as error:
        raise CommandError(str(error), NO) from error
    if not json:
        _show(result)
    if output is not None:
        text = json_.dumps(result, indent=1) + "\n"
        with whole_file(output) as place:
            place.write_text(text, encoding="utf-8")
    if page is not None:
        with whole_file(page) as place:
            report_page(result).write(place)
    if json:
        print_json(result)


def _sides(against: str) -> list[str] | None:
    """Ours and the named ones, once each; None for all of each case."""
    named = [name.strip() for name in against.split(",") if name.strip()]
    if ALL in named:
        return None
    return list(dict.fromkeys(["flaxnn", *named]))


@contextmanager
def _watching() -> Iterator[Callable[[str], None]]:
    """Shows on a terminal's standard error what is under way."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    terminal = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=terminal, transient=True, disable=not terminal.is_terminal
    ) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda what: progress.update(task, description=what)


def _show(result: dict[str, Any]) -> None:
    from flaxnn.bench import tables

    console = screen(200)
    for piece in tables(result):
        console.print(piece)


def _list(json: bool) -> None:
    from flaxnn.bench import CASES, GROWTHS, SIDES
    from flaxnn.report import print_json

    listed = {
        "cases": {case.name: case.title for case in CASES},
        "growth": {growth.name: growth.title for growth in GROWTHS},
        "sides": {side.name: side.title for side in SIDES},
    }
    if json:
        print_json(listed)
        return
    for kind, rows in listed.items():
        listed = new_table(kind, "", header_style="bold")
        for name, title in rows.items():
            listed.add_row(name, title)
        screen().print(listed)
