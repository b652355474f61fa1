# SPDX-License-Identifier: Apache-2.0
"""What schedulers made of schedulers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flaxnn.optim.lr_scheduler._scheduler import Scheduler


def checked_parts(name: str, schedulers: Sequence[Any]) -> tuple[Scheduler, ...]:
    """The schedulers; raises where PyTorch refuses one."""
    for index, scheduler in enumerate(schedulers):
        if not isinstance(scheduler, Scheduler):
            raise TypeError(
                f"{name} at index {index} should be a scheduler such as step_lr(30), "
                f"got {type(scheduler).__name__}"
            )
        if scheduler.update.takes_value:
            raise ValueError(
                f"{name} does not support `ReduceLROnPlateau` scheduler as it requires "
                "additional kwargs to be specified when calling `step`, but got one at "
                f"index {index} in the given schedulers sequence."
            )
    return tuple(schedulers)
