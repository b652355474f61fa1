# SPDX-License-Identifier: Apache-2.0
"""Many runs of one architecture in one compiled program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import jax
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh

from flaxnn._compilation_cache import follow_environment
from flaxnn._typing import DTypeLike
from flaxnn.data import pixel_table
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.random import Generator
from flaxnn.training._fit import Run
from flaxnn.training._history import InFlight, Pending, Series
from flaxnn.training._lane_loop import (
    BLOCK,
    Layout,
    check_layout,
    layout_for,
    run_lanes,
)
from flaxnn.training._lanes import lanes_of, problems_of, starts_of
from flaxnn.training._placement import Placement, checked_placement
from flaxnn.training._plan import Chunk, EpochEnd, Plan
from flaxnn.training._problem import Problem
from flaxnn.training._pure import Tree, enough_precision, model_dtype
from flaxnn.training._schedule import ScheduleEvery
from flaxnn.training._stacking import stacked, unstacked
from flaxnn.training._state import RunState, TrainState

M = TypeVar("M", bound=nnx.Module)

# Chunks that may be under way while the host prepares the next ones.
_IN_FLIGHT = 1


def fit_many(
    models: Sequence[M],
    data: Any,
    *,
    loss: Callable[..., Any],
    optimizer: optax.GradientTransformation | Sequence[optax.GradientTransformation],
    epochs: int | None = None,
    steps: int | None = None,
    schedule: Scheduler | Sequence[Scheduler] | None = None,
    schedule_every: ScheduleEvery = "epoch",
    metrics: Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]] = (),
    rngs: Sequence[Generator] | None = None,
    state: Sequence[RunState] | None = None,
    accumulate: int = 1,
    compute_dtype: DTypeLike | None = None,
    remat: bool = False,
    freeze: Sequence[str] = (),
    chunk: int = 4096,
    layout: Layout = "auto",
    mesh: Mesh | None = None,
) -> list[Run[M]]:
    """Trains copies of many models at once: lane ``k`` is the run of ``models[k]``.

    Each lane has its own initial weights, its own order of batches and host draws, and
    its own hyper-parameters; the data set lies on the device once for all. A lane whose
    loss is not finite goes on and does not touch the others: its history shows it.

    Args:
        models: Models of one architecture.
        data: What all lanes train on: arrays ``(inputs, …, target)`` or a
            `flaxnn.data.Dataset` for one full batch at each step; or one
            `flaxnn.data.DataLoader` for each lane, over the same data with the same
            options and Generators of their own.
        loss: ``loss(output, target)`` giving a scalar: a function or a module.
        optimizer: For all lanes, or one for each. They may differ in what is part of
            their state, such as learning rate, momentum or decay, and not in which
            terms there are.
        epochs: Passes over the data that each run has in all.
        steps: Updates that each run has in all; give one of the two.
        schedule: For all lanes, or one for each, of one kind.
        schedule_every: As in `fit`.
        metrics: As in `fit`.
        rngs: A Generator for each lane's host draws, such as dropout's masks; those of
            the loaders when None.
        state: The states of earlier runs to go on from, one for each lane, all at the
            same step.
        accumulate: As in `fit`.
        compute_dtype: As in `fit`.
        remat: As in `fit`.
        freeze: As in `fit`.
        chunk: Largest number of steps between two visits of the host; the numbers do
            not depend on it.
        layout: ``"last"`` computes all lanes at once, with the lanes as the last axis
            of every array; ``"vmap"`` all at once as `jax.vmap` lays them out;
            ``"map"`` one after the other in the same program. "auto" chooses by the
            size of the model and the kind of device.
        mesh: Its devices share out the lanes and exchange nothing. Their number need
            not divide that of the lanes.

    Returns:
        A `Run` for each lane, as `fit` gives it, each of which `fit` can go on from.

    Raises:
        TypeError: An argument is of the wrong kind, or both or neither of ``epochs``
            and ``steps`` are given.
        ValueError: Lanes differ in architecture, in the terms of their optimisers or in
            their data, their number differs between arguments, or two of them share a
            Generator; else as `fit`.

    Torch:
        A loop over the runs, 2.13.0: order of batches and state of the Generators T0,
        losses and parameters T1 in float64, T2 in float32, as for `fit` of one lane.

    Example:
        >>> import numpy as np
        >>> from flaxnn import models, nn, optim
        >>> from flaxnn.random import Generator
        >>> x = np.array([[0], [1], [3], [5], [8], [11], [15], [20]], np.float32)
        >>> y = (x > 6).astype(np.float32)
        >>> runs = fit_many(
        ...     [models.LogisticRegression(rngs=Generator(2025)) for _ in range(3)],
        ...     (x, y),
        ...     loss=nn.BCELoss(),
        ...     optimizer=[optim.sgd(lr=lr) for lr in (0.001, 0.01, 0.1)],
        ...     steps=101,
        ... )
        >>> [round(float(run.history["loss"][-1]), 4) for run in runs]
        [0.8516, 0.6563, 0.308]
    """
    check_layout(layout)
    placement = checked_placement(mesh, 0)
    if mesh is not None and len(mesh.local_devices) < mesh.size:
        raise ValueError(
            "fit_many runs in one process, and the mesh has devices of others: pass "
            "a mesh of jax.local_devices(), and give each process runs of its own"
        )
    follow_environment()
    lanes, every = lanes_of(
        models,
        data,
        optimizer,
        schedule,
        schedule_every,
        rngs,
        state,
        freeze,
        epochs=epochs,
        steps=steps,
        chunk=chunk,
    )
    with enough_precision(model_dtype(lanes[0].params)):
        first = Problem.of(
            models[0],
            lanes[0].data,
            loss,
            lanes[0].optimizer,
            metrics,
            lanes[0].rngs,
            steps,
            freeze=freeze,
            accumulate=accumulate,
            compute_dtype=compute_dtype,
            remat=remat,
        )
        problems = problems_of(lanes, first)
        chunk = max(1, min(int(chunk), first.most_steps // len(lanes)))
        plans = [
            problem.plan(lane.state, chunk, epochs=epochs, steps=steps)
            for lane, problem in zip(lanes, problems, strict=True)
        ]
        starts = starts_of(lanes, first, every, plans)
        names = ["loss", *first.step.metrics]
        if schedule is not None:
            names.append("lr")
        history = Series({}, names)
        layout = layout_for(layout, first.params, len(lanes))
        final = _run(problems, plans, starts, history, layout, placement)
        series = history.arrays()
        trains = unstacked(final, len(lanes))
        models_parts = unstacked((final.params, final.buffers), len(lanes))
        return [
            Run(
                nnx.merge(first.graphdef, *parts),
                {name: _of_lane(values, k) for name, values in series.items()},
                plan.state(train),
            )
            for k, (train, parts, plan) in enumerate(
                zip(trains, models_parts, plans, strict=True)
            )
        ]


def _of_lane(series: np.ndarray, k: int) -> np.ndarray:
    """A lane's part of the history; before any step there are no lanes in it."""
    return series[:, k] if series.ndim > 1 else series.copy()


def _run(
    problems: Sequence[Problem],
    plans: Sequence[Plan],
    starts: Sequence[TrainState],
    history: Series,
    layout: Layout,
    placement: Placement,
) -> TrainState:
    """Runs all lanes to their end; the host draws for one chunk behind another."""
    first, count = problems[0], len(problems)
    # Devices have equal numbers of lanes: the last one is run again on those left over.
    surplus = -count % placement.shards

    def shared(trees: Sequence[Tree]) -> Tree:
        whole = stacked([*trees, *[trees[-1]] * surplus])
        return jax.tree.map(lambda array: placement.shared(array, 0), whole)

    states = shared(starts)
    arrays, pixels = placement.everywhere((first.samples.arrays, pixel_table()))
    flight = InFlight(_IN_FLIGHT)

    def fetch(*, wait: bool) -> None:
        while found := flight.next(wait=wait):
            history.add(found[1])

    for parts in zip(*plans, strict=True):
        part = parts[0]
        if isinstance(part, EpochEnd):
            continue
        inputs = [
            (None if each.rows is None else _rows(each), problem.draws.of(each))
            for problem, each in zip(problems, parts, strict=True)
        ]
        rows, draws = shared(inputs)
        states, values = run_lanes(
            first.step,
            states,
            arrays,
            pixels,
            rows,
            draws,
            part.length,
            capacity=part.capacity,
            transform=first.draws.transform,
            layout=layout,
            block=BLOCK,
            mesh=placement.mesh,
        )
        flight.add(Pending(values, part, plans[0].done - part.length))
        fetch(wait=False)
    fetch(wait=True)
    return states


def _rows(part: Chunk) -> np.ndarray:
    """The rows of a chunk, filled up to the shape that all share."""
    assert part.rows is not None
    return np.pad(part.rows, ((0, part.capacity - part.length), (0, 0)))
