"""The state phase: what a step leaves in the buffers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from flaxnn.parity._causes._norms import BIASED
from flaxnn.parity._distance import distance
from flaxnn.parity._finding import Cause, Finding
from flaxnn.parity._recorded import Recorded
from flaxnn.parity._replay import Pass
from flaxnn.parity._trace_step import Step

MOMENTUM = Cause(
    "momentum convention of batch norm",
    "PyTorch's momentum is the weight of the new statistics (0.1), Flax's that of the "
    "old ones (0.9)",
)


def compare_buffers(
    step: Step,
    modules: Mapping[str, Any],
    recorded: Recorded,
    exact: Pass,
    rounded: Pass,
) -> Iterator[Finding | None]:
    """Gives for each buffer the finding, or None where it agrees.

    Args:
        step: The recorded step.
        modules: The header's table of modules.
        recorded: The step's calls.
        exact: The port's pass in float64.
        rounded: The port's pass in the run's dtype.
    """
    told: set[str] = set()
    for name, theirs in step.after.buffers.items():
        ours = exact.buffers.get(name)
        if ours is None or len(step.losses) > 1:
            continue
        layer, _, own = name.rpartition(".")
        apart = distance(theirs, ours, rounded.buffers.get(name))
        if not apart.differs or layer in told:
            yield None
            continue
        told.add(layer)
        cause = _cause(step, modules.get(layer, {}), recorded, name, theirs, ours)
        what = f"{own} after the step"
        number = step.number
        yield Finding(number, "state", layer, what, apart.largest, apart.limit, cause)


def _cause(
    step: Step,
    entry: Mapping[str, Any],
    recorded: Recorded,
    name: str,
    theirs: np.ndarray,
    ours: np.ndarray,
) -> Cause | None:
    """The mistake in batch norm's running statistics that gives the port's."""
    layer, _, own = name.rpartition(".")
    if not str(entry.get("class", "")).startswith("BatchNorm"):
        return None
    weight = entry.get("options", {}).get("momentum", 0.1)
    old = step.buffers[name].astype(np.float64)
    if own not in ("running_mean", "running_var") or not weight:
        return None
    new = (theirs - (1 - weight) * old) / weight
    spread = float(np.vdot(new - old, new - old))
    if not spread:
        return None
    taken = float(np.vdot(ours - old, new - old)) / spread
    if not np.allclose(ours, old + taken * (new - old), rtol=1e-3, atol=1e-6):
        taken = 0.0
    if taken and np.isclose(taken, 1 - weight, rtol=1e-2):
        return MOMENTUM
    if own == "running_var":
        call = next((c for p, c in recorded.calls.items() if p.module == layer), None)
        if call is not None:
            count = call.inputs[0].size / call.inputs[0].shape[1]
            biased = (1 - weight) * old + weight * new * (count - 1) / count
            left = np.abs(biased - ours).max()
            if left <= 0.05 * np.abs(ours - theirs).max():
                return BIASED
    return None
