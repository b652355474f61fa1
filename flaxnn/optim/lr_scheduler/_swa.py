# SPDX-License-Identifier: Apache-2.0
"""The learning rate of stochastic weight averaging."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp

from flaxnn.optim.lr_scheduler._cosine import half_cosine
from flaxnn.optim.lr_scheduler._groups import (
    Groups,
    PerGroup,
    between,
    per_group,
    real,
    vector,
    written,
)
from flaxnn.optim.lr_scheduler._rule import EpochState, Numbers, Rule
from flaxnn.optim.lr_scheduler._scheduler import Scheduler, scheduler_of


@dataclass(frozen=True)
class SWALR(Rule):
    """From the current rates to fixed ones."""

    cosine: bool

    @property
    def stateless(self) -> bool:
        """The next rate hangs on the current one."""
        return False

    def construct(self, groups: Groups, numbers: Any) -> tuple[Groups, EpochState]:
        """The groups get the rate they will go to."""
        rates = per_group("swa_lr", numbers["swa_lr"], groups)
        return super().construct(written(groups, swa_lr=rates), numbers)

    def kept(self, numbers: Numbers, groups: Groups) -> Numbers:
        """The length of the way; the rest is in the groups, as in PyTorch."""
        del groups
        return {"anneal_epochs": numbers["anneal_epochs"]}

    def initial_step(
        self, state: EpochState, groups: Groups
    ) -> tuple[Groups, EpochState]:
        """PyTorch counts the calls of ``step`` here, which start anew."""
        return self.restart(state._replace(last_epoch=jnp.zeros((), jnp.int32)), groups)

    def restart(self, state: EpochState, groups: Groups) -> tuple[Groups, EpochState]:
        """PyTorch has no closed form here, and does not count this call."""
        return self.at_epoch(state, groups)

    def undo(self, state: EpochState) -> EpochState:
        """The count of calls is not undone."""
        return state

    def rates(self, state: EpochState, groups: Groups) -> jax.Array:
        """Back to where the way began, and from there to this step's place."""
        lrs, swa_lrs = vector(groups, "lr"), vector(groups, "swa_lr")
        length = state.numbers["anneal_epochs"]
        step = jnp.where(
            length == 0, jnp.maximum(1, state.last_epoch), state.last_epoch
        )
        before, now = (self._weight(at, length) for at in (step - 1, step))
        rest = jnp.where(before == 1, 1.0, 1 - before)
        origin = jnp.where(before == 1, swa_lrs, (lrs - before * swa_lrs) / rest)
        return between(origin, swa_lrs, now)

    def _weight(self, step: jax.Array, length: jax.Array) -> jax.Array:
        done = jnp.clip(step / jnp.maximum(1, length), 0, 1)
        return half_cosine(done) if self.cosine else done


def swalr(
    swa_lr: PerGroup,
    anneal_epochs: int = 10,
    anneal_strategy: Literal["cos", "linear"] = "cos",
) -> Scheduler:
    """Returns a scheduler that takes the rate to a fixed one and keeps it there.

    It mostly follows another one: ``sequential_lr([first, swalr(0.05)], [160])``.

    Args:
        swa_lr: The fixed rate, or a list with one for each group.
        anneal_epochs: Steps until it is reached, at least 0.
        anneal_strategy: ``"cos"`` or ``"linear"``.

    Returns:
        A scheduler whose state is an `EpochState`; its ``last_epoch`` counts calls, as
        PyTorch does here. It cannot be an optax schedule.

    Raises:
        ValueError: ``anneal_epochs`` is not a whole number of at least 0,
            ``anneal_strategy`` is unknown, or (when it meets the groups) a list is of
            another length.

    Torch:
        ``torch.optim.swa_utils.SWALR``, 2.13.0, T1; in float32 T2, within 1e-6 of the
        largest rate: PyTorch's recursion, which undoes each step before the next.

    Example:
        >>> scheduler = swalr(0.5, anneal_epochs=2, anneal_strategy="linear")
        >>> groups, state = scheduler.init(({"lr": 1.0},))
        >>> for _ in range(3):
        ...     groups, state = scheduler.update(state, groups)
        ...     print(float(groups[0]["lr"]))
        0.75
        0.5
        0.5

    References:
        Izmailov et al., "Averaging weights leads to wider optima and better
        generalization", 2018.
    """
    if anneal_strategy not in ("cos", "linear"):
        raise ValueError(
            "anneal_strategy must be one of 'cos' or 'linear', instead got "
            f"{anneal_strategy}"
        )
    if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
        raise ValueError(
            f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}"
        )
    numbers = (("swa_lr", real(swa_lr)), ("anneal_epochs", anneal_epochs))
    return scheduler_of(SWALR(cosine=anneal_strategy == "cos"), numbers)
