# SPDX-License-Identifier: Apache-2.0
"""Drops of the learning rate at certain steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalar
from flaxnn.optim.lr_scheduler._factors import FactorRule, power, powers_of
from flaxnn.optim.lr_scheduler._groups import not_zero, whole_number
from flaxnn.optim.lr_scheduler._rule import Numbers
from flaxnn.optim.lr_scheduler._scheduler import Scheduler, scheduler_of


@dataclass(frozen=True)
class StepLR(FactorRule):
    """Gamma at every multiple of the step size."""

    def factor(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """Gamma for each multiple passed."""
        return power(numbers, epoch // jnp.abs(numbers["step_size"]))

    def ratio(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """Gamma at a multiple."""
        due = (epoch != 0) & (epoch % numbers["step_size"] == 0)
        return jnp.where(due, numbers["gamma"], 1.0)


@dataclass(frozen=True)
class MultiStepLR(FactorRule):
    """Gamma at every milestone, as often as it is given."""

    def initial(self, numbers: Numbers) -> jax.Array:
        """Gamma for each milestone at 0."""
        return self.ratio(numbers, jnp.zeros((), jnp.int32))

    def restarted(self, numbers: Numbers) -> jax.Array:
        """Gamma for each milestone up to 0: PyTorch's closed form counts all."""
        return power(numbers, jnp.sum(numbers["milestones"] <= 0))

    def factor(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """Gamma for each milestone passed since step 0."""
        milestones = numbers["milestones"]
        return power(numbers, jnp.sum((milestones > 0) & (milestones <= epoch)))

    def ratio(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """Gamma for each milestone at this step."""
        return power(numbers, jnp.sum(numbers["milestones"] == epoch))


def step_lr(step_size: int, gamma: Scalar = 0.1) -> Scheduler:
    """Returns a scheduler that multiplies the rate by ``gamma`` every so many steps.

    Args:
        step_size: Steps between two drops.
        gamma: Factor of a drop.

    Returns:
        A scheduler whose state is an `EpochState`.

    Raises:
        ZeroDivisionError: ``step_size`` is 0; PyTorch raises at the first step.
        TypeError: ``step_size`` is not a number.
        ValueError: ``step_size`` is not a whole number; PyTorch takes it.

    Torch:
        ``torch.optim.lr_scheduler.StepLR``, 2.13.0, T1; in float32 T2, within 1e-6 of
        the largest rate. The rate is in closed form, so a rate that was changed by hand
        is overwritten by the next step.

    Example:
        >>> schedule = step_lr(2, gamma=0.5).schedule(lr=1.0)
        >>> [round(float(schedule(count)), 4) for count in range(5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """
    step_size = whole_number("step_size", step_size)
    not_zero("step_size", step_size)
    numbers = (("step_size", step_size), *powers_of(gamma))
    return scheduler_of(StepLR(), numbers)


def multi_step_lr(milestones: Iterable[int], gamma: Scalar = 0.1) -> Scheduler:
    """Returns a scheduler that multiplies the rate by ``gamma`` at each milestone.

    Args:
        milestones: Steps, in any order; one that is given twice counts twice, and one
            at 0 lowers the very first rate.
        gamma: Factor of a drop.

    Returns:
        A scheduler whose state is an `EpochState`. How many milestones there are is
        static, where they are is not.

    Raises:
        TypeError: A milestone is not a number.
        ValueError: A milestone is not a whole number; PyTorch never meets it.

    Torch:
        ``torch.optim.lr_scheduler.MultiStepLR``, 2.13.0, T1; in float32 T2, within 1e-6
        of the largest rate. The rate is in closed form, so a rate that was changed by
        hand is overwritten by the next step.

    Example:
        >>> schedule = multi_step_lr([1, 3], gamma=0.5).schedule(lr=1.0)
        >>> [round(float(schedule(count)), 4) for count in range(5)]
        [1.0, 0.5, 0.5, 0.25, 0.25]
    """
    found: Any = tuple(whole_number("a milestone", m) for m in milestones)
    return scheduler_of(MultiStepLR(), (("milestones", found), *powers_of(gamma)))
