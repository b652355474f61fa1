# SPDX-License-Identifier: Apache-2.0
"""Which class is taken for which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import jax
import jax.numpy as jnp

from flaxnn._typing import ArrayLike
from flaxnn.metrics._accuracy import predictions
from flaxnn.metrics._metric import State
from flaxnn.metrics._options import check_classes
from flaxnn.metrics._samples import Expected, Samples
from flaxnn.metrics._summed import Summed
from flaxnn.metrics._sums import ratio


@dataclass(frozen=True, kw_only=True)
class ConfusionMatrix(Summed):
    """Counts of samples by class (rows) and predicted class (columns), ``(C, C)``.

    The shapes of outputs and targets are those of `Precision`.

    Args:
        num_classes: C, for outputs ``(N, C)`` and targets ``(N,)``; None for one score
            for each sample, which makes the matrix ``(2, 2)``.
        normalize: None for counts (integers; -1 in every cell of a state that saw bad
            samples under jit), or "true", "pred" or "all" for shares of the row, the
            column or the whole; 0 where there is no sample to share.
        threshold: The smallest score that predicts class 1, without `num_classes`:
            0.5 for probabilities, 0.0 for logits.

    Raises:
        TypeError: ``num_classes`` is neither an int nor None.
        ValueError: An option has none of its values.

    Torch:
        PyTorch has none. scikit-learn's ``confusion_matrix`` with ``labels=range(C)``
        (1.9.1) is the same.

    Example:
        >>> metric = ConfusionMatrix(num_classes=2)
        >>> output = [[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]
        >>> metric.compute(metric.update(metric.init(), output, [1, 1, 1]))
        Array([[0, 0],
               [1, 2]], dtype=int32)
    """

    num_classes: int | None = None
    normalize: Literal["true", "pred", "all"] | None = None
    threshold: float = 0.5

    name: ClassVar[str] = "confusion_matrix"

    def __post_init__(self) -> None:
        check_classes(self.num_classes)
        if self.normalize not in (None, "true", "pred", "all"):
            raise ValueError(
                "normalize must be one of {'true', 'pred', 'all', None}, got "
                f"{self.normalize!r}"
            )

    def _zeros(self) -> State:
        C = self.num_classes or 2
        return {"matrix": jnp.zeros((C, C), int)}

    def _expected(self, output: ArrayLike) -> Expected:
        del output
        return Expected(self.num_classes)

    def _batch(self, samples: Samples) -> State:
        C = self.num_classes or 2
        predicted = predictions(samples.output, self.threshold)
        matrix = jnp.zeros((C, C), int)
        matrix = matrix.at[samples.target, predicted].add(samples.counted.astype(int))
        return {"matrix": matrix}

    def _value(self, state: State) -> jax.Array:
        matrix = state["matrix"]
        if self.normalize is None:
            return matrix.astype(int)
        axis = {"true": 1, "pred": 0, "all": None}[self.normalize]
        # Summed as floats: int32 sums of large counts could wrap around.
        whole = matrix.astype(float).sum(axis=axis, keepdims=True)
        return ratio(matrix, jnp.broadcast_to(whole, matrix.shape), 0.0)
