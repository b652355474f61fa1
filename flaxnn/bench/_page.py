"""The page of a measurement: where a peer is faster, then everything."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flaxnn import report
from flaxnn.bench._tables import _notes, _seconds, _times

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
# The least that a case costs in JAX: to be come close to, and no peer.
_LIMIT = "scan"


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
    ratios = {name: list(_ratios(name, case)) for name, case in cases.items()}
    lost = [name for name, rows in ratios.items() if any(row.lost for row in rows)]
    order = [*lost, *(name for name in cases if name not in lost)]
    _verdict(page, cases, ratios, lost)
    rows = [row for name in order for row in ratios[name]]
    if rows:
        page.section("Comparisons", note="Where a peer is faster comes first.")
        _comparisons(page, sorted(rows, key=lambda row: (row.limit, row.median)))
    for name in order:
        _case(page, result, cases[name], ratios[name])
    if result["skipped"]:
        page.section("Skipped")
        rows_of_reasons = [list(item) for item in result["skipped"].items()]
        page.table(["case", "why"], rows_of_reasons, caption="What was not measured")
    return page


def _facts(result: dict[str, Any]) -> dict[str, str]:
    machine, options = result["machine"], result["options"]
    load = ", ".join(map(str, machine["load_average"])) or "unknown"
    versions = {k: v for k, v in machine["versions"].items() if v is not None}
    processes = options["processes"]
    return {
        "date": result["date"][:10],
        "processor": machine["processor"],
        "cores": f"{machine['cores']}, {options['threads']} for each side",
        "memory": f"{machine['memory_gib']} GiB",
        "system": machine["system"],
        "load at the start": load,
        "rounds": f"{options['repeats']} steady runs, {processes} new processes",
        "python": machine["python"],
        **versions,
    }


def _verdict(
    page: report.Page,
    cases: dict[str, Any],
    ratios: dict[str, list[_Ratio]],
    lost: list[str],
) -> None:
    compared = sum(map(bool, ratios.values()))
    if not compared:
        said = "Nothing was compared."
    elif lost:
        titles = "; ".join(cases[name]["title"] for name in lost)
        said = f"A peer is faster in {len(lost)} of {compared} cases: {titles}."
    else:
        said = f"No peer is faster in any of {compared} cases."
    numbers = {"cases": f"{len(cases)}"}
    peers = [row for rows in ratios.values() for row in rows if not row.limit]
    for measure in ("steady run", "new process"):
        found = [row.median for row in peers if row.measure == measure]
        if found:
            name = f"{measure}, times ours, least to most"
            numbers[name] = f"{min(found):.3g}–{max(found):.3g} ×"
    page.verdict(None, said, numbers)


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
                    side == _LIMIT,
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


def _case(
    page: report.Page, result: dict[str, Any], case: dict[str, Any], rows: list[_Ratio]
) -> None:
    page.section(case["title"])
    lost = [row for row in rows if row.lost]
    for row in lost:
        said = f"{row.side} is faster here: {row.measure}, {row.median:.2f} × our time."
        page.text(said)
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
    for note in _notes(result, case):
        page.text(note)


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
