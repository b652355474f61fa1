# SPDX-License-Identifier: Apache-2.0
"""An optimiser whose learning rate a scheduler changes, as one transformation."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from flaxnn.optim._scalars import Tree
from flaxnn.optim._states import optimizer_states, with_optimizer_states
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.optim.lr_scheduler._groups import Groups, chosen


class ScheduledState(NamedTuple):
    """State of `scheduled`.

    Attributes:
        inner_state: The optimiser's state; its ``hyperparams`` are what the scheduler
            writes, with the entries that PyTorch adds to a group beside them.
        scheduler_state: The scheduler's state.
        every: Updates between two of its steps, int32.
        since: Updates since its last step, int32.
        total: Sum of ``value`` over these where the scheduler wants it, else None.
    """

    inner_state: Any
    scheduler_state: Any
    every: jax.Array
    since: jax.Array
    total: jax.Array | None

    @property
    def lr(self) -> jax.Array:
        """The learning rate of the next update; ``(G,)`` for more than one group."""
        rates = [node.hyperparams["lr"] for node in optimizer_states(self.inner_state)]
        return jnp.stack(rates) if len(rates) > 1 else rates[0]


def groups_of(state: Any) -> Groups:
    """The hyper-parameters of every optimiser in a state, in order."""
    return tuple(
        {
            name: value
            for name, value in node.hyperparams.items()
            # Built without momentum, an optimiser has no buffer and reads none.
            if name != "momentum" or getattr(node, "momentum_buffer", ()) is not None
        }
        for node in optimizer_states(state)
    )


def _with_groups(state: Any, groups: Groups) -> Any:
    """The state with the hyper-parameters of its optimisers replaced."""
    return with_optimizer_states(
        state,
        [
            node._replace(hyperparams={**node.hyperparams, **group})
            for node, group in zip(optimizer_states(state), groups, strict=True)
        ],
    )


@dataclass(frozen=True)
class _ScheduledInit:
    """Makes the optimiser's state and constructs the scheduler on it."""

    optimizer: Any
    scheduler: Any
    every: int
    takes_value: bool

    def __call__(self, params: Tree) -> Any:
        inner = self.optimizer(params)
        if not (groups := groups_of(inner)):
            raise ValueError(
                "the optimizer holds no learning rate in its state that a scheduler "
                "could change: use one of flaxnn.optim, or give optax's a schedule, "
                "optax.adam(scheduler.schedule(lr=0.001))"
            )
        groups, state = self.scheduler(groups)
        zero = jnp.zeros((), jnp.int32)
        total = jnp.zeros_like(groups[0]["lr"]) if self.takes_value else None
        every = jnp.asarray(self.every, jnp.int32)
        return ScheduledState(_with_groups(inner, groups), state, every, zero, total)


@dataclass(frozen=True)
class _ScheduledUpdate:
    """One update, and after every so many of them a step of the scheduler."""

    optimizer: Any
    scheduler: Any
    extra_args: bool

    def __call__(
        self,
        updates: Tree,
        state: Any,
        params: Tree = None,
        *,
        value: Any = None,
        **extra: Any,
    ) -> tuple[Tree, Any]:
        passed = {"value": value, **extra} if self.extra_args else {}
        updates, inner = self.optimizer(updates, state.inner_state, params, **passed)
        since, total, mean = state.since + 1, state.total, None
        if self.scheduler.takes_value and value is not None:
            total = total + jnp.asarray(value, total.dtype)
            mean = total / since
        due = since >= state.every
        before = groups_of(inner), state.scheduler_state
        after = self.scheduler(state.scheduler_state, before[0], value=mean)
        groups, scheduler_state = chosen(due, after, before)
        zeros = jax.tree.map(jnp.zeros_like, (since, total))
        since, total = chosen(due, zeros, (since, total))
        new = _with_groups(inner, groups)
        return updates, ScheduledState(new, scheduler_state, state.every, since, total)


def scheduler_rule(update: Any) -> Any:
    """The scheduler's rule in the update of `scheduled`; None for another's."""
    return update.scheduler if isinstance(update, _ScheduledUpdate) else None


def scheduled(
    optimizer: optax.GradientTransformation, scheduler: Scheduler, every: int = 1
) -> optax.GradientTransformationExtraArgs:
    """Returns the optimiser with a scheduler that changes its learning rate.

    Every optimiser of `flaxnn.optim` inside is one group, in the order in which they
    stand in a chain or a partition: lists of a scheduler have one number for each.

    Args:
        optimizer: An optimiser of `flaxnn.optim`, or an optax chain or partition with
            some of them in it.
        scheduler: One of `flaxnn.optim.lr_scheduler`.
        every: Updates between two steps of the scheduler, at least 1; traced.

    Returns:
        A transformation whose state is a `ScheduledState`. For
        `lr_scheduler.reduce_lr_on_plateau` its ``update`` needs ``value=``, the loss,
        whose mean over ``every`` updates is what the scheduler sees.

    Raises:
        TypeError: ``optimizer`` or ``scheduler`` is something else.
        ValueError: ``every`` is below 1; or, from ``init``, the optimiser has no
            learning rate in its state, or the scheduler does not suit its groups.

    Torch:
        ``optimizer.step()`` and after each, or each ``every``-th, ``scheduler.step()``,
        2.13.0: T1.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import optim
        >>> scheduler = optim.lr_scheduler.exponential_lr(0.5)
        >>> optimizer = scheduled(optim.sgd(lr=1.0), scheduler)
        >>> params = jnp.zeros(())
        >>> state = optimizer.init(params)
        >>> for _ in range(3):
        ...     update, state = optimizer.update(jnp.ones(()), state, params)
        ...     print(float(update))
        -1.0
        -0.5
        -0.25
    """
    if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        raise TypeError(
            "optimizer must be an optimiser such as flaxnn.optim.sgd(lr=0.01), got "
            + type(optimizer).__name__
        )
    if not isinstance(scheduler, Scheduler):
        raise TypeError(
            "scheduler must be one of flaxnn.optim.lr_scheduler, such as step_lr(30), "
            f"got {type(scheduler).__name__}; an optax schedule goes into an optax "
            "optimiser, optax.adam(schedule)"
        )
    if isinstance(every, bool) or not isinstance(every, numbers.Integral):
        raise TypeError(f"every must be an integer, got {every!r}")
    if every < 1:
        raise ValueError(f"every must be at least 1, got {every}")
    extra_args = isinstance(optimizer, optax.GradientTransformationExtraArgs)
    takes_value = scheduler.update.takes_value
    return optax.GradientTransformationExtraArgs(
        _ScheduledInit(optimizer.init, scheduler.init, int(every), takes_value),
        _ScheduledUpdate(optimizer.update, scheduler.update, extra_args),
    )
