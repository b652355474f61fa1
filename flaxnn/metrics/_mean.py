# SPDX-License-Identifier: Apache-2.0
"""The mean of anything that has one value for each sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn._typing import ArrayLike
from flaxnn.metrics._metric import Metric, State
from flaxnn.metrics._samples import as_mask
from flaxnn.metrics._sums import count, overflowed, pair_value, ratio, sum_pairs


@dataclass(frozen=True)
class Mean(Metric):
    """The mean of a function over all samples, such as the mean loss.

    The sum is kept in two floats, so that float32 batches add up as in float64. A
    value of nan or infinity makes the mean nan or infinite.

    Args:
        function: A function of ``(output, target)`` with one value for each sample,
            ``(N,)``, such as `flaxnn.metrics.accuracy` or a loss with
            ``reduction="none"``; a scalar is taken for the batch's mean. Two `Mean`
            are equal where Python holds the functions equal, so modules and partials
            made twice differ; `flaxnn.evaluate` and
            `flaxnn.training.make_eval_step` take bare functions and modules, and find
            their compilation again.

    Raises:
        TypeError: The function cannot be called, or is a class.

    Example:
        >>> import flaxnn.functional as F
        >>> def loss(output, target):
        ...     return F.mse_loss(output, target, reduction="none")
        >>> mean = Mean(loss)
        >>> state = mean.update(mean.init(), [1.0, 2.0], [1.0, 4.0])
        >>> state = mean.update(state, [3.0], [2.0])
        >>> print(f"{mean.compute(state):.3f}")
        1.667

    References:
        Knuth, The Art of Computer Programming, volume 2, 4.2.2, for the sum.
    """

    function: Callable[..., Any]

    name: ClassVar[str] = "mean"

    def __post_init__(self) -> None:
        if isinstance(self.function, type) or not callable(self.function):
            raise TypeError(
                "Mean needs a function of (output, target), got "
                f"{getattr(self.function, '__name__', self.function)!r}"
            )

    def init(self) -> State:
        """Returns the state before the first sample."""
        return {"sum": jnp.zeros(2, float), "count": jnp.zeros((), int)}

    def update(
        self,
        state: State,
        output: ArrayLike,
        target: ArrayLike,
        mask: ArrayLike | None = None,
    ) -> State:
        """Returns the state after a batch.

        Args:
            state: The state before.
            output: What the function takes as its first argument.
            target: What it takes as its second, ``(N, …)``.
            mask: ``(N,)`` bool, False for samples that do not count.

        Raises:
            TypeError: The mask is not bool.
            ValueError: The function gave neither one value for each sample nor a
                scalar, or a scalar where there is a mask.
        """
        rows = np.shape(target)[0]
        values = jnp.asarray(self.function(output, target))
        if values.dtype in (jnp.bfloat16, jnp.float16) or not jnp.issubdtype(
            values.dtype, jnp.inexact
        ):
            values = values.astype(float)
        if values.shape == ():
            if mask is not None:
                raise ValueError(
                    "a mask needs one value for each sample, but the function gave "
                    "the batch's mean; use reduction='none'"
                )
            values = jnp.full(rows, values)
        elif values.shape[0] != rows or values.size != rows:
            raise ValueError(
                f"the function gave shape {values.shape} for a batch of {rows}: "
                f"expected one value for each sample, ({rows},), or a scalar"
            )
        wanted = jnp.ones(rows, bool) if mask is None else as_mask(mask, rows)
        values = jnp.where(wanted, values.reshape(-1), 0)
        batch = {"sum": sum_pairs(values), "count": count(wanted)}
        return self.merge(
            state, {key: batch[key].astype(leaf.dtype) for key, leaf in state.items()}
        )

    def compute(self, state: State) -> jax.Array:
        """Returns the mean, a scalar; nan where there was no sample, or too many.

        Args:
            state: From `init`, `update` or `merge`.
        """
        mean = ratio(pair_value(state["sum"]), state["count"], jnp.nan)
        return jnp.where(overflowed(state["count"]), jnp.nan, mean)
