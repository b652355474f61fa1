# SPDX-License-Identifier: Apache-2.0
"""The shell of a training run: data in, chunks run, history out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import jax
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh
from jax.typing import DTypeLike

from flaxnn._compilation_cache import follow_environment
from flaxnn.data import DataLoader, Dataset, LazyDataset, fingerprint
from flaxnn.optim import scheduled
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.random import Generator
from flaxnn.training._arguments import check_arguments
from flaxnn.training._checkpoints import (
    CheckpointError,
    Checkpoints,
    Past,
    Store,
    run_manifest,
)
from flaxnn.training._checks import check_state
from flaxnn.training._engine import Engine
from flaxnn.training._faults import explaining_memory
from flaxnn.training._history import Series
from flaxnn.training._placement import checked_placement, on_one_device
from flaxnn.training._problem import Problem
from flaxnn.training._processes import explaining_processes
from flaxnn.training._progress import ProgressBar
from flaxnn.training._pure import enough_precision, model_dtype, split
from flaxnn.training._reporter import Reporter
from flaxnn.training._samples import wants_stream
from flaxnn.training._schedule import (
    ScheduleEvery,
    check_schedule_arguments,
    check_schedule_state,
    updates_between,
)
from flaxnn.training._state import RunState, copied
from flaxnn.training._validation import Validation
from flaxnn.training.callbacks import Callback

M = TypeVar("M", bound=nnx.Module)


@dataclass(frozen=True)
class Run(Generic[M]):
    """What `fit` returns.

    Attributes:
        model: A trained copy of the model.
        history: One array for each metric, one value for each step of this call;
            ``history["loss"][k]`` is the loss before the update of step ``k``. With a
            schedule ``history["lr"][k]`` is the learning rate of that update; a row
            of all groups' where there is more than one.
        state: The run's whole state, to go on from.
        evaluations: One array for each metric of the validation and its loss, one
            value for each time; ``"epoch"`` and ``"step"`` say when.
    """

    model: M
    history: dict[str, np.ndarray]
    state: RunState
    evaluations: dict[str, np.ndarray] = field(default_factory=dict)


def fit(
    model: M,
    data: tuple[Any, ...] | Dataset | LazyDataset | DataLoader,
    *,
    loss: Callable[..., Any],
    optimizer: optax.GradientTransformation,
    epochs: int | None = None,
    steps: int | None = None,
    schedule: Scheduler | None = None,
    schedule_every: ScheduleEvery = "epoch",
    metrics: Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]] = (),
    rngs: Generator | None = None,
    state: RunState | None = None,
    validation: Validation | Any = None,
    callbacks: Sequence[Callback] = (),
    checkpoints: Checkpoints | str | Path | None = None,
    nonfinite: Literal["raise", "continue"] = "raise",
    accumulate: int = 1,
    compute_dtype: DTypeLike | None = None,
    remat: bool = False,
    freeze: Sequence[str] = (),
    mesh: Mesh | None = None,
    stream: bool | None = None,
    chunk: int = 4096,
    progress: bool | None = None,
) -> Run[M]:
    """Trains a copy of a model, the whole run as one compiled program.

    The model trains in training mode, whatever mode it is in: running statistics move
    and dropout draws. Data are put on the device once, or streamed; uint8 inputs are
    taken for pixels and divided by 255, exactly as torchvision's ToTensor does;
    floating-point arrays take the model's dtype. Neither the model nor the arrays nor
    the optimiser are changed; Generators advance as PyTorch's do, at each step by the
    masks of its forward pass.

    Args:
        model: A `flaxnn.nn.Module` or another Flax NNX module.
        data: Arrays ``(inputs, …, target)`` or a data set of `flaxnn.data` for one full
            batch at each step, or a `flaxnn.data.DataLoader` for mini-batches in
            PyTorch's order, the short last batch included unless ``drop_last``. Rows
            of a data set without arrays are gathered once, before the run, unless they
            are streamed.
        loss: ``loss(output, target)`` giving a scalar: a function or a module. As
            under ``jax.jit``, a function is compiled once with the values that it
            captures; numbers that change belong into a module.
        optimizer: Any optax transformation, such as `flaxnn.optim.sgd`.
        epochs: Passes over the data that the run has in all.
        steps: Updates that the run has in all; give one of the two.
        schedule: One of `flaxnn.optim.lr_scheduler`, which changes the learning rate
            of the optimiser, or of each that is in it.
        schedule_every: Whether the schedule is stepped after each epoch, as most loops
            do, or after each update (``"step"``), as `lr_scheduler.one_cycle_lr` and
            `lr_scheduler.cyclic_lr` are meant. For arrays both are the same. What
            `lr_scheduler.reduce_lr_on_plateau` sees is the mean loss in between.
        metrics: Functions of ``(output, target)`` whose batch means ride along, in a
            mapping or named after themselves.
        rngs: The Generator that host draws of the forward pass, such as dropout's
            masks, come from: the run's, which stands for PyTorch's global one. The
            loader's `rngs` when None.
        state: The state of an earlier run to go on from. ``epochs`` and ``steps``
            count from that run's beginning, and the result is bit-identical to one
            run that was never interrupted. The hyper-parameters are the state's, as
            after PyTorch's ``optimizer.load_state_dict``.
        validation: A `Validation`, or data as above for the loss alone, on which the
            model is evaluated after each epoch; ``run.evaluations`` has the results.
        callbacks: Objects of `flaxnn.training.callbacks`, told of the run while it
            goes on.
        checkpoints: A `Checkpoints`, or a directory for one with its defaults. Where
            it holds checkpoints of this run already, the run goes on behind the
            newest, and the history and the evaluations are the whole run's.
        nonfinite: What a loss that is nan or infinite does: ``"raise"`` ends the run
            before that step's update, ``"continue"`` goes on as PyTorch does. The
            first holds up to two more copies of the state on the device.
        accumulate: Into how many micro-batches each batch is cut; their gradients are
            gathered for one update, which is the whole batch's. The device needs the
            memory of one: see `flaxnn.training.make_train_step`.
        compute_dtype: The dtype of the forward and backward pass, such as
            ``"bfloat16"``; parameters, optimiser and loss stay in float32 (T3).
        remat: Whether the backward pass computes activations again rather than to
            keep them: the same numbers, less memory, more time.
        freeze: Patterns of names of parameters that are not trained, such as
            ``("0.*",)``: see `TrainState.create`.
        mesh: Devices that share each batch: a `jax.sharding.Mesh` with axes of type
            Auto, whose size divides the batch. Parameters lie whole on each of them.
        stream: Whether the data of a loader stay on the host, or on disk, and are read
            by Grain's threads while the device computes; the numbers are the same. None
            does it where they are larger than half of the device's memory, or, not
            being in memory yet, of the host's. Values are then checked as they are
            read: a bad label ends the run where it is met.
        chunk: Largest number of steps between two visits of the host; the numbers
            do not depend on it.
        progress: Whether to show a progress bar; None shows it on a terminal.

    Returns:
        A `Run` with the trained copy, the history and the state.

    Raises:
        TypeError: An argument is of the wrong kind, or both or neither of ``epochs``
            and ``steps`` are given.
        ValueError: Data are empty, of unequal length, nan or infinite, the loss is not
            a scalar, a batch norm meets a last batch of one sample, or the run has
            more steps than the schedule; or `flaxnn.optim.lbfgs` meets a model that
            draws numbers or moves running statistics, or ``accumulate``.
        IndexError: A label is out of range, as PyTorch.
        RuntimeError: Shapes or dtypes do not fit the model, as PyTorch.
        NonFiniteLossError: A loss is nan or infinite; it has the state before.
        CheckpointError: The directory cannot be written, has checkpoints of another
            run, or the last one could not be written; then it has the run.
        ProcessLostError: Another process of the run is gone; it says which.
        OutOfMemoryError: The device has too little memory; it says what to try.

    Torch:
        The loop ``for x, y in loader: optimizer.zero_grad(); loss(model(x),
        y).backward(); optimizer.step()``, 2.13.0, or with `flaxnn.optim.lbfgs`
        ``optimizer.step(closure)`` for each batch: order of batches and state of the
        Generator T0; losses and parameters T1 in float64, T2 in float32. With a
        schedule, ``scheduler.step()`` is the last line inside that loop or behind it.

    Example:
        >>> import numpy as np
        >>> from flaxnn import models, nn, optim
        >>> from flaxnn.random import Generator
        >>> x = np.array([[0], [1], [3], [5], [8], [11], [15], [20]], np.float32)
        >>> y = (x > 6).astype(np.float32)
        >>> model = models.LogisticRegression(rngs=Generator(2025))
        >>> optimizer = optim.sgd(lr=0.01)
        >>> run = fit(model, (x, y), loss=nn.BCELoss(), optimizer=optimizer, steps=101)
        >>> print(f"{run.history['loss'][0]:.6f} {run.history['loss'][100]:.6f}")
        0.955088 0.656269
    """
    check_arguments(optimizer, epochs, steps, chunk, rngs, state, callbacks, nonfinite)
    check_schedule_arguments(schedule, schedule_every)
    follow_environment()
    loader = data if isinstance(data, DataLoader) else None
    every = updates_between(schedule_every, loader)
    if schedule is not None:
        optimizer = scheduled(optimizer, schedule, every)
    validation = None if validation is None else Validation.of(validation)
    with ExitStack() as stack:
        stack.enter_context(enough_precision(model_dtype(split(model)[1])))
        # Without a loader a batch is all rows, and has to be on the device.
        streamed = bool(stream) if loader is None else wants_stream(data, stream, mesh)
        problem = Problem.of(
            model,
            data,
            loss,
            optimizer,
            metrics,
            rngs,
            steps,
            None if validation is None else validation.data,
            freeze,
            streamed,
            accumulate=accumulate,
            compute_dtype=compute_dtype,
            remat=remat,
        )
        train = problem.start()
        if state is not None:
            check_state(state.train, train)
        problem.check()
        placement = checked_placement(mesh, problem.batch_sizes[0])
        evaluator = None
        if validation is not None:
            evaluator = validation.evaluator(problem, loss, placement)
        past, store = Past(state), None
        if checkpoints is not None:
            manifest = run_manifest(
                fingerprint(problem.samples.arrays if loader is None else loader),
                train,
                {
                    "schedule_every": every if schedule is not None else None,
                    "validate_every": validation.every if validation else None,
                },
            )
            settings = Checkpoints.of(checkpoints)
            settings.check_best(() if evaluator is None else evaluator.names)
            store = stack.enter_context(Store(settings, manifest))
            past = store.restore(train) or past
        if past.state is not None:
            train = past.state.train
        feed = problem.feed(placement)
        stack.callback(feed.close)
        plan = problem.plan(
            past.state,
            min(int(chunk), feed.most, problem.most_steps),
            epochs=epochs,
            steps=steps,
            stop_every=0 if store is None else store.settings.stop_every,
            epoch_steps=0 if validation is None else validation.every,
        )
        names = ["loss", *problem.step.metrics]
        if schedule is not None:
            check_schedule_state(schedule, train.opt_state, every, plan.remaining)
            names.append("lr")
        bar = None
        if ProgressBar.wanted(progress) and jax.process_index() == 0:
            bar = stack.enter_context(ProgressBar(plan.total, plan.done))
        engine = Engine(
            problem=problem,
            plan=plan,
            feed=feed,
            placement=placement,
            guard=nonfinite == "raise",
            history=Series(past.history, names),
            evaluations=Series(past.evaluations),
            reporter=Reporter(callbacks, bar),
            evaluator=evaluator,
            validate_every=validation.every if validation else 1,
            store=store,
        )
        with explaining_memory(problem), explaining_processes():
            final = engine.run(placement.everywhere(train.copy()))
        parts = final.train.params, final.train.buffers
        own = copied(jax.tree.map(on_one_device, parts))
        run = Run(
            nnx.merge(problem.graphdef, *own),
            engine.history.arrays(),
            final,
            engine.evaluations.arrays(),
        )
        if store is not None and not store.has(plan.done):
            raise CheckpointError(
                f"the run is done, but its end could not be written to "
                f"{store.settings.path}: this error has it as .run",
                run,
            )
        return run
