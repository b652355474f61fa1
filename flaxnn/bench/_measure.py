# SPDX-License-Identifier: Apache-2.0
"""Measures cases and gathers the figures."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flaxnn._errors import DataNotFoundError, MissingPackageError
from flaxnn.bench._case import CASES, Case
from flaxnn.bench._figures import figures, uses_record
from flaxnn.bench._machine import OtherLoad, available_cores, machine
from flaxnn.bench._problem import Problem, prepare
from flaxnn.bench._reference import Record
from flaxnn.bench._rounds import Plan, run_rounds
from flaxnn.bench._side import Side, choose
from flaxnn.bench._wins import wins

SCHEMA = 1


def measure(
    cases: Sequence[Case] = CASES,
    *,
    sides: Sequence[str | Side] | None = None,
    repeats: int = 5,
    processes: int = 2,
    threads: int | None = None,
    data: Path | None = None,
    quick: bool = False,
    warm: bool = True,
    reference: dict[str, Any] | None = None,
    watch: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Returns every measure of every side of the cases, and the ratios to the first.

    A case goes so: a worker of each side imports and makes ready, runs one step, then
    the whole run once, and these losses are compared. Then the workers run in turn,
    each round beginning with another side. Last, the whole run is done in new
    processes, in turn as well, without compiled programs and, after a process of each
    side has left its own in a folder, with them. The losses of every run are held to
    PyTorch's; a side that has only averages of epochs, to averages of those.

    Args:
        cases: What to measure.
        sides: Names of `SIDES`, or sides of your own; all of each case when None.
        repeats: Rounds in the steady state.
        processes: Rounds of new processes; none are measured with 0.
        threads: Processors that a side may use; all when None.
        data: Folder with a folder for each data set, or with the raw files.
        quick: Whether to do a few steps of each run, which shows that all works and
            measures little.
        warm: Whether to measure new processes with a filled compilation cache too.
        reference: A recorded run of PyTorch, from `read_reference`, for sides that
            cannot run here.
        watch: Called with what comes next, before it does.

    Returns:
        A dictionary for JSON with ``"machine"``, ``"options"``, ``"wins"`` of peers,
        ``"cases"`` and ``"skipped"``; the guide describes it.

    Raises:
        ValueError: A side is unknown, or a number is out of range.
        DifferentResultsError: Two sides compute different losses.
        RuntimeError: A worker failed.
    """
    cores = available_cores()
    threads = cores if threads is None else threads
    _check("repeats", repeats)
    _check("processes", processes, least=0)
    _check("threads", threads, cores)
    chosen = None if sides is None else choose(sides)
    record = Record(reference)
    out: dict[str, Any] = {
        "schema": SCHEMA,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "options": {
            "repeats": repeats,
            "processes": processes,
            "threads": threads,
            "quick": quick,
            "warm": warm,
        },
        "reference": None,
        "wins": [],
        "cases": {},
        "skipped": {},
    }
    for case in cases:
        try:
            problem = prepare(case, data, quick=quick)
        except (DataNotFoundError, MissingPackageError) as error:
            out["skipped"][case.name] = str(error)
            continue
        with tempfile.TemporaryDirectory(prefix="flaxnn-bench-") as folder:
            problem.write(Path(folder))
            plan = Plan(
                case=case.name,
                folder=Path(folder),
                steps=problem.recipe.steps or 1,
                shares=problem.shares(),
                tolerance=case.tolerance,
                repeats=repeats,
                processes=processes,
                threads=threads,
                warm=warm,
                watch=watch or _ignore,
            )
            out["cases"][case.name] = _case(
                case, problem, plan, chosen or choose(case.sides), record
            )
    if any(uses_record(figures) for figures in out["cases"].values()):
        out["reference"] = record.origin()
    out["wins"] = wins(out["cases"])
    return out


def _case(
    case: Case,
    problem: Problem,
    plan: Plan,
    sides: tuple[Side, ...],
    record: Record,
) -> dict[str, Any]:
    what = problem.description()
    recorded = record.standard(case.name, what, plan.steps)
    others = OtherLoad()
    outcome = run_rounds(plan, sides, recorded)
    return {
        **figures(case, problem, outcome, record.sides(case.name, what)),
        "other_load": others.share(),
    }


def _check(name: str, value: int, most: int | None = None, *, least: int = 1) -> None:
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    if most is not None and value > most:
        raise ValueError(
            f"{name} must be at most {most}, the processors this process may run on, "
            f"got {value}"
        )


def _ignore(what: str) -> None:
    del what
