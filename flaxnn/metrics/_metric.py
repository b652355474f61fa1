# SPDX-License-Identifier: Apache-2.0
"""What every streaming metric is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp

from flaxnn._typing import ArrayLike
from flaxnn.metrics._sums import add_counts, add_pairs

State = dict[str, jax.Array]


@dataclass(frozen=True)
class Metric(ABC):
    """A metric of a stream of batches: options, and pure functions of its state.

    Metrics with equal options compare and hash equal, so they can be static arguments
    of jitted functions. A state is a dictionary of arrays of fixed shapes and dtypes:
    it can be the carry of ``jax.lax.scan``, be vmapped and be sharded. Its dtypes are
    int32 and float32, or int64 and float64 where it is made under ``jax.enable_x64``.

    A metric of your own is a frozen dataclass that derives from this class and defines
    `init`, `update` and `compute`; and `merge`, unless its state holds counts
    (integers) only.

    Attributes:
        name: What `flaxnn.evaluate` calls it.
    """

    name: ClassVar[str] = "metric"

    @abstractmethod
    def init(self) -> State:
        """Returns the state before the first sample."""

    @abstractmethod
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
            output: The model's outputs, ``(N, …)``.
            target: The targets, ``(N, …)``.
            mask: ``(N,)`` bool, False for samples that do not count, such as the
                padding of a short batch; whatever numbers those hold.
        """

    @abstractmethod
    def compute(self, state: State) -> jax.Array:
        """Returns the metric of all samples in a state.

        Args:
            state: From `init`, `update` or `merge`.
        """

    def merge(self, a: State, b: State) -> State:
        """Returns the state of the samples of two states, in that order.

        It is the sum, leaf by leaf, of states made by this metric; over the devices of
        a mesh ``jax.lax.psum`` gives the same. (`AUROC`, which keeps its samples, has
        a rule of its own.)

        Args:
            a: A state.
            b: Another of the same metric.
        """
        return {
            key: (add_counts if jnp.issubdtype(leaf.dtype, jnp.integer) else add_pairs)(
                leaf, b[key]
            )
            for key, leaf in a.items()
        }

    def check(self, state: State) -> None:
        """Raises if a compiled `update` met samples that it would have refused.

        Args:
            state: A state outside of ``jax.jit``.

        Raises:
            ValueError: The state's metric would be nan because of bad samples.
        """
        del state

    def sized(self, samples: int) -> Metric:
        """Returns the metric with room for so many samples; most need none.

        Args:
            samples: How many samples there are at most.
        """
        del samples
        return self
