# SPDX-License-Identifier: Apache-2.0
"""``flaxnn convert``: PyTorch's files and safetensors, one into the other."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flaxnn.cli._blame import message
from flaxnn.cli._exit import NO, OK, CommandError
from flaxnn.cli._screen import new_table, screen

if TYPE_CHECKING:
    from flaxnn.interop._summary import Difference, TensorSummary


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="A file: .pt, .pth or .safetensors.")
    ],
    target: Annotated[
        Path | None,
        typer.Argument(metavar="OUT", help="What to write, or to compare with."),
    ] = None,
    inspect: Annotated[
        bool, typer.Option("--inspect", help="List the tensors and their statistics.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare both files, to the bit.")
    ] = False,
    select: Annotated[
        str,
        typer.Option(
            "--select", metavar="ENTRY", help="Only this entry, such as model."
        ),
    ] = "",
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Convert IN to OUT, list what is in a file, or compare two files.

    The formats are told apart by content, OUT's by its suffix. Reads .pt and .pth of
    every PyTorch, .safetensors and *.safetensors.index.json, without PyTorch and
    without running anything that is in a file. Exits with 0, with 1 when files differ,
    and with 2 when a file cannot be read or written.

    Examples:
      flaxnn convert model.pt model.safetensors
      flaxnn convert run.pt model.safetensors --select model
      flaxnn convert model.pt --inspect
      flaxnn convert model.pt model.safetensors --verify
    """
    from flaxnn.interop import load
    from flaxnn.interop._summary import differences, summaries

    if inspect == (target is not None):
        raise typer.BadParameter("give OUT, or --inspect without it")
    report: dict[str, Any] = {"source": str(source)}
    tensors: list[TensorSummary] = []
    found: list[Difference] = []
    content = _selected(load(source), select)
    if target is None:
        tensors = summaries(content)
        report["tensors"] = [asdict(one) for one in tensors]
    elif verify:
        found = differences(content, _selected(load(target), select))
        report |= {"target": str(target), "same": not found}
        report["differences"] = [asdict(one) for one in found]
    else:
        _save(content, target)
        found = differences(*_written(content, load(target), target))
        if found:
            raise OSError(f"{target} does not hold what was written: {found[0]}")
        tensors = summaries(content)
        report |= {"target": str(target), "tensors": len(tensors)}
        report["bytes"] = target.stat().st_size
    if json:
        from flaxnn.report import print_json

        print_json(report)
    elif target is None:
        _show_tensors(tensors)
    elif verify:
        _show_differences(found)
    else:
        count = report["tensors"]
        typer.echo(f"{target}: {count} tensors, {report['bytes'] / 2**20:,.1f} MiB")
    raise typer.Exit(NO if report.get("same") is False else OK)


def _selected(content: Any, entry: str) -> Any:
    """One entry of what a file holds; a dot leads into nested ones."""
    for key in entry.split(".") if entry else ():
        if not (isinstance(content, dict) and key in content):
            names = (
                ", ".join(map(str, content)) if isinstance(content, dict) else "none"
            )
            raise CommandError(f"there is no entry {key!r}; the entries are: {names}")
        content = content[key]
    return content


def _save(content: Any, target: Path) -> None:
    from flaxnn.interop import save

    try:
        save(content, target)
    except OSError as error:
        if error.filename is not None:
            raise
        # A full disk names no file.
        raise CommandError(f"{target} cannot be written: {message(error)}") from error
    except TypeError as error:
        items = content.items() if isinstance(content, dict) else ()
        entries = [str(name) for name, one in items if isinstance(one, dict)]
        if target.suffix != ".safetensors" or not entries:
            raise
        raise TypeError(
            f"{error}; or take one entry, --select {' or --select '.join(entries)}"
        ) from error


def _written(content: Any, read: Any, target: Path) -> tuple[Any, Any]:
    """Both in the same form: a .safetensors file has one level of names."""
    from flaxnn.interop._summary import named_entries

    if target.suffix == ".safetensors":
        return dict(named_entries(content)), read
    return content, read


def _show_tensors(tensors: list[TensorSummary]) -> None:
    columns = ("min", "max", "mean", "std")
    listed = new_table("tensor", "dtype", "shape", *columns, "", pad_edge=False)
    for name in columns:
        listed.columns[3 + columns.index(name)].justify = "right"
    for one in tensors:
        values = (one.minimum, one.maximum, one.mean, one.std)
        remarks = [f"same memory as {one.shares}"] if one.shares else []
        remarks += [f"{one.nonfinite:,} nan or inf"] if one.nonfinite else []
        listed.add_row(
            one.name,
            one.dtype,
            " × ".join(map(str, one.shape)) or "number",
            *("" if value is None else f"{value:.4g}" for value in values),
            ", ".join(remarks),
        )
    screen().print(listed)
    size = sum(one.bytes for one in tensors if one.shares is None)
    elements = sum(math.prod(one.shape) for one in tensors if one.shares is None)
    typer.echo(
        f"{len(tensors)} tensors, {elements:,} elements, {size / 2**20:,.1f} MiB"
    )


def _show_differences(found: list[Difference]) -> None:
    for one in found:
        distance = "" if one.largest is None else f", at most {one.largest:.3g} apart"
        typer.echo(f"{one.what:10} {one.name}: {one.detail}{distance}")
    typer.echo(f"{len(found)} differences" if found else "the same, to the bit")
