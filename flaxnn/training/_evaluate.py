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

from flaxnn.data import DataLoader, pixel_table
from flaxnn.training._checks import checked, host_arrays, input_dtype, to_dtype
from flaxnn.training._loop import take
from flaxnn.training._pure import (
    Pure,
    Tree,
    compute_dtype,
    enough_precision,
    forward,
    pure_metrics,
    split,
)


def evaluate(
    model: nnx.Module,
    data: tuple[Any, ...] | DataLoader,
    *,
    metrics: Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]],
    batch_size: int | None = None,
) -> dict[str, float]:
    """Returns the mean of each metric over all samples, in evaluation mode.

    Args:
        model: A `flaxnn.nn.Module` or another Flax NNX module; it is not changed.
        data: Arrays ``(inputs, …, target)``, a `flaxnn.data.Dataset`, or a
            `DataLoader`, whose Generators advance as by one pass in PyTorch.
        metrics: Functions of ``(output, target)`` in a mapping, or named after
            themselves. A metric gives one value for each sample, such as
            `flaxnn.metrics.accuracy` or a loss with ``reduction="none"``; a scalar
            is taken for the batch's mean.
        batch_size: Samples at a time for arrays; all at once when None.

    Returns:
        The means, summed in float64.

    Raises:
        TypeError: An argument is of the wrong kind.
        IndexError: A loss among the metrics finds a label out of range.
        ValueError: Data are empty, of unequal length, nan or infinite, or a metric
            has neither one value nor one for each sample.

    Torch:
        ``model.eval()`` and ``torch.no_grad()`` around a loop over the loader.

    Example:
        >>> import numpy as np
        >>> from flaxnn import metrics, models
        >>> from flaxnn.random import Generator
        >>> model = models.SoftmaxRegression(2, 2, rngs=Generator(0))
        >>> data = np.eye(2, dtype=np.float32), np.array([0, 1])
        >>> evaluate(model, data, metrics=[metrics.accuracy])
        {'accuracy': 0.5}
    """
    functions = pure_metrics(metrics)
    arrays = host_arrays(data)
    _check_targets(model, arrays, functions)
    totals = dict.fromkeys(functions, 0.0)
    count = 0
    batches = _batches(data, arrays, batch_size)
    for rows, values in _batched(model, arrays, batches, functions):
        count += rows
        for name, value in values.items():
            totals[name] += _sum(name, np.asarray(value), rows)
    return {name: total / count for name, total in totals.items()}


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
    inputs = checked(x if isinstance(x, tuple) else (x,))
    unused_target = np.zeros(len(inputs[0]), np.int32)
    arrays = (*inputs, unused_target)
    batches = _batches(None, arrays, batch_size)
    parts = [
        jax.tree.map(np.asarray, values["output"])
        for _, values in _batched(model, arrays, batches, {"output": Pure(_output)})
    ]
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)


def _output(output: Any, target: Any) -> Any:
    del target
    return output


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
    model: nnx.Module, arrays: tuple[np.ndarray, ...], functions: dict[str, Pure]
) -> None:
    """Raises what a metric says of the targets, such as a label out of range."""
    graphdef, params, buffers = split(model)
    dtype = compute_dtype(params)
    with enough_precision(dtype):
        *inputs, target = to_dtype(arrays, dtype)
        shapes = [jax.ShapeDtypeStruct(x.shape, input_dtype(x, params)) for x in inputs]
        output, _ = jax.eval_shape(
            partial(forward, graphdef, training=False), params, buffers, shapes
        )
        for metric in functions.values():
            # A metric may fit batches only; what it says of them comes later.
            with suppress(RuntimeError, TypeError, ValueError):
                jax.eval_shape(lambda o, metric=metric: metric(o, target), output)


def _batched(
    model: nnx.Module,
    arrays: tuple[np.ndarray, ...],
    batches: Iterator[np.ndarray],
    functions: dict[str, Pure],
) -> list[tuple[int, dict[str, Any]]]:
    """The number of rows of each batch and the functions' values on it."""
    graphdef, params, buffers = split(model)
    dtype = compute_dtype(params)
    with enough_precision(dtype):
        on_device = tuple(jax.device_put(array) for array in to_dtype(arrays, dtype))
        run = partial(_run_batch, graphdef, params, buffers, functions, on_device)
        table = jnp.asarray(pixel_table()).astype(dtype)
        return [
            (len(rows), run(table, jnp.asarray(rows.astype(np.int32))))
            for rows in batches
        ]


def _sum(name: str, values: np.ndarray, rows: int) -> float:
    """The sum over a batch of a metric given per sample or as the batch's mean."""
    if values.shape == ():
        return float(values) * rows
    if values.shape[0] == rows and values.size == rows:
        return float(values.sum(dtype=np.float64))
    raise ValueError(
        f"metric {name!r} gave shape {values.shape} for a batch of {rows}: expected "
        f"one value for each sample, ({rows},), or a scalar"
    )


@jax.jit(static_argnums=0)
def _run_batch(
    graphdef: nnx.GraphDef,
    params: Tree,
    buffers: Tree,
    functions: dict[str, Pure],
    arrays: tuple[jax.Array, ...],
    table: jax.Array,
    rows: jax.Array,
) -> dict[str, Any]:
    *inputs, target = take(arrays, rows, table)
    output, _ = forward(graphdef, params, buffers, inputs, training=False)
    return {name: function(output, target) for name, function in functions.items()}
