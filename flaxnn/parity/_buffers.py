# SPDX-License-Identifier: Apache-2.0
"""The state phase: what a step leaves in the buffers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flaxnn.parity._causes._arithmetic import explains
from flaxnn.parity._causes._norms import BIASED
from flaxnn.parity._distance import distance
from flaxnn.parity._finding import Cause, Finding
from flaxnn.parity._replay import Replayed

MOMENTUM = Cause(
    "momentum convention of batch norm",
    "PyTorch's momentum is the weight of the new statistics (0.1), Flax's that of the "
    "old ones (0.9)",
)


def compare_buffers(seen: Replayed) -> Iterator[Finding | None]:
    """Gives for each buffer the finding, or None where it agrees.

    Args:
        seen: A step beside the port's passes.
    """
    step = seen.step
    told: set[str] = set()
    for name, theirs in step.after.buffers.items():
        ours = seen.exact.buffers.get(name)
        if ours is None or len(step.losses) > 1:
            continue
        layer, _, own = name.rpartition(".")
        apart = distance(theirs, ours, seen.rounded.buffers.get(name))
        if not apart.differs or layer in told:
            yield None
            continue
        told.add(layer)
        cause = _cause(seen, name, theirs, ours)
        what = f"{own} after the step"
        number = step.number
        yield Finding(number, "state", layer, what, apart.largest, apart.limit, cause)


def _cause(
    seen: Replayed, name: str, theirs: np.ndarray, ours: np.ndarray
) -> Cause | None:
    """The mistake in batch norm's running statistics that gives the port's."""
    layer, _, own = name.rpartition(".")
    kind, options = seen.described(layer)
    weight = options.get("momentum", 0.1)
    running = own in ("running_mean", "running_var")
    if not (kind.startswith("BatchNorm") and running and weight):
        return None
    old = seen.step.buffers[name].astype(np.float64)
    new = (theirs - (1 - weight) * old) / weight
    if explains((1 - weight) * new + weight * old, ours, theirs):
        return MOMENTUM
    called = (c for p, c in seen.recorded.calls.items() if p.module == layer)
    call = next(called, None)
    if call is None or own != "running_var":
        return None
    count = call.inputs[0].size / call.inputs[0].shape[1]
    biased = (1 - weight) * old + weight * new * (count - 1) / count
    return BIASED if explains(biased, ours, theirs) else None
