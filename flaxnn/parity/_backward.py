# SPDX-License-Identifier: Apache-2.0
"""The backward phase: gradients on their way back, each module fed its recorded one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flaxnn.parity._causes._kinks import cause_of_gradient
from flaxnn.parity._distance import Distance, distance
from flaxnn.parity._finding import Finding
from flaxnn.parity._recorded import Recorded
from flaxnn.parity._replay import Pass, Replayed
from flaxnn.parity._spot import Spot
from flaxnn.parity._trace_step import Step

# Clipping scales all gradients alike, up to rounding.
_ALIKE = 1e-5


def compare_backward(seen: Replayed) -> Iterator[Finding | None]:
    """Gives for each gradient the finding, or None where it agrees, the last one first.

    Args:
        seen: A step beside the port's passes.
    """
    recorded, exact = seen.recorded, seen.exact
    clipped = clipping(seen.step, exact)
    told: set[str] = set()
    for spot in reversed(list(exact.values)):
        if spot in exact.gradients and spot.place != recorded.root:
            theirs = recorded.gradients[spot]
            ours = exact.gradients[spot]
            apart = distance(theirs, ours, seen.rounded.gradients.get(spot))
            yield _of_output(seen, spot, apart, ours, told)
        name = spot.place.module
        if spot.side == "output" and not recorded.children(name):
            sums = _rounding_of_sums(recorded, spot)
            yield from _of_parameters(seen, name, clipped, sums, told)


def clipping(step: Step, exact: Pass) -> float:
    """What the recorded gradients were multiplied by, 1 where by nothing.

    The recorded ones are those that the optimiser was given, behind any clipping.
    """
    ratios = []
    if len(step.losses) > 1:
        return 1.0  # The recorded ones are sums over several passes.
    for name, ours in exact.parameters.items():
        theirs = np.asarray(step.gradients[name], np.float64)
        norm = np.vdot(ours, ours)
        if theirs.shape != ours.shape or norm == 0:
            continue
        ratio = float(np.vdot(theirs, ours) / norm)
        if np.abs(theirs - ratio * ours).max() > 1e-4 * np.abs(theirs).max():
            return 1.0
        ratios.append(ratio)
    if not ratios or max(ratios) - min(ratios) > _ALIKE * max(ratios):
        return 1.0
    factor = float(np.median(ratios))
    return factor if 0 < factor < 1 - 10 * _ALIKE else 1.0


def _of_output(
    seen: Replayed,
    spot: Spot,
    apart: Distance,
    ours: np.ndarray,
    told: set[str],
) -> Finding | None:
    """What the module that takes an output hands back to it."""
    if not apart.differs:
        return None
    recorded = seen.recorded
    taker = recorded.consumer(spot)
    layer = spot.place.module.rpartition(".")[0] if taker is None else taker.module
    if layer in told:
        return None
    told.add(layer)
    cause = None
    if taker is not None:
        cause = cause_of_gradient(
            *seen.described(taker.module),
            recorded.arrays[spot],
            recorded.gradients[spot],
            ours,
        )
    what = f"gradient that arrives at the output of {spot.place.module!r}"
    number = seen.step.number
    return Finding(number, "backward", layer, what, apart.largest, apart.limit, cause)


def _of_parameters(
    seen: Replayed,
    module: str,
    clipped: float,
    sums: float,
    told: set[str],
) -> Iterator[Finding | None]:
    prefix = f"{module}." if module else ""
    step = seen.step
    for name, ours in seen.exact.parameters.items():
        own = name.removeprefix(prefix)
        if not name.startswith(prefix) or "." in own or len(step.losses) > 1:
            continue
        apart = distance(
            step.gradients[name],
            clipped * ours,
            clipped * seen.rounded.parameters[name],
        )
        limit = max(apart.limit, sums)
        if apart.largest <= limit or module in told:
            yield None
            continue
        told.add(module)
        what = f"gradient of {own}"
        yield Finding(step.number, "backward", module, what, apart.largest, limit)


def _rounding_of_sums(recorded: Recorded, spot: Spot) -> float:
    """What rounding does to a parameter's gradient, a sum whose terms may cancel."""
    gradient = recorded.gradients.get(spot)
    entered = recorded.arrays.get(Spot(spot.place, "input"))
    if gradient is None or entered is None or not gradient.size:
        return 0.0
    axes = (0, *range(2, gradient.ndim))
    terms = float(np.abs(gradient).sum(axes if gradient.ndim > 1 else None).max())
    largest = max(1.0, float(np.abs(entered).max(initial=0)))
    return 4 * float(np.finfo(gradient.dtype).eps) * terms * largest
