"""Counts what `diverge` finds of the planted faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flaxnn.parity import Divergence, diverge
from tests.planted.arrays import PLANS
from tests.planted.faults import CORRECT, FAULTS, Fault
from tests.planted.runs import record_run


@dataclass(frozen=True)
class Result:
    """What was found of a fault.

    Attributes:
        fault: The fault.
        found: What `diverge` says.
    """

    fault: Fault
    found: Divergence

    @property
    def located(self) -> bool:
        """Whether step, phase and layer of the first finding are right."""
        first, fault = self.found.first, self.fault
        return first is not None and (first.step, first.phase, first.layer) == (
            fault.step,
            fault.phase,
            fault.layer,
        )

    @property
    def named(self) -> bool:
        """Whether the cause is."""
        first = self.found.first
        cause = None if first is None else first.cause
        return self.located and cause is not None and cause.name == self.fault.cause


def record_all(folder: Path) -> None:
    """Records every run in PyTorch, each as a trace of its name."""
    for name in PLANS:
        record_run(name, folder / f"{name}.trace")


def results(folder: Path) -> Iterator[Result]:
    """Looks for every fault, in the traces of `record_all`."""
    for fault in FAULTS:
        found = diverge(folder / f"{fault.run}.trace", **fault.port())
        yield Result(fault, found)


def false_alarms(folder: Path) -> Iterator[tuple[str, Divergence]]:
    """Looks at every correct port."""
    for name, run, make in CORRECT:
        yield name, diverge(folder / f"{run}.trace", **make())
