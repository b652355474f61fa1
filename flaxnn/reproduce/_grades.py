# SPDX-License-Identifier: Apache-2.0
"""The grades of a run: what was held to which criterion, and with what margin."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from flaxnn.reproduce._figure import Figure
from flaxnn.reproduce._runner import Result


def grades(results: Iterable[Result]) -> list[dict[str, Any]]:
    """Returns a row for each group of figures and grade, in the documents' order.

    Args:
        results: The results, from `run`.

    Returns:
        Mappings with ``document``, ``entry``, ``group``, ``grade``, ``numbers`` (how
        many were compared), ``passed``, and of the figure nearest to its tolerance
        ``error``, ``tolerance`` and ``margin``, the times by which the error could
        grow. T0 has none of the three. No error has no margin, nor has a printed
        figure, whose error is mostly that of its own rounding.
    """
    found = []
    for result in results:
        groups: dict[tuple[str, str], list[Figure]] = {}
        for figure in result.figures:
            groups.setdefault((figure.group, figure.grade), []).append(figure)
        found += [
            {
                "document": result.entry.document,
                "entry": result.entry.name,
                "group": group,
                "grade": grade,
                "numbers": sum(figure.count for figure in figures),
                **_worst(figures),
                "passed": all(figure.passed for figure in figures),
            }
            for (group, grade), figures in groups.items()
        ]
    return found


def totals(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns a row for each document and grade.

    Args:
        rows: Rows from `grades`.

    Returns:
        Mappings with ``document``, ``grade``, ``groups``, ``numbers``, ``margin`` (the
        smallest) and ``passed``, sorted by document and grade.
    """
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault((row["document"], row["grade"]), []).append(row)
    return [
        {
            "document": document,
            "grade": grade,
            "groups": len(members),
            "numbers": sum(row["numbers"] for row in members),
            "margin": min(
                (row["margin"] for row in members if row["margin"] is not None),
                default=None,
            ),
            "passed": all(row["passed"] for row in members),
        }
        for (document, grade), members in sorted(found.items())
    ]


def _worst(figures: list[Figure]) -> dict[str, float | None]:
    """Error, tolerance and margin of the figure nearest to its tolerance."""
    worst = max(figures, key=_excess)
    if math.isnan(worst.error):
        return {"error": None, "tolerance": None, "margin": None}
    measured = worst.error and worst.grade != "printed"
    return {
        "error": worst.error,
        "tolerance": worst.tolerance,
        "margin": worst.tolerance / worst.error if measured else None,
    }


def _excess(figure: Figure) -> float:
    """The error in parts of the tolerance; texts come last, wrong ones first."""
    if math.isnan(figure.error):
        return -1.0 if figure.passed else math.inf
    return figure.error / max(figure.tolerance, 1e-300)
