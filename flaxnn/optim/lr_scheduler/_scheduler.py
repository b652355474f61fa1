# SPDX-License-Identifier: Apache-2.0
"""What a scheduler is: two functions, as an optax transformation has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalar, as_traced
from flaxnn.optim.lr_scheduler._groups import Groups
from flaxnn.optim.lr_scheduler._rule import Rule


@partial(jax.jit, static_argnums=0)
def _construct(rule: Rule, groups: Groups, numbers: Any) -> tuple[Groups, Any]:
    """One compilation in place of dozens of small ones; numbers are traced."""
    return rule.construct(groups, numbers)


@dataclass(frozen=True)
class SchedulerInit:
    """Makes the state of a rule, with its numbers inside."""

    rule: Rule
    numbers: Any

    def __call__(self, hyperparams: Sequence[Mapping[str, Any]]) -> tuple[Groups, Any]:
        """PyTorch's constructor on the groups of an optimiser."""
        if isinstance(hyperparams, Mapping) or not all(
            isinstance(group, Mapping) and "lr" in group for group in hyperparams
        ):
            raise TypeError(
                "a scheduler starts from a tuple of dictionaries, one for each group "
                f"of the optimiser and each with its 'lr', got {hyperparams!r}"
            )
        if not hyperparams:
            raise ValueError("a scheduler needs at least one group, got none")
        groups = tuple(as_traced(**group) for group in hyperparams)
        return _construct(self.rule, groups, self.rule.arrays(self.numbers))


@dataclass(frozen=True)
class Schedule:
    """A learning rate as a function of the count of updates, for optax."""

    init: SchedulerInit
    lr: Scalar

    def __call__(self, count: Any) -> jax.Array:
        """Returns the learning rate after ``count`` steps of the scheduler."""
        # Built at each call: whether x64 is on may have changed since the last.
        groups, state = self.init(({"lr": self.lr},))
        state = state._replace(last_epoch=jnp.asarray(count, jnp.int32))
        return self.init.rule.rates(state, groups)[0]


class Scheduler(NamedTuple):
    """A learning-rate scheduler: pure functions, as an optax transformation is.

    Attributes:
        init: ``init(hyperparams) → (hyperparams, state)``, PyTorch's constructor with
            its initial step. The argument is a tuple with a dictionary of numbers for
            each group of the optimiser; what comes back also has the entries that
            PyTorch adds to a group, such as ``"initial_lr"``.
        update: ``update(state, hyperparams, value=None) → (hyperparams, state)``,
            PyTorch's ``scheduler.step()``; ``value`` is the metric that
            `reduce_lr_on_plateau` watches. Static options alone decide whether two of
            them are equal, so other numbers share a compilation.

    Torch:
        ``torch.optim.lr_scheduler.LRScheduler``, 2.13.0, T1. It changes nothing in
        place and keeps no optimiser.
    """

    init: SchedulerInit
    update: Rule

    def schedule(self, lr: Scalar) -> Schedule:
        """Returns an optax schedule, for the schedulers that need no state.

        The learning rate alone: a momentum cannot be cycled by it.

        Args:
            lr: The optimiser's learning rate, which some schedulers replace.

        Returns:
            A function of the count of updates, such as ``optax.adam`` takes.

        Raises:
            TypeError: The scheduler has a state: use `flaxnn.optim.scheduled`.

        Example:
            >>> from flaxnn.optim import lr_scheduler
            >>> schedule = lr_scheduler.step_lr(30).schedule(lr=1.0)
            >>> float(schedule(29)), round(float(schedule(30)), 6)
            (1.0, 0.1)
        """
        if not self.update.stateless:
            raise TypeError(
                f"{type(self.update).__name__} carries a state, which an optax "
                "schedule cannot: use flaxnn.optim.scheduled(optimizer, scheduler)"
            )
        return Schedule(self.init, lr)

    def steps_left(self, state: Any) -> int | None:
        """Returns how many steps are left until PyTorch raises; None without an end.

        Args:
            state: The scheduler's state, as concrete arrays.
        """
        return self.update.steps_left(state)


def scheduler_of(rule: Rule, numbers: Any) -> Scheduler:
    """The scheduler of a rule and its numbers."""
    return Scheduler(SchedulerInit(rule, numbers), rule)
