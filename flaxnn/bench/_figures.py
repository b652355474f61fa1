# SPDX-License-Identifier: Apache-2.0
"""The figures of a case, as they are written to a results file."""

from __future__ import annotations

from typing import Any

from flaxnn.bench._agreement import Standard
from flaxnn.bench._case import Case
from flaxnn.bench._problem import Problem
from flaxnn.bench._rounds import Measured, Outcome
from flaxnn.bench._samples import ratios, rounded, summary

MEASURED, RECORDED = "measured", "recorded reference"
SIDE_BY_SIDE = "side by side"

# Of the measures, those that the sides are compared in.
COMPARED = ("run_s", "process_s", "warm_s")


def figures(
    case: Case, problem: Problem, outcome: Outcome, recorded: dict[str, Any]
) -> dict[str, Any]:
    """Everything about a case.

    Args:
        case: The case.
        problem: What was computed.
        outcome: What was measured.
        recorded: The reference's sides, for those that could not run here.
    """
    sides = {one.side.name: _side(one) for one in outcome.measured}
    base = next(iter(sides), None)
    compared = {
        one.side.name: _side_by_side(one, outcome.measured[0])
        for one in outcome.measured[1:]
    }
    for name in outcome.missing:
        if name in recorded:
            sides[name] = {**recorded[name], "kind": RECORDED}
            if base is not None:
                compared[name] = _against_record(sides[name], sides[base])
    return {
        "title": case.title,
        "problem": problem.description(),
        "agreement": _agreement(case, outcome),
        "sides": sides,
        "missing": outcome.missing,
        "base": base,
        "ratios": compared,
    }


def uses_record(case: dict[str, Any]) -> bool:
    """Whether figures of a case come from the reference."""
    return any(side["kind"] == RECORDED for side in case["sides"].values())


def _side(one: Measured) -> dict[str, Any]:
    measures = {name: summary(values) for name, values in one.measures().items()}
    return {"title": one.side.title, "kind": MEASURED, **measures}


def _side_by_side(theirs: Measured, ours: Measured) -> dict[str, Any]:
    a, b = theirs.measures(), ours.measures()
    return {
        "kind": SIDE_BY_SIDE,
        **{
            name: summary(ratios(a[name], b[name]))
            for name in COMPARED
            if name in a and name in b
        },
    }


def _against_record(theirs: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Ratios of medians; the spread is what the two spreads allow."""
    out: dict[str, Any] = {"kind": RECORDED}
    for name in COMPARED:
        if name not in theirs or name not in ours:
            continue
        a, b = theirs[name], ours[name]
        out[name] = {
            "median": rounded(a["median"] / b["median"]),
            "min": rounded(a["min"] / b["max"]),
            "max": rounded(a["max"] / b["min"]),
            "samples": [],
        }
    return out


def _agreement(case: Case, outcome: Outcome) -> dict[str, Any]:
    standard: Standard | None = outcome.standard
    return {
        "against": standard.title if standard else None,
        "tolerance": case.tolerance,
        "largest_difference": {
            one.side.name: rounded(one.difference) for one in outcome.measured
        },
        "losses": standard.kept() if standard else None,
    }
