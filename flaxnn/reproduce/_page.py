# SPDX-License-Identifier: Apache-2.0
"""The page of a run: verdict, entries, losses of both sides, every figure."""

from __future__ import annotations

import math
from io import BytesIO
from typing import TYPE_CHECKING, Any

from flaxnn import report
from flaxnn._errors import MissingPackageError
from flaxnn.reproduce._figure import Figure
from flaxnn.reproduce._grades import grades, totals
from flaxnn.reproduce._plot import Plot
from flaxnn.reproduce._runner import Result, environment

if TYPE_CHECKING:
    from matplotlib import figure

# An entry of more figures has a table of its groups, and one of all of them folded.
_FEW = 12
# Of a text in a table; what is off is also shown in full.
_LONGEST = 60
# Pictures are laid out for 100 pixels to an inch. They have twice as many, but where
# that takes more bytes.
_DPI, _DENSITY = 100, 2
_MOST_BYTES = 300_000
_GRADES = (
    "T0: the same bits. T1: a float64 run, at most 1e-12 of the largest number apart. "
    "T2: a float32 run, at most four times as far from PyTorch as PyTorch's own "
    "variants of that run are from each other. T3: a metric. printed: the digits of a "
    "document."
)


def report_page(results: list[Result]) -> report.Page:
    """Returns a page of a run, with its pictures where matplotlib is installed.

    Args:
        results: The results, from `run`.

    Returns:
        The page; ``page.write(path)`` writes it.
    """
    page = report.Page(
        "flaxnn reproduce",
        "Every figure of the documents, computed again and compared with PyTorch's",
        environment(),
    )
    rows = grades(results)
    _verdict(page, results, rows)
    failed = [
        (result, figure)
        for result in results
        for figure in result.figures
        if not figure.passed
    ]
    if failed:
        _failures(page, failed)
    page.section("Entries")
    page.table(
        ["entry", "verdict", "numbers", "of tolerance", "seconds", "document", "what"],
        [_entry(result, rows) for result in results],
        caption="What was run. Of tolerance: how much of its tolerance the figure "
        "nearest to it takes, digits of documents aside.",
        formats={"of tolerance": ".0%", "seconds": ".1f"},
    )
    if rows:
        page.subsection("Grades")
        page.text(_GRADES)
        page.table(
            ["document", "grade", "groups", "numbers", "least margin", "verdict"],
            [
                [
                    row["document"],
                    row["grade"],
                    row["groups"],
                    row["numbers"],
                    _margin(row["margin"]),
                    row["passed"],
                ]
                for row in totals(rows)
            ],
            caption="What was held to which grade. Margin: how many times larger the "
            "error could be.",
        )
    for result in results:
        _section(page, result, [r for r in rows if r["entry"] == result.entry.name])
    return page


def _verdict(
    page: report.Page, results: list[Result], rows: list[dict[str, Any]]
) -> None:
    count = sum(row["numbers"] for row in rows)
    ran = [result for result in results if result.status != "skipped"]
    skipped = [result.entry.name for result in results if result.status == "skipped"]
    also = f"; skipped for want of data: {', '.join(skipped)}" if skipped else ""
    if not ran:
        page.verdict(None, f"Nothing was compared{also}.")
        return
    figures = [figure for result in ran for figure in result.figures]
    agree = sum(figure.count for figure in figures if figure.passed)
    passed = [result for result in ran if result.status == "passed"]
    numbers = {
        "numbers compared": f"{count:,}",
        "entries agree": f"{len(passed)} of {len(ran)}",
    }
    part = _part(rows)
    if part is not None:
        numbers["of a tolerance taken, at most"] = f"{part:.0%}"
    said = f"{agree:,} of {count:,} figures agree{also}."
    page.verdict(len(passed) == len(ran), said, numbers)


def _failures(page: report.Page, failed: list[tuple[Result, Figure]]) -> None:
    page.section("What is off", note="Each figure beyond its tolerance, in full.")
    for result, figure in failed:
        page.subsection(f"{result.entry.name}: {figure.group}, {figure.name}")
        page.code(f"expected {figure.reference}\ngot      {figure.value}")


def _entry(result: Result, rows: list[dict[str, Any]]) -> list[report.Value]:
    entry = result.entry
    mine = [row for row in rows if row["entry"] == entry.name]
    verdict: report.Value = result.status == "passed"
    if result.status == "skipped":
        verdict = report.Cell("– skipped", tone="muted")
    return [
        entry.name,
        verdict,
        sum(row["numbers"] for row in mine),
        _part(mine),
        result.seconds,
        entry.document,
        entry.title,
    ]


def _part(rows: list[dict[str, Any]]) -> float | None:
    """The largest part of a tolerance that is taken, digits of documents aside."""
    parts = [1 / row["margin"] for row in rows if row["margin"]]
    return max(parts, default=None)


def _section(page: report.Page, result: Result, rows: list[dict[str, Any]]) -> None:
    entry = result.entry
    page.section(
        entry.name,
        note=f"Document {entry.document}, {entry.title}",
        status=result.status,
    )
    if result.reason:
        page.text(result.reason)
    for plot in result.plots:
        if plot.losses is not None:
            both = plot.losses
            page.curves(
                both.ours,
                both.theirs,
                floor=both.floor,
                names=both.names,
                title=both.title,
            )
    if len(result.figures) > _FEW:
        _groups(page, rows)
    if result.figures:
        _figures(page, result)
    _pictures(page, [plot for plot in result.plots if plot.losses is None])


def _groups(page: report.Page, rows: list[dict[str, Any]]) -> None:
    page.table(
        ["figures", "grade", "numbers", "error", "tolerance", "margin", "verdict"],
        [
            [
                row["group"],
                row["grade"],
                row["numbers"],
                row["error"],
                row["tolerance"],
                _margin(row["margin"]),
                row["passed"],
            ]
            for row in rows
        ],
        caption="Each group by the figure nearest to its tolerance",
        formats={"error": ".1e", "tolerance": ".1e"},
    )


def _figures(page: report.Page, result: Result) -> None:
    """A table of all figures, the largest distances first."""

    def distance(figure: Figure) -> tuple[bool, float]:
        part = figure.error / figure.tolerance if figure.tolerance else 0.0
        return figure.passed, -part if math.isfinite(part) else 0.0

    many = len(result.figures) > _FEW
    page.table(
        ["figure", "PyTorch", "flaxnn", "error", "tolerance", "grade", "verdict"],
        [
            [
                f"{figure.group}, {figure.name}",
                _short(figure.reference),
                _short(figure.value),
                None if math.isnan(figure.error) else figure.error,
                None if math.isnan(figure.error) else figure.tolerance,
                figure.grade,
                figure.passed,
            ]
            for figure in sorted(result.figures, key=distance)
        ],
        caption=f"Figures of {result.entry.name}, the largest parts of their "
        "tolerances first",
        formats={"error": ".1e", "tolerance": ".1e"},
        folded=f"All {len(result.figures):,} figures" if many else None,
    )


def _pictures(page: report.Page, plots: list[Plot]) -> None:
    for plot in plots:
        try:
            drawn = plot.draw()
        except MissingPackageError:
            page.text("The pictures of this entry need matplotlib, which is missing.")
            return
        density = _DENSITY
        png = _png(drawn, density)
        if len(png) > _MOST_BYTES:
            density = 1
            png = _png(drawn, density)
        said = " ".join(drawn.get_suptitle().split()) or plot.name
        page.picture(png, description=said, density=density)


def _png(drawn: figure.Figure, density: int) -> bytes:
    file = BytesIO()
    drawn.savefig(file, dpi=density * _DPI)
    return file.getvalue()


def _margin(margin: float | None) -> report.Cell:
    return report.Cell("" if margin is None else f"{margin:,.1f} ×", margin)


def _short(text: str) -> str:
    first, _, rest = text.partition("\n")
    return f"{first[:_LONGEST]} …" if rest or len(first) > _LONGEST else first
