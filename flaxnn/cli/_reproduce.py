# SPDX-License-Identifier: Apache-2.0
"""``flaxnn reproduce``: every figure of the documents, computed again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flaxnn.cli._exit import NO, OK, WRONG, CommandError, blaming
from flaxnn.cli._output_path import prepare_page, whole_file
from flaxnn.cli._screen import new_table, screen
from flaxnn.cli._values import entries_of_reproduce

if TYPE_CHECKING:
    from rich.console import Console

    from flaxnn.reproduce import Entry, Result


def reproduce(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME",
            help="Entries or documents (such as 002) to run; all when none is given.",
            autocompletion=entries_of_reproduce,
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 2 when an entry is skipped.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Folder with the Fashion-MNIST files, or with fashion_mnist/.",
        ),
    ] = None,
    plots: Annotated[
        Path | None,
        typer.Option(
            "--plots",
            metavar="DIR",
            help="Write pictures of the runs there, as PNG; the folder is made.",
        ),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE.html",
            help="Write a page with all figures, losses and pictures there.",
        ),
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show a line for every single figure.")
    ] = False,
    show_list: Annotated[
        bool, typer.Option("--list", help="List the entries and exit.")
    ] = False,
) -> None:
    """Compute every figure of the five documents again and compare.

    Exits with 0 when all figures agree, with 1 when one is off, and with 2 when the
    arguments are wrong or, with --strict, an entry is skipped.

    Examples:
      flaxnn reproduce
      flaxnn reproduce neuron 003 --all
      flaxnn reproduce --data DIR --strict --report page.html --plots pictures
      flaxnn reproduce --list --json
    """
    from flaxnn.reproduce import find

    console = screen()
    if data is not None and not data.is_dir():
        raise typer.BadParameter(f"{data} is not a folder", param_hint="--data")
    with blaming("NAME"):
        entries = find(names or [])
    if show_list:
        _list(entries, json, console)
        return
    if plots is not None:
        from flaxnn.reproduce import prepare_plots

        with blaming("--plots"):
            prepare_plots(plots)
    if page is not None:
        prepare_page(page)
    results, pictures = _run(entries, data, plots, console, quiet=json, every=every)
    listed: dict[str, Any] = {}
    if json:
        from flaxnn.reproduce import summary

        listed = summary(results) | ({} if plots is None else {"plots": pictures})
    else:
        _total(results, console)
        if plots is not None:
            _pictures(results, pictures, plots, console)
    if page is not None:
        _report(results, page, listed)
        listed["report"] = str(page)
        if not json:
            console.print(f"report in {page}", markup=False)
    if json:
        from flaxnn.report import print_json

        print_json(listed)
    raise typer.Exit(_exit_code(results, strict))


def _report(results: list[Result], page: Path, listed: dict[str, Any]) -> None:
    """Writes the page; what was computed is not lost, should that fail."""
    from flaxnn.reproduce import report_page

    try:
        with whole_file(page) as place:
            report_page(results).write(place)
    except CommandError as error:
        error.report = listed
        raise


def _run(
    entries: tuple[Entry, ...],
    data: Path | None,
    plots: Path | None,
    console: Console,
    *,
    quiet: bool,
    every: bool,
) -> tuple[list[Result], list[dict[str, str]]]:
    """Runs the entries under a progress bar, each shown when it is done.

    Returns:
        The results, and entry, name and file of each picture.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from flaxnn.reproduce import Settings, run, write_plots

    # Where a person watches, the bar goes with the results; else to standard error.
    onto = Console(stderr=True) if quiet or not console.is_terminal else console
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=onto,
        transient=True,
        disable=not onto.is_terminal,
    )
    results: list[Result] = []
    pictures: list[dict[str, str]] = []
    with bar:
        task = bar.add_task("", total=len(entries))
        for entry in entries:
            bar.update(task, description=entry.name)
            for result in run([entry], Settings(data, progress=False)):
                results.append(result)
                if not quiet:
                    _show(result, console, every)
                if plots is not None:
                    pictures += [
                        {"entry": entry.name, "name": path.stem, "path": str(path)}
                        for path in write_plots(result.plots, plots)
                    ]
            bar.advance(task)
    return results, pictures


def _show(result: Result, console: Console, every: bool) -> None:
    from flaxnn.report import failures, figures_table
    from flaxnn.reproduce import rows

    entry = result.entry
    colour = {"passed": "green", "failed": "red", "skipped": "yellow"}[result.status]
    console.print(
        f"[bold]{entry.name}[/bold] [dim]document {entry.document}, {entry.title}[/dim]"
        f"  [{colour}]{result.status}[/{colour}] [dim]{result.seconds:.1f} s[/dim]"
    )
    if result.reason:
        console.print(result.reason, style=colour, markup=False)
    figures = rows(result)
    if figures:
        console.print(figures_table(figures, every=every, width=console.width))
    if result.status == "failed":
        console.print(failures(figures))
    console.print()


def _total(results: list[Result], console: Console) -> None:
    figures = [figure for result in results for figure in result.figures]
    numbers = sum(figure.count for figure in figures)
    agree = sum(figure.count for figure in figures if figure.passed)
    skipped = [r.entry.name for r in results if r.status == "skipped"]
    entries = len(results) - len(skipped)
    said = f"[bold]{agree:,} of {numbers:,} figures agree[/bold]"
    console.print(
        (f"{said} in {entries} {'entry' if entries == 1 else 'entries'}")
        if numbers
        else "[bold]nothing was compared[/bold]",
        f"; skipped for want of data: {', '.join(skipped)}" if skipped else "",
        sep="",
    )


def _pictures(
    results: list[Result],
    pictures: list[dict[str, str]],
    folder: Path,
    console: Console,
) -> None:
    """Says which pictures were written, and which entries had none for want of data."""
    count = len(pictures)
    heading = f"{count} {'picture' if count == 1 else 'pictures'} in {folder}"
    console.print(heading, style="bold", markup=False)
    for picture in pictures:
        console.print(f"  {Path(picture['path']).name}", markup=False)
    for result in results:
        if result.status == "skipped":
            console.print(f"  none of {result.entry.name}, which was skipped")


def _list(entries: tuple[Entry, ...], json: bool, console: Console) -> None:
    from flaxnn.report import print_json

    if json:
        rows = [
            {"name": e.name, "document": e.document, "title": e.title} for e in entries
        ]
        print_json(rows)
        return
    listed = new_table("name", "document", "title")
    for entry in entries:
        listed.add_row(entry.name, entry.document, entry.title)
    console.print(listed)


def _exit_code(results: list[Result], strict: bool) -> int:
    statuses = {result.status for result in results}
    if "failed" in statuses:
        return NO
    return WRONG if strict and "skipped" in statuses else OK
