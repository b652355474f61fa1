# SPDX-License-Identifier: Apache-2.0
"""A lower learning rate when a metric has stopped improving."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalar, is_traced
from flaxnn.optim.lr_scheduler._groups import (
    Groups,
    PerGroup,
    number,
    real,
    vector,
    written,
)
from flaxnn.optim.lr_scheduler._rule import Numbers, Rule
from flaxnn.optim.lr_scheduler._scheduler import Scheduler, scheduler_of


class PlateauState(NamedTuple):
    """State of `reduce_lr_on_plateau`, with PyTorch's names.

    Attributes:
        last_epoch: Steps done so far, int32.
        best: The best value so far.
        num_bad_epochs: Steps since it was reached, int32.
        cooldown_counter: Steps for which no value counts as bad, int32.
        numbers: Traced options; replace one to change it without recompiling.
    """

    last_epoch: jax.Array
    best: jax.Array
    num_bad_epochs: jax.Array
    cooldown_counter: jax.Array
    numbers: Numbers


@dataclass(frozen=True)
class ReduceLROnPlateau(Rule):
    """A factor after too many values that are not better."""

    takes_value = True
    mode: str
    threshold_mode: str

    @property
    def stateless(self) -> bool:
        """The next rate hangs on the current one."""
        return False

    def construct(self, groups: Groups, numbers: Any) -> tuple[Groups, PlateauState]:
        """The groups as they are: there is no initial step."""
        min_lr, size = numbers["min_lr"], len(groups)
        if min_lr.ndim and len(min_lr) != size:
            raise ValueError(f"expected {size} min_lrs, got {len(min_lr)}")
        zero = jnp.zeros((), jnp.int32)
        worst = number(math.inf if self.mode == "min" else -math.inf)
        kept = {name: value for name, value in numbers.items() if name != "min_lr"}
        kept["min_lrs"] = jnp.broadcast_to(min_lr, (size,))
        return groups, PlateauState(zero, worst, zero, zero, kept)

    def step(
        self, state: PlateauState, groups: Groups, value: Any = None
    ) -> tuple[Groups, PlateauState]:
        """PyTorch's ``step(metrics)``."""
        if value is None:
            raise TypeError(
                "ReduceLROnPlateau.step() missing 1 required positional argument: "
                "'metrics'; pass the loss or a metric as value=, as flaxnn.fit does"
            )
        numbers = state.numbers
        current = jnp.asarray(value, state.best.dtype)
        better = self._is_better(current, state)
        best = jnp.where(better, current, state.best)
        bad = jnp.where(better, 0, state.num_bad_epochs + 1)
        cooling = state.cooldown_counter > 0
        counter = jnp.where(cooling, state.cooldown_counter - 1, 0)
        bad = jnp.where(cooling, 0, bad)
        due = bad > numbers["patience"]
        counter = jnp.where(due, numbers["cooldown"], counter)
        bad = jnp.where(due, 0, bad)
        lrs = jnp.where(due, self._reduced(state, groups), vector(groups, "lr"))
        new = PlateauState(
            last_epoch=state.last_epoch + 1,
            best=best,
            num_bad_epochs=bad.astype(jnp.int32),
            cooldown_counter=counter.astype(jnp.int32),
            numbers=numbers,
        )
        return written(groups, lr=lrs), new

    def rates(self, state: PlateauState, groups: Groups) -> jax.Array:
        """The rates as they are."""
        del state
        return vector(groups, "lr")

    def _is_better(self, current: jax.Array, state: PlateauState) -> jax.Array:
        threshold = state.numbers["threshold"]
        if self.threshold_mode == "rel":
            goal = state.best * threshold
        else:
            goal = state.best + threshold
        return current < goal if self.mode == "min" else current > goal

    def _reduced(self, state: PlateauState, groups: Groups) -> jax.Array:
        """The rates after a reduction, unless it would be too small."""
        old, numbers = vector(groups, "lr"), state.numbers
        new = jnp.maximum(old * numbers["factor"], numbers["min_lrs"])
        return jnp.where(old - new > numbers["eps"], new, old)


def reduce_lr_on_plateau(
    mode: Literal["min", "max"] = "min",
    factor: Scalar = 0.1,
    patience: int = 10,
    threshold: Scalar = 1e-4,
    threshold_mode: Literal["rel", "abs"] = "rel",
    cooldown: int = 0,
    min_lr: PerGroup = 0.0,
    eps: Scalar = 1e-8,
) -> Scheduler:
    """Returns a scheduler that lowers the rate when a value no longer gets better.

    `flaxnn.fit` and `flaxnn.optim.scheduled` step it with the training loss, averaged
    over the updates since its last step.

    Args:
        mode: Whether smaller (``"min"``) or larger (``"max"``) is better.
        factor: Factor of a reduction, below 1.
        patience: Bad steps that are borne; the next one reduces.
        threshold: How much better a value has to be.
        threshold_mode: Whether that is a part of the best value, ``"rel"``, or a
            difference from it, ``"abs"``.
        cooldown: Steps after a reduction in which none counts as bad.
        min_lr: The smallest rate, or a list with one for each group.
        eps: Reductions by no more than this are left out.

    Returns:
        A scheduler whose state is a `PlateauState`; its ``update`` needs ``value``.
        It cannot be an optax schedule.

    Raises:
        ValueError: `factor` is not below 1, a mode is unknown, or (when it meets the
            groups) a list is of another length.

    Torch:
        ``torch.optim.lr_scheduler.ReduceLROnPlateau``, 2.13.0, T1. The metric there is
        the caller's; in `flaxnn.fit` it is the mean training loss.

    Example:
        >>> scheduler = reduce_lr_on_plateau(patience=1)
        >>> groups, state = scheduler.init(({"lr": 1.0},))
        >>> for loss in (3.0, 3.0, 3.0):
        ...     groups, state = scheduler.update(state, groups, value=loss)
        ...     print(round(float(groups[0]["lr"]), 4))
        1.0
        1.0
        0.1
    """
    if not is_traced(factor) and factor >= 1.0:
        raise ValueError("Factor should be < 1.0.")
    if mode not in ("min", "max"):
        raise ValueError(f"mode {mode} is unknown!")
    if threshold_mode not in ("rel", "abs"):
        raise ValueError(f"threshold mode {threshold_mode} is unknown!")
    signed = -real(threshold) if mode == "min" else real(threshold)
    numbers = (
        ("factor", real(factor)),
        ("patience", patience),
        # The factor of the best value is formed here, in double precision.
        ("threshold", 1.0 + signed if threshold_mode == "rel" else signed),
        ("cooldown", cooldown),
        ("min_lr", real(min_lr)),
        ("eps", real(eps)),
    )
    return scheduler_of(ReduceLROnPlateau(mode, threshold_mode), numbers)
