# SPDX-License-Identifier: Apache-2.0
"""Several schedulers that all change the learning rate at every step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax

from flaxnn.optim.lr_scheduler._composed import checked_parts
from flaxnn.optim.lr_scheduler._groups import Groups, vector
from flaxnn.optim.lr_scheduler._rule import Rule
from flaxnn.optim.lr_scheduler._scheduler import Scheduler, scheduler_of


class ChainedState(NamedTuple):
    """State of `chained_scheduler`.

    Attributes:
        schedulers: The states of its parts.
    """

    schedulers: tuple[Any, ...]


@dataclass(frozen=True)
class ChainedScheduler(Rule):
    """All parts, one after the other, each by its recursion."""

    restartable = False
    rules: tuple[Rule, ...]

    @property
    def stateless(self) -> bool:
        """The next rate hangs on the current one."""
        return False

    def construct(self, groups: Groups, numbers: Any) -> tuple[Groups, ChainedState]:
        """Constructs the parts in their order; nothing is stepped."""
        states = []
        for rule, part in zip(self.rules, numbers, strict=True):
            groups, state = rule.construct(groups, part)
            states.append(state)
        return groups, ChainedState(tuple(states))

    def arrays(self, numbers: Any) -> Any:
        """The arrays of the parts."""
        parts = zip(self.rules, numbers, strict=True)
        return tuple(rule.arrays(part) for rule, part in parts)

    def step(
        self, state: ChainedState, groups: Groups, value: Any = None
    ) -> tuple[Groups, ChainedState]:
        """Steps all parts."""
        del value
        states = []
        for rule, part in zip(self.rules, state.schedulers, strict=True):
            groups, new = rule.step(part, groups)
            states.append(new)
        return groups, ChainedState(tuple(states))

    def rates(self, state: ChainedState, groups: Groups) -> jax.Array:
        """The rates as the last part left them."""
        del state
        return vector(groups, "lr")

    def undo(self, state: ChainedState) -> ChainedState:
        """Undoes the parts."""
        parts = zip(self.rules, state.schedulers, strict=True)
        return ChainedState(tuple(rule.undo(part) for rule, part in parts))

    def chained(self) -> Rule:
        """The rule with all parts by their recursion."""
        return replace(self, rules=tuple(rule.chained() for rule in self.rules))

    def steps_left(self, state: ChainedState) -> int | None:
        """The steps of the part that ends first."""
        parts = zip(self.rules, state.schedulers, strict=True)
        ends = [rule.steps_left(part) for rule, part in parts]
        return min((end for end in ends if end is not None), default=None)


def chained_scheduler(schedulers: Sequence[Scheduler]) -> Scheduler:
    """Returns a scheduler that steps several ones, each on what the last one left.

    Args:
        schedulers: At least one.

    Returns:
        A scheduler whose state is a `ChainedState`. It cannot be an optax schedule.

    Raises:
        ValueError: There is none, or one is `reduce_lr_on_plateau`.
        TypeError: One is not a scheduler.

    Torch:
        ``torch.optim.lr_scheduler.ChainedScheduler``, 2.13.0, T1: the recursions of its
        parts, so that in float32 rounding piles up as ``6e-8·√steps``.

    Example:
        >>> from flaxnn.optim.lr_scheduler import constant_lr, exponential_lr
        >>> parts = [constant_lr(0.5, total_iters=2), exponential_lr(0.5)]
        >>> scheduler = chained_scheduler(parts)
        >>> groups, state = scheduler.init(({"lr": 1.0},))
        >>> for _ in range(3):
        ...     groups, state = scheduler.update(state, groups)
        ...     print(float(groups[0]["lr"]))
        0.25
        0.25
        0.125
    """
    if len(schedulers) < 1:
        raise ValueError(
            "ChainedScheduler expects at least one scheduler to be chained, but got no "
            "scheduler."
        )
    parts = checked_parts("ChainedScheduler", schedulers)
    rule = ChainedScheduler(tuple(part.update.chained() for part in parts))
    return scheduler_of(rule, tuple(part.init.numbers for part in parts))
