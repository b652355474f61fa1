# SPDX-License-Identifier: Apache-2.0
"""Triangles between two learning rates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import jax
import jax.numpy as jnp

from flaxnn.optim._scalars import Scalar
from flaxnn.optim.lr_scheduler._factors import power, powers_of
from flaxnn.optim.lr_scheduler._groups import (
    Groups,
    PerGroup,
    between,
    per_group,
    real,
    widest,
    written,
)
from flaxnn.optim.lr_scheduler._lambda import require_traceable
from flaxnn.optim.lr_scheduler._momentum import bounds_of, with_bounds, with_momentum
from flaxnn.optim.lr_scheduler._rule import EpochState, Numbers, Rule
from flaxnn.optim.lr_scheduler._scheduler import Scheduler, scheduler_of

Mode = Literal["triangular", "triangular2", "exp_range"]
_MODES = ("triangular", "triangular2", "exp_range")


@dataclass(frozen=True)
class CyclicLR(Rule):
    """Up and down between two rates, the triangles scaled by a function."""

    mode: str
    scale_fn: Callable[[jax.Array], Any] | None
    by_cycle: bool
    cycle_momentum: bool

    def construct(self, groups: Groups, numbers: Any) -> tuple[Groups, EpochState]:
        """The groups start from the base rates given, momentum from its largest."""
        base_lrs = per_group("base_lr", numbers["base_lr"], groups)
        groups = written(groups, lr=base_lrs)
        if self.cycle_momentum:
            groups = with_bounds(groups, numbers)
        groups, state = super().construct(groups, numbers)
        # In PyTorch the first rate is that of another scheduler, if there is one.
        return groups, state._replace(base_lrs=base_lrs)

    def kept(self, numbers: Numbers, groups: Groups) -> Numbers:
        """The highest rates and the bounds of each group, the steps, the scale."""
        names = ("step_size_up", "step_size_down", "gamma", "log_gamma")
        return {
            "max_lrs": per_group("max_lr", numbers["max_lr"], groups),
            "bounds": tuple(
                {k: v for k, v in group.items() if k.endswith("_momentum")}
                for group in groups
            ),
            **{name: numbers[name] for name in names},
        }

    def at_epoch(self, state: EpochState, groups: Groups) -> tuple[Groups, EpochState]:
        """The groups' rates, and their momentum from the highest down."""
        groups, state = super().at_epoch(state, groups)
        if self.cycle_momentum:
            bounds = state.numbers["bounds"]
            groups = with_momentum(groups, bounds, self._height(state))
        return groups, state

    def rates(self, state: EpochState, groups: Groups) -> jax.Array:
        """The base rates and the height of the triangle above them."""
        del groups
        max_lrs = state.numbers["max_lrs"]
        return between(state.base_lrs, max_lrs, self._height(state))

    def _height(self, state: EpochState) -> jax.Array:
        """The triangle's height, by the steps since its foot, and its scale."""
        up, down = (state.numbers[f"step_size_{way}"] for way in ("up", "down"))
        total = up + down
        cycle = state.last_epoch // total
        position = state.last_epoch - cycle * total
        rise = position / up
        height = jnp.where(position <= up, rise, (total - position) / down)
        return height * self._scale(state, cycle.astype(jnp.int32) + 1)

    def _scale(self, state: EpochState, cycle: jax.Array) -> jax.Array:
        dtype = state.base_lrs.dtype
        if self.scale_fn is not None:
            x = cycle if self.by_cycle else state.last_epoch
            return jnp.asarray(self.scale_fn(widest(x)), dtype)
        if self.mode == "triangular2":
            return jnp.exp2((1 - cycle).astype(dtype))
        if self.mode == "exp_range":
            return power(state.numbers, state.last_epoch)
        return jnp.ones((), dtype)


def cyclic_lr(
    base_lr: PerGroup,
    max_lr: PerGroup,
    step_size_up: Scalar = 2000,
    step_size_down: Scalar | None = None,
    mode: Mode = "triangular",
    gamma: Scalar = 1.0,
    scale_fn: Callable[[jax.Array], Any] | None = None,
    scale_mode: Literal["cycle", "iterations"] = "cycle",
    cycle_momentum: bool = True,
    base_momentum: PerGroup = 0.8,
    max_momentum: PerGroup = 0.9,
) -> Scheduler:
    """Returns a scheduler that goes up and down between two rates.

    It is made to be stepped after every update. The momentum, or beta1 of Adam and its
    kin, goes the other way.

    Args:
        base_lr: The lowest rate, or a list with one for each group. It replaces the
            optimiser's.
        max_lr: The highest rate of the first triangle, or a list.
        step_size_up: Steps up.
        step_size_down: Steps down; as many as up when None.
        mode: ``"triangular"`` keeps the height, ``"triangular2"`` halves it with each
            cycle, ``"exp_range"`` multiplies it by ``gamma`` at each step.
        gamma: Factor of ``"exp_range"``.
        scale_fn: The scale of the height in place of `mode`, a function that can be
            traced: of the integer cycle, from 1 on, or of the integer step.
        scale_mode: Which of both `scale_fn` is called with.
        cycle_momentum: Whether the momentum is cycled too.
        base_momentum: The lowest momentum, at the highest rate, or a list.
        max_momentum: The highest momentum, at the lowest rate, or a list.

    Returns:
        A scheduler whose state is an `EpochState`.

    Raises:
        ValueError: `mode` or `scale_mode` is unknown, or (when it meets the groups) a
            list is of another length, or the optimiser has no momentum to cycle.
        TypeError: `scale_fn` cannot be traced.
        ZeroDivisionError: `step_size_up` is 0.

    Torch:
        ``torch.optim.lr_scheduler.CyclicLR``, 2.13.0, T1; in float32 T2, within 1e-6 of
        the largest rate. PyTorch takes any other `scale_mode` for ``"iterations"``.

    Example:
        >>> scheduler = cyclic_lr(1.0, 3.0, step_size_up=2, cycle_momentum=False)
        >>> schedule = scheduler.schedule(lr=1.0)
        >>> [float(schedule(count)) for count in range(6)]
        [1.0, 2.0, 3.0, 2.0, 1.0, 2.0]

    References:
        Smith, "Cyclical learning rates for training neural networks", 2017.
    """
    if mode not in _MODES and scale_fn is None:
        raise ValueError(
            f"mode is invalid and scale_fn is None: expected one of {_MODES}, got "
            f"{mode!r}"
        )
    if scale_mode not in ("cycle", "iterations"):
        raise ValueError(
            f"scale_mode must be one of 'cycle' or 'iterations', got {scale_mode!r}"
        )
    if scale_fn is not None:
        require_traceable("scale_fn", scale_fn)
    down = step_size_up if step_size_down is None else step_size_down
    if step_size_up == 0:
        raise ZeroDivisionError("float division by zero: step_size_up must not be 0")
    rule = CyclicLR(
        mode if scale_fn is None else "",
        scale_fn,
        scale_mode == "cycle",
        bool(cycle_momentum),
    )
    numbers = (
        ("base_lr", real(base_lr)),
        ("max_lr", real(max_lr)),
        ("step_size_up", step_size_up),
        ("step_size_down", down),
        *powers_of(gamma),
        *bounds_of(base_momentum, max_momentum),
    )
    return scheduler_of(rule, numbers)
