# SPDX-License-Identifier: Apache-2.0
"""The forward phase: which module's output differs first."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flaxnn.parity._causes._arithmetic import COARSE
from flaxnn.parity._causes._modules import Situation, cause_of_output
from flaxnn.parity._distance import distance
from flaxnn.parity._feed import Value
from flaxnn.parity._finding import Finding
from flaxnn.parity._recorded import Recorded
from flaxnn.parity._replay import Pass, Replayed
from flaxnn.parity._spot import Place, Spot

# What multiplies matrices and is as exact as its dtype, unless it was told otherwise.
_PRODUCTS = ("Linear", "Conv", "Bilinear", "RNN", "LSTM", "GRU", "MultiheadAttention")


def compare_forward(seen: Replayed) -> Iterator[Finding | None]:
    """Gives for each array at a module's border the finding, or None where it agrees.

    Args:
        seen: A step beside the port's passes.
    """
    step, recorded, exact = seen.step, seen.recorded, seen.exact
    told: set[str] = set()
    for spot, value in exact.values.items():
        if spot.place == recorded.root and spot.side == "input":
            continue  # The batch: the data phase's.
        theirs, other = recorded.arrays[spot], seen.rounded.values.get(spot)
        if value.port is None:
            apart = distance(theirs, np.zeros((0, 0, 0)))
        else:
            apart = distance(theirs, value.port, other and other.port)
        kind = seen.described(spot.place.module)[0]
        coarse = apart.coarse and spot.side == "output" and kind.startswith(_PRODUCTS)
        if not (apart.differs or coarse):
            yield None
            continue
        layer, what, place = _blamed(spot, recorded, exact)
        if layer in told:
            continue
        told.add(layer)
        largest = _spread(value, other) if coarse and other else apart.largest
        cause = COARSE if coarse else None
        if cause is None and place is not None and value.port is not None:
            cause = cause_of_output(_situation(seen, place, value))
        yield Finding(step.number, "forward", layer, what, largest, apart.limit, cause)


def _spread(value: Value, other: Value) -> float:
    return float(np.abs(np.asarray(value.port, float) - np.asarray(other.port)).max())


def _blamed(
    spot: Spot, recorded: Recorded, exact: Pass
) -> tuple[str, str, Place | None]:
    """Whose fault a difference is, what it is, and the call that was to compute it."""
    name = spot.place.module
    if spot.side == "output":
        return name, "output", spot.place
    what = f"what goes into {name!r}"
    maker = recorded.producer(recorded.arrays[spot], spot.place)
    if maker is not None and Spot(maker, "output") not in exact.values:
        return maker.module, what, maker
    return name.rpartition(".")[0], what, None


def _situation(seen: Replayed, place: Place, value: Value) -> Situation:
    """All that a usual mistake in a module can be recognised by."""
    step, call = seen.step, seen.recorded.calls[place]
    kind, options = seen.described(place.module)
    prefix = f"{place.module}." if place.module else ""
    own = {
        name.removeprefix(prefix): array
        for name, array in {**step.parameters, **step.buffers}.items()
        if name.startswith(prefix) and "." not in name.removeprefix(prefix)
    }
    return Situation(
        kind=kind,
        options=options,
        inputs=tuple(x for x in call.inputs if isinstance(x, np.ndarray)),
        tensors=own,
        recorded=seen.recorded.arrays[value.spot],
        port=np.asarray(value.port),
        recorded_training=call.training,
        port_training=value.training,
    )
