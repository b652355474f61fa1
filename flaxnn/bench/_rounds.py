# SPDX-License-Identifier: Apache-2.0
"""The sides of one case, run in turn."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from flaxnn.bench._agreement import Standard
from flaxnn.bench._process import Fresh, Worker, fresh
from flaxnn.bench._samples import turn
from flaxnn.bench._side import NotHereError, Side


@dataclass(frozen=True)
class Plan:
    """How a case is measured.

    Attributes:
        case: Its name.
        folder: Where its problem lies.
        steps: How many steps a run has.
        shares: For each epoch, the share of each step in its average loss.
        tolerance: How far the losses of two sides may lie apart.
        repeats: Rounds in the steady state.
        processes: Rounds of new processes.
        threads: Processors that a side may use.
        warm: Whether new processes are measured with compiled programs kept as well.
        watch: Called with what comes next.
    """

    case: str
    folder: Path
    steps: int
    shares: Sequence[np.ndarray]
    tolerance: float
    repeats: int
    processes: int
    threads: int
    warm: bool
    watch: Callable[[str], None]


@dataclass
class Measured:
    """The samples of one side."""

    side: Side
    first_step_s: float
    updates: int
    losses: np.ndarray
    difference: float = 0.0
    runs: list[float] = field(default_factory=list)
    fresh: list[Fresh] = field(default_factory=list)
    warm: list[Fresh] = field(default_factory=list)

    def measures(self) -> dict[str, list[float]]:
        """Every measure under its name, in seconds or MiB."""
        steady = statistics.median(self.runs)
        measures = {
            "import_s": [f.import_s for f in self.fresh],
            "setup_s": [f.setup_s for f in self.fresh],
            "compile_s": [max(0.0, f.reply.seconds - steady) for f in self.fresh],
            "first_step_s": [self.first_step_s],
            "step_s": [seconds / self.updates for seconds in self.runs],
            "run_s": self.runs,
            "process_s": [f.process_s for f in self.fresh],
            "peak_mib": [f.reply.peak_mib for f in self.fresh],
        }
        measures["warm_s"] = [f.process_s for f in self.warm]
        return {name: samples for name, samples in measures.items() if samples}


@dataclass(frozen=True)
class Outcome:
    """What the rounds of a case gave."""

    measured: list[Measured]
    missing: dict[str, str]
    standard: Standard | None


def run_rounds(plan: Plan, sides: Sequence[Side], recorded: Standard | None) -> Outcome:
    """Runs the sides of a case against each other.

    Args:
        plan: How.
        sides: Who takes part; those that cannot run here are left out.
        recorded: What PyTorch's recorded losses are, for where it cannot run.

    Raises:
        DifferentResultsError: Two sides compute different losses.
        RuntimeError: A worker failed.
    """
    workers: dict[str, Worker] = {}
    missing: dict[str, str] = {}
    measured: list[Measured] = []
    with ExitStack() as stack:
        for side in sides:
            plan.watch(f"{plan.case}: {side.title}, first run")
            worker = stack.enter_context(Worker(side, plan.folder, plan.threads))
            try:
                first = worker.run(1)
            except NotHereError as error:
                missing[side.name] = str(error)
                continue
            workers[side.name] = worker
            losses = worker.run(plan.steps).losses
            updates = sum(len(share) for share in plan.shares)
            measured.append(Measured(side, first.seconds, updates, losses))
        if not measured:
            return Outcome(measured, missing, recorded)
        standard, whole = _standards(measured, recorded)
        averaged = whole.averaged(plan.shares)

        def check(side: Side, losses: np.ndarray) -> float:
            held_to = standard
            if side.averages and averaged and losses.shape == (averaged.length,):
                held_to = averaged
            return held_to.check(plan.case, side.title, losses, plan.tolerance)

        for one in measured:
            one.difference = check(one.side, one.losses)
        for number in range(plan.repeats):
            for one in turn(measured, number):
                plan.watch(f"{plan.case}: {one.side.title}, steady run")
                reply = workers[one.side.name].run(plan.steps)
                check(one.side, reply.losses)
                one.runs.append(reply.seconds)

    def started(one: Measured, what: str, cache: Path | None = None) -> Fresh:
        plan.watch(f"{plan.case}: {one.side.title}, {what}")
        new = fresh(one.side, plan.folder, plan.threads, plan.steps, cache)
        check(one.side, new.reply.losses)
        return new

    for number in range(plan.processes):
        for one in turn(measured, number):
            one.fresh.append(started(one, "new process"))
    if not plan.warm:
        return Outcome(measured, missing, standard)
    caches = {one.side.name: _cache(plan, one.side) for one in measured}
    for one in measured:
        if one.side.cache:
            started(one, "filling its cache", caches[one.side.name])
    for number in range(plan.processes):
        for one in turn(measured, number):
            cache = caches[one.side.name]
            one.warm.append(started(one, "new process, warm cache", cache))
    return Outcome(measured, missing, standard)


def _cache(plan: Plan, side: Side) -> Path:
    folder = plan.folder / f"cache-{side.name}"
    folder.mkdir()
    return folder


def _standards(
    measured: list[Measured], recorded: Standard | None
) -> tuple[Standard, Standard]:
    """What losses are held to, and what averages of them are held to.

    PyTorch's losses, from here or from its record; else those of the first side. A
    record holds some steps only, so averages are held to the first side's instead.
    """
    runs = [
        Standard.of_run(one.side.title, one.losses)
        for one in sorted(
            measured, key=lambda one: (not one.side.is_torch, one.side.averages)
        )
    ]
    if any(one.side.is_torch for one in measured):
        return runs[0], runs[0]
    return recorded or runs[0], runs[0]
