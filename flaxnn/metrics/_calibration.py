# SPDX-License-Identifier: Apache-2.0
"""How far stated probabilities are from how often they come true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn._typing import ArrayLike
from flaxnn.metrics._metric import State
from flaxnn.metrics._options import check_classes, check_from_logits, check_positive
from flaxnn.metrics._samples import Expected, Samples
from flaxnn.metrics._summed import Summed
from flaxnn.metrics._sums import count, pair_value, ratio, sum_pairs


@dataclass(frozen=True, kw_only=True)
class CalibrationError(Summed):
    """The expected calibration error, ECE; nan without samples.

    Samples are put into bins by their probability. The error is the mean over bins,
    weighted by their number of samples, of the distance between the mean probability
    and the share of samples for which it came true.

    Args:
        from_logits: Whether outputs are logits, of which the sigmoid (the softmax over
            classes) is taken; otherwise they are probabilities from 0 to 1.
        n_bins: Bins of equal width from 0 to 1, each with its upper bound.
        num_classes: C, for outputs ``(N, C)`` and targets ``(N,)``, class indices: the
            probability is the largest, and comes true where its class is the target.
            None for outputs ``(N,)`` or ``(N, 1)`` and targets 0 and 1 of the same
            shape: the probability is that of class 1.

    Raises:
        TypeError: An option is of the wrong kind.
        ValueError: An option has none of its values.

    Torch:
        PyTorch has none. scikit-learn's ``calibration_curve`` (1.9.1) has the same
        bins, bounds included, and the two means of each.

    Example:
        >>> metric = CalibrationError(from_logits=False, n_bins=2)
        >>> state = metric.update(metric.init(), [0.25, 0.25, 0.75, 1.0], [0, 1, 1, 1])
        >>> metric.compute(state)
        Array(0.1875, dtype=float32)

    References:
        Guo, Pleiss, Sun and Weinberger (2017), "On Calibration of Modern Neural
        Networks", equation 3.
    """

    from_logits: bool
    n_bins: int = 15
    num_classes: int | None = None

    name: ClassVar[str] = "calibration_error"

    def __post_init__(self) -> None:
        check_from_logits(self.from_logits)
        check_classes(self.num_classes)
        check_positive("n_bins", self.n_bins)

    def _zeros(self) -> State:
        return {
            "surplus": jnp.zeros((self.n_bins, 2), float),
            "count": jnp.zeros((), int),
        }

    def _expected(self, output: ArrayLike) -> Expected:
        del output
        kind = "logits" if self.from_logits else "probabilities"
        return Expected(self.num_classes, kind)

    def _batch(self, samples: Samples) -> State:
        probability, truth = samples.output, samples.target == 1
        if self.num_classes is not None:
            truth = probability.argmax(axis=1) == samples.target
            probability = probability.max(axis=1)
        bounds = jnp.asarray(_bounds(self.n_bins, probability.dtype))
        bins = jnp.searchsorted(bounds, probability, side="left", method="compare_all")
        in_bin = bins[:, None] == jnp.arange(self.n_bins)[None, :]
        surplus = (probability - truth.astype(probability.dtype))[:, None]
        return {
            # A bin's weight times its distance is this sum over the number of samples.
            "surplus": sum_pairs(
                jnp.where(in_bin & samples.counted[:, None], surplus, 0)
            ),
            "count": count(samples.counted),
        }

    def _value(self, state: State) -> jax.Array:
        distances = jnp.abs(pair_value(state["surplus"]))
        return ratio(distances.sum(), state["count"], jnp.nan)


def _bounds(n_bins: int, dtype: np.dtype) -> np.ndarray:
    """The bounds between bins, rounded down.

    A float32 probability is then above a rounded bound exactly when it is above the
    bound itself.
    """
    exact = np.linspace(0, 1, n_bins + 1)[1:-1]
    rounded = exact.astype(dtype)
    below = np.nextafter(rounded, np.asarray(0, dtype))
    return np.where(rounded.astype(np.float64) > exact, below, rounded)
