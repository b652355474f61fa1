# SPDX-License-Identifier: Apache-2.0
"""Forty ports with one planted fault each, and ten without: does `diverge` find them?

    python benchmarks/planted_faults.py [--json] [--output FILE]

Needs PyTorch, which records the runs. Exits with 1 unless every fault is located
(step, phase and layer), 36 of 40 are named, and no correct port raises an alarm.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from flaxnn.parity import diverge
from tests.planted.correct import CORRECT
from tests.planted.runner import FAULTS, Traces, result

LEAST_NAMED = 0.9


def measured() -> dict:
    """Looks for every fault, and at every correct port."""
    rows, alarms, start = [], [], time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        traces = Traces(Path(place))
        for fault in track(FAULTS, "planted faults", disable=not sys.stderr.isatty()):
            found = result(fault, traces)
            first = found.found.first
            row = {"fault": fault.name, "run": fault.run}
            row |= {"located": found.located, "named": found.named}
            rows.append(row | {"found": None if first is None else first.to_json()})
        for name, run, port in CORRECT:
            found = diverge(traces.of(run), **port())
            if found:
                alarms.append({"port": name, "found": str(found)})
    return {
        "faults": len(rows),
        "located": sum(row["located"] for row in rows),
        "named": sum(row["named"] for row in rows),
        "correct ports": len(CORRECT),
        "false alarms": len(alarms),
        "seconds": round(time.perf_counter() - start, 1),
        "rows": rows,
        "alarms": alarms,
    }


def show(report: dict) -> None:
    """Prints what was found, what was missed first."""
    rows = sorted(report["rows"], key=lambda row: (row["named"], row["located"]))
    for row in rows:
        first = row["found"] or {}
        where = f"step {first.get('step')}, {first.get('phase')}"
        layer = f", {first['layer']}" if first.get("layer") else ""
        cause = (first.get("cause") or {}).get("name", "no cause")
        mark = "named" if row["named"] else "located" if row["located"] else "MISSED"
        print(f"{mark:8} {row['run']:10} {row['fault']}: {where}{layer}: {cause}")
    for alarm in report["alarms"]:
        print(f"FALSE ALARM  {alarm['port']}: {alarm['found']}")
    print(
        f"located {report['located']}/{report['faults']}, "
        f"named {report['named']}/{report['faults']}, "
        f"false alarms {report['false alarms']}/{report['correct ports']}, "
        f"{report['seconds']} s"
    )


def main() -> int:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--output", type=Path, metavar="FILE", help="write it there")
    options = parser.parse_args()
    report = measured()
    text = json.dumps(report, indent=2)
    if options.output:
        options.output.write_text(text + "\n")
    if options.json:
        print(text)
    else:
        show(report)
    found = report["located"] == report["faults"]
    named = report["named"] >= LEAST_NAMED * report["faults"]
    return 0 if found and named and not report["false alarms"] else 1


if __name__ == "__main__":
    sys.exit(main())
