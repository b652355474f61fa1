# SPDX-License-Identifier: Apache-2.0
"""Counts what `diverge` finds of the planted faults."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flaxnn.parity import Divergence, diverge
from tests.planted.fault import Fault
from tests.planted.faults_conv import FAULTS as OF_NETS
from tests.planted.faults_mlp import FAULTS as OF_PERCEPTRONS
from tests.planted.runs import record_run

FAULTS = (*OF_PERCEPTRONS, *OF_NETS)


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


class Traces:
    """The recorded runs, each recorded in PyTorch when it is first asked for.

    Args:
        folder: Where they are written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, run: str) -> Path:
        """The trace of a run."""
        path = self.folder / f"{run}.trace"
        if not path.exists():
            record_run(run, path)
        return path


def result(fault: Fault, traces: Traces) -> Result:
    """Looks for a fault."""
    return Result(fault, diverge(traces.of(fault.run), **fault.port()))
