# SPDX-License-Identifier: Apache-2.0
"""A validation of all lanes in one program."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np
from flax import nnx

from flaxnn.data import DataLoader, pixel_table
from flaxnn.training import EvalStep, ModelState, TrainState, Validation
from flaxnn.training._evaluate import Evaluator
from flaxnn.training._loop import take, to_floats
from flaxnn.training._pure import enough_precision, model_dtype, named_metrics, split
from flaxnn.training._stacking import stacked

# Numbers of a batch, its widest layer's inputs or outputs, that lanes may have at once.
_AT_ONCE = 1 << 23


class LaneEvaluator(Evaluator):
    """`flaxnn.evaluate` of many states of one architecture at once.

    A lane whose outputs are not finite has metrics of nan and leaves the others alone.

    Args:
        model: A model of the architecture.
        validation: The data and the metrics.
        loss: The loss, which is always among the metrics.

    Raises:
        TypeError: The data are a loader that draws from a Generator.
    """

    def __init__(
        self, model: nnx.Module, validation: Validation, loss: Callable[..., Any]
    ):
        data = validation.data
        if isinstance(data, DataLoader) and data.generators:
            raise TypeError(
                "the validation of a sweep is one data set for all runs: pass arrays, "
                "a data set or a DataLoader without a Generator"
            )
        graphdef, params, buffers = split(model)
        metrics = {"loss": loss, **named_metrics(validation.metrics)}
        super().__init__(
            graphdef,
            model_dtype(params),
            data,
            metrics,
            validation.batch_size,
            stream=False,
        )
        self._dtype = model_dtype(params)
        with enough_precision(self._dtype):
            self.check(params, buffers)
        self._rows = self._batches_of_rows()

    def _batches_of_rows(self) -> tuple[np.ndarray, ...]:
        """``(B, rows)`` for the full batches, and ``(1, rows)`` for a short last one.

        Empty where all rows are one batch.
        """
        count, size = self._samples.count, self._batch_size
        if isinstance(self._data, DataLoader):
            rows = list(self._data.epoch())
        elif size is None or size >= count:
            return ()
        else:
            rows = [np.arange(k, min(k + size, count)) for k in range(0, count, size)]
        full = [each for each in rows if len(each) == len(rows[0])]
        short = rows[len(full) :]
        return tuple(np.stack(part).astype(np.int32) for part in (full, short) if part)

    def of_lanes(self, states: Sequence[TrainState]) -> dict[str, np.ndarray]:
        """Returns ``(lanes, …)`` values of each metric.

        Args:
            states: The states of the lanes.
        """
        with enough_precision(self._dtype):
            if not self._on_device:
                arrays = self._samples.arrays
                self._on_device = self._placement.everywhere(arrays)
            models = stacked([ModelState(s.params, s.buffers) for s in states])
            counts = _measured(
                self._step,
                models,
                self._on_device,
                jax.device_put(pixel_table().astype(self._dtype)),
                tuple(map(jax.device_put, self._rows)),
                transform=self._transform,
                at_once=self._lanes_at_once(models, len(states)),
            )
            with jax.enable_x64(True):
                values = jax.device_get(_computed(self._step, counts))
            return {name: values[name] for name in self.names}

    def _lanes_at_once(self, models: ModelState, lanes: int) -> int:
        rows = self._rows[0].shape[1] if self._rows else self._samples.count
        widest = max(
            [max(leaf.shape[1:], default=1) for leaf in jax.tree.leaves(models.params)]
            + [int(np.prod(x.shape[1:])) for x in self._samples.arrays]
        )
        return int(np.clip(_AT_ONCE // (rows * widest), 1, lanes))


@partial(jax.jit, static_argnames=("transform", "at_once"))
def _measured(
    step: EvalStep,
    models: ModelState,
    arrays: tuple[jax.Array, ...],
    table: jax.Array,
    rows: tuple[jax.Array, ...],
    *,
    transform: Callable[..., jax.Array] | None,
    at_once: int,
) -> Any:
    """The states of the metrics of every lane."""

    def seen(states: Any, model: ModelState, batch: tuple[jax.Array, ...]) -> Any:
        first, *others = batch
        if transform is not None:
            first = transform(first)
        return step(states, model, (first, *others))

    def lane(model: ModelState) -> Any:
        if not rows:
            return seen(step.init(), model, to_floats(arrays, table))
        states = step.init()
        for part in rows:
            states, _ = jax.lax.scan(
                lambda s, at: (seen(s, model, take(arrays, at, table)), None),
                states,
                part,
            )
        return states

    return jax.lax.map(lane, models, batch_size=at_once)


@jax.jit
def _computed(step: EvalStep, states: Any) -> dict[str, jax.Array]:
    return jax.vmap(step.compute)(states)
