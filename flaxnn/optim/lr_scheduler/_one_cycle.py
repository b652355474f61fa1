# SPDX-License-Identifier: Apache-2.0
"""One triangle up to a high learning rate, and far down from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalar
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
from flaxnn.optim.lr_scheduler._momentum import bounds_of, with_bounds, with_momentum
from flaxnn.optim.lr_scheduler._rule import EpochState, Numbers, Rule
from flaxnn.optim.lr_scheduler._scheduler import Scheduler, scheduler_of

# From which rate to which each phase goes, by PyTorch's names in a group.
_TWO_PHASES = ("initial_lr", "max_lr", "min_lr")
_THREE_PHASES = ("initial_lr", "max_lr", "initial_lr", "min_lr")


@dataclass(frozen=True)
class OneCycleLR(Rule):
    """Up, down and in a third phase further down."""

    three_phase: bool
    cosine: bool
    cycle_momentum: bool

    def construct(self, groups: Groups, numbers: Any) -> tuple[Groups, EpochState]:
        """The groups get their three rates, and the bounds of their momentum."""
        names = ("max_lr", "initial_lr", "min_lr")
        rates = {name: per_group(name, numbers[name], groups) for name in names}
        groups = written(groups, **rates)
        if self.cycle_momentum:
            groups = with_bounds(groups, numbers)
        return super().construct(groups, numbers)

    def kept(self, numbers: Numbers, groups: Groups) -> Numbers:
        """The steps; the rest is in the groups, as in PyTorch."""
        del groups
        return {name: numbers[name] for name in ("total_steps", "end_steps")}

    def at_epoch(self, state: EpochState, groups: Groups) -> tuple[Groups, EpochState]:
        """The groups' rates, and their momentum from the highest down and up."""
        groups, state = super().at_epoch(state, groups)
        if self.cycle_momentum:
            phase, left = self._phase(state)
            # Down while the rate goes up, up while it goes down, then it stays.
            weight = jnp.stack([1 - left, left, jnp.zeros_like(left)])[phase]
            groups = with_momentum(groups, groups, weight)
        return groups, state

    def rates(self, state: EpochState, groups: Groups) -> jax.Array:
        """From one rate of the phase to the other."""
        names = _THREE_PHASES if self.three_phase else _TWO_PHASES
        rates = jnp.stack([vector(groups, name) for name in names])
        phase, left = self._phase(state)
        return between(rates[phase + 1], rates[phase], left)

    def _phase(self, state: EpochState) -> tuple[jax.Array, jax.Array]:
        """The phase, and how much of its way is left; nan after the last step.

        PyTorch raises there, one step after the last that it means.
        """
        epoch, ends = state.last_epoch, state.numbers["end_steps"]
        phase = jnp.sum(epoch > ends[:-1])
        start = jnp.where(phase == 0, 0.0, ends[phase - 1])
        left = (ends[phase] - epoch) / (ends[phase] - start)
        left = half_cosine(left) if self.cosine else left
        return phase, jnp.where(epoch > state.numbers["total_steps"], jnp.nan, left)

    def steps_left(self, state: EpochState) -> int | None:
        """The steps until PyTorch raises."""
        return int(state.numbers["total_steps"]) - int(state.last_epoch)


def one_cycle_lr(
    max_lr: PerGroup,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: float = 0.3,
    anneal_strategy: Literal["cos", "linear"] = "cos",
    cycle_momentum: bool = True,
    base_momentum: PerGroup = 0.85,
    max_momentum: PerGroup = 0.95,
    div_factor: Scalar = 25.0,
    final_div_factor: Scalar = 1e4,
    three_phase: bool = False,
) -> Scheduler:
    """Returns a scheduler that goes up to a high rate once, and down to a tiny one.

    It is made to be stepped after every update. The momentum, or beta1 of Adam and its
    kin, goes the other way.

    Args:
        max_lr: The highest rate, or a list with one for each group. All rates come
            from it; the optimiser's is replaced.
        total_steps: Steps of the whole cycle.
        epochs: Epochs of the cycle, if `total_steps` is None.
        steps_per_epoch: Steps of each.
        pct_start: Part of the cycle in which the rate goes up, a float in [0, 1].
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: Whether the momentum is cycled too.
        base_momentum: The lowest momentum, at the highest rate, or a list.
        max_momentum: The highest momentum, or a list.
        div_factor: The first rate is the highest over this.
        final_div_factor: The last rate is the first over this.
        three_phase: Whether the rate goes back to the first, as long as it went up,
            before it goes down to the last.

    Returns:
        A scheduler whose state is an `EpochState`.

    Raises:
        ValueError: An option is out of its range, or (when it meets the groups) a list
            is of another length, or the optimiser has no momentum to cycle.
        ZeroDivisionError: The first phase has no length, as
            ``pct_start * total_steps`` is 1.

    Torch:
        ``torch.optim.lr_scheduler.OneCycleLR``, 2.13.0, T1; in float32 T2, within 1e-6
        of the largest rate. PyTorch raises ValueError when it is stepped more than
        ``total_steps`` times. Nothing can raise in a compiled run: `flaxnn.fit` raises
        the same error before it starts, and elsewhere the rate is nan from there on.

    Example:
        >>> scheduler = one_cycle_lr(
        ...     1.0, 7, pct_start=4 / 7, anneal_strategy="linear",
        ...     cycle_momentum=False, div_factor=4.0, final_div_factor=1.0,
        ... )
        >>> schedule = scheduler.schedule(lr=1.0)
        >>> [round(float(schedule(count)), 4) for count in range(7)]
        [0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25]

    References:
        Smith and Topin, "Super-convergence: very fast training of neural networks
        using large learning rates", 2018.
    """
    total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
    if not isinstance(pct_start, float) or not 0 <= pct_start <= 1:
        raise ValueError(
            f"Expected float between 0 and 1 pct_start, but got {pct_start}"
        )
    if anneal_strategy not in ("cos", "linear"):
        raise ValueError(
            "anneal_strategy must be one of 'cos' or 'linear', instead got "
            f"{anneal_strategy}"
        )
    ends = (float(pct_start * total_steps) - 1, float(total_steps - 1))
    if three_phase:
        ends = (ends[0], float(2 * pct_start * total_steps) - 2, ends[1])
    if ends[0] == 0:
        raise ZeroDivisionError(
            "float division by zero: the first phase starts and ends with step 0, as "
            f"pct_start * total_steps = {pct_start} * {total_steps} is 1; take another "
            "pct_start"
        )
    rule = OneCycleLR(bool(three_phase), anneal_strategy == "cos", bool(cycle_momentum))
    highest = real(max_lr)
    first = _divided(highest, div_factor)
    numbers = (
        ("max_lr", highest),
        ("initial_lr", first),
        ("min_lr", _divided(first, final_div_factor)),
        ("total_steps", total_steps),
        ("end_steps", ends),
        *bounds_of(base_momentum, max_momentum),
    )
    return scheduler_of(rule, numbers)


def _divided(value: Any, by: Scalar) -> Any:
    """The rate, or each of a tuple, over a number: in double, as Python's."""
    return tuple(x / by for x in value) if isinstance(value, tuple) else value / by


def _total_steps(
    total_steps: int | None, epochs: int | None, steps_per_epoch: int | None
) -> int:
    """The steps of the cycle, given or multiplied, checked as PyTorch does."""
    if total_steps is not None:
        return _positive("total_steps", total_steps)
    if epochs is None or steps_per_epoch is None:
        raise ValueError(
            "You must define either total_steps OR (epochs AND steps_per_epoch)"
        )
    epochs = _positive("epochs", epochs)
    return epochs * _positive("steps_per_epoch", steps_per_epoch)


def _positive(name: str, value: Any) -> int:
    if not isinstance(value, int) or value <= 0:
        raise ValueError(f"Expected positive integer {name}, but got {value}")
    return value
