# SPDX-License-Identifier: Apache-2.0
"""Learning rates that fall at every step, by a power law or exponentially."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalar
from flaxnn.optim.lr_scheduler._factors import FactorRule, power, powers_of, reached
from flaxnn.optim.lr_scheduler._groups import real
from flaxnn.optim.lr_scheduler._rule import Numbers
from flaxnn.optim.lr_scheduler._scheduler import Scheduler, scheduler_of


@dataclass(frozen=True)
class ExponentialLR(FactorRule):
    """Gamma at every step."""

    def factor(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """Gamma to the number of steps."""
        return power(numbers, epoch)

    def ratio(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """Gamma."""
        del epoch
        return numbers["gamma"]


@dataclass(frozen=True)
class PolynomialLR(FactorRule):
    """A power of the steps that are left."""

    def restarted(self, numbers: Numbers) -> jax.Array:
        """The whole rate; PyTorch divides by zero where there is no step."""
        return jnp.where(numbers["total_iters"] == 0, jnp.nan, 1.0)

    def factor(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """The power of the part that is left."""
        total = numbers["total_iters"]
        done = reached(epoch, total)
        left = (total - done) / total
        return jnp.where(done > 0, left ** numbers["power"], 1.0)

    def ratio(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """The ratio of two powers in a row."""
        left = numbers["total_iters"] - epoch
        return jnp.where(left < 0, 1.0, (left / (left + 1)) ** numbers["power"])


def exponential_lr(gamma: Scalar) -> Scheduler:
    """Returns a scheduler that multiplies the rate by ``gamma`` at every step.

    Args:
        gamma: The factor.

    Returns:
        A scheduler whose state is an `EpochState`.

    Torch:
        ``torch.optim.lr_scheduler.ExponentialLR``, 2.13.0, T1; in float32 T2, within
        1e-6 of the largest rate: gamma's logarithm is taken in double, so the error
        does not grow with the steps. The rate is in closed form, so a rate that was
        changed by hand is overwritten by the next step.

    Example:
        >>> schedule = exponential_lr(0.5).schedule(lr=1.0)
        >>> [round(float(schedule(count)), 4) for count in range(4)]
        [1.0, 0.5, 0.25, 0.125]
    """
    return scheduler_of(ExponentialLR(), powers_of(gamma))


def polynomial_lr(total_iters: Scalar = 5, power: Scalar = 1.0) -> Scheduler:
    """Returns a scheduler whose rate falls to 0 by a power of the steps left.

    Args:
        total_iters: Steps until the rate is 0.
        power: The power; 1 is a straight line.

    Returns:
        A scheduler whose state is an `EpochState`.

    Torch:
        ``torch.optim.lr_scheduler.PolynomialLR``, 2.13.0, T1; in float32 T2, within
        1e-6 of the largest rate. The rate is in closed form, so a rate that was changed
        by hand is overwritten by the next step. As a later part of a `sequential_lr`,
        PyTorch raises ZeroDivisionError for ``total_iters`` 0, where the rate here is
        nan.

    Example:
        >>> schedule = polynomial_lr(4, power=2.0).schedule(lr=1.0)
        >>> [float(schedule(count)) for count in range(6)]
        [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """
    numbers = (("total_iters", total_iters), ("power", real(power)))
    return scheduler_of(PolynomialLR(), numbers)
