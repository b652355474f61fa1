# SPDX-License-Identifier: Apache-2.0
"""Half a cosine, once or again and again."""

from __future__ import annotations

import math
import numbers as abstract
from dataclasses import dataclass

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalar, is_traced
from flaxnn.optim.lr_scheduler._factors import FactorRule
from flaxnn.optim.lr_scheduler._groups import (
    Groups,
    between,
    not_zero,
    real,
)
from flaxnn.optim.lr_scheduler._rule import EpochState, Numbers, Rule
from flaxnn.optim.lr_scheduler._scheduler import Scheduler, scheduler_of

# Restarts that an int32 count can meet when each period is at least twice the last.
_RESTARTS = 32
_FAR = 2**31 - 1


def half_cosine(left: jax.Array) -> jax.Array:
    """(1 + cos π(1 - left)) / 2, from 1 to 0 as ``left`` does.

    As a square it keeps its digits near 0, where 1 + cos would lose them.
    """
    return jnp.square(jnp.sin(math.pi / 2 * left))


@dataclass(frozen=True)
class CosineAnnealingLR(FactorRule):
    """Down to the smallest rate in `T_max` steps, and up again in as many."""

    def rates(self, state: EpochState, groups: Groups) -> jax.Array:
        """PyTorch's recursion comes up from a trough to the base rate."""
        del groups
        epoch, numbers = state.last_epoch, state.numbers
        top = jnp.where(epoch <= numbers["T_max"], state.start_lrs, state.base_lrs)
        eta_min = numbers["eta_min"]
        return between(eta_min, top, self.factor(numbers, epoch))

    def factor(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """The height, by the steps to the next trough or from the last."""
        T_max = numbers["T_max"]
        return half_cosine((T_max - epoch % (2 * T_max)) / T_max)

    def following(self, state: EpochState, lrs: jax.Array) -> jax.Array:
        """The distance from the smallest rate, scaled; or added, after a trough."""
        epoch, T_max = state.last_epoch, state.numbers["T_max"]
        eta_min = state.numbers["eta_min"]
        from_trough = (epoch - 1 - T_max) % (2 * T_max) == 0
        rise = (state.base_lrs - eta_min) * half_cosine(1.0 / T_max)
        before = self.factor(state.numbers, epoch - 1)
        ratio = self.factor(state.numbers, epoch) / jnp.where(from_trough, 1.0, before)
        return jnp.where(from_trough, lrs + rise, ratio * (lrs - eta_min) + eta_min)


@dataclass(frozen=True)
class CosineAnnealingWarmRestarts(Rule):
    """Down to the smallest rate, then at once up to the base rate.

    Attributes:
        growing: Whether each period is a multiple of the last.
    """

    growing: bool

    def step(
        self, state: EpochState, groups: Groups, value: object = None
    ) -> tuple[Groups, EpochState]:
        """The next step, which is 0 however far the count was undone."""
        del value
        epoch = jnp.maximum(state.last_epoch + 1, 0)
        return self.at_epoch(state._replace(last_epoch=epoch), groups)

    def rates(self, state: EpochState, groups: Groups) -> jax.Array:
        """The base rate's part in the current period."""
        del groups
        numbers, epoch = state.numbers, state.last_epoch
        current = jnp.sum(numbers["starts"] <= epoch) - 1
        T_i = numbers["periods"][current]
        T_cur = epoch - numbers["starts"][current]
        if not self.growing:
            T_cur = T_cur % T_i
        eta_min = numbers["eta_min"]
        height = half_cosine((T_i - T_cur) / T_i)
        return between(eta_min, state.base_lrs, height)


def cosine_annealing_lr(T_max: Scalar, eta_min: Scalar = 0.0) -> Scheduler:
    """Returns a scheduler that follows a cosine between the rate and a smallest one.

    Args:
        T_max: Steps down; after as many more the rate is up again.
        eta_min: The smallest rate.

    Returns:
        A scheduler whose state is an `EpochState`.

    Raises:
        ZeroDivisionError: ``T_max`` is 0; PyTorch raises at the first step.

    Torch:
        ``torch.optim.lr_scheduler.CosineAnnealingLR``, 2.13.0, T1; in float32 T2,
        within 1e-6 of the largest rate. PyTorch's recursion loses digits at each
        trough, some ``1e-16·(T_max/π)²`` of the rate after it; the closed form here
        does not. A rate that was changed by hand is overwritten by the next step.

    Example:
        >>> schedule = cosine_annealing_lr(2).schedule(lr=1.0)
        >>> [round(float(schedule(count)), 4) for count in range(6)]
        [1.0, 0.5, 0.0, 0.5, 1.0, 0.5]

    References:
        Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts",
        2017, equation 5, without the restarts.
    """
    not_zero("T_max", T_max)
    numbers = (("T_max", T_max), ("eta_min", real(eta_min)))
    return scheduler_of(CosineAnnealingLR(), numbers)


def cosine_annealing_warm_restarts(
    T_0: int, T_mult: int = 1, eta_min: Scalar = 0.0
) -> Scheduler:
    """Returns a scheduler that follows half a cosine down, again and again.

    Args:
        T_0: Steps of the first period, at least 1.
        T_mult: Factor from each period to the next, at least 1.
        eta_min: The smallest rate, which no step quite reaches.

    Returns:
        A scheduler whose state is an `EpochState`.

    Raises:
        ValueError: ``T_0`` or ``T_mult`` is not a positive integer, or ``eta_min`` is
            not a number.

    Torch:
        ``torch.optim.lr_scheduler.CosineAnnealingWarmRestarts``, 2.13.0, T1; in float32
        T2, within 1e-6 of the largest rate. Steps by a fraction of an epoch,
        ``step(epoch)`` there, have no counterpart.

    Example:
        >>> schedule = cosine_annealing_warm_restarts(2, T_mult=2).schedule(lr=1.0)
        >>> [round(float(schedule(count)), 4) for count in range(7)]
        [1.0, 0.5, 1.0, 0.8536, 0.5, 0.1464, 1.0]

    References:
        Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts",
        2017, equation 5.
    """
    if not isinstance(T_0, int) or T_0 <= 0:
        raise ValueError(f"Expected positive integer T_0, but got {T_0}")
    if not isinstance(T_mult, int) or T_mult < 1:
        raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
    if not is_traced(eta_min) and not isinstance(eta_min, abstract.Real | jax.Array):
        raise ValueError(
            f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}"
        )
    # Whole numbers of any size, rounded only where no count can reach.
    periods = [T_0 * T_mult**k for k in range(_RESTARTS if T_mult > 1 else 1)]
    starts = [min(sum(periods[:k]), _FAR) for k in range(len(periods))]
    numbers = (
        ("eta_min", real(eta_min)),
        ("periods", tuple(min(float(period), 1e30) for period in periods)),
        ("starts", tuple(starts)),
    )
    return scheduler_of(CosineAnnealingWarmRestarts(growing=T_mult > 1), numbers)
