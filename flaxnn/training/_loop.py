# SPDX-License-Identifier: Apache-2.0
"""The compiled part of a run: many steps in one program."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from flaxnn._counted import whole_labels
from flaxnn.training._placement import Placement
from flaxnn.training._pure import model_dtype
from flaxnn.training._state import TrainState
from flaxnn.training._step import Batch, Metrics, TrainStep

# A transformation of functions, such as `jax.vmap`.
Over = Callable[[Callable[..., Any]], Callable[..., Any]]


@partial(
    jax.jit,
    static_argnames=("capacity", "transform", "placement", "over"),
    donate_argnames="state",
)
def run_chunk(
    step: TrainStep,
    state: TrainState,
    arrays: Batch,
    pixels: jax.Array,
    rows: jax.Array | None,
    draws: tuple[Batch, Batch],
    length: jax.Array | int,
    *,
    capacity: int,
    transform: Callable[..., jax.Array] | None = None,
    placement: Placement,
    over: Over | None = None,
) -> tuple[TrainState, Metrics]:
    """Runs ``length`` steps, at most ``capacity``.

    The number of steps is traced, so every chunk of a run, also a last one that is
    not full and one resumed in its middle, is the same program.

    Args:
        step: The step.
        state: The state before; donated.
        arrays: The data set on the device, inputs and target; or the chunk's own
            batches, ``(capacity, B, …)``.
        pixels: ``(256,)`` float values of the uint8 inputs.
        rows: ``(capacity, B)`` int32 rows of each batch; ``(capacity,)`` where arrays
            are batches; None for the whole set at each step.
        draws: Host draws of each step, each ``(capacity, …)``: the transform's, then
            the model's.
        length: How many steps to run.
        capacity: Length of the history.
        transform: What to do with the first input of a batch, such as flips.
        placement: The devices that share a batch.
        over: What makes of one step those of many lanes, which are then the last axis
            of the arrays of state, rows and draws, and of the result.

    Returns:
        The state after, and ``(capacity, …)`` metrics of which the first ``length``
        are set.
    """
    table = pixels.astype(model_dtype(state.params))
    whole = to_floats(arrays, table) if rows is None else arrays

    def update(
        state: TrainState, rows: jax.Array | None, draws: tuple[Batch, Batch]
    ) -> tuple[TrainState, Metrics]:
        if rows is None:
            batch = placement.batch(whole, None)
        else:
            batch = to_floats(placement.batch(arrays, rows), table)
        augment, draw = draws
        if transform is not None:
            first, *others = batch
            batch = (transform(first, *augment), *others)
        with whole_labels(placement.mesh is not None):
            return step(state, batch, draw)

    updates = update if over is None else over(update)

    def at(state: TrainState, k: jax.Array | int) -> tuple[TrainState, Metrics]:
        return updates(state, *jax.tree.map(lambda array: array[k], (rows, draws)))

    def body(
        k: jax.Array, carry: tuple[TrainState, Metrics]
    ) -> tuple[TrainState, Metrics]:
        state, history = carry
        state, metrics = at(state, k)
        return state, {name: history[name].at[k].set(metrics[name]) for name in history}

    _, shapes = jax.eval_shape(lambda: at(state, 0))
    empty = {
        name: jnp.zeros((capacity, *metric.shape), metric.dtype)
        for name, metric in shapes.items()
    }
    return jax.lax.fori_loop(0, length, body, (state, empty))


def take(arrays: Batch, rows: jax.Array, table: jax.Array) -> Batch:
    """The rows of a batch, pixels converted after the gather."""
    return to_floats(tuple(array[rows] for array in arrays), table)


def to_floats(batch: Batch, table: jax.Array) -> Batch:
    """The batch with uint8 inputs looked up; the target is left as it is.

    A division by 255 would be an ulp off PyTorch's for half of the values, because
    XLA multiplies by the reciprocal.
    """
    *inputs, target = batch
    return (*(table[x] if x.dtype == jnp.uint8 else x for x in inputs), target)
