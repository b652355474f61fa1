# SPDX-License-Identifier: Apache-2.0
"""What is made of a result of `flaxnn bench`: tables, the guide's page, the reference.

    flaxnn bench --against all --data DIR --output benchmarks/results/speed.json
    python benchmarks/speed.py benchmarks/results/speed.json
        [--page docs/guide/benchmarks.md] [--record-reference] [--summary FILE]

`--page` replaces the tables at the end of the guide and the picture beside it, and
`--summary` the targets in benchmarks/README.md; `--record-reference` keeps PyTorch's
part in the package, for machines without it. A result of `flaxnn bench --growth` has
its picture written with `--picture FILE`, and any result a page with `--report FILE`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from flaxnn import bench

PROGRAM = "benchmarks/speed.py"
MARK = f"<!-- {PROGRAM} writes what follows -->"
END = f"<!-- {PROGRAM} wrote what precedes -->"


def arguments() -> argparse.Namespace:
    """Returns the options; a bad one ends the program with what was expected."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="Measuring is `flaxnn bench`.",
    )
    add = parser.add_argument
    add("result", type=Path, metavar="FILE", help="what flaxnn bench --output wrote")
    add("--page", type=Path, metavar="FILE", help="write the guide's tables, picture")
    add("--report", type=Path, metavar="FILE.html", help="write a page")
    add("--picture", type=Path, metavar="FILE", help="write the picture as SVG")
    add("--summary", type=Path, metavar="FILE", help="write the targets' table there")
    add("--reference", type=Path, default=bench.REFERENCE, metavar="FILE")
    add("--record-reference", action="store_true", help="write that file anew")
    return parser.parse_args()


def read(path: Path) -> dict[str, Any]:
    """Returns a result from its file."""
    result = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(result, dict) or "skipped" not in result:
        raise ValueError(f"{path} holds no result of flaxnn bench")
    return result


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def replace(path: Path, text: str) -> None:
    """Replaces what a page has between the marks, or behind the one without an end."""
    head, mark, tail = path.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise ValueError(f"{path} has no line {MARK!r} for the tables to follow")
    _, end, rest = tail.partition(END)
    write(path, f"{head}{MARK}\n\n{text}" + (f"\n{END}{rest}" if end else ""))


def picture(result: dict[str, Any]) -> str:
    return (bench.growth_chart if "growth" in result else bench.chart)(result)


def show(result: dict[str, Any]) -> None:
    """Prints the tables; a pipe, which has no width, gets them uncut."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=200)
    for piece in bench.tables(result):
        console.print(piece)


def main() -> None:
    """Reads what was measured, writes what was asked for, and shows it."""
    options = arguments()
    try:
        result = read(options.result)
        if options.record_reference:
            text = json.dumps(bench.reference_of(result), indent=1) + "\n"
            write(options.reference, text)
        if options.page:
            replace(options.page, bench.markdown(result))
            write(options.page.with_suffix(".svg"), picture(result))
        if options.report:
            bench.report_page(result).write(options.report)
        if options.picture:
            write(options.picture, picture(result))
        if options.summary:
            replace(options.summary, bench.targets(result))
    except (OSError, ValueError) as error:
        sys.exit(f"speed.py: {error}")
    show(result)


if __name__ == "__main__":
    main()
