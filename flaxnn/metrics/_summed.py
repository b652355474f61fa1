# SPDX-License-Identifier: Apache-2.0
"""Metrics whose state is a sum over samples."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn._typing import ArrayLike
from flaxnn.functional._checks import host_value
from flaxnn.metrics._metric import Metric, State
from flaxnn.metrics._samples import Expected, Samples, checked, read
from flaxnn.metrics._sums import overflowed


@dataclass(frozen=True)
class Summed(Metric):
    """Adds up what a batch contributes, and counts the samples it has to refuse."""

    def init(self) -> State:
        """Returns the state before the first sample."""
        return {**self._zeros(), "bad": jnp.zeros((), int)}

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
            output: The model's outputs; see the class for their shapes.
            target: The targets.
            mask: ``(N,)`` bool, False for samples that do not count.

        Raises:
            TypeError: Targets or mask have a wrong dtype.
            ValueError: Shapes do not fit; or, outside of ``jax.jit``, an output is nan
                or out of its range, or a binary target is neither 0 nor 1.
            IndexError: Outside of ``jax.jit``, a label is out of range.
        """
        expected = self._expected(output)
        return _updated(self, state, *checked(output, target, mask, expected), expected)

    def compute(self, state: State) -> jax.Array:
        """Returns the metric of all samples in a state.

        Args:
            state: From `init`, `update` or `merge`.

        Raises:
            ValueError: Outside of ``jax.jit``, as `check`. Inside, the result is nan
                (-1 where it is an integer).
        """
        self.check(state)
        return _computed(self, state)

    def check(self, state: State) -> None:
        """Raises if a compiled `update` met samples that it would have refused.

        Args:
            state: A state outside of ``jax.jit``.

        Raises:
            ValueError: A sample had a target out of range or an output that is nan or
                out of its range, or there were more samples than a count holds.
        """
        bad = host_value(state["bad"])
        if bad is not None and np.any(bad != 0):
            raise ValueError(
                f"{type(self).__name__}: {int(bad.sum())} sample(s) had a target out "
                "of range, or an output that is nan or out of its range; mask them "
                "out, or call update outside of jax.jit to see which they are"
            )
        for key, leaf in state.items():
            values = host_value(leaf)
            if values is not None and values.dtype.kind == "i" and overflowed(values):
                raise ValueError(
                    f"{type(self).__name__}: the count {key!r} is beyond "
                    f"{np.iinfo(values.dtype).max}, the largest {values.dtype}; make "
                    "the state under jax.enable_x64"
                )

    @abstractmethod
    def _zeros(self) -> State:
        """The sums before the first sample, without ``"bad"``."""

    @abstractmethod
    def _expected(self, output: ArrayLike) -> Expected:
        """What the outputs are taken for."""

    @abstractmethod
    def _batch(self, samples: Samples) -> State:
        """The sums over one batch, without ``"bad"``."""

    @abstractmethod
    def _value(self, state: State) -> jax.Array:
        """The metric of sums over sound samples."""


# Compiled also where the caller compiles nothing: an update is one call, then.
@partial(jax.jit, static_argnames=("metric", "expected"))
def _updated(
    metric: Summed,
    state: State,
    output: jax.Array,
    target: jax.Array,
    mask: jax.Array | None,
    expected: Expected,
) -> State:
    samples = read(output, target, mask, expected)
    batch = {**metric._batch(samples), "bad": samples.bad}
    return metric.merge(
        state, {key: batch[key].astype(leaf.dtype) for key, leaf in state.items()}
    )


@partial(jax.jit, static_argnames="metric")
def _computed(metric: Summed, state: State) -> jax.Array:
    value = metric._value(state)
    broken = state["bad"] > 0
    for leaf in state.values():
        if jnp.issubdtype(leaf.dtype, jnp.integer):
            broken |= overflowed(leaf)
    poison = jnp.nan if jnp.issubdtype(value.dtype, jnp.inexact) else -1
    return jnp.where(broken, jnp.asarray(poison, value.dtype), value)
