# SPDX-License-Identifier: Apache-2.0
"""A smaller learning rate for the first steps."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalar, is_traced
from flaxnn.optim.lr_scheduler._factors import FactorRule, reached
from flaxnn.optim.lr_scheduler._groups import real, whole_number
from flaxnn.optim.lr_scheduler._rule import Numbers
from flaxnn.optim.lr_scheduler._scheduler import Scheduler, scheduler_of


@dataclass(frozen=True)
class ConstantLR(FactorRule):
    """A constant factor until a step."""

    def initial(self, numbers: Numbers) -> jax.Array:
        """The factor."""
        return numbers["factor"]

    def restarted(self, numbers: Numbers) -> jax.Array:
        """The factor, unless it is over at once."""
        return jnp.where(numbers["total_iters"] <= 0, 1.0, numbers["factor"])

    def factor(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """The inverse of the factor from its end on, which step 0 never is."""
        total = numbers["total_iters"]
        over = (total > 0) & (epoch >= total)
        return jnp.where(over, 1.0 / numbers["factor"], 1.0)

    def ratio(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """The factor at step 0, its inverse at the end."""
        later = jnp.where(epoch == numbers["total_iters"], 1.0 / numbers["factor"], 1.0)
        return jnp.where(epoch == 0, numbers["factor"], later)


@dataclass(frozen=True)
class LinearLR(FactorRule):
    """A factor that goes from one value to another."""

    def initial(self, numbers: Numbers) -> jax.Array:
        """The first factor."""
        return numbers["start_factor"]

    def restarted(self, numbers: Numbers) -> jax.Array:
        """The first factor; PyTorch divides by zero where there is no last one."""
        empty = numbers["total_iters"] == 0
        return jnp.where(empty, jnp.nan, numbers["start_factor"])

    def factor(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """The mean of both factors, weighted by the steps done and left."""
        total = numbers["total_iters"]
        done = reached(epoch, total)
        ratio = numbers["end_factor"] / numbers["start_factor"]
        mean = (total - done) / total + ratio * (done / total)
        return jnp.where(done > 0, mean, 1.0)

    def ratio(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """The ratio of two factors in a row."""
        total = numbers["total_iters"]
        start, end = numbers["start_factor"], numbers["end_factor"]

        def weighted(epoch: jax.Array) -> jax.Array:
            # No difference of nearly equal numbers, in float32 too.
            return start * (total - epoch) + end * epoch

        later = jnp.where(epoch > total, 1.0, weighted(epoch) / weighted(epoch - 1))
        return jnp.where(epoch == 0, start, later)


def constant_lr(factor: Scalar = 1.0 / 3, total_iters: int = 5) -> Scheduler:
    """Returns a scheduler that multiplies the first rates by a constant.

    Args:
        factor: The factor, in [0, 1].
        total_iters: The step at which the rate is the optimiser's again; at 0 it
            never is, as in PyTorch.

    Returns:
        A scheduler whose state is an `EpochState`.

    Raises:
        ValueError: ``factor`` is not in [0, 1], or ``total_iters`` is no whole number.
        TypeError: ``total_iters`` is not a number.

    Torch:
        ``torch.optim.lr_scheduler.ConstantLR``, 2.13.0, T1; in float32 T2, within 1e-6
        of the largest rate. With factor 0 PyTorch raises ZeroDivisionError at
        ``total_iters``; the rate is nan from there on. The rate is in closed form, so a
        rate that was changed by hand is overwritten by the next step.

    Example:
        >>> schedule = constant_lr(0.25, total_iters=2).schedule(lr=1.0)
        >>> [float(schedule(count)) for count in range(4)]
        [0.25, 0.25, 1.0, 1.0]
    """
    if not is_traced(factor) and not 0 <= factor <= 1:
        raise ValueError(
            "Constant multiplicative factor expected to be between 0 and 1."
        )
    total_iters = whole_number("total_iters", total_iters)
    numbers = (("factor", real(factor)), ("total_iters", total_iters))
    return scheduler_of(ConstantLR(), numbers)


def linear_lr(
    start_factor: Scalar = 1.0 / 3, end_factor: Scalar = 1.0, total_iters: Scalar = 5
) -> Scheduler:
    """Returns a scheduler whose factor goes linearly from one value to another.

    Args:
        start_factor: Factor of the first rate, in (0, 1].
        end_factor: Factor from ``total_iters`` on, in [0, 1].
        total_iters: Steps from the first factor to the last.

    Returns:
        A scheduler whose state is an `EpochState`.

    Raises:
        ValueError: A factor is out of its range.

    Torch:
        ``torch.optim.lr_scheduler.LinearLR``, 2.13.0, T1; in float32 T2, within 1e-6 of
        the largest rate. The rate is in closed form, so a rate that was changed by hand
        is overwritten by the next step. With ``total_iters`` 0 the first factor stays;
        as a later part of a `sequential_lr` PyTorch then raises ZeroDivisionError,
        where the rate here is nan.

    Example:
        >>> schedule = linear_lr(0.5, total_iters=2).schedule(lr=1.0)
        >>> [float(schedule(count)) for count in range(4)]
        [0.5, 0.75, 1.0, 1.0]
    """
    if not is_traced(start_factor) and not 0 < start_factor <= 1:
        raise ValueError(
            "Starting multiplicative factor expected to be greater than 0 and less or "
            "equal to 1."
        )
    if not is_traced(end_factor) and not 0 <= end_factor <= 1:
        raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
    numbers = (
        ("start_factor", real(start_factor)),
        ("end_factor", real(end_factor)),
        ("total_iters", total_iters),
    )
    return scheduler_of(LinearLR(), numbers)
