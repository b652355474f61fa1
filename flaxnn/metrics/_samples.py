# SPDX-License-Identifier: Apache-2.0
"""What a batch of a classifier has to be: shapes, dtypes, labels, probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn._typing import Array, ArrayLike, Bool, Float, Int
from flaxnn.functional._checks import as_array, host_value, widen
from flaxnn.metrics._sums import count


class Expected(NamedTuple):
    """What a metric takes the outputs for.

    Attributes:
        num_classes: C for outputs ``(N, C)`` and targets ``(N,)``; None for one score
            for each sample.
        kind: Scores are any numbers, probabilities lie in [0, 1], and logits are made
            probabilities.
    """

    num_classes: int | None
    kind: Literal["scores", "probabilities", "logits"] = "scores"


@dataclass(frozen=True)
class Samples:
    """A batch after the checks; logits have become probabilities.

    Attributes:
        output: ``(N, C)``, or ``(N,)`` where there are two classes.
        target: ``(N,)`` class indices, 0 for samples that are not counted.
        counted: ``(N,)`` whether the sample is in the mask and sound.
        bad: How many samples are in the mask and not sound.
    """

    output: Float[Array, "..."]
    target: Int[Array, "N"]
    counted: Bool[Array, "N"]
    bad: Int[Array, ""]


def read(
    output: jax.Array, target: jax.Array, mask: jax.Array | None, expected: Expected
) -> Samples:
    """Returns a batch whose shapes fit; what is bad in it is counted, not raised."""
    num_classes, kind = expected
    x = widen(output) if jnp.issubdtype(output.dtype, jnp.floating) else output
    x = x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(float)
    labels = target
    if num_classes is None:
        x, labels = x.reshape(-1), labels.reshape(-1)
    elif labels.dtype.itemsize < 4:
        # A dtype that also holds the number of classes.
        labels = labels.astype(jnp.int32)
    sound = _sound(x, expected) & _known(labels, num_classes)
    if kind == "logits":
        x = jax.nn.sigmoid(x) if num_classes is None else jax.nn.softmax(x, axis=1)
    wanted = jnp.ones(len(x), bool) if mask is None else mask
    counted = wanted & sound
    labels = jnp.where(counted, labels, jnp.zeros_like(labels)).astype(jnp.int32)
    return Samples(x, labels, counted, count(wanted & ~sound))


def checked(
    output: ArrayLike, target: ArrayLike, mask: ArrayLike | None, expected: Expected
) -> tuple[jax.Array, jax.Array, jax.Array | None]:
    """Returns a batch as arrays; raises where shapes, dtypes or numbers are wrong.

    The numbers are looked at where they can be read now: not under ``jax.jit``.
    """
    x, labels = as_array(output, "output"), as_array(target, "target")
    if jnp.issubdtype(x.dtype, jnp.complexfloating):
        raise TypeError(f"outputs must be real numbers, got {x.dtype}")
    _check_shapes(x.shape, labels.shape, expected.num_classes)
    classes = expected.num_classes is not None
    if classes and not jnp.issubdtype(labels.dtype, jnp.integer):
        raise TypeError(
            f"targets must be class indices (integers), got {labels.dtype}; convert "
            "them, for example with .astype('int32')"
        )
    wanted = None if mask is None else as_mask(mask, len(x))
    counted = np.ones(len(x), bool) if wanted is None else host_value(wanted)
    # The very numbers given: JAX may have narrowed them.
    given = host_value(target)
    if counted is not None and given is not None:
        _refuse_targets(given.reshape(-1), counted, expected.num_classes)
    values = host_value(x)
    if counted is not None and values is not None:
        _refuse_outputs(values if classes else values.reshape(-1), counted, expected)
    return x, labels, wanted


def as_mask(mask: ArrayLike, rows: int) -> Bool[Array, "N"]:
    """Returns a mask as an array; raises unless it is one bool for each sample."""
    wanted = as_array(mask, "mask")
    if wanted.dtype != jnp.bool_:
        raise TypeError(
            f"mask must be bool, got {wanted.dtype}: a sample counts or does not"
        )
    if wanted.shape != (rows,):
        raise ValueError(
            f"mask must have one value for each sample, ({rows},), got {wanted.shape}"
        )
    return wanted


def classes_of(output: ArrayLike) -> int | None:
    """The number of classes of outputs ``(N, C)``; None for one score a sample."""
    shape = np.shape(output)
    return shape[1] if len(shape) == 2 and shape[1] != 1 else None


def _check_shapes(
    output: tuple[int, ...], target: tuple[int, ...], num_classes: int | None
) -> None:
    if num_classes is not None:
        if len(output) != 2 or output[1] != num_classes or target != output[:1]:
            raise ValueError(
                f"expected outputs (N, {num_classes}) and targets (N,), got {output} "
                f"and {target}"
            )
        return
    one_each = len(output) == 1 or (len(output) == 2 and output[1] == 1)
    if not one_each or target != output:
        raise ValueError(
            "expected outputs and targets of one shape, (N,) or (N, 1), got "
            f"{output} and {target}; with a column for each class give num_classes"
        )


def _known(labels: Any, num_classes: int | None) -> Any:
    """Which targets are classes, of a NumPy or a JAX array."""
    if num_classes is None:
        return (labels == 0) | (labels == 1)
    return (labels >= 0) & (labels < num_classes)


def _sound(x: Any, expected: Expected) -> Any:
    """Which rows of outputs are numbers that a metric can use."""
    if expected.kind == "probabilities":
        sound = (x >= 0) & (x <= 1)
    elif expected.kind == "logits" and x.ndim == 2:
        # The softmax of a row whose largest logit is infinite is nan.
        return abs(x.max(axis=1)) < np.inf
    else:
        # Only nan is not equal to itself.
        sound = x == x
    return sound.all(axis=1) if x.ndim == 2 else sound


def _refuse_targets(
    labels: np.ndarray, counted: np.ndarray, num_classes: int | None
) -> None:
    wrong = counted & ~_known(labels, num_classes)
    if not wrong.any():
        return
    row = int(wrong.argmax())
    if num_classes is None:
        raise ValueError(
            f"binary targets must be 0 or 1, got {labels[row]} in row {row}; mask out "
            "rows that do not count"
        )
    raise IndexError(
        f"Target {labels[row]} is out of bounds. Expected class indices from 0 to "
        f"{num_classes - 1}, got it in row {row}; mask out rows that do not count"
    )


def _refuse_outputs(x: np.ndarray, counted: np.ndarray, expected: Expected) -> None:
    wrong = counted & ~_sound(x, expected)
    if not wrong.any():
        return
    row = int(wrong.argmax())
    found = f"in {int(wrong.sum())} row(s), the first is row {row}: {x[row]}"
    if expected.kind == "probabilities" and (x[row] == x[row]).all():
        raise ValueError(
            f"probabilities must lie in [0, 1], but do not {found}; for logits make "
            "the metric with from_logits=True"
        )
    what = "have no softmax" if expected.kind == "logits" and x.ndim == 2 else "are nan"
    raise ValueError(f"outputs {what} {found}; mask out rows that do not count")
