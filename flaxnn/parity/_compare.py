# SPDX-License-Identifier: Apache-2.0
"""The first place where two recorded runs part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from flaxnn.parity._distance import Distance, distance, floor_of
from flaxnn.parity._finding import PHASES, Divergence, Finding
from flaxnn.parity._recorded import Recorded
from flaxnn.parity._trace import TraceLike, opened
from flaxnn.parity._trace_step import Step

# A run's steps add their roundings up.
_GROWTH = 4


def compare(
    one: TraceLike,
    other: TraceLike,
    *,
    exact: bool = False,
    everywhere: bool = False,
) -> Divergence:
    """Finds the first step, phase and layer at which two recorded runs differ.

    For a run before and after a change of its program, in JAX or in PyTorch. What
    follows from the first difference differs too; nothing is done again, so neither
    the model nor PyTorch is needed.

    Args:
        one: A trace, or its directory.
        other: Another.
        exact: Whether rounding counts as a difference (T0). Otherwise a step may be
            off by the rounding of four sums in another order, for itself and each of
            the steps before.
        everywhere: Whether to look at all steps instead of stopping at the first that
            differs.

    Returns:
        The findings, the first one first; `Finding.distance` is of the second run
        from the first.

    Raises:
        TraceError: A trace is damaged, or they have no step in common.

    Torch:
        No counterpart.

    Example:
        >>> compare("before.trace", "after.trace")
        Traceback (most recent call last):
        ...
        FileNotFoundError: there is no before.trace: record a run first...
    """
    first, second = opened(one), opened(other)
    compared: Counter[str] = Counter()
    findings: list[Finding] = []
    steps: list[int] = []
    for left, right in zip(first.steps, second.steps, strict=False):
        steps.append(left.number)
        here = []
        for phase, layer, what, apart in _pairs(left, right):
            compared[phase] += 1
            limit = 0.0 if exact else apart.limit * _GROWTH * (left.number + 1)
            if not apart.largest <= limit:
                found = Finding(left.number, phase, layer, what, apart.largest, limit)
                here.append(found)
        findings += sorted(here, key=lambda finding: PHASES.index(finding.phase))
        if findings and not everywhere:
            break
    notes = []
    if len(first) != len(second):
        notes.append(f"the runs have {len(first)} and {len(second)} steps")
    return Divergence(tuple(findings), tuple(steps), dict(compared), tuple(notes))


def _pairs(one: Step, other: Step) -> Iterator[tuple[str, str, str, Distance]]:
    """Everything that two steps have in common: phase, layer, name, distance."""
    for k, (a, b) in enumerate(
        zip(one.batch_checksums, other.batch_checksums, strict=False)
    ):
        yield "data", "", f"array {k} of the batch", _equal(a == b)
    whole = one.whole and other.whole
    if whole and one.number == 0:
        yield from _named("state", "at the beginning", one.parameters, other.parameters)
    if whole:
        yield from _calls(one, other)
    for a, b in zip(one.losses, other.losses, strict=False):
        yield "loss", "", "value", _numbers(a, b)
    if whole:
        yield from _gradients(one, other)
    for a, b in zip(one.groups, other.groups, strict=False):
        for name in a.keys() & b.keys():
            if isinstance(a[name], float) and isinstance(b[name], float):
                yield "optimizer", "", name, _numbers(a[name], b[name])
    if whole:
        left, right = one.after, other.after
        yield from _named("optimizer", "update of", left.parameters, right.parameters)
        yield from _named("state", "after the step", left.buffers, right.buffers)


def _calls(one: Step, other: Step) -> Iterator[tuple[str, str, str, Distance]]:
    left, right = Recorded.of(one), Recorded.of(other)
    for spot in left.outputs():
        if spot in right.arrays:
            apart = distance(left.arrays[spot], right.arrays[spot])
            yield "forward", spot.place.module, "output", apart


def _gradients(one: Step, other: Step) -> Iterator[tuple[str, str, str, Distance]]:
    left, right = Recorded.of(one), Recorded.of(other)
    for spot in reversed(left.outputs()):
        if spot in left.gradients and spot in right.gradients:
            apart = distance(left.gradients[spot], right.gradients[spot])
            yield "backward", spot.place.module, "gradient of its output", apart
    yield from _named("backward", "gradient of", one.gradients, other.gradients)


def _named(
    phase: str, what: str, one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, Distance]]:
    for name, array in one.items():
        if name in other:
            layer, _, own = name.rpartition(".")
            text = f"{what} {own}" if what.endswith("of") else f"{own} {what}"
            yield phase, layer, text, distance(array, other[name])


def _numbers(one: float, other: float) -> Distance:
    limit = floor_of("float32") * max(abs(one), abs(other))
    same = one == other or (np.isnan(one) and np.isnan(other))
    return Distance(0.0 if same else abs(one - other), limit)


def _equal(same: bool) -> Distance:
    return Distance(0.0 if same else float("nan"), 0.0)
