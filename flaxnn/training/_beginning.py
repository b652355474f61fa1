# SPDX-License-Identifier: Apache-2.0
"""The state of a run before its first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import optax
from flax import nnx

from flaxnn.data import DataLoader
from flaxnn.optim import scheduled
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.random import Generator
from flaxnn.training._problem import run_generators
from flaxnn.training._pure import enough_precision, model_dtype, split
from flaxnn.training._schedule import (
    ScheduleEvery,
    check_schedule_arguments,
    updates_between,
)
from flaxnn.training._state import RunState, TrainState, generator_states
from flaxnn.training._validation import Validation


def initial_state(
    model: nnx.Module,
    optimizer: optax.GradientTransformation,
    data: Any = None,
    *,
    schedule: Scheduler | None = None,
    schedule_every: ScheduleEvery = "epoch",
    rngs: Generator | None = None,
    validation: Validation | Any = None,
    freeze: Sequence[str] = (),
) -> RunState:
    """Returns the state that `fit` starts from when it is given none.

    Replace parts of it to start from elsewhere: the parameters of another model, an
    optimiser's state from a file. The arguments are those of `fit`.

    Args:
        model: The model; it is not changed.
        optimizer: The optimiser.
        data: What is trained on; its Generators are part of the state.
        schedule: The run's schedule, if it has one.
        schedule_every: When it is stepped.
        rngs: The Generator of host draws.
        validation: What the run is judged by; it may draw from Generators too.
        freeze: Patterns of names of parameters that are not trained.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: There is nothing to train.

    Example:
        >>> from flaxnn import models, optim
        >>> from flaxnn.random import Generator
        >>> model = models.LogisticRegression(rngs=Generator(2025))
        >>> state = initial_state(model, optim.sgd(lr=0.01))
        >>> state.epoch, state.batch, int(state.train.step)
        (0, 0, 0)
    """
    check_schedule_arguments(schedule, schedule_every)
    loader = data if isinstance(data, DataLoader) else None
    if schedule is not None:
        every = updates_between(schedule_every, loader)
        optimizer = scheduled(optimizer, schedule, every)
    judged = None if validation is None else Validation.of(validation).data
    with enough_precision(model_dtype(split(model)[1])):
        train = TrainState.create(model, optimizer, freeze=freeze)
    states = generator_states(run_generators(data, rngs, judged))
    return RunState(train, generators_at_epoch=states, generators=states)
