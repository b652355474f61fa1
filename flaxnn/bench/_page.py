# SPDX-License-Identifier: Apache-2.0
"""The page of a measurement: where a peer is faster, then everything."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flaxnn import report
from flaxnn.bench._growth_chart import growth_chart
from flaxnn.bench._tables import _notes, _seconds, _times
from flaxnn.bench._wins import LIMITS, lost_first, summary_line, words

# What sides are compared in, and what else is shown of each.
_COMPARED = {
    "steady run": "run_s",
    "new process": "process_s",
    "new process, warm cache": "warm_s",
}
_SHOWN = {
    "steady run": "run_s",
    "steady step": "step_s",
    "import": "import_s",
    "set-up": "setup_s",
    "compile": "compile_s",
    "first step": "first_step_s",
    "new process": "process_s",
    "new process, warm cache": "warm_s",
}


@dataclass(frozen=True)
class _Ratio:
    """How many times as long as ours a side takes.

    Attributes:
        case: The case's name.
        side: The side's title.
        measure: What was measured, in words.
        cells: Our time and theirs.
        figures: Median, least and most.
        limit: Whether the side is no peer but the least that is possible.
        kind: How the two were compared.
    """

    case: str
    side: str
    measure: str
    cells: tuple[report.Cell, report.Cell]
    figures: dict[str, Any]
    limit: bool
    kind: str

    @property
    def median(self) -> float:
        return self.figures["median"]

    @property
    def lost(self) -> bool:
        return self.median < 1 and not self.limit


def report_page(result: dict[str, Any]) -> report.Page:
    """Returns a page of a result; cases in which a peer is faster come first.

    Args:
        result: What `measure` returned, or its file.

    Returns:
        The page; ``page.write(path)`` writes it.
    """
    page = report.Page(
        "flaxnn bench",
        "How long training runs take, each side in processes of its own",
        _facts(result),
    )
    cases = result["cases"]
    rows = [row for name, case in cases.items() for row in _ratios(name, case)]
    _verdict(page, cases, rows)
    if "growth" in result:
        _growth(page, result)
    if rows:
        page.section("Comparisons", note="Where a peer is faster comes first.")
        _comparisons(page, sorted(rows, key=lambda row: (row.limit, row.median)))
    for name, case in lost_first(cases).items():
        page.section(case["title"])
        if said := words(cases, name):
            page.text(said)
        _sides(page, case)
        for note in _notes(result, case):
            page.text(note)
    if result["skipped"]:
        page.section("Skipped")
        rows_of_reasons = [list(item) for item in result["skipped"].items()]
        page.table(["case", "why"], rows_of_reasons, caption="What was not measured")
    return page


def _facts(result: dict[str, Any]) -> dict[str, str]:
    machine, options = result["machine"], result["options"]
    load = ", ".join(map(str, machine["load_average"])) or "unknown"
    versions = {k: v for k, v in machine["versions"].items() if v is not None}
    quick = ", a quick run that measures little" if options["quick"] else ""
    return {
        "date": result["date"][:10],
        "processor": machine["processor"],
        "cores": f"{machine['cores']}, {options['threads']} for each side",
        "memory": f"{machine['memory_gib']} GiB",
        "system": machine["system"],
        "load at the start": load,
        "steady runs": f"{options['repeats']}{quick}",
        "new processes": f"{options['processes']}",
        "python": machine["python"],
        **versions,
    }


def _verdict(page: report.Page, cases: dict[str, Any], rows: list[_Ratio]) -> None:
    said = summary_line(cases)
    numbers = {"cases": f"{len(cases)}"}
    for measure in ("steady run", "new process"):
        found = [row.median for row in rows if row.measure == measure and not row.limit]
        if found:
            name = f"{measure}, times ours, least to most"
            numbers[name] = f"{min(found):.3g}–{max(found):.3g} ×"
    page.verdict(None, f"{said[:1].upper()}{said[1:]}.", numbers)


def _ratios(name: str, case: dict[str, Any]) -> Iterator[_Ratio]:
    ours = case["sides"][case["base"]]
    for side, ratio in case["ratios"].items():
        theirs = case["sides"][side]
        for measure, key in _COMPARED.items():
            if key in ratio:
                yield _Ratio(
                    name,
                    theirs["title"],
                    measure,
                    (_time(ours[key]), _time(theirs[key])),
                    ratio[key],
                    side in LIMITS,
                    ratio["kind"],
                )


def _time(figures: dict[str, Any]) -> report.Cell:
    return report.Cell(_seconds(figures), figures["median"])


def _comparisons(page: report.Page, rows: Sequence[_Ratio]) -> None:
    """A table of ratios, as bars that begin at 1 and go to the faster side."""
    low = min(1.0, *(row.median for row in rows))
    high = max(1.0, *(row.median for row in rows))
    span = math.log(high / low) or 1.0
    even = -math.log(low) / span
    page.table(
        ["case", "theirs / ours", "against", "measure", "faster", "flaxnn", "theirs"],
        [
            [
                row.case,
                report.Cell(
                    f"{_times(row.figures)} ×",
                    row.median,
                    bar=(even, math.log(row.median / low) / span),
                    mark=even,
                    tone="muted" if row.limit else "bad" if row.lost else "ours",
                ),
                row.side,
                row.measure,
                "flaxnn" if row.median >= 1 else row.side,
                *row.cells,
            ]
            for row in rows
        ],
        caption="Their time over ours, median (least–most) of pairs of runs. The bar "
        "begins at 1 and goes to the right where flaxnn is faster, to the left where "
        "the other side is; its scale is logarithmic. A scan by hand is the limit of "
        "what JAX can do, and no peer.",
    )


def _growth(page: report.Page, result: dict[str, Any]) -> None:
    """The time of a step at each size, as a picture and as a table."""
    about, cases = result["growth"], result["cases"]
    titles = {
        name: side["title"]
        for case in cases.values()
        for name, side in case["sides"].items()
    }
    page.section(about["title"])
    said = f"The time of a step against the number of {about['axis']}"
    page.picture(growth_chart(result).encode(), description=said)
    page.table(
        [about["axis"], *titles.values()],
        [
            [
                about["sizes"][name],
                *(
                    _time(case["sides"][side]["step_s"])
                    if side in case["sides"]
                    else None
                    for side in titles
                ),
            ]
            for name, case in cases.items()
        ],
        caption=f"{said}, median (least–most)",
    )


def _sides(page: report.Page, case: dict[str, Any]) -> None:
    """A table with a line for each side of a case."""
    sides = case["sides"]
    slowest = max(side["run_s"]["median"] for side in sides.values())
    shown = {
        name: key
        for name, key in _SHOWN.items()
        if any(key in side for side in sides.values())
    }
    page.table(
        ["side", *shown, "peak MiB", "figures"],
        [
            [
                side["title"],
                *(
                    _cell(side, key, slowest, ours=name == case["base"])
                    for key in shown.values()
                ),
                side["peak_mib"]["median"] if "peak_mib" in side else None,
                side["kind"],
            ]
            for name, side in sides.items()
        ],
        caption="Medians (least–most); the bar is the steady run.",
        formats={"peak MiB": ",.0f"},
    )


def _cell(
    side: dict[str, Any], key: str, slowest: float, *, ours: bool
) -> report.Cell | None:
    """A time; that of the steady run has a bar."""
    if key not in side:
        return None
    cell = _time(side[key])
    if key != "run_s":
        return cell
    bar = 0.0, side[key]["median"] / slowest
    return report.Cell(cell.text, cell.value, bar=bar, tone="ours" if ours else None)
