# SPDX-License-Identifier: Apache-2.0
"""Several schedulers, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from flaxnn.optim.lr_scheduler._composed import checked_parts
from flaxnn.optim.lr_scheduler._groups import (
    Groups,
    chosen,
    number,
    vector,
    whole_number,
    written,
)
from flaxnn.optim.lr_scheduler._rule import Rule
from flaxnn.optim.lr_scheduler._scheduler import Scheduler, scheduler_of

Moved = tuple[Groups, Any]


class SequentialState(NamedTuple):
    """State of `sequential_lr`.

    Attributes:
        last_epoch: Steps done so far, int32.
        milestones: ``(parts - 1,)`` steps at which the next part starts, int32.
        schedulers: The states of its parts.
    """

    last_epoch: jax.Array
    milestones: jax.Array
    schedulers: tuple[Any, ...]


@dataclass(frozen=True)
class SequentialLR(Rule):
    """The part whose time it is."""

    restartable = False
    rules: tuple[Rule, ...]

    @property
    def stateless(self) -> bool:
        """Whether the rates of all parts depend on the count alone."""
        return all(rule.stateless for rule in self.rules)

    def construct(self, groups: Groups, numbers: Any) -> tuple[Groups, SequentialState]:
        """Constructs and undoes all parts, then starts the first one anew."""
        parts, milestones = numbers
        states = []
        for rule, part in zip(self.rules, parts, strict=True):
            groups, state = rule.construct(groups, part)
            states.append(rule.undo(state))
        groups = written(groups, lr=vector(groups, "initial_lr"))
        start = SequentialState(
            jnp.zeros((), jnp.int32),
            milestones.astype(jnp.int32),
            tuple(states),
        )
        return self._moved(
            start, groups, lambda k, s: self.rules[k].initial_step(s, groups)
        )

    def arrays(self, numbers: Any) -> Any:
        """The arrays of the parts, and the milestones."""
        parts, milestones = numbers
        each = zip(self.rules, parts, strict=True)
        return tuple(rule.arrays(part) for rule, part in each), number(milestones)

    def step(
        self, state: SequentialState, groups: Groups, value: Any = None
    ) -> tuple[Groups, SequentialState]:
        """Steps the current part, or starts it at its milestone."""
        del value
        state = state._replace(last_epoch=state.last_epoch + 1)

        def move(k: int, part: Any) -> Moved:
            stepped = self.rules[k].step(part, groups)
            if k == 0 or not self.rules[k].restartable:
                return stepped
            begins = state.milestones[k - 1] == state.last_epoch
            return chosen(begins, self.rules[k].restart(part, groups), stepped)

        return self._moved(state, groups, move)

    def _moved(
        self, state: SequentialState, groups: Groups, move: Callable[[int, Any], Moved]
    ) -> tuple[Groups, SequentialState]:
        """Moves the part whose time it is, and leaves the others as they are."""
        current = jnp.sum(state.milestones <= state.last_epoch)
        parts, after = [], groups
        for k, part in enumerate(state.schedulers):
            here = current == k
            moved, new = move(k, part)
            after, new = chosen(here, (moved, new), (after, part))
            parts.append(new)
        return after, state._replace(schedulers=tuple(parts))

    def rates(self, state: SequentialState, groups: Groups) -> jax.Array:
        """The rates of the current part, from the count alone."""
        current = jnp.sum(state.milestones <= state.last_epoch)
        rates = []
        for k, (rule, part) in enumerate(
            zip(self.rules, state.schedulers, strict=True)
        ):
            begin = state.milestones[k - 1] if k else jnp.zeros((), jnp.int32)
            if k:
                # A part with a milestone at 0 has had its initial step instead.
                part = chosen(begin <= 0, part, rule.restart(part, groups)[1])
            since = state.last_epoch - jnp.maximum(begin, 0)
            rates.append(rule.rates(part._replace(last_epoch=since), groups))
        return jnp.stack(rates)[current]

    def undo(self, state: SequentialState) -> SequentialState:
        """Undoes the parts; PyTorch leaves the count of the sequence itself."""
        parts = zip(self.rules, state.schedulers, strict=True)
        undone = tuple(rule.undo(part) for rule, part in parts)
        return state._replace(schedulers=undone)

    def chained(self) -> Rule:
        """The rule with all parts by their recursion."""
        return replace(self, rules=tuple(rule.chained() for rule in self.rules))

    def steps_left(self, state: SequentialState) -> int | None:
        """The steps until a part that is still current has none left."""
        epoch, begins = int(state.last_epoch), [int(m) for m in state.milestones]
        for k, (rule, part) in enumerate(
            zip(self.rules, state.schedulers, strict=True)
        ):
            begin = begins[k - 1] if k else epoch
            end = begins[k] if k < len(begins) else None
            if end is not None and end <= epoch:
                continue
            if begin > epoch:
                part = part._replace(last_epoch=jnp.zeros((), jnp.int32))
            left = rule.steps_left(part)
            last = None if left is None else max(begin, epoch) + left
            if last is not None and (end is None or last + 1 < end):
                return last - epoch
        return None


def sequential_lr(
    schedulers: Sequence[Scheduler], milestones: Sequence[int]
) -> Scheduler:
    """Returns a scheduler that hands over from one to the next at the milestones.

    Each part starts from the optimiser's learning rate, whatever the last one made of
    it.

    Args:
        schedulers: The parts, at least one.
        milestones: Steps at which the second part and those after it start, in
            ascending order, one fewer than there are parts. How many there are is
            static, where they are is not.

    Returns:
        A scheduler whose state is a `SequentialState`.

    Raises:
        ValueError: The numbers of parts and milestones do not fit, a part is
            `reduce_lr_on_plateau`, or the milestones are not in ascending order, which
            PyTorch takes.
        TypeError: A part is not a scheduler, or a milestone not a number.
        NotImplementedError: A part after the first is itself a `sequential_lr` or a
            `chained_scheduler`; PyTorch raises at its milestone.

    Torch:
        ``torch.optim.lr_scheduler.SequentialLR``, 2.13.0, T1. That holds for a first
        part that is itself made of parts too, whose first step PyTorch counts as an
        ordinary one, so that an exponential decay in it begins one step early.

    Example:
        >>> from flaxnn.optim.lr_scheduler import cosine_annealing_lr, linear_lr
        >>> warm_up = linear_lr(0.25, total_iters=3)
        >>> scheduler = sequential_lr([warm_up, cosine_annealing_lr(4)], [3])
        >>> schedule = scheduler.schedule(lr=1.0)
        >>> [round(float(schedule(count)), 4) for count in range(8)]
        [0.25, 0.5, 0.75, 1.0, 0.8536, 0.5, 0.1464, 0.0]
    """
    if len(schedulers) < 1:
        raise ValueError(
            "SequentialLR expects at least one scheduler, but got no scheduler."
        )
    parts = checked_parts("SequentialLR", schedulers)
    if len(milestones) != len(parts) - 1:
        raise ValueError(
            "Sequential Schedulers expects number of schedulers provided to be one "
            "more than the number of milestone points, but got number of schedulers "
            f"{len(parts)} and the number of milestones to be equal to "
            f"{len(milestones)}"
        )
    begins = tuple(whole_number("a milestone", milestone) for milestone in milestones)
    if list(begins) != sorted(begins):
        raise ValueError(f"milestones must be in ascending order, got {begins}")
    for index, (part, begin) in enumerate(zip(parts[1:], begins, strict=True), 1):
        if not part.update.restartable and begin > 0:
            raise NotImplementedError(
                f"SequentialLR starts the scheduler at index {index} at step {begin} "
                f"by its closed form, which {type(part.update).__name__} does not "
                "have; put its parts into this sequence"
            )
    # A part that is made of parts has a first step that PyTorch takes for any step.
    rule = SequentialLR(
        tuple(
            part.update if part.update.restartable else part.update.chained()
            for part in parts
        )
    )
    return scheduler_of(rule, (tuple(part.init.numbers for part in parts), begins))
