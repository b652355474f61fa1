"""How long training runs take: flaxnn, a scan written by hand, and PyTorch.

    python benchmarks/speed.py [--case NAME]... [--data DIR] [--json] [--output FILE]

Every side runs in processes of its own, with the same processors and threads, in an
order that changes from round to round; their losses are compared before any time is
reported. Without PyTorch, its figures come from benchmarks/reference, recorded
on another run. docs/guide/benchmarks.md says what each measure is.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from flaxnn import bench

HERE = Path(__file__).resolve().parent
MARK = "<!-- benchmarks/speed.py writes what follows -->"
REFERENCE = HERE / "reference" / "torch-2.13.json"


def arguments() -> argparse.Namespace:
    """Returns the options; a bad one ends the program with what was expected."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="cases: " + ", ".join(case.name for case in bench.CASES),
    )
    add = parser.add_argument
    add("--case", action="append", default=[], metavar="NAME", help="repeatable")
    add("--side", action="append", metavar="NAME", help="repeatable")
    add("--repeats", type=int, default=5, help="steady runs (5)")
    add("--processes", type=int, default=2, help="new processes (2)")
    add("--threads", type=int, help="processors for each side (all)")
    add("--data", type=Path, metavar="DIR", help="folder with fashion_mnist/")
    add("--quick", action="store_true", help="a few steps, once: does it work?")
    add("--json", action="store_true", help="print one JSON object")
    add("--output", type=Path, metavar="FILE", help="write the JSON there too")
    add("--show", type=Path, metavar="FILE", help="show such a file, measure nothing")
    add("--page", type=Path, metavar="FILE", help="write the guide's tables, picture")
    add("--reference", type=Path, default=REFERENCE, metavar="FILE")
    add("--record-reference", action="store_true", help="write that file anew")
    options = parser.parse_args()
    if options.quick:
        options.repeats = options.processes = 1
    if options.data is not None and not options.data.is_dir():
        parser.error(f"--data: {options.data} is not a folder")
    try:
        options.cases = bench.find(options.case)
    except ValueError as error:
        parser.error(f"--case: {error}")
    return options


@contextmanager
def watching() -> Iterator[Any]:
    """Shows on a terminal's standard error what is under way."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("starting", total=None)
        yield lambda what: progress.update(task, description=what)


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Returns the result of a new measurement."""
    record = options.record_reference
    with watching() as watch:
        return bench.measure(
            options.cases,
            sides=options.side,
            repeats=options.repeats,
            processes=options.processes,
            threads=options.threads,
            data=options.data,
            quick=options.quick,
            reference=None if record else bench.read_reference(options.reference),
            watch=watch,
        )


def read(path: Path) -> dict[str, Any]:
    result = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(result, dict) or "skipped" not in result:
        raise ValueError(f"{path} holds no result of this program")
    return result


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_page(path: Path, result: dict[str, Any]) -> None:
    """Replaces the tables at the end of a page, and the picture beside it."""
    head, mark, _ = path.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise ValueError(f"{path} has no line {MARK!r} for the tables to follow")
    write(path, f"{head}{MARK}\n\n{bench.markdown(result)}")
    write(path.with_suffix(".svg"), bench.chart(result))


def show(result: dict[str, Any], options: argparse.Namespace) -> None:
    """Prints the result in the form that was asked for."""
    if options.json:
        print(json.dumps(result))
    else:
        # A pipe has no width of its own; tables cut at 80 columns would hide figures.
        console = Console(highlight=False)
        if not console.is_terminal:
            console = Console(highlight=False, width=160)
        for piece in bench.tables(result):
            console.print(piece)


def main() -> None:
    """Measures, or reads what was measured, and shows it."""
    options = arguments()
    try:
        result = read(options.show) if options.show else measured(options)
        if options.record_reference:
            write(options.reference, text_of(bench.reference_of(result)))
        if options.output:
            write(options.output, text_of(result))
        if options.page:
            write_page(options.page, result)
    except (OSError, ValueError, RuntimeError) as error:
        sys.exit(f"speed.py: {error}")
    show(result, options)


def text_of(result: dict[str, Any]) -> str:
    return json.dumps(result, indent=1) + "\n"


if __name__ == "__main__":
    main()
