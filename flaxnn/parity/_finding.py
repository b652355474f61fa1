# SPDX-License-Identifier: Apache-2.0
"""What a comparison finds, and how it is told."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

#: The phases of a step, in the order in which they are looked at.
PHASES = ("data", "forward", "loss", "backward", "optimizer", "state")


@dataclass(frozen=True)
class Cause:
    """A usual reason for a difference.

    Attributes:
        name: What it is called.
        advice: What to change in the port.
    """

    name: str
    advice: str


@dataclass(frozen=True)
class Finding:
    """A place where two runs part.

    Attributes:
        step: The optimiser step, from 0.
        phase: One of `PHASES`.
        layer: PyTorch's dotted name of the module, ``""`` for the model as a whole.
        what: Which number of it: ``"output"``, ``"gradient of weight"``, ….
        distance: The largest absolute difference.
        limit: What rounding explains.
        cause: The usual reason that gives the port's numbers, or None.
    """

    step: int
    phase: str
    layer: str
    what: str
    distance: float
    limit: float
    cause: Cause | None = None

    def __str__(self) -> str:
        layer = f", layer {self.layer!r}" if self.layer else ""
        text = (
            f"step {self.step}, {self.phase}{layer}: {self.what} is off by "
            f"{self.distance:.3g} (rounding explains {self.limit:.1g})"
        )
        if self.cause is None:
            return text
        return f"{text}\n  likely cause: {self.cause.name}; {self.cause.advice}"

    def to_json(self) -> dict[str, Any]:
        """Returns the fields, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Divergence:
    """The result of `diverge`.

    Attributes:
        findings: What differs at the first step where anything does, in the order of
            the phases; each phase was fed what was recorded, so one does not follow
            from another. Empty where the runs agree.
        steps: The numbers of the steps that were compared.
        compared: How many arrays and numbers of each phase were compared.
        notes: What could not be compared, and why.
    """

    findings: tuple[Finding, ...]
    steps: tuple[int, ...]
    compared: dict[str, int]
    notes: tuple[str, ...] = field(default=())

    @property
    def first(self) -> Finding | None:
        """The first difference: of the first step, phase and layer."""
        return self.findings[0] if self.findings else None

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.findings)

    def __str__(self) -> str:
        counts = ", ".join(f"{self.compared.get(p, 0)} of {p}" for p in PHASES)
        lines = [f"note: {note}" for note in self.notes]
        lines.append(f"{len(self.steps)} steps compared; numbers: {counts}")
        if not self.findings:
            return "\n".join(["no difference beyond rounding", *lines])
        first, *others = self.findings
        told = [f"first difference: {first}"]
        if others:
            told.append("at the same step, found independently:")
            told += [f"- {finding}" for finding in others]
        return "\n".join([*told, *lines])

    def to_json(self) -> dict[str, Any]:
        """Returns everything, for JSON."""
        return {
            "diverges": bool(self),
            "findings": [finding.to_json() for finding in self.findings],
            "steps": list(self.steps),
            "compared": self.compared,
            "notes": list(self.notes),
        }
