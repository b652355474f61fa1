# SPDX-License-Identifier: Apache-2.0
"""Many runs in one call."""

from __future__ import annotations

import inspect
import math
import operator
import os
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import optax
from jax.sharding import Mesh

from flaxnn._typing import DTypeLike
from flaxnn.data import DataLoader
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.sweeps._directory import SweepDirectory
from flaxnn.sweeps._groups import Group, even, groups_of, lanes_of, programs_of
from flaxnn.sweeps._manifest import sweep_manifest
from flaxnn.sweeps._recipe import (
    Batches,
    Recipe,
    build_factory,
    checked_seeds,
    made_or_given,
)
from flaxnn.sweeps._result import Sweep
from flaxnn.sweeps._routing import routed
from flaxnn.sweeps._runner import GroupResult, Runner
from flaxnn.sweeps._space import Grid, Space
from flaxnn.training import Validation
from flaxnn.training._memory import available_bytes
from flaxnn.training._progress import ProgressBar

# A sweep with a directory is written so many times, unless it is said otherwise.
_SAVED = 10


def sweep(
    build: Callable[..., Any],
    data: Any,
    *,
    loss: Callable[..., Any],
    optimizer: Callable[..., optax.GradientTransformation],
    seeds: Iterable[int] = range(256),
    epochs: int | None = None,
    steps: int | None = None,
    space: Space | None = None,
    batch_size: int | None = None,
    shuffle: bool = False,
    drop_last: bool = False,
    schedule: Scheduler | Callable[..., Scheduler] | None = None,
    schedule_every: Any = "epoch",
    metrics: Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]] = (),
    validation: Validation | Any = None,
    accumulate: int = 1,
    compute_dtype: DTypeLike | None = None,
    remat: bool = False,
    freeze: Sequence[str] = (),
    layout: Any = "auto",
    mesh: Mesh | None = None,
    chunk: int = 4096,
    lanes_at_once: int | None = None,
    memory: float | None = None,
    directory: str | os.PathLike[str] | None = None,
    save_every: int | None = None,
    progress: bool | None = None,
    **hyperparameters: Any,
) -> Sweep:
    """Trains a model for every seed and every combination of hyper-parameters.

    Lane ``k`` is the PyTorch run of its seed: ``Generator(seed)``, the model drawn from
    it, the loader going on from it. All lanes of one architecture are one compiled
    program, their numbers are part of its state, and the data lie on the device once.
    A lane whose loss is not finite goes on and leaves the others alone.

    Every further keyword is a hyper-parameter: an argument of ``optimizer``, of
    ``build`` or of ``schedule``. A list, a range or an array of one is swept, any other
    value, a tuple too, is the same in all runs.

    Args:
        build: Makes a run's model: a class or a function that takes ``rngs``, a
            `flaxnn.random.Generator`.
        data: Arrays ``(inputs, …, target)`` or a data set for one full batch at each
            step, or, with ``batch_size``, for mini-batches; or a function that makes a
            run's `flaxnn.data.DataLoader` from its Generator.
        loss: As for `flaxnn.fit`.
        optimizer: Makes a run's optimiser, such as `flaxnn.optim.sgd`; or one that is
            made already.
        seeds: A run for each; every combination of hyper-parameters has them all.
        epochs: Passes over the data that each run has.
        steps: Updates that each run has; give one of the two.
        space: Combinations that are no grid, such as `Zip` and `Random`. Lists among
            the keywords are crossed with it.
        batch_size: Rows of a mini-batch; one full batch at each step when None.
        shuffle: Whether each run draws an order of its own for each epoch.
        drop_last: Whether to leave out a last batch that is short.
        schedule: One of `flaxnn.optim.lr_scheduler`, or a function that makes a run's
            from hyper-parameters.
        schedule_every: As for `flaxnn.fit`.
        metrics: As for `flaxnn.fit`.
        validation: A `flaxnn.training.Validation`, or data for the loss alone. All
            lanes are judged in one program, after every ``every`` epochs and at the
            end; bare data with full batches at the end only.
        accumulate: As for `flaxnn.fit`.
        compute_dtype: As for `flaxnn.fit`.
        remat: As for `flaxnn.fit`.
        freeze: As for `flaxnn.fit`.
        layout: As for `flaxnn.training.fit_many`.
        mesh: As for `flaxnn.training.fit_many`: devices that share the lanes.
        chunk: As for `flaxnn.fit`.
        lanes_at_once: How many lanes run side by side at most; None plans it from the
            memory. The others run after them, in the same program.
        memory: Bytes that lanes may have, in place of what the device has.
        directory: Where to write what is done. The same call goes on from there,
            bit-identical to one that was not killed.
        save_every: After how many epochs, or steps where ``steps`` is given, it is
            written; None does it ten times.
        progress: Whether to show a progress bar; None shows it on a terminal.
        **hyperparameters: A value, or a list of values, for each.

    Returns:
        A `Sweep`: runs, table, histories, pictures.

    Raises:
        TypeError: An argument is of the wrong kind, or nothing takes a hyper-parameter.
        ValueError: A value is refused by what takes it; else as `flaxnn.fit`.
        CheckpointError: The directory has another sweep, or cannot be written.

    Warns:
        UserWarning: The lanes do not fit the memory at once, and are run in groups.

    Torch:
        A loop over seeds and hyper-parameters with ``torch.manual_seed(seed)`` before
        the model is made, 2.13.0: initial weights, order of batches and state of the
        Generators T0, losses and parameters T1 in float64, T2 in float32.

    Example:
        >>> import flaxnn
        >>> from flaxnn import models, nn, optim
        >>> from flaxnn.data import documents
        >>> result = flaxnn.sweep(
        ...     models.LogisticRegression,
        ...     documents.univariate(),
        ...     loss=nn.BCELoss(),
        ...     optimizer=optim.sgd,
        ...     lr=[0.01, 0.1],
        ...     seeds=range(3),
        ...     steps=101,
        ... )
        >>> result
        Sweep: 6 runs of 101 steps, 3 seeds, 1 program, all side by side
            lr: 0.01, 0.1
            loss: ...
        >>> result.records[result.best()]["lr"]
        0.1
    """
    if (epochs is None) == (steps is None):
        raise TypeError("pass one of epochs= and steps=")
    unit, total = ("steps", steps) if epochs is None else ("epochs", epochs)
    assert total is not None
    recipe, configurations = _recipe(
        build,
        Batches(data, batch_size, shuffle, drop_last),
        optimizer,
        schedule,
        space,
        hyperparameters,
    )
    lanes = lanes_of(recipe, checked_seeds(seeds), configurations)
    programs = programs_of(recipe, lanes)
    options: dict[str, Any] = {
        "metrics": metrics,
        "accumulate": accumulate,
        "compute_dtype": compute_dtype,
        "remat": remat,
        "chunk": chunk,
        "layout": layout,
        **({} if mesh is None else {"mesh": mesh}),
    }
    runner = Runner(
        recipe=recipe,
        lanes=lanes,
        loss=loss,
        unit=unit,
        total=total,
        options=options,
        schedule_every=schedule_every,
        freeze=freeze,
        validation=None if validation is None else Validation.of(validation),
        save_every=0 if directory is None else save_every or max(1, total // _SAVED),
    )
    first = runner.begin(0)
    full = not isinstance(first.data, DataLoader)
    runner.only_at_end = full and not isinstance(validation, Validation)
    sizes = _sizes(runner, programs, lanes_at_once, memory, mesh)
    with ExitStack() as stack:
        store = None
        if directory is not None:
            described = {"build": build, "optimizer": optimizer, "schedule": schedule}
            manifest = sweep_manifest(runner, first, described)
            store = stack.enter_context(SweepDirectory(directory, manifest))
            sizes = store.sizes(sizes, given=lanes_at_once is not None)
        groups = groups_of(programs, sizes)
        length = runner.steps_of(first.data)
        if ProgressBar.wanted(progress):
            runner.bar = stack.enter_context(ProgressBar(length * len(groups)))
        results = [
            runner.run(group, store.group(k) if store else None, k * length)
            for k, group in enumerate(groups)
        ]
    return _joined(runner, programs, groups, results)


def _sizes(
    runner: Runner,
    programs: Sequence[Sequence[int]],
    lanes_at_once: int | None,
    memory: float | None,
    mesh: Mesh | None,
) -> list[int]:
    """How many lanes of each program run side by side; a split by memory is told."""
    if lanes_at_once is not None and lanes_at_once < 1:
        raise ValueError(f"lanes_at_once must be at least 1, got {lanes_at_once}")
    devices = 1 if mesh is None else mesh.size
    available = available_bytes(mesh) if memory is None else memory / devices
    sizes = []
    for places in programs:
        most = lanes_at_once
        if most is None:
            each = math.ceil(len(places) / devices)
            most = devices * runner.fitting(places[0], each, available)
        sizes.append(even(len(places), most))
    counts = [len(places) for places in programs]
    if lanes_at_once is None and any(map(operator.lt, sizes, counts)):
        told = ", ".join(f"{n:,} of {m:,}" for n, m in zip(sizes, counts, strict=True))
        warnings.warn(
            f"not all lanes fit in {available / 2**30:,.1f} GiB of memory at once: "
            f"{told} run side by side, and the others after them",
            stacklevel=3,
        )
    return sizes


def _recipe(
    build: Any,
    batches: Batches,
    optimizer: Any,
    schedule: Any,
    space: Space | None,
    hyperparameters: Mapping[str, Any],
) -> tuple[Recipe, list[dict[str, Any]]]:
    """How lanes are made, and the hyper-parameters of each configuration."""
    if space is not None and not isinstance(space, Space):
        raise TypeError(
            "space must be a flaxnn.sweeps.Grid, Zip or Random, got "
            f"{type(space).__name__}"
        )
    grid = Grid(**hyperparameters)
    configurations = (grid if space is None else space * grid).configurations()
    making = build_factory(build)
    updating = made_or_given("optimizer", optimizer)
    scheduling = None if schedule is None else made_or_given("schedule", schedule)
    factories = [f for f in (making, updating, scheduling) if f is not None]
    own = inspect.signature(sweep).parameters
    roles = routed(configurations[0], factories, own)
    return Recipe(making, batches, updating, scheduling, roles), configurations


def _joined(
    runner: Runner,
    programs: Sequence[Sequence[int]],
    groups: Sequence[Group],
    results: Sequence[GroupResult],
) -> Sweep:
    """The results of all groups, their lanes in the order of the sweep."""
    order = [place for group in groups for place in group.lanes]
    back = np.argsort(order)
    runs = [run for result in results for run in result.runs]

    def joined(parts: Sequence[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        return {
            name: array
            if array.ndim == 1
            else np.concatenate([part[name] for part in parts], axis=1)[:, back]
            for name, array in parts[0].items()
        }

    return Sweep(
        tuple(runs[k] for k in back),
        joined([result.history for result in results]),
        joined([result.evaluations for result in results]),
        tuple(group.lanes for group in groups),
        len(programs),
        tuple(runner.lanes),
    )
