# SPDX-License-Identifier: Apache-2.0
"""How many lanes of `fit_many` a device has room for at once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax.extend.core import ClosedJaxpr, Jaxpr

from flaxnn.data import pixel_table
from flaxnn.training._draws import MOST_BYTES
from flaxnn.training._lane_loop import BLOCK, Layout, layout_for, run_lanes
from flaxnn.training._loop import run_chunk
from flaxnn.training._memory import bytes_of
from flaxnn.training._placement import Placement
from flaxnn.training._plan import LEAST_CAPACITY
from flaxnn.training._problem import Problem
from flaxnn.training._pure import enough_precision, model_dtype, split

# What the lanes may fill of the memory that is free: an allocator needs some itself.
_SHARE = 0.8
# Chunks whose rows, draws and metrics lie on the device: one that runs, one that waits
# and one that is fetched.
_CHUNKS = 3
# Lanes that the program is compiled for, and as many again: a block on the last axis.
_COUNT = BLOCK


@dataclass(frozen=True)
class LaneMemory:
    """The bytes that many runs take on a device.

    Attributes:
        shared: Taken once, by the data set and by what does not grow with the lanes.
        lane: Taken by each lane that runs at once.
    """

    shared: float
    lane: float

    def lanes(self, available: float) -> int:
        """How many lanes fit in so many bytes; at least 1."""
        if math.isinf(available):
            return 1 << 30
        return max(1, int((_SHARE * available - self.shared) // max(1.0, self.lane)))


def lanes_at_once(
    count: int, available: float, model: nnx.Module, data: Any, **options: Any
) -> tuple[int, LaneMemory]:
    """How many of ``count`` lanes fit on a device at once, and what was reckoned with.

    A bound is enough for lanes that fit by it, and costs milliseconds. Otherwise the
    program is compiled for two numbers of lanes, and XLA says what they take.

    Args:
        count: How many lanes the device is to run.
        available: The device's free bytes: `flaxnn.training._memory.available_bytes`.
        model: One of the models.
        data: The arrays, or one of the loaders.
        options: As for `lane_memory`.
    """
    bound = lane_memory(model, data, compiled=False, **options)
    if bound.lanes(available) >= count:
        return count, bound
    exact = lane_memory(model, data, compiled=True, **options)
    return min(count, exact.lanes(available)), exact


def lane_memory(
    model: nnx.Module,
    data: Any,
    *,
    loss: Any,
    optimizer: optax.GradientTransformation,
    metrics: Any = (),
    rngs: Any = None,
    steps: int | None = None,
    chunk: int = 4096,
    layout: Layout = "auto",
    freeze: Sequence[str] = (),
    compiled: bool = True,
    **options: Any,
) -> LaneMemory:
    """What the lanes of a `fit_many` take. No Generator moves on.

    Args:
        model: One of the models.
        data: The arrays, or one of the loaders.
        loss: As in `fit_many`.
        optimizer: One of the optimisers.
        metrics: As in `fit_many`.
        rngs: One of the Generators.
        steps: As in `fit_many`.
        chunk: As there.
        layout: As there; "auto" stands for that of many lanes.
        freeze: As there.
        compiled: Whether XLA is asked, which has to compile the program for it. Else
            every array that a step makes is taken to be there until its end.
        options: ``accumulate``, ``compute_dtype`` and ``remat``, as there.
    """
    with enough_precision(model_dtype(split(model)[1])):
        problem = Problem.of(
            model, data, loss, optimizer, metrics, rngs, steps, freeze=freeze, **options
        )
        layout = layout_for(layout, problem.params, _COUNT)
        program = _Program.of(problem)
        shared, lane = program.taken(layout) if compiled else program.bound(layout)
        beside, each = _beside(problem, chunk)
        return LaneMemory(shared + beside, lane + each)


@dataclass(frozen=True)
class _Program:
    """What `run_lanes` is compiled with for two steps, as shapes and dtypes.

    Attributes:
        problem: What is trained on what.
        state: The state of one lane.
        arrays: The data set.
        rows: A lane's rows; None for full batches.
        draws: A lane's draws.
    """

    problem: Problem
    state: Any
    arrays: Any
    rows: Any
    draws: Any

    @classmethod
    def of(cls, problem: Problem) -> _Program:
        size = problem.batch_sizes[0]
        rows = None
        if problem.loader is not None:
            rows = jax.ShapeDtypeStruct((LEAST_CAPACITY, size), jnp.int32)
        return cls(
            problem,
            jax.eval_shape(problem.start),
            jax.eval_shape(lambda: jax.tree.map(jnp.asarray, problem.samples.arrays)),
            rows,
            _with_axis(problem.draws.shapes(size), LEAST_CAPACITY),
        )

    def taken(self, layout: Layout) -> tuple[float, float]:
        """Bytes of all lanes and of each, says XLA; the bound where it does not say."""
        few = _COUNT if layout == "last" else 2
        sizes = [self._peak(lanes, layout) for lanes in (few, 2 * few)]
        if None in sizes:
            return self.bound(layout)
        lane = (sizes[1] - sizes[0]) / few
        return sizes[0] - few * lane, lane

    def _peak(self, lanes: int, layout: Layout) -> Any:
        """The most bytes that the program has at any time; None where nobody says."""
        states, rows, draws = _with_axis((self.state, self.rows, self.draws), lanes)
        compiled = run_lanes.lower(
            self.problem.step,
            states,
            self.arrays,
            pixel_table(),
            rows,
            draws,
            1,
            capacity=LEAST_CAPACITY,
            transform=self.problem.draws.transform,
            layout=layout,
            block=_COUNT,
        ).compile()
        sizes = compiled.memory_analysis()
        if sizes is None:
            return None
        return (
            sizes.argument_size_in_bytes
            + sizes.output_size_in_bytes
            - sizes.alias_size_in_bytes
            + sizes.temp_size_in_bytes
        )

    def bound(self, layout: Layout) -> tuple[int, int]:
        """Bytes of all lanes and of each that the program does not exceed."""
        traced = jax.make_jaxpr(
            lambda *args: run_chunk(
                self.problem.step,
                *args,
                capacity=LEAST_CAPACITY,
                transform=self.problem.draws.transform,
                placement=Placement(),
            )
        )(self.state, self.arrays, pixel_table(), self.rows, self.draws, 1)
        made, held = _made(traced.jaxpr), 2 * bytes_of(self.state)
        shared = bytes_of(self.arrays)
        at_once = {"map": 1, "last": BLOCK}.get(layout, 0)
        return shared + at_once * made, held + (0 if at_once else made)


def _beside(problem: Problem, chunk: int) -> tuple[int, int]:
    """Bytes of all lanes and of each for rows, draws and metrics of chunks."""
    size = problem.batch_sizes[0]
    steps = max(int(chunk), LEAST_CAPACITY)
    rows = 0
    if problem.loader is not None:
        steps = min(steps, max(LEAST_CAPACITY, len(problem.loader)))
        rows = 4 * size
    # One more, since the rows may be put into another order for the program.
    numbers = (_CHUNKS + 1) * steps * (rows + 8 * (2 + len(problem.step.metrics)))
    draws = bytes_of(problem.draws.shapes(size))
    # `fit_many` shortens its chunks to keep the draws of all lanes within a bound.
    return (_CHUNKS * MOST_BYTES if draws else 0), numbers + (_CHUNKS + 1) * draws


def _with_axis(tree: Any, size: int) -> Any:
    """The shapes with another axis in front."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((size, *leaf.shape), leaf.dtype), tree
    )


def _made(jaxpr: Jaxpr) -> int:
    """The bytes of everything that a traced function makes, inner ones' included."""
    total = 0
    for eqn in jaxpr.eqns:
        total += bytes_of([var.aval for var in eqn.outvars])
        total += sum(map(_made, _bodies(eqn.params.values())))
    return total


def _bodies(params: Iterable[Any]) -> Iterable[Jaxpr]:
    for param in params:
        if isinstance(param, Jaxpr):
            yield param
        elif isinstance(param, ClosedJaxpr):
            yield param.jaxpr
        elif isinstance(param, tuple | list):
            yield from _bodies(param)
