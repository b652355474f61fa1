# SPDX-License-Identifier: Apache-2.0
"""How faithful every document's figures are: grade, error, tolerance and margin.

    python benchmarks/fidelity.py [NAME ...] [--data DIR] [--strict] [--json]
                                  [--output FILE]

Runs the entries of `flaxnn reproduce`. For each group of figures it prints the grade
(T0 to T3, or printed), how many numbers were compared, the error of the one nearest to
its tolerance, that tolerance, and the margin between them; then the totals of each
document. `--output` writes the same as JSON, with versions and machine.

Exit status 0 when all figures agree, 1 when one is off, 2 when the arguments are wrong
or, with `--strict`, an entry was skipped.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console

from flaxnn.bench import machine
from flaxnn.report import grades_table, print_json, totals_table
from flaxnn.reproduce import Result, Settings, find, grades, run, summary, totals

MACHINE = ("processor", "cores", "system")
ENTRY = ("name", "document", "status", "figures", "reason")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="entries or documents")
    parser.add_argument("--data", type=Path, help="folder with the Fashion-MNIST files")
    parser.add_argument("--strict", action="store_true", help="2 when one is skipped")
    parser.add_argument("--json", action="store_true", help="print JSON only")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write JSON there")
    options = parser.parse_args()
    try:
        options.entries = find(options.names)
    except ValueError as error:
        parser.error(str(error))
    if options.data and not options.data.is_dir():
        parser.error(f"--data: {options.data} is not a folder")
    if options.output and not options.output.parent.is_dir():
        parser.error(f"--output: {options.output.parent} is not a folder")
    return options


def report(results: list[Result]) -> dict[str, Any]:
    """Everything that was found, as plain values."""
    rows, found = grades(results), summary(results)
    here = machine()
    return {
        "environment": {key: here[key] for key in MACHINE} | found["environment"],
        "entries": [{key: e[key] for key in ENTRY} for e in found["entries"]],
        "grades": rows,
        "totals": totals(rows),
    }


def show(found: dict[str, Any]) -> None:
    """Prints the report as tables."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=140)
    for key, value in found["environment"].items():
        console.print(f"[dim]{key}[/dim] {value}")
    for document, rows in groupby(found["grades"], lambda row: row["document"]):
        console.print(f"\n[bold]document {document}[/bold]")
        console.print(grades_table(list(rows)))
    for entry in found["entries"]:
        if entry["reason"]:
            console.print(f"\n{entry['name']}: {entry['status']}", style="bold")
            console.print(entry["reason"], markup=False)
    console.print("\n[bold]totals[/bold]")
    console.print(totals_table(found["totals"]))


def main() -> int:
    options = arguments()
    results = []
    progress = Console(stderr=True)
    for entry in options.entries:
        with progress.status(entry.name):
            results += run([entry], Settings(options.data, progress=False))
    found = report(results)
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if options.json:
        print_json(found)
    else:
        show(found)
    statuses = {result.status for result in results}
    if "failed" in statuses:
        return 1
    return 2 if options.strict and "skipped" in statuses else 0


if __name__ == "__main__":
    sys.exit(main())
