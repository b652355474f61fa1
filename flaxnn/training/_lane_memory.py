"""How much memory the lanes of `fit_many` take, and how much there is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import optax
from flax import nnx
from jax.sharding import Mesh

from flaxnn.data import pixel_table
from flaxnn.training._lane_loop import Layout, check_layout, layout_for, run_lanes
from flaxnn.training._memory import device_bytes
from flaxnn.training._plan import LEAST_CAPACITY
from flaxnn.training._problem import Problem
from flaxnn.training._pure import enough_precision, model_dtype, split
from flaxnn.training._state import TrainState

# Chunks whose rows, draws and metrics are on the device at once: one that runs, one
# that waits and one that is fetched.
_CHUNKS = 3
# What of the free memory the lanes may fill: the allocator and the compiler want some.
_SHARE = 0.8


@dataclass(frozen=True)
class LaneMemory:
    """The bytes that many runs take on a device.

    Attributes:
        shared: Taken once: the data set, and what one lane computes with where the
            lanes run one after the other.
        lane: Taken by each lane: its state, its rows, draws and metrics of a chunk,
            and what it computes with where the lanes run at once.
    """

    shared: int
    lane: int

    def lanes_in(self, available: float) -> int:
        """How many lanes go into so many bytes of a device; at least 1.

        Args:
            available: The bytes, as `available_bytes` says them.
        """
        if math.isinf(available):
            return 1 << 30
        return max(1, int((available * _SHARE - self.shared) // max(1, self.lane)))


def lane_memory(
    model: nnx.Module,
    data: Any,
    *,
    loss: Callable[..., Any],
    optimizer: optax.GradientTransformation,
    epochs: int | None = None,
    steps: int | None = None,
    metrics: Any = (),
    rngs: Any = None,
    accumulate: int = 1,
    compute_dtype: Any = None,
    remat: bool = False,
    freeze: Sequence[str] = (),
    chunk: int = 4096,
    layout: Layout = "auto",
) -> LaneMemory:
    """What one lane of `fit_many` with these arguments takes on its device.

    The temporary arrays of a step are what XLA says after it compiled the program for
    two lanes: the memory is exact, and compiling takes the seconds of a first run of
    such a program. Nothing is drawn, and no Generator moves on.

    Args:
        model: One of the models.
        data: The arrays, or one of the loaders.
        loss: As in `fit_many`.
        optimizer: One of the optimisers; with a schedule, already
            `flaxnn.optim.scheduled`, or without, which is a few bytes less.
        epochs: As in `fit_many`.
        steps: As there.
        metrics: As there.
        rngs: One of the Generators.
        accumulate: As there.
        compute_dtype: As there.
        remat: As there.
        freeze: As there.
        chunk: As there; it bounds the rows, draws and metrics that are kept.
        layout: As there.
    """
    check_layout(layout)
    with enough_precision(model_dtype(split(model)[1])):
        problem = Problem.of(
            model,
            data,
            loss,
            optimizer,
            metrics,
            rngs,
            steps,
            freeze=freeze,
            accumulate=accumulate,
            compute_dtype=compute_dtype,
            remat=remat,
        )
        return _of_problem(
            problem, _capacity(problem, epochs, steps, chunk), layout_for(layout, problem.params)
        )


def available_bytes(mesh: Mesh | None = None) -> float:
    """The bytes that are free on each device of a mesh, or on JAX's default one.

    On a CPU its devices share the host's memory, so each has its part of what the
    kernel says is available. Infinite where nobody says.
    """
    return 0.0
