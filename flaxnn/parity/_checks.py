# SPDX-License-Identifier: Apache-2.0
"""What a certificate checks: each grade's figures of two recordings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from flaxnn._criteria import FLOORS, PROOF, Worst, worst
from flaxnn.parity._noise import NoiseFloor
from flaxnn.parity._recording import Recording, Sample


@dataclass(frozen=True)
class Check:
    """One thing that was held to one criterion.

    Attributes:
        grade: ``"T0"``, ``"T1"`` or ``"T2"``.
        what: What was compared: ``"losses"``, ``"initial tensors"``, or a tensor.
        measured: The error nearest to its limit, in the unit of the grade; None where
            nothing was measured.
        limit: The largest error that passes; None where nothing was measured.
        passed: Whether it passes; None where the reference has nothing to judge by.
        note: What else is to be known.
    """

    grade: str
    what: str
    measured: float | None
    limit: float | None
    passed: bool | None
    note: str = ""

    @property
    def share(self) -> float:
        """The error in parts of its limit; infinite where it is no number."""
        if self.measured is None or self.limit is None or self.measured == 0:
            return 0.0 if self.passed is not False else math.inf
        share = self.measured / max(self.limit, 1e-300)
        return math.inf if math.isnan(share) else share

    def to_json(self) -> dict[str, Any]:
        """Returns it as plain values; what is no finite number is None."""
        return {
            key: None
            if isinstance(value, float) and not math.isfinite(value)
            else value
            for key, value in asdict(self).items()
        }


def not_proven(grade: str, why: str) -> Check:
    """A grade that the reference cannot judge."""
    return Check(grade, "losses and tensors", None, None, None, why)


def same_start(
    initial: Mapping[str, Sample], ours: Mapping[str, np.ndarray]
) -> Iterator[Check]:
    """T0: the float32 tensors before the first step, bit for bit."""
    if not initial:
        return
    different = [name for name in initial if not _same(initial[name], ours[name])]
    note = f"different: {', '.join(different[:4])}" if different else ""
    if len(different) > 4:
        note += f" and {len(different) - 4} more"
    what = f"{len(initial)} initial tensors"
    yield Check("T0", what, float(len(different)), 0.0, not different, note)


def _same(theirs: Sample, ours: np.ndarray) -> bool:
    """By all their bytes where those are known, and else by the entries kept."""
    if theirs.digest:
        return Sample.of(ours).digest == theirs.digest
    return theirs.entries.tobytes() == theirs.entries_of(ours).tobytes()


def same_length(dtype: str, theirs: int, ours: int) -> Iterator[Check]:
    """T0: the number of steps, said only where it differs."""
    if theirs != ours:
        note = f"{ours:,} in {dtype} where PyTorch has {theirs:,}"
        apart = float(abs(theirs - ours))
        yield Check("T0", "number of steps", apart, 0.0, False, note)


def proofs(theirs: Recording, ours: Recording) -> Iterator[Check]:
    """T1: float64 losses and each tensor, relative to their largest magnitude."""
    a, b = _common(theirs.losses, ours.losses)
    limits = np.full(len(a), PROOF)
    found = worst(a, b, limits, scale=float(np.abs(a).max()), running=True)
    note = f"{len(a):,} steps"
    if not found.passed:
        apart = np.abs(a - b) / np.abs(a).max()
        first = int(np.argmax(~(apart <= PROOF)))
        note += f", beyond the limit from step {first:,} ({apart[first]:.1e})"
    yield _check("T1", "losses", found, note)
    for name, sample in theirs.tensors.items():
        entries = sample.entries_of(_whole(ours.tensors[name]))
        limits = np.full(entries.size, PROOF)
        found = worst(sample.entries, entries, limits, scale=sample.largest)
        yield _check("T1", name, found, _kept(sample))


def within_floor(
    theirs: Recording, ours: Recording, floor: NoiseFloor
) -> Iterator[Check]:
    """T2: float32 losses up to each step, and each tensor, against the noise floor."""
    a, b = _common(theirs.losses, ours.losses)
    limits = FLOORS * floor.for_losses(a)
    found = worst(a, b, limits, running=True)
    yield _check("T2", "losses", found, f"{len(a):,} steps, worst at {found.index:,}")
    for name, sample in theirs.tensors.items():
        width = floor.for_tensor(name, sample.largest)
        if width is None:
            continue
        entries = sample.entries_of(_whole(ours.tensors[name]))
        limits = np.full(entries.size, FLOORS * width)
        found = worst(sample.entries, entries, limits)
        yield _check("T2", name, found, _kept(sample))


def _common(theirs: np.ndarray, ours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The steps that both have; another number of them is a check of its own."""
    count = min(len(theirs), len(ours))
    return theirs[:count], ours[:count]


def _whole(sample: Sample) -> np.ndarray:
    return sample.entries.reshape(sample.shape)


def _kept(sample: Sample) -> str:
    """How much of a tensor was compared, where it is not all of it."""
    kept = sample.entries.size
    return f"{kept:,} of {sample.size:,} entries" if kept < sample.size else ""


def _check(grade: str, what: str, found: Worst, note: str) -> Check:
    return Check(grade, what, found.error, found.limit, found.passed, note)
