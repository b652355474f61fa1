# SPDX-License-Identifier: Apache-2.0
"""Metrics and outputs of a model in evaluation mode, every sample once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn._compilation_cache import follow_environment
from flaxnn.data import DataLoader, Dataset, LazyDataset, pixel_table
from flaxnn.metrics import Metric, State
from flaxnn.training._checks import input_dtype
from flaxnn.training._eval_step import AnyMetric, EvalStep, ModelState, each_metric
from flaxnn.training._loop import take, to_floats
from flaxnn.training._placement import Placement
from flaxnn.training._pure import (
    Tree,
    enough_precision,
    forward,
    model_dtype,
    split,
)
from flaxnn.training._samples import Samples, wants_stream
from flaxnn.training._streamed import Part, rows_that_fit, streamed_parts


def evaluate(
    model: nnx.Module,
    data: tuple[Any, ...] | Dataset | LazyDataset | DataLoader,
    *,
    metrics: Mapping[str, AnyMetric] | Sequence[AnyMetric],
    batch_size: int | None = None,
    stream: bool | None = None,
) -> dict[str, Any]:
    """Returns each metric over all samples, in evaluation mode.

    Args:
        model: A `flaxnn.nn.Module` or another Flax NNX module; it is not changed.
        data: Arrays ``(inputs, …, target)``, a data set of `flaxnn.data`, or a
            `DataLoader`, whose Generators advance as by one pass in PyTorch.
        metrics: Streaming metrics such as `flaxnn.metrics.F1`, and functions of
            ``(output, target)``, in a mapping or named after themselves. A function
            gives one value for each sample, such as `flaxnn.metrics.accuracy` or a
            loss with ``reduction="none"``, and its mean is returned; a scalar is taken
            for the batch's mean. `flaxnn.metrics.AUROC` gets its capacity here.
        batch_size: Samples at a time for arrays; all at once when None, or as many as
            are streamed at once.
        stream: Whether the data stay on the host, or on disk, and are read by Grain's
            threads while the device computes; None does it where they do not fit, as
            `flaxnn.fit` does.

    Returns:
        A float for a scalar, else a NumPy array, such as the int64 counts of a
        confusion matrix. Sums lose nothing to rounding, whatever the batches, and the
        last step, from the sums to the metric, is done in float64.

    Raises:
        TypeError: An argument is of the wrong kind.
        IndexError: A label is out of range for a loss or a metric.
        ValueError: Data are empty, of unequal length, nan or infinite, a function
            has neither one value nor one for each sample, or a streaming metric meets
            outputs of nan or that are no probabilities.

    Torch:
        ``model.eval()`` and ``torch.no_grad()`` around a loop over the loader.

    Example:
        >>> import numpy as np
        >>> from flaxnn import metrics, models
        >>> from flaxnn.random import Generator
        >>> model = models.SoftmaxRegression(2, 2, rngs=Generator(0))
        >>> data = np.eye(2, dtype=np.float32), np.array([0, 1])
        >>> matrix = metrics.ConfusionMatrix(num_classes=2)
        >>> evaluate(model, data, metrics=[metrics.accuracy, matrix])
        {'accuracy': 0.5, 'confusion_matrix': array([[1, 0],
               [1, 0]])}
    """
    follow_environment()
    graphdef, params, buffers = split(model)
    dtype = model_dtype(params)
    with enough_precision(dtype):
        evaluator = Evaluator(graphdef, dtype, data, metrics, batch_size, stream)
        return evaluator(params, buffers)


class Evaluator:
    """`evaluate` for many states of a model; the data are put on the device once.

    Args:
        graphdef: The model's structure.
        dtype: The model's, which floating-point data take.
        data: As `evaluate` takes them.
        metrics: As `evaluate` takes them.
        batch_size: As `evaluate` takes it.
        stream: As `evaluate` takes it.
        placement: Where the data are put.
    """

    def __init__(
        self,
        graphdef: nnx.GraphDef[Any],
        dtype: Any,
        data: Any,
        metrics: Mapping[str, AnyMetric] | Sequence[AnyMetric],
        batch_size: int | None = None,
        stream: bool | None = None,
        placement: Placement | None = None,
    ):
        self._placement = placement or Placement()
        self._transform = getattr(data, "transform", None)
        self._data = data
        self._batch_size = batch_size
        stream = wants_stream(data, stream, self._placement.mesh)
        self._samples = Samples.of(data, dtype, stream=stream)
        self._step = EvalStep.of(graphdef, metrics).sized(self._samples.count)
        self._on_device: tuple[Any, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics' names."""
        return tuple(self._step.metrics)

    def check(self, params: Tree, buffers: Tree) -> None:
        """Raises what the model or a metric says of the data, such as a bad label."""
        self._check(params, buffers, self._samples.arrays)

    def _check(
        self, params: Tree, buffers: Tree, arrays: tuple[np.ndarray, ...]
    ) -> None:
        _check_targets(self._step, params, buffers, arrays, self._transform)

    def __call__(self, params: Tree, buffers: Tree) -> dict[str, Any]:
        """Returns each metric over all samples."""
        state, table = ModelState(params, buffers), _pixels(model_dtype(params))
        states = self._step.init()
        # The transform draws for a batch before the sampler draws the next.
        batches = _batches(self._data, self._samples, self._batch_size)
        with ExitStack() as names:
            for generator in getattr(self._data, "generators", ()):
                names.enter_context(generator.consumer("evaluation"))
            drawn = [(rows, self._draws(len(rows))) for rows in batches]
        draws = iter([numbers for _, numbers in drawn])
        for arrays, places in self._parts(params, buffers, [rows for rows, _ in drawn]):
            for rows in places:
                at: Any = np.asarray(rows, np.int32)
                states = _update(
                    self._step,
                    states,
                    state,
                    arrays,
                    table,
                    at,
                    next(draws),
                    transform=self._transform,
                )
        self._step.check(states)
        with jax.enable_x64(True):
            values = _compute(self._step, states)
        return {name: _on_host(values[name]) for name in self._step.metrics}

    def _draws(self, rows: int) -> tuple[np.ndarray, ...]:
        """What the loader's transform draws for a batch."""
        if self._transform is None:
            return ()
        shape = self._samples.arrays[0].shape[1:]
        return self._transform.draw(self._data.rngs, rows, shape)

    def _parts(
        self, params: Tree, buffers: Tree, batches: list[np.ndarray]
    ) -> Iterator[Part]:
        """The data on the device: all of them, kept there, or part by part."""
        if self._samples.read is not None:
            check = partial(self._check, params, buffers)
            return streamed_parts(self._samples, batches, self._placement, check)
        if not self._on_device:
            self.check(params, buffers)
            self._on_device = self._placement.everywhere(self._samples.arrays)
        return iter([(self._on_device, batches)])


def predict(
    model: nnx.Module,
    x: Any,
    *,
    batch_size: int | None = None,
    stream: bool | None = None,
) -> Any:
    """Returns the model's outputs for all samples, in evaluation mode.

    Args:
        model: A `flaxnn.nn.Module` or another Flax NNX module; it is not changed.
        x: Inputs ``(N, …)``, or a tuple of the model's inputs: the first axis counts
            samples, so a single sample is ``x[None]``. uint8 is taken for pixels and
            divided by 255. Or a data set of `flaxnn.data` that has inputs only.
        batch_size: Samples at a time; all at once when None, or as many as are streamed
            at once.
        stream: As `evaluate` takes it; the outputs have to fit into memory.

    Returns:
        A NumPy array of ``N`` outputs (or the model's pytree of them).

    Raises:
        ValueError: Inputs are empty, of unequal length, nan or infinite.
        TypeError: Inputs are not numbers.

    Torch:
        ``model.eval()`` and ``torch.no_grad()`` around ``model(x)``.

    Example:
        >>> import numpy as np
        >>> from flaxnn import models
        >>> from flaxnn.random import Generator
        >>> model = models.LogisticRegression(rngs=Generator(2025))
        >>> predict(model, np.array([[0.0]], np.float32)).round(4)
        array([[0.705]], dtype=float32)
    """
    follow_environment()
    if not isinstance(x, tuple | Dataset | LazyDataset):
        x = (x,)
    graphdef, params, buffers = split(model)
    dtype = model_dtype(params)
    with enough_precision(dtype):
        samples = Samples.of(x, dtype, stream=wants_stream(x, stream), fields=1)
        state, table = ModelState(params, buffers), _pixels(dtype)
        batches = list(_batches(None, samples, batch_size))
        if samples.read is None:
            on_device = tuple(jax.device_put(array) for array in samples.arrays)
            parts: Iterator[Part] = iter([(on_device, batches)])
        else:
            parts = streamed_parts(samples, batches, Placement())
        outputs = [
            _outputs(graphdef, state, arrays, table, jnp.asarray(rows, jnp.int32))
            for arrays, places in parts
            for rows in places
        ]
    outputs = [jax.tree.map(np.asarray, part) for part in outputs]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *outputs)


def _batches(
    data: Any, samples: Samples, batch_size: int | None
) -> Iterator[np.ndarray]:
    """The rows of each batch, drawn from the loader's Generators where it has some."""
    if isinstance(data, DataLoader):
        if batch_size is not None:
            raise TypeError("batch_size is the DataLoader's; pass it to arrays only")
        yield from data.epoch()
        return
    if batch_size is None:
        batch_size = samples.count
        if samples.read is not None:
            batch_size = min(batch_size, rows_that_fit(samples))
    yield from DataLoader(np.arange(samples.count), batch_size).epoch()


def _check_targets(
    step: EvalStep,
    params: Tree,
    buffers: Tree,
    arrays: tuple[np.ndarray, ...],
    transform: Any,
) -> None:
    """Raises what a metric says of the targets, such as a label out of range."""
    *inputs, target = arrays
    shapes = [x.shape for x in inputs]
    if transform is not None:
        rows, *shape = shapes[0]
        shapes[0] = (rows, *transform.output_shape(tuple(shape)))
    shapes = [
        jax.ShapeDtypeStruct(shape, input_dtype(x, params))
        for shape, x in zip(shapes, inputs, strict=True)
    ]
    output, _ = jax.eval_shape(
        partial(forward, step.graphdef, training=False), params, buffers, shapes
    )

    def check(name: str, metric: Metric) -> None:
        # A function may fit batches only; what it says of them comes later.
        later = (RuntimeError, TypeError, ValueError) if name in step.functions else ()
        with suppress(*later):
            jax.eval_shape(lambda o: metric.update(metric.init(), o, target), output)

    each_metric(step, check)


def _pixels(dtype: Any) -> jax.Array:
    return jnp.asarray(pixel_table()).astype(dtype)


def _on_host(value: jax.Array) -> Any:
    return float(value) if value.shape == () else np.asarray(value)


@partial(jax.jit, static_argnames="transform")
def _update(
    step: EvalStep,
    states: dict[str, State],
    model: ModelState,
    arrays: tuple[jax.Array, ...],
    table: jax.Array,
    rows: jax.Array,
    draws: tuple[np.ndarray, ...],
    *,
    transform: Callable[..., jax.Array] | None,
) -> dict[str, State]:
    first, *others = take(arrays, rows, table)
    if transform is not None:
        first = transform(first, *draws)
    return step(states, model, (first, *others))


@jax.jit
def _compute(step: EvalStep, states: dict[str, State]) -> dict[str, jax.Array]:
    return step.compute(states)


@jax.jit(static_argnums=0)
def _outputs(
    graphdef: nnx.GraphDef[Any],
    model: ModelState,
    arrays: tuple[jax.Array, ...],
    table: jax.Array,
    rows: jax.Array,
) -> Any:
    # The last array of a batch, the target elsewhere, is left as it is.
    *inputs, _ = to_floats((*(array[rows] for array in arrays), rows), table)
    return forward(graphdef, model.params, model.buffers, inputs, training=False)[0]
