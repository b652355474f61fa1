# SPDX-License-Identifier: Apache-2.0
"""Results for people: tables for a terminal and for the guide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from flaxnn.bench._figures import RECORDED, uses_record
from flaxnn.bench._wins import lost_first, summary_line, wins, words

if TYPE_CHECKING:
    from rich.console import RenderableType

# The rows of a table and the measures that they show.
_MEASURES = {
    "import": "import_s",
    "set-up": "setup_s",
    "compile": "compile_s",
    "first step": "first_step_s",
    "steady step": "step_s",
    "steady run": "run_s",
    "new process": "process_s",
    "new process, warm cache": "warm_s",
    "peak memory": "peak_mib",
}
_RATIOS = {
    "steady run": "run_s",
    "new process": "process_s",
    "new process, warm cache": "warm_s",
}
_UNITS = {"s": 1.0, "ms": 1e-3, "µs": 1e-6}


def tables(result: dict[str, Any]) -> Iterator[RenderableType]:
    """Yields what a terminal shows of a result, piece by piece.

    Args:
        result: What `measure` returned, or its file.
    """
    from rich.table import Table
    from rich.text import Text

    yield Text("\n".join(_origin(result)))
    yield Text(_capital(summary_line(result["cases"])), style="bold")
    if "growth" in result:
        table = Table(box=None, header_style="dim", pad_edge=False)
        heading, *rows = growth_rows(result)
        for title in heading:
            table.add_column(title, justify="right")
        for row in rows:
            table.add_row(*row)
        yield Text(f"\n{result['growth']['title']}", style="bold")
        yield table
        return
    for name, case in lost_first(result["cases"]).items():
        table = Table(box=None, header_style="dim", pad_edge=False)
        table.add_column("", no_wrap=True)
        for title in _titles(case):
            table.add_column(title, justify="right")
        for row in _rows(case):
            table.add_row(*row)
        yield Text(f"\n{case['title']}", style="bold")
        if said := words(result["cases"], name):
            yield Text(said, style="yellow")
        yield table
        yield Text("\n".join(_notes(result, case)), style="dim")
    for name, reason in result["skipped"].items():
        yield Text(f"\n{name} skipped: {reason}", style="yellow")


def markdown(result: dict[str, Any]) -> str:
    """Returns a result as the guide shows it.

    Args:
        result: What `measure` returned, or its file.
    """
    lines = [f"- {line}" for line in _origin(result)]
    lines += [f"- {summary_line(result['cases'])}"]
    if "growth" in result:
        heading, *rows = growth_rows(result)
        lines += ["", f"### {result['growth']['title']}", ""]
        lines += [_line(heading), _line(["---:"] * len(heading)), *map(_line, rows)]
        return "\n".join(lines) + "\n"
    for name, case in lost_first(result["cases"]).items():
        lines += ["", f"### {case['title']}", ""]
        if said := words(result["cases"], name):
            lines += [f"**{said}**", ""]
        titles = _titles(case)
        lines += [_line(["", *titles]), _line(["---"] + ["---:"] * len(titles))]
        lines += [_line(row) for row in _rows(case)]
        lines += ["", "\n".join(_notes(result, case))]
    return "\n".join(lines) + "\n"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _origin(result: dict[str, Any]) -> list[str]:
    machine, options = result["machine"], result["options"]
    versions = ", ".join(
        f"{name} {version}"
        for name, version in machine["versions"].items()
        if version is not None
    )
    load = ", ".join(map(str, machine["load_average"])) or "unknown"
    hardware = (
        f"{machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}"
    )
    rounds = f"{options['repeats']} steady runs"
    if options["processes"]:
        rounds += f" and {options['processes']} new processes"
    lines = [
        f"{result['date'][:10]}: {hardware}; load average at the start {load}",
        f"Python {machine['python']}, {versions}",
        f"{options['threads']} threads for each side; medians of {rounds} (least–most)",
    ]
    if options["quick"]:
        lines.append("a quick run: it shows that all works and measures little")
    return lines


def _titles(case: dict[str, Any]) -> list[str]:
    return [
        side["title"] + (" (recorded)" if side["kind"] == RECORDED else "")
        for side in case["sides"].values()
    ]


def _rows(case: dict[str, Any]) -> Iterator[list[str]]:
    sides = case["sides"]
    for name, measure in _MEASURES.items():
        show = _memory if measure == "peak_mib" else _seconds
        cells = [
            show(side[measure]) if measure in side else "" for side in sides.values()
        ]
        if any(cells):
            yield [name, *cells]
    for name, measure in _RATIOS.items():
        if any(measure in ratio for ratio in case["ratios"].values()):
            ratios = (case["ratios"].get(side, {measure: None}) for side in sides)
            yield [f"{name}, × ours", *(_ratio(ratio, measure) for ratio in ratios)]


def growth_rows(result: dict[str, Any]) -> Iterator[list[str]]:
    """A heading, then for each size the time of a step of each side, in words as well.

    Sizes at which a peer is faster come first.
    """
    about = result["growth"]
    cases = lost_first(result["cases"])
    titles = {
        name: side["title"]
        for case in cases.values()
        for name, side in case["sides"].items()
    }
    yield [about["axis"], *titles.values(), "faster than ours"]
    for name, case in cases.items():
        cells = [f"{about['sizes'][name]:,}"]
        for side in titles:
            if side not in case["sides"]:
                cells.append("")
                continue
            cells.append(_seconds(case["sides"][side]["step_s"]))
            if side in case["ratios"]:
                cells[-1] += f", {_short(case['ratios'][side]['run_s']['median'])} ×"
        faster = [win["title"] for win in wins({name: case})]
        yield [*cells, ", ".join(faster) or "no peer"]


def _ratio(ratio: dict[str, Any], measure: str) -> str:
    if measure not in ratio:
        return ""
    return "1" if ratio[measure] is None else _times(ratio[measure])


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _notes(result: dict[str, Any], case: dict[str, Any]) -> Iterator[str]:
    agreement = case["agreement"]
    if agreement["against"] is not None:
        largest = max(agreement["largest_difference"].values())
        yield (
            f"{case['problem']['steps']:,} losses of each side within {largest:.1e} of "
            f"those of {agreement['against']} ({agreement['tolerance']:g} allowed)."
        )
    for name, reason in case["missing"].items():
        yield f"{name} did not run: {reason}."
    if case["other_load"] is not None:
        yield f"Other programs took {case['other_load']:.0%} of the processors."
    if uses_record(case):
        origin = result["reference"]
        machine = origin["machine"]
        yield (
            f"(recorded): the reference is from another run, of {origin['date'][:10]}, "
            f"with PyTorch {machine['versions']['torch']} and "
            f"{origin['options']['threads']} threads on {machine['cores']} cores of "
            f"{machine['processor']}. Its ratios compare machines as well."
        )


def _seconds(figures: dict[str, Any]) -> str:
    median = figures["median"]
    unit = next((name for name, size in _UNITS.items() if median >= size), "µs")
    said = f"{_short(median / _UNITS[unit])} {unit}"
    return said + _spread(figures, 1 / _UNITS[unit])


def _memory(figures: dict[str, Any]) -> str:
    return f"{figures['median']:.0f} MiB"


def _times(figures: dict[str, Any]) -> str:
    return _short(figures["median"]) + _spread(figures, 1.0)


def _spread(figures: dict[str, Any], scale: float) -> str:
    low, high = (_short(scale * figures[key]) for key in ("min", "max"))
    return "" if low == high else f" ({low}–{high})"


def _short(value: float) -> str:
    """About three significant digits, without an exponent."""
    decimals = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{decimals}f}"
