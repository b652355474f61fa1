# SPDX-License-Identifier: Apache-2.0
"""The weights that a port begins with, beside the recorded ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flaxnn.parity._causes._modules import TRANSPOSED
from flaxnn.parity._distance import distance
from flaxnn.parity._finding import Cause, Finding
from flaxnn.parity._port import Port
from flaxnn.parity._trace_step import Step

SEED = Cause(
    "other initial weights",
    "draw them from flaxnn.random.Generator with PyTorch's seed, in PyTorch's order of "
    "construction, or load the recorded ones",
)


def compare_weights(step: Step, port: Port) -> Iterator[Finding | None]:
    """Gives for each parameter the finding, or None where it is the recorded one.

    Args:
        step: The trace's first step.
        port: The port, with the weights that it begins with.
    """
    own = port.state_dict()
    told: set[str] = set()
    for name, theirs in step.parameters.items():
        layer = name.rpartition(".")[0]
        if name not in own:
            continue
        ours = own[name]
        apart = distance(theirs, ours)
        if not apart.differs or layer in told:
            yield None
            continue
        told.add(layer)
        turned = ours.ndim > 1 and not distance(theirs, np.swapaxes(ours, 0, 1)).differs
        what = f"{name.rpartition('.')[2]} at the beginning"
        cause = TRANSPOSED if turned else SEED
        yield Finding(
            step.number, "state", layer, what, apart.largest, apart.limit, cause
        )
