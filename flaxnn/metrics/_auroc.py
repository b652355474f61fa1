# SPDX-License-Identifier: Apache-2.0
"""The exact area under the ROC curve, from all scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import jax
import jax.numpy as jnp

from flaxnn._typing import ArrayLike
from flaxnn.functional._checks import host_value
from flaxnn.metrics._areas import Average, average_of, check_area_options, positives
from flaxnn.metrics._metric import State
from flaxnn.metrics._options import check_positive
from flaxnn.metrics._samples import Expected, Samples
from flaxnn.metrics._summed import Summed
from flaxnn.metrics._sums import add_counts, count, ratio, sum_counts

# What `sum_counts` adds up exactly.
_LARGEST = 1 << 24


@dataclass(frozen=True, kw_only=True)
class AUROC(Summed):
    """The area under the ROC curve, exact: its state keeps every score.

    It is the share of the pairs of a positive and a negative sample in which the
    positive one has the larger score, a tie counting one half. With more samples than
    memory, or in a scan whose number of samples is not known, use `BinnedAUROC`.

    Args:
        from_logits: Whether outputs are logits. With a column for each class their
            softmax is ranked; logits of class 1 rank as their probabilities do and
            are taken as they are. Otherwise any scores are, and need not be
            probabilities.
        num_classes: C, for outputs ``(N, C)`` and targets ``(N,)``, class indices: the
            areas of each class against the rest. None for outputs ``(N,)`` or
            ``(N, 1)``, scores of class 1, and targets 0 and 1 of the same shape.
        average: With `num_classes`: "macro" for the mean of the classes, "weighted"
            for their mean by number of samples, None for ``(C,)`` areas.
        capacity: How many samples the state has room for, at most 2**24; masked ones
            take none. With more the metric is nan, and an error outside of jit. None
            leaves it to `flaxnn.evaluate`, which knows the number.

    Raises:
        TypeError: An option is of the wrong kind.
        ValueError: An option has none of its values, or `init` without capacity.

    Torch:
        PyTorch has none. scikit-learn's ``roc_auc_score`` (1.9.1), with
        ``multi_class="ovr"`` and ``labels=range(C)`` for classes, is the same. As
        there, a class that has only positive or only negative samples has no area but
        nan, here without the UndefinedMetricWarning. It makes "macro" nan; "weighted"
        leaves out a class without samples.

    Example:
        >>> metric = AUROC(from_logits=False, capacity=4)
        >>> state = metric.update(metric.init(), [0.1, 0.4], [0, 0])
        >>> state = metric.update(state, [0.35, 0.8], [1, 1])
        >>> metric.compute(state)
        Array(0.75, dtype=float32)

    References:
        Hanley and McNeil (1982), "The meaning and use of the area under a receiver
        operating characteristic (ROC) curve", Radiology 143.
    """

    from_logits: bool
    num_classes: int | None = None
    average: Average = "macro"
    capacity: int | None = None

    name: ClassVar[str] = "auroc"

    def __post_init__(self) -> None:
        check_area_options(self.from_logits, self.num_classes, self.average)
        if self.capacity is not None:
            check_positive("capacity", self.capacity)
            if self.capacity > _LARGEST:
                raise ValueError(
                    f"capacity must be at most {_LARGEST}, got {self.capacity}; use "
                    "BinnedAUROC"
                )

    def sized(self, samples: int) -> AUROC:
        """Returns the metric with this capacity, unless it has one.

        Args:
            samples: How many samples there are at most.
        """
        return self if self.capacity else replace(self, capacity=samples)

    def merge(self, a: State, b: State) -> State:
        """Returns the state of the samples of two states, in that order.

        Args:
            a: A state.
            b: Another of the same metric.
        """
        capacity, row = len(a["target"]), jnp.arange(len(b["target"]))
        # What finds no room is dropped; the count still tells of it.
        place = jnp.where(row < b["count"], a["count"] + row, capacity)
        return {
            "scores": a["scores"].at[place].set(b["scores"], mode="drop"),
            "target": a["target"].at[place].set(b["target"], mode="drop"),
            "count": add_counts(a["count"], b["count"]),
            "bad": add_counts(a["bad"], b["bad"]),
        }

    def check(self, state: State) -> None:
        """Raises if a compiled `update` met samples that it would have refused.

        Args:
            state: A state outside of ``jax.jit``.

        Raises:
            ValueError: A sample had a target out of range or an output of nan, or
                there were more samples than the capacity.
        """
        super().check(state)
        seen, capacity = host_value(state["count"]), len(state["target"])
        if seen is not None and (seen > capacity).any():
            raise ValueError(
                f"AUROC has room for capacity={capacity} samples but saw {seen.max()}; "
                "give a larger capacity, or use BinnedAUROC"
            )

    def _zeros(self) -> State:
        if self.capacity is None:
            raise ValueError(
                "AUROC keeps every score: give capacity=, the number of samples, or "
                "use BinnedAUROC, whose memory is fixed"
            )
        return {
            "scores": jnp.zeros((self.capacity, self.num_classes or 1), float),
            "target": jnp.zeros(self.capacity, jnp.int32),
            "count": jnp.zeros((), int),
        }

    def _expected(self, output: ArrayLike) -> Expected:
        del output
        softmaxed = self.from_logits and self.num_classes is not None
        return Expected(self.num_classes, "logits" if softmaxed else "scores")

    def _batch(self, samples: Samples) -> State:
        first = jnp.argsort(~samples.counted, stable=True)
        scores = samples.output.reshape(len(first), self.num_classes or 1)
        return {
            "scores": scores[first],
            "target": samples.target[first],
            "count": count(samples.counted),
        }

    def _value(self, state: State) -> jax.Array:
        there = jnp.arange(len(state["target"])) < state["count"]
        positive = positives(state["target"], self.num_classes)
        areas = jax.vmap(_area, in_axes=(1, 1, None))(state["scores"], positive, there)
        support = count(positive & there[:, None], axis=0)
        area = average_of(areas, support, self.average)
        return jnp.where(state["count"] > len(there), jnp.nan, area)


def _area(scores: jax.Array, positive: jax.Array, there: jax.Array) -> jax.Array:
    """The area of ``(N,)`` scores, of those that are there."""
    negative = there & ~positive
    positive = there & positive
    # Infinity stands for what is not negative; it may also be a score.
    negatives = jnp.sort(jnp.where(negative, scores, jnp.inf))
    below = jnp.searchsorted(negatives, scores, side="left")
    upto = jnp.searchsorted(negatives, scores, side="right")
    upto = jnp.minimum(upto, count(negative))
    # Pairs won count twice and ties once: whole numbers, so nothing is rounded.
    wins = sum_counts(jnp.where(positive, below + upto, 0).astype(jnp.uint32))
    ones, zeros = count(positive).astype(float), count(negative).astype(float)
    return ratio(wins / 2, ones * zeros, jnp.nan)
