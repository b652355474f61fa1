"""The shell of a training run: data in, chunks run, history out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from flaxnn.data import DataLoader, pixel_table
from flaxnn.nn import HostDraw
from flaxnn.optim import scheduled
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.random import Generator
from flaxnn.training._checks import (
    check_run,
    check_state,
    host_arrays,
    host_draws,
    to_dtype,
)
from flaxnn.training._loop import run_chunk
from flaxnn.training._plan import Chunk, Plan, Position
from flaxnn.training._progress import ProgressBar
from flaxnn.training._pure import compute_dtype, enough_precision, split
from flaxnn.training._schedule import (
    ScheduleEvery,
    check_schedule_arguments,
    check_schedule_state,
    updates_between,
)
from flaxnn.training._state import (
    RunState,
    TrainState,
    generator_states,
    restore_generators,
)
from flaxnn.training._step import Metrics, TrainStep

M = TypeVar("M", bound=nnx.Module)

# Chunks that may be under way while the host prepares the next ones.
_IN_FLIGHT = 2
# Memory for the host draws of one chunk.
_DRAWN_BYTES = 64 << 20


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
    """

    model: M
    history: dict[str, np.ndarray]
    state: RunState


def fit(
    model: M,
    data: tuple[Any, ...] | DataLoader,
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
    chunk: int = 4096,
    progress: bool | None = None,
) -> Run[M]:
    """Trains a copy of a model, the whole run as one compiled program.

    The model trains in training mode, whatever mode it is in: running statistics move
    and dropout draws. Data are put on the device once; uint8 inputs are taken for
    pixels and divided by 255, exactly as torchvision's ToTensor does; floating-point
    arrays take the model's dtype. Neither the model nor the arrays nor the optimiser
    are changed; Generators advance as PyTorch's do, at each step by the masks of its
    forward pass.

    Args:
        model: A `flaxnn.nn.Module` or another Flax NNX module.
        data: Arrays ``(inputs, …, target)`` or a `flaxnn.data.Dataset` for one full
            batch at each step, or a `flaxnn.data.DataLoader` for mini-batches in
            PyTorch's order, the short last batch included unless ``drop_last``. Rows
            of a data set without arrays are gathered once, before the run.
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
            more steps than the schedule.
        IndexError: A label is out of range, as PyTorch.
        RuntimeError: Shapes or dtypes do not fit the model, as PyTorch.

    Torch:
        The loop ``for x, y in loader: optimizer.zero_grad(); loss(model(x),
        y).backward(); optimizer.step()``, 2.13.0: order of batches and state of the
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
    _check_arguments(optimizer, epochs, steps, chunk, rngs, state)
    check_schedule_arguments(schedule, schedule_every)
    arrays = host_arrays(data)
    loader = data if isinstance(data, DataLoader) else None
    every = updates_between(schedule_every, loader)
    if schedule is not None:
        optimizer = scheduled(optimizer, schedule, every)
    run_stream = loader.rngs if rngs is None and loader is not None else rngs
    generators = _generators(loader, run_stream)
    graphdef, params, buffers = split(model)
    dtype = compute_dtype(params)
    with enough_precision(dtype):
        arrays = to_dtype(arrays, dtype)
        rows = len(arrays[0])
        step = TrainStep.of(graphdef, loss, optimizer, metrics)
        if state is None:
            train = TrainState.start(params, buffers, optimizer)
        else:
            check_state(state.train, params, buffers, optimizer)
            train = state.train.copy()
        sizes = _batch_sizes(loader, rows, steps)
        for size in sizes:
            check_run(step, params, buffers, arrays, size)
        requests = host_draws(step, params, buffers, arrays, sizes[0])
        source = _source(requests, run_stream)
        chunk = min(chunk, _steps_that_fit(requests))
        plan = _plan(loader, generators, epochs, steps, chunk, state)
        names = ["loss", *step.metrics]
        if schedule is not None:
            check_schedule_state(schedule, train.opt_state, every, plan.remaining)
            names.append("lr")
        # Unlike jnp.asarray, this takes aligned arrays on a CPU as they are.
        on_device = tuple(jax.device_put(array) for array in arrays)
        pixels = jnp.asarray(pixel_table())
        history = _History(names)
        done = plan.total - plan.remaining
        with ProgressBar(plan.total, done, show=progress) as bar:
            for part in plan:
                size = rows if part.rows is None else part.rows.shape[1]
                requests = host_draws(step, params, buffers, arrays, size)
                train, values = run_chunk(
                    step,
                    train,
                    on_device,
                    pixels,
                    _padded(part),
                    _drawn(requests, source, part),
                    part.length,
                    capacity=part.capacity,
                )
                history.add(values, part.length, bar)
            series = history.finish(bar)
        own = jax.tree.map(jnp.copy, (train.params, train.buffers))
        trained = nnx.merge(graphdef, *own)
        return Run(trained, series, plan.state(train))


def _check_arguments(
    optimizer: Any,
    epochs: int | None,
    steps: int | None,
    chunk: int,
    rngs: Any,
    state: Any,
) -> None:
    if (epochs is None) == (steps is None):
        raise TypeError(
            "fit needs either epochs (passes over the data) or steps (updates), "
            f"got epochs={epochs}, steps={steps}"
        )
    for name, value, least in (
        ("epochs", epochs, 0),
        ("steps", steps, 0),
        ("chunk", chunk, 1),
    ):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{name} must be an integer, got {value!r}")
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        raise TypeError(
            "optimizer must be an optax transformation such as "
            f"flaxnn.optim.sgd(lr=0.01), got {type(optimizer).__name__}"
        )
    if rngs is not None and not isinstance(rngs, Generator):
        raise TypeError(
            "rngs must be a flaxnn.random.Generator, got " + type(rngs).__name__
        )
    if state is not None and not isinstance(state, RunState):
        raise TypeError(
            "state must be the .state of an earlier fit, got " + type(state).__name__
        )


def _batch_sizes(
    loader: DataLoader | None, rows: int, steps: int | None
) -> tuple[int, ...]:
    """The sizes of the batches that the run meets: a whole one, then a short one."""
    if loader is None or loader.batch_size >= rows:
        return (rows,)
    whole, short = loader.batch_size, rows % loader.batch_size
    reached = steps is None or steps >= len(loader)
    return (whole, short) if short and reached and not loader.drop_last else (whole,)


def _generators(
    loader: DataLoader | None, rngs: Generator | None
) -> tuple[Generator, ...]:
    """The run's distinct Generators, the one for host draws first."""
    found = [] if rngs is None else [rngs]
    for generator in () if loader is None else loader.generators:
        if all(generator is not other for other in found):
            found.append(generator)
    return tuple(found)


def _plan(
    loader: DataLoader | None,
    generators: tuple[Generator, ...],
    epochs: int | None,
    steps: int | None,
    chunk: int,
    state: RunState | None,
) -> Plan:
    """The run's plan; the Generators are put where the state left them."""
    if loader is not None and len(loader) == 0:
        raise ValueError(
            f"{loader!r} has no batch: drop_last leaves out the only, short one"
        )
    if state is None:
        start = Position(0, 0, generator_states(generators))
        drawn = ()
    else:
        start = Position(state.epoch, state.batch, state.generators_at_epoch)
        drawn = state.generators
        restore_generators(
            generators, start.generators_at_epoch if start.batch else drawn
        )
    return Plan(
        loader,
        generators,
        epochs=epochs,
        steps=steps,
        chunk=int(chunk),
        start=start,
        drawn=drawn,
    )


def _steps_that_fit(requests: tuple[HostDraw, ...]) -> int:
    """How many steps of host draws may lie on the device at once."""
    per_step = sum(
        math.prod(request.shape) * np.dtype(request.dtype).itemsize
        for request in requests
    )
    return max(1, _DRAWN_BYTES // max(1, per_step))


def _source(draws: tuple[HostDraw, ...], rngs: Generator | None) -> Generator | None:
    """The Generator of host draws; raises where some are asked for and none is."""
    if draws and rngs is None:
        raise TypeError(
            f"the model draws numbers in its forward pass ({draws[0].method}): pass "
            "the run's Generator as rngs= (a loader's own generator draws its order "
            "only), or build the model with rngs=nnx.Rngs(seed) for JAX's numbers"
        )
    return rngs


def _padded(part: Chunk) -> jax.Array | None:
    """The rows of a chunk, filled up to the shape all chunks share."""
    if part.rows is None:
        return None
    missing = part.capacity - part.length
    return jnp.asarray(np.pad(part.rows, ((0, missing), (0, 0))))


def _drawn(
    requests: tuple[HostDraw, ...], source: Generator | None, part: Chunk
) -> tuple[jax.Array, ...]:
    """The host draws of a chunk, made step by step as PyTorch makes them."""
    if source is None or not requests:
        return ()
    arrays = [np.zeros((part.capacity, *r.shape), r.dtype) for r in requests]
    for k in range(part.length):
        for array, request in zip(arrays, requests, strict=True):
            array[k] = request.draw(source)
    return tuple(jnp.asarray(array) for array in arrays)


class _History:
    """Metrics of chunks, fetched from the device a little behind the run."""

    def __init__(self, names: list[str]):
        self._series: dict[str, list[np.ndarray]] = {name: [] for name in names}
        self._pending: deque[tuple[Metrics, int]] = deque()

    def add(self, values: Metrics, length: int, bar: ProgressBar) -> None:
        """Takes a chunk's metrics; waits when too many chunks are under way."""
        self._pending.append((values, length))
        if len(self._pending) > _IN_FLIGHT:
            self._fetch(bar)

    def finish(self, bar: ProgressBar) -> dict[str, np.ndarray]:
        """Waits for all chunks and returns one array for each metric."""
        while self._pending:
            self._fetch(bar)
        return {
            name: np.concatenate(parts) if parts else np.zeros(0, np.float32)
            for name, parts in self._series.items()
        }

    def _fetch(self, bar: ProgressBar) -> None:
        values, length = self._pending.popleft()
        for name, parts in self._series.items():
            parts.append(np.asarray(values[name])[:length])
        bar.advance(length, float(self._series["loss"][-1][-1]))
