# SPDX-License-Identifier: Apache-2.0
"""Mistakes in a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn.parity._causes._arithmetic import explains
from flaxnn.parity._finding import Cause

REDUCTION = Cause(
    "reduction",
    "PyTorch's losses are means over the batch (over all elements for those that "
    "compare arrays): take the mean where it does, the sum for reduction='sum'",
)
SMOOTHING = Cause(
    "label smoothing",
    "give both losses the same label_smoothing: (1 - s) times the loss, and s times "
    "the mean over all classes",
)
TWICE = Cause(
    "softmax taken twice",
    "CrossEntropyLoss takes logits: leave out the softmax before it",
)

Numbers = tuple[float, np.ndarray | None]


def cause_of_loss(
    entry: Mapping[str, Any] | None,
    output: np.ndarray,
    targets: tuple[Any, ...],
    recorded: Numbers,
    port: Numbers,
) -> Cause | None:
    """Returns the mistake that gives the port's loss and gradient.

    Args:
        entry: What the header says of PyTorch's loss.
        output: The model's output.
        targets: What it is compared with.
        recorded: PyTorch's loss and its gradient of the output, if recorded.
        port: The port's.
    """
    kind = str((entry or {}).get("class", ""))
    smoothing = float((entry or {}).get("options", {}).get("label_smoothing", 0.0))
    classes = _classes(output, targets)
    if classes is not None and kind in ("", "CrossEntropyLoss"):
        if _twice(output, classes, recorded, port):
            return TWICE
        if _smoothed(output, classes, smoothing, recorded, port):
            return SMOOTHING
    return REDUCTION if _scaled(output, recorded, port) else None


def _classes(output: np.ndarray, targets: tuple[Any, ...]) -> np.ndarray | None:
    """The labels of a classification, rows beside rows."""
    if len(targets) != 1 or output.ndim != 2:
        return None
    labels = np.asarray(targets[0])
    if labels.shape != output.shape[:1] or labels.dtype.kind not in "iu":
        return None
    return labels


def _scaled(output: np.ndarray, recorded: Numbers, port: Numbers) -> bool:
    """Whether the port's is the recorded one times a count of what is averaged."""
    counts = {*output.shape, output.size, len(output) * int(np.prod(output.shape[2:]))}
    factors = {float(n) for n in counts if n > 1}
    factors |= {1 / n for n in factors} | {a / b for a in factors for b in factors}
    (theirs, slope), (ours, gradient) = recorded, port
    return any(
        np.isclose(ours, factor * theirs, rtol=1e-4)
        and (
            slope is None
            or gradient is None
            or explains(factor * slope.astype(float), gradient, slope)
        )
        for factor in factors - {1.0}
    )


def _parts(logits: Any, labels: np.ndarray) -> tuple[Any, Any]:
    """The mean loss without smoothing, and that of evenly spread labels."""
    logs = jax.nn.log_softmax(logits, axis=1)
    chosen = jnp.take_along_axis(logs, jnp.asarray(labels)[:, None], axis=1)
    return -chosen.mean(), -logs.mean()


def _smoothed(
    output: np.ndarray,
    labels: np.ndarray,
    smoothing: float,
    recorded: Numbers,
    port: Numbers,
) -> bool:
    """Whether another amount of smoothing gives the port's loss."""
    with jax.enable_x64(True):
        logits = jnp.asarray(output, "float64")
        plain, even = (float(part) for part in _parts(logits, labels))
        if np.isclose(plain, even, rtol=1e-9):
            return False
        amount = (port[0] - plain) / (even - plain)
        if not -1e-6 <= amount < 1 or np.isclose(amount, smoothing, atol=1e-6):
            return False

        def loss(logits: Any) -> Any:
            plain, even = _parts(logits, labels)
            return (1 - amount) * plain + amount * even

        expected = np.asarray(jax.grad(loss)(logits))
    if port[1] is None or recorded[1] is None:
        return True
    return explains(expected, port[1], recorded[1])


def _twice(
    output: np.ndarray, labels: np.ndarray, recorded: Numbers, port: Numbers
) -> bool:
    """Whether the port's loss is that of the probabilities taken for logits."""
    with jax.enable_x64(True):

        def loss(logits: Any) -> Any:
            return _parts(jax.nn.softmax(logits, axis=1), labels)[0]

        value, gradient = jax.value_and_grad(loss)(jnp.asarray(output, "float64"))
    return explains(value, port[0], recorded[0]) and (
        port[1] is None
        or recorded[1] is None
        or explains(gradient, port[1], recorded[1])
    )
