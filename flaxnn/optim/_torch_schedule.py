# SPDX-License-Identifier: Apache-2.0
"""The state of the scheduler in `scheduled`, in PyTorch's schema, there and back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from flaxnn.optim._scheduled import ScheduledState, groups_of, scheduler_rule
from flaxnn.optim.lr_scheduler._torch_state import from_torch, to_torch


def to_torch_schedule(
    optimizer: optax.GradientTransformation, opt_state: Any
) -> dict[str, Any]:
    """Returns the state of a scheduler as PyTorch's ``scheduler.state_dict()`` has it.

    Args:
        optimizer: What `scheduled` returned.
        opt_state: Its state.

    Returns:
        The dictionary, of Python's numbers and lists. The optimiser's part, its
        ``param_groups`` with the current rates, is that of `to_torch_state`.

    Raises:
        TypeError: The optimiser has no scheduler.

    Torch:
        ``torch.optim.lr_scheduler.LRScheduler.state_dict``, 2.13.0, T0: the same keys.
        A float32 number is written as the shortest decimal that it stands for.
        Functions are not in it, as there.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import optim
        >>> optimizer = optim.scheduled(
        ...     optim.sgd(lr=1.0), optim.lr_scheduler.step_lr(30)
        ... )
        >>> state = optimizer.init({"weight": jnp.ones(2)})
        >>> saved = to_torch_schedule(optimizer, state)
        >>> saved["step_size"], saved["last_epoch"], saved["_last_lr"]
        (30, 0, [1.0])
    """
    rule, state = _checked(optimizer, opt_state)
    with _as_wide_as(opt_state):
        return to_torch(rule, state.scheduler_state, groups_of(state.inner_state))


def from_torch_schedule(
    torch_state: Mapping[str, Any],
    optimizer: optax.GradientTransformation,
    opt_state: Any,
    *,
    since: int = 0,
    total: float = 0.0,
) -> Any:
    """Returns the state with the scheduler's from PyTorch's ``scheduler.state_dict()``.

    Its numbers are the loaded ones, as after PyTorch's ``load_state_dict``; functions
    are the scheduler's own.

    Args:
        torch_state: The dictionary.
        optimizer: What `scheduled` returned, with a scheduler of the same kind.
        opt_state: Its state, with the optimiser's part loaded already, as by
            `from_torch_state`.
        since: Updates since the last step of the scheduler.
        total: For `lr_scheduler.reduce_lr_on_plateau`, the sum of the losses of these.

    Returns:
        A state for ``optimizer.update``.

    Raises:
        TypeError: The optimiser has no scheduler.
        ValueError: The dictionary is another scheduler's, is for another number of
            groups, or has other options that are static here.

    Torch:
        ``torch.optim.lr_scheduler.LRScheduler.load_state_dict``, 2.13.0, T1.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import optim
        >>> optimizer = optim.scheduled(
        ...     optim.sgd(lr=1.0), optim.lr_scheduler.exponential_lr(0.5)
        ... )
        >>> state = optimizer.init({"weight": jnp.ones(2)})
        >>> saved = {**to_torch_schedule(optimizer, state), "last_epoch": 3}
        >>> state = from_torch_schedule(saved, optimizer, state)
        >>> int(state.scheduler_state.last_epoch)
        3
    """
    rule, state = _checked(optimizer, opt_state)
    with _as_wide_as(opt_state):
        loaded = from_torch(
            torch_state, rule, state.scheduler_state, groups_of(state.inner_state)
        )
        return state._replace(
            scheduler_state=loaded,
            since=jnp.full_like(state.since, since),
            total=None if state.total is None else jnp.full_like(state.total, total),
        )


def _as_wide_as(state: Any) -> AbstractContextManager[Any]:
    """The context in which JAX computes in the state's dtypes."""
    wide = any(leaf.dtype == np.float64 for leaf in jax.tree.leaves(state))
    return jax.enable_x64(True) if wide else nullcontext()


def _checked(optimizer: Any, opt_state: Any) -> tuple[Any, ScheduledState]:
    rule = scheduler_rule(optimizer.update)
    if rule is None or not isinstance(opt_state, ScheduledState):
        raise TypeError(
            "the optimizer has no scheduler: pass what flaxnn.optim.scheduled(optimizer"
            ", scheduler) returned, and its state"
        )
    return rule, opt_state
