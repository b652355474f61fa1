# SPDX-License-Identifier: Apache-2.0
"""Learning rates by a function of the step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import jax
import jax.numpy as jnp

from flaxnn.optim.lr_scheduler._factors import FactorRule
from flaxnn.optim.lr_scheduler._groups import Groups, widest
from flaxnn.optim.lr_scheduler._rule import EpochState, Numbers, Rule
from flaxnn.optim.lr_scheduler._scheduler import Scheduler, scheduler_of

Factor = Callable[[jax.Array], Any]


@dataclass(frozen=True)
class LambdaLR(Rule):
    """The base rate times a function of the step."""

    functions: Factor | tuple[Factor, ...]

    def kept(self, numbers: Numbers, groups: Groups) -> Numbers:
        """No numbers; the functions must fit the groups."""
        _require_one_each(self.functions, groups)
        return numbers

    def rates(self, state: EpochState, groups: Groups) -> jax.Array:
        """The products of all groups."""
        del groups
        return state.base_lrs * _factors(self.functions, state)


@dataclass(frozen=True)
class MultiplicativeLR(FactorRule):
    """The current rate times a function of the step."""

    functions: Factor | tuple[Factor, ...] = ()

    def kept(self, numbers: Numbers, groups: Groups) -> Numbers:
        """No numbers; the functions must fit the groups."""
        _require_one_each(self.functions, groups)
        return numbers

    def restart(self, state: EpochState, groups: Groups) -> tuple[Groups, EpochState]:
        """PyTorch has no closed form here: the current rate is multiplied."""
        before = state._replace(last_epoch=-jnp.ones_like(state.last_epoch))
        return self.step(before, groups)

    def following(self, state: EpochState, lrs: jax.Array) -> jax.Array:
        """The products of all groups."""
        return lrs * _factors(self.functions, state)


def _factors(functions: Factor | tuple[Factor, ...], state: EpochState) -> jax.Array:
    """The functions' values: one for each group, or one for all, ``(G,)``."""
    lrs, epoch = state.base_lrs, widest(state.last_epoch)
    each = functions if isinstance(functions, tuple) else (functions,) * len(lrs)
    return jnp.stack([jnp.asarray(f(epoch), lrs.dtype) for f in each])


def _require_one_each(functions: Factor | tuple[Factor, ...], groups: Groups) -> None:
    if isinstance(functions, tuple) and len(functions) != len(groups):
        raise ValueError(f"Expected {len(groups)} lr_lambdas, but got {len(functions)}")


def require_traceable(name: str, function: Any) -> None:
    """Raises unless a function can be called with a traced number."""
    if not callable(function):
        raise TypeError(
            f"{name} should be a function, but got {type(function).__name__}: "
            f"'{type(function).__name__}' object is not callable"
        )
    try:
        jax.eval_shape(function, jax.ShapeDtypeStruct((), jnp.int32))
    except jax.errors.JAXTypeError as error:
        raise TypeError(
            f"{name} is compiled into the run, so its argument is a traced integer and "
            "not an int: write jnp.where(epoch < 10, a, b) for a if epoch < 10 else b, "
            "jnp.minimum for min, jnp.cos for math.cos, and jnp.asarray(table)[epoch] "
            "for a lookup"
        ) from error


def _checked(
    lr_lambda: Factor | Sequence[Factor],
) -> Factor | tuple[Factor, ...]:
    if not isinstance(lr_lambda, list | tuple):
        require_traceable("lr_lambda", lr_lambda)
        return cast(Factor, lr_lambda)
    for function in lr_lambda:
        require_traceable("lr_lambda", function)
    return tuple(lr_lambda)


def lambda_lr(lr_lambda: Factor | Sequence[Factor]) -> Scheduler:
    """Returns a scheduler that multiplies the base rate by a function of the step.

    Args:
        lr_lambda: A function of the integer step that gives a factor, or one for each
            group. It is compiled, so it is written with ``jnp``; and as its identity
            decides whether a compilation is found again, it is best defined once.

    Returns:
        A scheduler whose state is an `EpochState`.

    Raises:
        TypeError: What was passed is no function, or it cannot be traced.
        ValueError: There is not one function for each group (when it meets them).

    Torch:
        ``torch.optim.lr_scheduler.LambdaLR``, 2.13.0, T1 where the function computes in
        float64. PyTorch calls the function with a Python int.

    Example:
        >>> schedule = lambda_lr(lambda epoch: 0.5 ** (epoch // 2)).schedule(lr=1.0)
        >>> [float(schedule(count)) for count in range(5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    return scheduler_of(LambdaLR(_checked(lr_lambda)), ())


def multiplicative_lr(lr_lambda: Factor | Sequence[Factor]) -> Scheduler:
    """Returns a scheduler that multiplies the current rate by a function of the step.

    Args:
        lr_lambda: A function of the integer step that gives a factor, or one for each
            group, compiled as `lambda_lr`'s. The first call is for step 1.

    Returns:
        A scheduler whose state is an `EpochState`. It cannot be an optax schedule.

    Raises:
        TypeError: What was passed is no function, or it cannot be traced.
        ValueError: There is not one function for each group (when it meets them).

    Torch:
        ``torch.optim.lr_scheduler.MultiplicativeLR``, 2.13.0, T1 where the function
        computes in float64. PyTorch calls the function with a Python int. In float32
        the rounding of the products piles up, by 6e-8 a step at most.

    Example:
        >>> scheduler = multiplicative_lr(lambda epoch: 0.5)
        >>> groups, state = scheduler.init(({"lr": 1.0},))
        >>> groups, state = scheduler.update(state, groups)
        >>> float(groups[0]["lr"])
        0.5
    """
    functions = _checked(lr_lambda)
    return scheduler_of(MultiplicativeLR(recursive=True, functions=functions), ())
