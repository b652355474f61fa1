# SPDX-License-Identifier: Apache-2.0
"""``flaxnn data``: data sets listed, located, verified and fetched."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from flaxnn.cli._blame import message
from flaxnn.cli._exit import NO, WRONG, CommandError
from flaxnn.cli._group import Command, Group
from flaxnn.cli._values import data_sets

app = typer.Typer(
    cls=Group,
    help="List, locate, verify and fetch data sets.",
    add_completion=False,
    rich_markup_mode=None,
)

Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="A data set of the list.", autocompletion=data_sets
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON value and nothing else.")
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        "--data",
        metavar="DIR",
        help="Only this TFDS data directory, or folder with a folder per data set.",
    ),
]
RawDir = Annotated[
    Path | None,
    typer.Option("--raw-dir", metavar="DIR", help="Only this folder of raw files."),
]


@app.command("list", cls=Command)
def list_data_sets(data_dir: DataDir = None, json: Json = False) -> None:
    """List the data sets: splits, rows, shape of a row, and where each is.

    Exits with 0.

    Examples:
      flaxnn data list --json
    """
    from flaxnn.data._catalogue import listing

    rows = listing(data_dir)
    if json:
        _print_json([asdict(row) for row in rows])
        return
    table: list[tuple[str, ...]] = []
    for row in rows:
        for split, count in row.splits.items():
            shape = " x ".join(map(str, row.shape))
            where = row.found[split] or "not on this machine"
            table.append((row.name, split, f"{count:,}", shape, where))
    _print_table(("name", "split", "rows", "shape", "where"), table)


@app.command(cls=Command)
def where(
    name: Name, data_dir: DataDir = None, raw_dir: RawDir = None, json: Json = False
) -> None:
    """Show every place where a data set is looked for, in order, and what is there.

    Exits with 0 if every split is somewhere, with 2 if one is nowhere or the arguments
    are wrong.

    Examples:
      flaxnn data where fashion_mnist
      flaxnn data where mnist --data-dir DIR
    """
    report: dict[str, Any] = {"name": name}
    with _reported(report):
        from flaxnn.data._catalogue import look, splits_of

        places = look(name, data_dir, raw_dir)
        report["places"] = [asdict(place) for place in places]
        found = {split for place in places for split in place.splits}
        if found < set(splits_of(name)):
            report["status"] = "missing"
    if json:
        _print_json(report)
    else:
        rows = [
            (
                str(number),
                place.owner,
                place.path,
                f"{', '.join(place.splits)} ({place.format})"
                if place.splits
                else str(place.problem),
            )
            for number, place in enumerate(places, 1)
        ]
        _print_table(("", "place", "path", "found"), rows)
    if report["status"] != "ok":
        raise typer.Exit(WRONG)


@app.command(cls=Command)
def verify(
    name: Name, data_dir: DataDir = None, raw_dir: RawDir = None, json: Json = False
) -> None:
    """Read every split of a data set and check its rows and SHA-256.

    Nothing is downloaded. Exits with 0 if all is right, with 1 if a copy is damaged or
    another data set, and with 2 if there is none or the arguments are wrong.

    Examples:
      flaxnn data verify wine
      flaxnn data verify fashion_mnist --raw-dir DIR --json
    """
    report: dict[str, Any] = {"name": name, "splits": []}
    with _reported(report):
        _verify(report, name, data_dir, raw_dir)
    _print_verified(report, json)


@app.command(cls=Command)
def fetch(
    name: Name,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            "--data-dir",
            "--data",
            metavar="DIR",
            help="TFDS data directory; $TFDS_DATA_DIR or ~/tensorflow_datasets.",
        ),
    ] = None,
    raw_dir: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DIR",
            help="Prepare from the raw files in this folder, without a network.",
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Prepare a data set for TFDS, from raw files here or else from the network.

    What is there already is only verified. Exits with 0 if all is right, with 1 if
    data are damaged, and with 2 if they cannot be had or written, or the arguments are
    wrong.

    Examples:
      flaxnn data fetch fashion_mnist
      flaxnn data fetch fashion_mnist --from DIR --data-dir DIR
    """
    report: dict[str, Any] = {"name": name, "splits": []}
    with _reported(report):
        from flaxnn.data._catalogue import fetch as fetch_data

        root = fetch_data(name, data_dir, raw_dir)
        report["data_dir"] = str(root)
        _verify(report, name, root, None)
    _print_verified(report, json)


def _verify(
    report: dict[str, Any], name: str, data_dir: Path | None, raw_dir: Path | None
) -> None:
    from flaxnn.data._catalogue import verify as verify_splits

    for split in verify_splits(name, data_dir, raw_dir):
        report["splits"].append(asdict(split))


@contextlib.contextmanager
def _reported(report: dict[str, Any]) -> Iterator[None]:
    """Adds to an error what is known of the data, and says which exit code it has."""
    from flaxnn._errors import CorruptDataError, DataNotFoundError

    report["status"] = "ok"
    try:
        yield
    except (ValueError, OSError, ImportError) as error:
        if isinstance(error, CorruptDataError):
            report["status"] = "corrupt"
            raise CommandError(message(error), NO, report) from error
        missing = not isinstance(error, OSError) or isinstance(error, DataNotFoundError)
        report["status"] = "missing" if missing else "failed"
        raise CommandError(message(error), WRONG, report) from error


def _print_verified(report: dict[str, Any], json: bool) -> None:
    if json:
        _print_json(report)
        return
    rows = [
        (
            split["split"],
            f"{split['rows']:,}",
            " ".join(digest[:12] for digest in split["sha256"]),
            split["format"],
            split["source"],
            f"{split['seconds']:.2f}",
        )
        for split in report["splits"]
    ]
    _print_table(("split", "rows", "sha256", "format", "source", "seconds"), rows)


def _print_table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    """A table as wide as it must be: a path that is cut or folded is of no use."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def _print_json(value: Any) -> None:
    from flaxnn.report import print_json

    print_json(value)
