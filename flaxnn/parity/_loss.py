# SPDX-License-Identifier: Apache-2.0
"""The loss phase: its value and its gradient, from the recorded output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.parity._causes._losses import cause_of_loss
from flaxnn.parity._distance import distance
from flaxnn.parity._finding import Finding
from flaxnn.parity._port import Port
from flaxnn.parity._recorded import Recorded
from flaxnn.parity._spot import Spot
from flaxnn.parity._trace_step import Step
from flaxnn.training._pure import enough_precision


def compare_loss(
    step: Step, header: Mapping[str, Any], recorded: Recorded, port: Port, dtype: Any
) -> Iterator[Finding | None]:
    """Gives the findings on the loss, None for each number that agrees.

    Args:
        step: The recorded step.
        header: The trace's header.
        recorded: The step's calls.
        port: The port.
        dtype: The run's dtype.
    """
    assert port.loss is not None
    output = recorded.arrays[Spot(recorded.root, "output")]
    value, gradient = _computed(port, output, step.targets, "float64")
    coarse = _computed(port, output, step.targets, dtype)
    theirs = np.asarray(step.losses[-1], dtype)
    slope = recorded.gradients.get(Spot(recorded.root, "output"))
    pairs = [("value", distance(theirs, value, coarse[0]))]
    if slope is not None:
        pairs.append(("gradient", distance(slope, gradient, coarse[1])))
    differing = [(what, apart) for what, apart in pairs if apart.differs]
    if not differing:
        yield from (None for _ in pairs)
        return
    what, apart = differing[0]
    cause = cause_of_loss(
        header.get("loss"),
        output,
        step.targets,
        (float(theirs), slope),
        (float(value), gradient),
    )
    yield Finding(step.number, "loss", "", what, apart.largest, apart.limit, cause)


def _computed(
    port: Port, output: np.ndarray, targets: tuple[Any, ...], dtype: Any
) -> tuple[np.ndarray, np.ndarray]:
    """The loss and its gradient for the output."""
    with enough_precision(jnp.dtype(dtype)):

        def loss(output: Any) -> Any:
            return port.loss(output, *map(_as_jax, targets))  # pyright: ignore

        value, gradient = jax.value_and_grad(loss)(jnp.asarray(output, dtype))
        return np.asarray(value), np.asarray(gradient)


def _as_jax(target: Any) -> Any:
    return jnp.asarray(target) if isinstance(target, np.ndarray) else target
