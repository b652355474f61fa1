# SPDX-License-Identifier: Apache-2.0
"""A scheduler as pure functions of its state and of the optimiser's groups."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from flaxnn.optim.lr_scheduler._groups import (
    Groups,
    number,
    vector,
    with_initial_lrs,
    written,
)

Numbers = dict[str, Any]


class EpochState(NamedTuple):
    """State of a scheduler that counts its own steps.

    Attributes:
        last_epoch: Steps done so far, int32; PyTorch's name.
        base_lrs: ``(G,)`` learning rates that the schedule refers to.
        start_lrs: ``(G,)`` learning rates at its step 0.
        numbers: Traced options; replace one to change it without recompiling.
    """

    last_epoch: jax.Array
    base_lrs: jax.Array
    start_lrs: jax.Array
    numbers: Numbers


@dataclass(frozen=True)
class Rule(ABC):
    """The static part of a scheduler: what compilation depends on.

    A subclass has PyTorch's name. The methods are what PyTorch's object does when it
    is constructed, stepped, and handled by a `SequentialLR`.
    """

    # Whether a step needs the value of a metric.
    takes_value: ClassVar[bool] = False
    # Whether PyTorch can start it at a milestone of a `SequentialLR`.
    restartable: ClassVar[bool] = True

    @property
    def stateless(self) -> bool:
        """Whether the rates depend on the count alone."""
        return True

    def __call__(
        self, state: Any, hyperparams: Groups, value: Any = None
    ) -> tuple[Groups, Any]:
        """PyTorch's ``scheduler.step()``."""
        return self.step(state, hyperparams, value)

    def construct(self, groups: Groups, numbers: Any) -> tuple[Groups, Any]:
        """PyTorch's constructor, its initial step included.

        Args:
            groups: The hyper-parameters of the optimiser's groups.
            numbers: What `arrays` returned.
        """
        groups = with_initial_lrs(groups)
        base_lrs = vector(groups, "initial_lr")
        before = jnp.asarray(-1, jnp.int32)
        state = EpochState(before, base_lrs, base_lrs, self.kept(numbers, groups))
        return self.initial_step(state, groups)

    def arrays(self, numbers: Any) -> Any:
        """The options as arrays, by name."""
        return {name: number(value) for name, value in numbers}

    def kept(self, numbers: Numbers, groups: Groups) -> Numbers:
        """What of the options the state keeps."""
        del groups
        return numbers

    def initial_step(self, state: Any, groups: Groups) -> tuple[Groups, Any]:
        """PyTorch's step in the constructor."""
        return self.step(state, groups)

    def step(self, state: Any, groups: Groups, value: Any = None) -> tuple[Groups, Any]:
        """PyTorch's ``step()``."""
        del value
        return self.at_epoch(state._replace(last_epoch=state.last_epoch + 1), groups)

    def restart(self, state: Any, groups: Groups) -> tuple[Groups, Any]:
        """What `SequentialLR` does at a milestone, PyTorch's ``_update_lr(0)``."""
        zero = jnp.zeros_like(state.last_epoch)
        return self.at_epoch(state._replace(last_epoch=zero), groups)

    def at_epoch(self, state: Any, groups: Groups) -> tuple[Groups, Any]:
        """The groups at the state's epoch."""
        return written(groups, lr=self.rates(state, groups)), state

    @abstractmethod
    def rates(self, state: Any, groups: Groups) -> jax.Array:
        """The learning rates ``(G,)`` at the state's epoch."""

    def undo(self, state: Any) -> Any:
        """What `SequentialLR` does to a scheduler after it was constructed."""
        return state._replace(last_epoch=state.last_epoch - 1)

    def chained(self) -> Rule:
        """The rule where other schedulers change the same learning rates."""
        return self

    def steps_left(self, state: Any) -> int | None:
        """How many steps are left until PyTorch raises; None without such an end."""
        del state
        return None
