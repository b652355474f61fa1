# SPDX-License-Identifier: Apache-2.0
"""Precision, recall and F1, of class 1 or averaged over classes."""

from __future__ import annotations

import math
from abc import abstractmethod
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
from flaxnn.metrics._sums import ratio, tally

Average = Literal["binary", "micro", "macro", "weighted"] | None


@dataclass(frozen=True, kw_only=True)
class _OfClasses(Summed):
    """A ratio of the counts of each class: hits, predictions and samples."""

    num_classes: int | None = None
    average: Average = "binary"
    zero_division: float | None = 0.0
    threshold: float = 0.5

    def __post_init__(self) -> None:
        check_classes(self.num_classes)
        choices = (None, "micro", "macro", "weighted")
        if self.average not in ("binary", *choices):
            raise ValueError(
                f"average has to be one of {['binary', *choices]}, got {self.average!r}"
            )
        if self.num_classes is not None and self.average == "binary":
            raise ValueError(
                "Target is multiclass but average='binary'. Please choose another "
                f"average setting, one of {list(choices)}"
            )
        if self.num_classes is None and self.average != "binary":
            raise ValueError(
                f"average={self.average!r} is over classes: give num_classes, or leave "
                "it out for the precision, recall or F1 of class 1"
            )
        if self.zero_division is not None and math.isnan(self.zero_division):
            # nan is not equal to itself, but equal options have to be equal.
            object.__setattr__(self, "zero_division", None)
        if self.zero_division not in (None, 0, 1):
            raise ValueError(
                "zero_division must be 0, 1, nan or None (the same as nan), got "
                f"{self.zero_division!r}"
            )

    def _zeros(self) -> State:
        zeros = jnp.zeros(self.num_classes or 1, int)
        return {"hits": zeros, "predicted": zeros, "actual": zeros}

    def _expected(self, output: ArrayLike) -> Expected:
        del output
        return Expected(self.num_classes)

    def _batch(self, samples: Samples) -> State:
        predicted = predictions(samples.output, self.threshold)
        C = self.num_classes or 2
        hits = samples.counted & (predicted == samples.target)
        counts = {
            "hits": tally(predicted, hits, C),
            "predicted": tally(predicted, samples.counted, C),
            "actual": tally(samples.target, samples.counted, C),
        }
        # Of two classes only class 1 is asked for.
        first = 0 if self.num_classes else 1
        return {key: value[first:] for key, value in counts.items()}

    def _value(self, state: State) -> jax.Array:
        undefined = jnp.nan if self.zero_division is None else self.zero_division
        # Floats from here on: sums of int32 counts could wrap around.
        hits, predicted, actual = (
            state[key].astype(float) for key in ("hits", "predicted", "actual")
        )
        if self.average == "micro":
            hits, predicted, actual = (
                counts.sum(keepdims=True) for counts in (hits, predicted, actual)
            )
        part, whole = self._parts(hits, predicted, actual)
        values = ratio(part, whole, undefined)
        if self.average is None:
            return values
        if self.average in ("binary", "micro"):
            return values[0]
        # A class that no sample has and none is taken for is no class of the data.
        present = predicted + actual > 0
        macro = _mean(values, present.astype(float), undefined)
        if self.average == "macro":
            return macro
        return _mean(values, actual, macro)

    @abstractmethod
    def _parts(
        self, hits: jax.Array, predicted: jax.Array, actual: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        """Numerator and denominator of each class."""


def _mean(
    values: jax.Array, weights: jax.Array, otherwise: jax.Array | float
) -> jax.Array:
    """The weighted mean of what is not nan, another value where nothing weighs."""
    weights = jnp.where(jnp.isnan(values), 0, weights)
    total = (jnp.nan_to_num(values) * weights).sum()
    return ratio(total, weights.sum(), otherwise)


@dataclass(frozen=True, kw_only=True)
class Precision(_OfClasses):
    """The share of the samples predicted to be of a class that are of it.

    Args:
        num_classes: C, for outputs ``(N, C)``, whose largest score predicts, and
            targets ``(N,)``, class indices; None for outputs ``(N,)`` or ``(N, 1)``,
            scores of class 1, and targets 0 and 1 of the same shape.
        average: "binary" for class 1 alone, without `num_classes`. With it: "micro"
            over the sums of all classes, "macro" for the mean of the classes,
            "weighted" for their mean by number of samples, None for ``(C,)`` values.
        zero_division: 0, 1 or nan, the value of a class where the ratio is 0/0; one of
            nan is left out of an average. It is kept as None, which is not unlike
            itself.
        threshold: The smallest score that predicts class 1, without `num_classes`:
            0.5 for probabilities, 0.0 for logits.

    Raises:
        TypeError: ``num_classes`` is neither an int nor None.
        ValueError: An option has none of its values, or ``average`` does not go with
            ``num_classes``.

    Torch:
        PyTorch has none. scikit-learn's ``precision_score`` (1.9.1) is the same:
        without its ``labels``, a class that is neither a target nor a prediction is
        left out of "macro"; ``average=None`` has all C classes, as with
        ``labels=range(C)``.
        Where scikit-learn warns of an UndefinedMetricWarning and gives 0, 0 is given
        here too, and there is no warning. Without samples the value is
        ``zero_division``.

    Example:
        >>> metric = Precision(num_classes=3, average="macro")
        >>> output = [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.7, 0.2]]
        >>> state = metric.update(metric.init(), output, [0, 1, 1])
        >>> print(f"{metric.compute(state):.3f}")
        0.750
    """

    name: ClassVar[str] = "precision"

    def _parts(
        self, hits: jax.Array, predicted: jax.Array, actual: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        del actual
        return hits, predicted


@dataclass(frozen=True, kw_only=True)
class Recall(_OfClasses):
    """The share of the samples of a class that are predicted to be of it.

    Args:
        num_classes: C, for outputs ``(N, C)``, whose largest score predicts, and
            targets ``(N,)``, class indices; None for outputs ``(N,)`` or ``(N, 1)``,
            scores of class 1, and targets 0 and 1 of the same shape.
        average: "binary" for class 1 alone, without `num_classes`. With it: "micro"
            over the sums of all classes, "macro" for the mean of the classes,
            "weighted" for their mean by number of samples, None for ``(C,)`` values.
        zero_division: 0, 1 or nan, the value of a class where the ratio is 0/0; one of
            nan is left out of an average. It is kept as None, which is not unlike
            itself.
        threshold: The smallest score that predicts class 1, without `num_classes`:
            0.5 for probabilities, 0.0 for logits.

    Raises:
        TypeError: ``num_classes`` is neither an int nor None.
        ValueError: An option has none of its values, or ``average`` does not go with
            ``num_classes``.

    Torch:
        PyTorch has none. scikit-learn's ``recall_score`` (1.9.1) is the same: without
        its ``labels``, a class that is neither a target nor a prediction is left out
        of "macro"; ``average=None`` has all C classes, as with ``labels=range(C)``.
        Where scikit-learn warns of an UndefinedMetricWarning and gives 0, 0 is given
        here too, and there is no warning. Without samples the value is
        ``zero_division``.

    Example:
        >>> metric = Recall(num_classes=3, average="macro")
        >>> output = [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.7, 0.2]]
        >>> state = metric.update(metric.init(), output, [0, 1, 1])
        >>> print(f"{metric.compute(state):.3f}")
        0.750
    """

    name: ClassVar[str] = "recall"

    def _parts(
        self, hits: jax.Array, predicted: jax.Array, actual: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        del predicted
        return hits, actual


@dataclass(frozen=True, kw_only=True)
class F1(_OfClasses):
    """The harmonic mean of precision and recall.

    Two times the hits, over the predictions and the samples of a class together.

    Args:
        num_classes: C, for outputs ``(N, C)``, whose largest score predicts, and
            targets ``(N,)``, class indices; None for outputs ``(N,)`` or ``(N, 1)``,
            scores of class 1, and targets 0 and 1 of the same shape.
        average: "binary" for class 1 alone, without `num_classes`. With it: "micro"
            over the sums of all classes, "macro" for the mean of the classes,
            "weighted" for their mean by number of samples, None for ``(C,)`` values.
        zero_division: 0, 1 or nan, the value of a class where the ratio is 0/0; one of
            nan is left out of an average. It is kept as None, which is not unlike
            itself.
        threshold: The smallest score that predicts class 1, without `num_classes`:
            0.5 for probabilities, 0.0 for logits.

    Raises:
        TypeError: ``num_classes`` is neither an int nor None.
        ValueError: An option has none of its values, or ``average`` does not go with
            ``num_classes``.

    Torch:
        PyTorch has none. scikit-learn's ``f1_score`` (1.9.1) is the same: without
        its ``labels``, a class that is neither a target nor a prediction is left out
        of "macro"; ``average=None`` has all C classes, as with ``labels=range(C)``.
        Where scikit-learn warns of an UndefinedMetricWarning and gives 0, 0 is given
        here too, and there is no warning. Without samples the value is
        ``zero_division``.

    Example:
        >>> metric = F1(num_classes=3, average="macro")
        >>> output = [[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.1, 0.7, 0.2]]
        >>> state = metric.update(metric.init(), output, [0, 1, 1])
        >>> print(f"{metric.compute(state):.3f}")
        0.667
    """

    name: ClassVar[str] = "f1"

    def _parts(
        self, hits: jax.Array, predicted: jax.Array, actual: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        return 2 * hits, predicted + actual
