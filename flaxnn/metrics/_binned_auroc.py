# SPDX-License-Identifier: Apache-2.0
"""The area under the ROC curve of binned scores, in fixed memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from flaxnn._typing import ArrayLike
from flaxnn.metrics._areas import Average, average_of, check_area_options, positives
from flaxnn.metrics._metric import State
from flaxnn.metrics._options import check_positive
from flaxnn.metrics._samples import Expected, Samples
from flaxnn.metrics._summed import Summed
from flaxnn.metrics._sums import ratio


@dataclass(frozen=True, kw_only=True)
class BinnedAUROC(Summed):
    """The area under the ROC curve of probabilities rounded down to bins.

    Its state is two histograms, whatever the number of samples, so it can ride in a
    scan of any length. A positive and a negative sample in the same bin count as a
    tie, so it is off `AUROC` by at most half the share of pairs that lie in one bin,
    and equal to it where no bin holds different scores.

    Args:
        from_logits: Whether outputs are logits, of which the sigmoid (the softmax over
            classes) is taken; otherwise they are probabilities from 0 to 1.
        n_bins: Bins of equal width from 0 to 1, each with its lower bound.
        num_classes: As in `AUROC`.
        average: As in `AUROC`.

    Raises:
        TypeError: An option is of the wrong kind.
        ValueError: An option has none of its values.

    Torch:
        PyTorch has none. scikit-learn's ``roc_auc_score`` (1.9.1) of
        ``numpy.floor(probabilities * n_bins)`` is the same. nan as in `AUROC`.

    Example:
        >>> metric = BinnedAUROC(from_logits=False, n_bins=10)
        >>> output, target = [0.12, 0.41, 0.35, 0.8], [0, 0, 1, 1]
        >>> metric.compute(metric.update(metric.init(), output, target))
        Array(0.75, dtype=float32)
    """

    from_logits: bool
    n_bins: int = 1024
    num_classes: int | None = None
    average: Average = "macro"

    name: ClassVar[str] = "binned_auroc"

    def __post_init__(self) -> None:
        check_area_options(self.from_logits, self.num_classes, self.average)
        check_positive("n_bins", self.n_bins)

    def _zeros(self) -> State:
        zeros = jnp.zeros((self.num_classes or 1, self.n_bins), int)
        return {"positive": zeros, "negative": zeros}

    def _expected(self, output: ArrayLike) -> Expected:
        del output
        kind = "logits" if self.from_logits else "probabilities"
        return Expected(self.num_classes, kind)

    def _batch(self, samples: Samples) -> State:
        positive = positives(samples.target, self.num_classes)
        scores = samples.output.reshape(positive.shape)
        # What is not counted may be nan: any bin will do.
        scores = jnp.where(samples.counted[:, None], scores, 0)
        bins = jnp.floor(scores * self.n_bins).astype(jnp.int32)
        bins = jnp.clip(bins, 0, self.n_bins - 1)
        K = positive.shape[1]
        place = jnp.broadcast_to(jnp.arange(K)[None, :], bins.shape), bins
        zeros = jnp.zeros((K, self.n_bins), int)
        counted = samples.counted[:, None]
        return {
            "positive": zeros.at[place].add((counted & positive).astype(int)),
            "negative": zeros.at[place].add((counted & ~positive).astype(int)),
        }

    def _value(self, state: State) -> jax.Array:
        # Shares, not counts: products of counts would leave the integers.
        support = state["positive"].astype(float).sum(axis=1)
        areas = jax.vmap(_area)(state["positive"], state["negative"])
        return average_of(areas, support, self.average)


def _area(positive: jax.Array, negative: jax.Array) -> jax.Array:
    """The area under the curve of two histograms ``(n_bins,)``."""
    ones, zeros = (counts.astype(float) for counts in (positive, negative))
    shares = ratio(ones, jnp.full_like(ones, ones.sum()), jnp.nan)
    others = ratio(zeros, jnp.full_like(zeros, zeros.sum()), jnp.nan)
    below = jnp.cumsum(others) - others
    return (shares * (below + others / 2)).sum()
