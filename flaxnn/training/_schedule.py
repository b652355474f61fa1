# SPDX-License-Identifier: Apache-2.0
"""A run's learning-rate schedule: where it is put, and what is refused."""

from __future__ import annotations

from typing import Any, Literal

from flaxnn.data import DataLoader
from flaxnn.optim.lr_scheduler import Scheduler

ScheduleEvery = Literal["step", "epoch"]


def check_schedule_arguments(schedule: Any, schedule_every: Any) -> None:
    """Raises unless they are a scheduler and one of the two words."""
    if schedule is not None and not isinstance(schedule, Scheduler):
        raise TypeError(
            "schedule must be one of flaxnn.optim.lr_scheduler, such as step_lr(30), "
            f"got {type(schedule).__name__}; an optax schedule goes into an optax "
            "optimiser, optax.adam(schedule)"
        )
    if schedule_every not in ("step", "epoch"):
        raise ValueError(
            f"schedule_every must be 'step' or 'epoch', got {schedule_every!r}"
        )


def updates_between(schedule_every: ScheduleEvery, loader: DataLoader | None) -> int:
    """How many updates lie between two steps of the schedule."""
    if schedule_every == "step" or loader is None:
        return 1
    # A loader without a batch is refused later, in its own words.
    return max(1, len(loader))


def check_schedule_state(
    schedule: Scheduler, state: Any, every: int, updates: int
) -> None:
    """Raises where a resumed state counts other steps, or a schedule would run out.

    Args:
        schedule: The run's schedule.
        state: The `flaxnn.optim.ScheduledState` that the run starts from.
        every: The updates between two of its steps.
        updates: The updates that the run will do.
    """
    if int(state.every) != every:
        raise ValueError(
            f"the state steps its schedule every {int(state.every)} update(s), this "
            f"run would every {every}; resume with that run's schedule_every and loader"
        )
    steps = (int(state.since) + updates) // every
    left = schedule.steps_left(state.scheduler_state)
    if left is not None and steps > left:
        raise ValueError(
            f"Tried to step {steps} times. The specified number of total steps is "
            f"{left}: the run does {updates} update(s) and steps its schedule every "
            f"{every}, as schedule_every says"
        )
