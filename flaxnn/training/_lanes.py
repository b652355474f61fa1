# SPDX-License-Identifier: Apache-2.0
"""Many runs side by side: what they share, and that they share it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx

from flaxnn.data import DataLoader
from flaxnn.optim import scheduled
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.random import Generator
from flaxnn.training._arguments import check_arguments
from flaxnn.training._checks import check_state
from flaxnn.training._plan import Plan
from flaxnn.training._problem import Problem, distinct, generators_of
from flaxnn.training._pure import Tree, split
from flaxnn.training._schedule import (
    ScheduleEvery,
    check_schedule_arguments,
    check_schedule_state,
    updates_between,
)
from flaxnn.training._stacking import stacked, unstacked_on_host
from flaxnn.training._state import RunState, TrainState


@dataclass(frozen=True)
class Lane:
    """One of the runs, before it starts.

    Attributes:
        graphdef: Its model's structure.
        params: Its parameters, which are not changed.
        buffers: Everything else of its model.
        data: Its loader; for full batches what all lanes have.
        optimizer: Its optimiser, with its schedule.
        schedule: Its schedule, or None.
        rngs: The Generator of its host draws, or None for the loader's.
        state: Where it goes on from, or None.
    """

    graphdef: nnx.GraphDef[Any]
    params: Tree
    buffers: Tree
    data: Any
    optimizer: optax.GradientTransformation
    schedule: Scheduler | None
    rngs: Generator | None
    state: RunState | None

    def problem(self, first: Problem) -> Problem:
        """The lane's problem, from the first lane's, with which it shares the data."""
        loader = self.data if isinstance(self.data, DataLoader) else None
        stream = loader.rngs if self.rngs is None and loader is not None else self.rngs
        return replace(
            first,
            params=self.params,
            buffers=self.buffers,
            optimizer=self.optimizer,
            loader=loader,
            draws=replace(first.draws, source=stream),
            generators=distinct(stream, *generators_of(loader)),
        )


def lanes_of(
    models: Any,
    data: Any,
    optimizer: Any,
    schedule: Any,
    schedule_every: ScheduleEvery,
    rngs: Any,
    state: Any,
    freeze: Sequence[str],
    **checked: Any,
) -> tuple[list[Lane], int]:
    """The lanes, and after how many updates their schedules are stepped.

    Args:
        models: As in `fit_many`.
        data: As there.
        optimizer: As there.
        schedule: As there.
        schedule_every: As there.
        rngs: As there.
        state: As there.
        freeze: As there.
        checked: Other plain arguments of `fit`, which are checked.
    """
    if not isinstance(models, Sequence) or not models:
        raise TypeError(
            "models must be a sequence of models, one for each run, got "
            + ("none" if isinstance(models, Sequence) else type(models).__name__)
        )
    count = len(models)
    for name, value in (("rngs", rngs), ("state", state)):
        if isinstance(value, Generator | RunState):
            raise TypeError(
                f"{name} must be a sequence with one for each of the {count} runs, got "
                f"a single {type(value).__name__}"
            )
    columns = {
        "optimizer": _column("optimizer", optimizer, count),
        "schedule": _column("schedule", schedule, count),
        "rngs": _column("rngs", rngs, count),
        "state": _column("state", state, count),
    }
    loaders = _loaders(data, count)
    every = 1
    lanes = []
    # One object for equal arguments, so that their states are made together.
    known: dict[tuple[int, int, int], Any] = {}
    for k, model in enumerate(models):
        lane = {name: column[k] for name, column in columns.items()}
        check_arguments(
            lane["optimizer"],
            rngs=lane["rngs"],
            state=lane["state"],
            callbacks=(),
            nonfinite="continue",
            **checked,
        )
        check_schedule_arguments(lane["schedule"], schedule_every)
        every = updates_between(schedule_every, loaders[k])
        if lane["schedule"] is not None:
            pair = (lane["optimizer"], lane["schedule"])
            place = (id(pair[0]), id(pair[1]), every)
            lane["optimizer"] = known.setdefault(place, scheduled(*pair, every))
        parts = split(model, freeze)
        lanes.append(Lane(*parts, data if loaders[k] is None else loaders[k], **lane))
    _check_alike(models, lanes)
    return lanes, every


def problems_of(lanes: Sequence[Lane], first: Problem) -> list[Problem]:
    """The lanes' problems, checked; they hold the same arrays and the same step.

    Args:
        lanes: The lanes.
        first: The first one's problem.
    """
    first.check()
    problems = [lane.problem(first) for lane in lanes]
    owners: dict[int, int] = {}
    for k, problem in enumerate(problems):
        if problem.draws.source is None and first.draws.source is not None:
            problem.draws.check(problem.batch_sizes[0])
        for generator in problem.generators:
            if owners.setdefault(id(generator), k) != k:
                raise ValueError(
                    f"runs {owners[id(generator)]} and {k} share a Generator, so that "
                    "neither would draw what it draws alone: give each run its own"
                )
    return problems


def starts_of(
    lanes: Sequence[Lane], first: Problem, every: int, plans: Sequence[Plan]
) -> list[TrainState]:
    """The states that the lanes' runs start from, on the host.

    Args:
        lanes: The lanes.
        first: The first one's problem.
        every: After how many updates the schedules are stepped.
        plans: The lanes' plans.
    """
    # Raises where there is nothing to train.
    expected = jax.eval_shape(first.start)
    if lanes[0].state is not None:
        starts = []
        for lane in lanes:
            assert lane.state is not None
            check_state(lane.state.train, expected)
            starts.append(lane.state.train)
    else:
        step = jax.device_put(np.zeros((), np.int32))
        own = [(lane.params, lane.buffers) for lane in lanes]
        starts = [
            TrainState(step, *parts, opt_state)
            for parts, opt_state in zip(own, _optimizer_states(lanes), strict=True)
        ]
    for lane, train, plan in zip(lanes, starts, plans, strict=True):
        if lane.schedule is not None:
            check_schedule_state(lane.schedule, train.opt_state, every, plan.remaining)
    return starts


def _optimizer_states(lanes: Sequence[Lane]) -> list[Any]:
    """The optimisers' first states: one call for the lanes that have the same one."""
    groups: dict[int, list[int]] = {}
    for k, lane in enumerate(lanes):
        groups.setdefault(id(lane.optimizer), []).append(k)
    states: list[Any] = [None] * len(lanes)
    for members in groups.values():
        init = lanes[members[0]].optimizer.init
        params = stacked([lanes[k].params for k in members])
        made = unstacked_on_host(jax.vmap(init)(params), len(members))
        for k, state in zip(members, made, strict=True):
            states[k] = state
    return states


def _column(name: str, value: Any, count: int) -> list[Any]:
    """A value for each run, of one for all or of a sequence."""
    if not isinstance(value, list | tuple) or hasattr(value, "update"):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{name} has {len(value)} entries for {count} models: give one for each, "
            "or one for all"
        )
    return list(value)


def _loaders(data: Any, count: int) -> list[DataLoader | None]:
    """The loader of each run, all over the same data; None for full batches."""
    if isinstance(data, DataLoader):
        if data.generators:
            raise TypeError(
                "one DataLoader with a Generator cannot give each run its own order: "
                f"pass a list of {count} loaders, with a Generator for each"
            )
        return [data] * count
    if not (
        isinstance(data, list | tuple)
        and any(isinstance(item, DataLoader) for item in data)
    ):
        return [None] * count
    loaders = _column("data", list(data), count)
    first = loaders[0]
    for k, loader in enumerate(loaders):
        if not isinstance(loader, DataLoader):
            raise TypeError(
                f"data[{k}] must be a flaxnn.data.DataLoader as the others are, got "
                f"{type(loader).__name__}"
            )
        for name in ("batch_size", "drop_last", "transform"):
            ours, theirs = getattr(first, name), getattr(loader, name)
            if ours != theirs:
                raise ValueError(
                    f"the loaders of all runs must be alike: {name} is {ours!r} for "
                    f"run 0 and {theirs!r} for run {k}"
                )
        if not _same_data(first, loader):
            raise ValueError(
                f"the loaders of run 0 and run {k} are over different data; all runs "
                "train on one data set"
            )
    return loaders


def _same_data(one: DataLoader, other: DataLoader) -> bool:
    if one.dataset is other.dataset:
        return len(one) == len(other)
    if one.arrays is None or other.arrays is None:
        return False
    return len(one.arrays) == len(other.arrays) and all(
        a is b or np.array_equal(a, b)
        for a, b in zip(one.arrays, other.arrays, strict=True)
    )


def _check_alike(models: Sequence[nnx.Module], lanes: Sequence[Lane]) -> None:
    """Raises unless all lanes run the same program, from states of one shape."""
    first = lanes[0]
    expected = _structure(first)
    for k, lane in enumerate(lanes):
        if _structure(lane) != expected:
            raise ValueError(
                f"the models of run 0 and run {k} differ in their architecture or in "
                f"an option of a layer, and one program runs one architecture:\n"
                f"{models[0]}\n{models[k]}"
            )
        if lane.optimizer.update != first.optimizer.update:
            raise ValueError(
                f"the optimizers of run 0 and run {k} differ in more than their "
                "numbers: one program has the same terms in every run, so momentum or "
                "weight_decay cannot be 0 in one and not in the other"
            )
        places = [
            (state.epoch, state.batch)
            for state in (first.state, lane.state)
            if state is not None
        ]
        if len(set(places)) > 1 or (first.state is None) != (lane.state is None):
            raise ValueError(
                f"the states of run 0 and run {k} are at different steps: runs go on "
                "together from one step"
            )


def _structure(lane: Lane) -> Any:
    """What two models must have in common: structure, shapes and dtypes."""
    leaves, treedef = jax.tree.flatten((lane.params, lane.buffers))
    return lane.graphdef, treedef, [(leaf.shape, leaf.dtype) for leaf in leaves]
