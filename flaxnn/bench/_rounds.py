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
        tolerance: How far the losses of two sides may lie apart.
        repeats: Rounds in the steady state.
        processes: Rounds of new processes.
        threads: Processors that a side may use.
        watch: Called with what comes next.
    """

    case: str
    folder: Path
    steps: int
    tolerance: float
    repeats: int
    processes: int
    threads: int
    watch: Callable[[str], None]


@dataclass
class Measured:
    """The samples of one side."""

    side: Side
    first_step_s: float
    losses: np.ndarray
    difference: float = 0.0
    runs: list[float] = field(default_factory=list)
    fresh: list[Fresh] = field(default_factory=list)

    def measures(self) -> dict[str, list[float]]:
        """Every measure under its name, in seconds or MiB."""
        steady = statistics.median(self.runs)
        return {
            "import_s": [f.import_s for f in self.fresh],
            "setup_s": [f.setup_s for f in self.fresh],
            "compile_s": [max(0.0, f.reply.seconds - steady) for f in self.fresh],
            "first_step_s": [self.first_step_s],
            "step_s": [seconds / len(self.losses) for seconds in self.runs],
            "run_s": self.runs,
            "process_s": [f.process_s for f in self.fresh],
            "peak_mib": [f.reply.peak_mib for f in self.fresh],
        }


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
            measured.append(Measured(side, first.seconds, losses))
        if not measured:
            return Outcome(measured, missing, recorded)
        standard = _standard(measured, recorded)
        for one in measured:
            one.difference = _check(plan, standard, one.side, one.losses)
        for number in range(plan.repeats):
            for one in turn(measured, number):
                plan.watch(f"{plan.case}: {one.side.title}, steady run")
                reply = workers[one.side.name].run(plan.steps)
                _check(plan, standard, one.side, reply.losses)
                one.runs.append(reply.seconds)
    for number in range(plan.processes):
        for one in turn(measured, number):
            plan.watch(f"{plan.case}: {one.side.title}, new process")
            new = fresh(one.side, plan.folder, plan.threads, plan.steps)
            _check(plan, standard, one.side, new.reply.losses)
            one.fresh.append(new)
    return Outcome(measured, missing, standard)


def _standard(measured: list[Measured], recorded: Standard | None) -> Standard:
    """PyTorch's losses, from here or from its record; else those of the first side."""
    for one in measured:
        if one.side.is_torch:
            return Standard.of_run(one.side.title, one.losses)
    return recorded or Standard.of_run(measured[0].side.title, measured[0].losses)


def _check(plan: Plan, standard: Standard, side: Side, losses: np.ndarray) -> float:
    return standard.check(plan.case, side.title, losses, plan.tolerance)
