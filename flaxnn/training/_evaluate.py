"""Metrics and outputs of a model in evaluation mode, every sample once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn._compilation_cache import follow_environment
from flaxnn.data import DataLoader, pixel_table
from flaxnn.metrics import Metric, State
from flaxnn.training._checks import checked, host_arrays, input_dtype, to_dtype
from flaxnn.training._eval_step import AnyMetric, EvalStep, ModelState, each_metric
from flaxnn.training._loop import take
from flaxnn.training._placement import Placement
from flaxnn.training._pure import (
    Tree,
    enough_precision,
    forward,
    model_dtype,
    split,
)


def evaluate(
    model: nnx.Module,
    data: tuple[Any, ...] | DataLoader,
    *,
    metrics: Mapping[str, AnyMetric] | Sequence[AnyMetric],
    batch_size: int | None = None,
) -> dict[str, Any]:
    """Returns each metric over all samples, in evaluation mode.

    Args:
        model: A `flaxnn.nn.Module` or another Flax NNX module; it is not changed.
        data: Arrays ``(inputs, …, target)``, a `flaxnn.data.Dataset`, or a
            `DataLoader`, whose Generators advance as by one pass in PyTorch.
        metrics: Streaming metrics such as `flaxnn.metrics.F1`, and functions of
            ``(output, target)``, in a mapping or named after themselves. A function
            gives one value for each sample, such as `flaxnn.metrics.accuracy` or a
            loss with ``reduction="none"``, and its mean is returned; a scalar is taken
            for the batch's mean. `flaxnn.metrics.AUROC` gets its capacity here.
        batch_size: Samples at a time for arrays; all at once when None.

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
    with enough_precision(model_dtype(params)):
        return Evaluator(graphdef, data, metrics, batch_size)(params, buffers)


class Evaluator:
    """`evaluate` for many states of a model; the data are put on the device once.

    Args:
        graphdef: The model's structure.
        data: As `evaluate` takes them.
        metrics: As `evaluate` takes them.
        batch_size: Samples at a time for arrays; all at once when None.
        placement: Where the data are put.
    """

    def __init__(
        self,
        graphdef: nnx.GraphDef,
        data: Any,
        metrics: Mapping[str, AnyMetric] | Sequence[AnyMetric],
        batch_size: int | None = None,
        placement: Placement | None = None,
    ):
        self._placement = placement or Placement()
        self._transform = getattr(data, "transform", None)
        self._data = data
        self._batch_size = batch_size
        self._arrays = host_arrays(data)
        self._step = EvalStep.of(graphdef, metrics).sized(len(self._arrays[0]))
        self._on_device: tuple[Any, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The metrics' names."""
        return tuple(self._step.metrics)

    def check(self, params: Tree, buffers: Tree) -> None:
        """Raises what the model or a metric says of the data, such as a bad label."""
        self._arrays = to_dtype(self._arrays, model_dtype(params))
        _check_targets(self._step, params, buffers, self._arrays, self._transform)

    def _draws(self, rows: int) -> tuple[np.ndarray, ...]:
        """What the loader's transform draws for a batch."""
        if self._transform is None:
            return ()
        shape = self._arrays[0].shape[1:]
        return self._transform.draw(self._data.rngs, rows, shape)

    def __call__(self, params: Tree, buffers: Tree) -> dict[str, Any]:
        """Returns each metric over all samples."""
        if self._on_device is None:
            self.check(params, buffers)
            self._on_device = self._placement.everywhere(self._arrays)
        state, table = ModelState(params, buffers), _pixels(model_dtype(params))
        states = self._step.init()
        for rows in _batches(self._data, self._arrays, self._batch_size):
            at: Any = np.asarray(rows, np.int32)
            draws = self._draws(len(rows))
            states = _update(
                self._step,
                states,
                state,
                self._on_device,
                table,
                at,
                draws,
                transform=self._transform,
            )
        self._step.check(states)
        with jax.enable_x64(True):
            values = _compute(self._step, states)
        return {name: _on_host(values[name]) for name in self._step.metrics}


def predict(model: nnx.Module, x: Any, *, batch_size: int | None = None) -> Any:
    """Returns the model's outputs for all samples, in evaluation mode.

    Args:
        model: A `flaxnn.nn.Module` or another Flax NNX module; it is not changed.
        x: Inputs ``(N, …)``, or a tuple of the model's inputs: the first axis counts
            samples, so a single sample is ``x[None]``. uint8 is taken for pixels and
            divided by 255.
        batch_size: Samples at a time; all at once when None.

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
    inputs = checked(x if isinstance(x, tuple) else (x,))
    graphdef, params, buffers = split(model)
    dtype = model_dtype(params)
    with enough_precision(dtype):
        # The loop over batches expects a target after the inputs.
        unused = np.zeros(len(inputs[0]), np.int32)
        arrays = to_dtype((*inputs, unused), dtype)
        state, table = ModelState(params, buffers), _pixels(dtype)
        on_device = tuple(jax.device_put(array) for array in arrays)
        parts = [
            _outputs(graphdef, state, on_device, table, jnp.asarray(rows, jnp.int32))
            for rows in _batches(None, arrays, batch_size)
        ]
    parts = [jax.tree.map(np.asarray, part) for part in parts]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _batches(
    data: Any, arrays: tuple[np.ndarray, ...], batch_size: int | None
) -> Iterator[np.ndarray]:
    """The rows of each batch, drawn from the loader's Generators where it has some."""
    if isinstance(data, DataLoader):
        if batch_size is not None:
            raise TypeError("batch_size is the DataLoader's; pass it to arrays only")
        yield from data.epoch()
        return
    rows = len(arrays[0])
    size = rows if batch_size is None else batch_size
    yield from DataLoader(np.arange(rows), size).epoch()


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
    graphdef: nnx.GraphDef,
    model: ModelState,
    arrays: tuple[jax.Array, ...],
    table: jax.Array,
    rows: jax.Array,
) -> Any:
    *inputs, _ = take(arrays, rows, table)
    return forward(graphdef, model.params, model.buffers, inputs, training=False)[0]
