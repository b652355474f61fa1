# SPDX-License-Identifier: Apache-2.0
"""How often the prediction, or one of the best few, is right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn._typing import ArrayLike
from flaxnn.metrics._metric import State
from flaxnn.metrics._options import check_positive
from flaxnn.metrics._samples import Expected, Samples, classes_of
from flaxnn.metrics._summed import Summed
from flaxnn.metrics._sums import count, ratio


@dataclass(frozen=True)
class _HitRate(Summed):
    """The share of samples that are hits."""

    def _zeros(self) -> State:
        return {"hits": jnp.zeros((), int), "count": jnp.zeros((), int)}

    def _value(self, state: State) -> jax.Array:
        return ratio(state["hits"], state["count"], jnp.nan)


@dataclass(frozen=True, kw_only=True)
class Accuracy(_HitRate):
    """The share of samples whose prediction is the target; nan without samples.

    Outputs ``(N, C)`` with targets ``(N,)`` are scores of classes (logits or
    probabilities), of which the largest predicts, the first of equal ones. Outputs
    ``(N,)`` or ``(N, 1)`` with targets 0 and 1 of the same shape are scores of
    class 1.

    Args:
        threshold: The smallest score that predicts class 1: 0.5 for probabilities,
            0.0 for logits. Not used with a score for each class.

    Raises:
        TypeError, ValueError, IndexError: In `update`, as described there.

    Torch:
        PyTorch has none. scikit-learn's ``accuracy_score`` (1.9.1) of the predictions
        is the same.

    Example:
        >>> metric = Accuracy()
        >>> state = metric.update(metric.init(), [[0.1, 0.9], [0.8, 0.2]], [1, 1])
        >>> metric.compute(state)
        Array(0.5, dtype=float32)
    """

    threshold: float = 0.5

    name: ClassVar[str] = "accuracy"

    def _expected(self, output: ArrayLike) -> Expected:
        return Expected(classes_of(output))

    def _batch(self, samples: Samples) -> State:
        predicted = predictions(samples.output, self.threshold)
        hits = samples.counted & (predicted == samples.target)
        return {"hits": count(hits), "count": count(samples.counted)}


@dataclass(frozen=True)
class TopKAccuracy(_HitRate):
    """The share of samples whose target is among the k best scores.

    Outputs are ``(N, C)`` logits or probabilities with C at least k, targets ``(N,)``
    class indices. Of equal scores the lower class comes first, so ``k=1`` is
    `Accuracy`.

    Args:
        k: How many classes may be tried.

    Raises:
        TypeError: ``k`` is not an int.
        ValueError: ``k`` is less than 1, or in `update` more than the classes.

    Torch:
        PyTorch has none. scikit-learn's ``top_k_accuracy_score`` (1.9.1) is the same
        but for equal scores, of which it puts the higher class first.

    Example:
        >>> metric = TopKAccuracy(2)
        >>> output = [[0.1, 0.3, 0.6], [0.5, 0.4, 0.1]]
        >>> metric.compute(metric.update(metric.init(), output, [1, 2]))
        Array(0.5, dtype=float32)
    """

    k: int

    name: ClassVar[str] = "top_k_accuracy"

    def __post_init__(self) -> None:
        check_positive("k", self.k)

    def _expected(self, output: ArrayLike) -> Expected:
        shape = np.shape(output)
        if len(shape) != 2 or shape[1] < self.k:
            raise ValueError(
                f"expected outputs (N, C) with at least k={self.k} classes, got {shape}"
            )
        return Expected(shape[1])

    def _batch(self, samples: Samples) -> State:
        target = samples.target[:, None]
        score = jnp.take_along_axis(samples.output, target, axis=1)
        classes = jnp.arange(samples.output.shape[1])[None, :]
        ahead = (samples.output > score) | (
            (samples.output == score) & (classes < target)
        )
        hits = samples.counted & (count(ahead, axis=1) < self.k)
        return {"hits": count(hits), "count": count(samples.counted)}


def predictions(output: jax.Array, threshold: float) -> jax.Array:
    """``(N,)`` predicted classes of scores ``(N, C)``, or ``(N,)`` for class 1."""
    if output.ndim == 1:
        return (output >= threshold).astype(jnp.int32)
    return output.argmax(axis=1).astype(jnp.int32)
