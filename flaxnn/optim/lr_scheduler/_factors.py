# SPDX-License-Identifier: Apache-2.0
"""Schedulers that multiply the learning rate by a factor at each step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalar
from flaxnn.optim.lr_scheduler._groups import Groups, real, vector, written
from flaxnn.optim.lr_scheduler._rule import EpochState, Numbers, Rule


@dataclass(frozen=True)
class FactorRule(Rule):
    """A rule whose rate is its rate at step 0 times a factor.

    PyTorch multiplies the current rate step by step. The product in closed form is
    the same number without rounding that piles up; where others change the rate too,
    the recursion stands.

    Attributes:
        recursive: Whether to multiply the current rate, as PyTorch.
    """

    recursive: bool = False

    @property
    def stateless(self) -> bool:
        """Whether the rates depend on the count alone."""
        return not self.recursive

    def initial(self, numbers: Numbers) -> Any:
        """The factor of the constructor's step."""
        del numbers
        return 1.0

    def restarted(self, numbers: Numbers) -> Any:
        """PyTorch's closed form at step 0, which need not be `initial`."""
        del numbers
        return 1.0

    def factor(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """The product of all `ratio` from step 1 to ``epoch``."""
        raise NotImplementedError

    def ratio(self, numbers: Numbers, epoch: jax.Array) -> jax.Array:
        """What PyTorch multiplies the current rate by at a step."""
        raise NotImplementedError

    def initial_step(
        self, state: EpochState, groups: Groups
    ) -> tuple[Groups, EpochState]:
        """The optimiser's rate times the initial factor."""
        lrs = vector(groups, "lr") * self.initial(state.numbers)
        return self.started(state, state.last_epoch + 1, groups, lrs)

    def restart(self, state: EpochState, groups: Groups) -> tuple[Groups, EpochState]:
        """The scheduler's own rate times PyTorch's closed form."""
        lrs = state.base_lrs * self.restarted(state.numbers)
        return self.started(state, jnp.zeros_like(state.last_epoch), groups, lrs)

    def started(
        self, state: EpochState, epoch: jax.Array, groups: Groups, lrs: jax.Array
    ) -> tuple[Groups, EpochState]:
        """The groups at step 0, remembered as what the factors refer to."""
        groups = written(groups, lr=lrs)
        start_lrs = vector(groups, "lr")
        return groups, state._replace(last_epoch=epoch, start_lrs=start_lrs)

    def step(
        self, state: EpochState, groups: Groups, value: Any = None
    ) -> tuple[Groups, EpochState]:
        """The next rate, from step 0's or from the current one."""
        del value
        state = state._replace(last_epoch=state.last_epoch + 1)
        if not self.recursive:
            return self.at_epoch(state, groups)
        lrs = self.following(state, vector(groups, "lr"))
        return written(groups, lr=lrs), state

    def rates(self, state: EpochState, groups: Groups) -> jax.Array:
        """The rate at step 0 times the factor."""
        del groups
        return state.start_lrs * self.factor(state.numbers, state.last_epoch)

    def following(self, state: EpochState, lrs: jax.Array) -> jax.Array:
        """PyTorch's recursion: the rates after the current ones."""
        return lrs * self.ratio(state.numbers, state.last_epoch)

    def chained(self) -> Rule:
        """The same rule by its recursion."""
        return replace(self, recursive=True)


def powers_of(gamma: Scalar) -> tuple[tuple[str, Scalar], ...]:
    """What `power` needs; the logarithm is taken in double precision.

    A float32 0.9999 to the 10,000th is 1.7e-4 off, its logarithm's multiple 1e-7.
    """
    gamma = real(gamma)
    if isinstance(gamma, jax.Array):
        logarithm: Scalar = jnp.log(jnp.abs(gamma))
    else:
        logarithm = math.log(abs(gamma)) if gamma else -math.inf
    return (("gamma", gamma), ("log_gamma", logarithm))


def power(numbers: Numbers, exponent: jax.Array) -> jax.Array:
    """Gamma to a whole power."""
    log_gamma = numbers["log_gamma"]
    size = jnp.exp(exponent.astype(log_gamma.dtype) * log_gamma)
    odd = (numbers["gamma"] < 0) & (exponent % 2 == 1)
    # Nought times the logarithm of gamma 0 is not a number.
    return jnp.where(exponent == 0, 1.0, jnp.where(odd, -size, size))


def reached(epoch: jax.Array, total: jax.Array) -> jax.Array:
    """How many of ``total`` steps, a whole number or not, are done at an epoch."""
    if jnp.issubdtype(total.dtype, jnp.floating):
        total = jnp.floor(total)
    return jnp.maximum(jnp.minimum(epoch, total), 0)
