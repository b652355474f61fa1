# SPDX-License-Identifier: Apache-2.0
"""One step of an evaluation as a pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import jax
from flax import nnx

from flaxnn.metrics import Mean, Metric, State
from flaxnn.training._pure import Pure, Tree, forward, named_metrics, pure, split
from flaxnn.training._step import Batch

AnyMetric = Callable[..., Any] | Metric


class HasParameters(Protocol):
    """What an evaluation reads of a state: a `TrainState` has both, too."""

    @property
    def params(self) -> Tree:
        """The parameters, nested as the modules are."""
        ...

    @property
    def buffers(self) -> Tree:
        """Every other collection of the model."""
        ...


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ModelState:
    """A model's arrays, without an optimiser's: a pytree.

    Attributes:
        params: The parameters, nested as the modules are.
        buffers: Every other collection of the model, such as running means.

    Example:
        >>> from flaxnn import models
        >>> from flaxnn.random import Generator
        >>> model = models.SoftmaxRegression(4, 3, rngs=Generator(0))
        >>> state = ModelState.create(model)
        >>> sorted(leaf.shape for leaf in jax.tree.leaves(state))
        [(3,), (3, 4)]
    """

    params: Tree
    buffers: Tree

    @classmethod
    def create(cls, model: nnx.Module) -> ModelState:
        """Returns a model's state; the arrays are the model's own.

        Args:
            model: The model; it is not changed.

        Raises:
            TypeError: The model is not a Flax NNX module.
        """
        return cls(*split(model)[1:])


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class EvalStep:
    """The function ``(states, model, batch) → states`` of `make_eval_step`.

    Itself a pytree whose structure is static: steps made from equal models and metrics
    share one compilation when they are passed to a jitted function.

    Attributes:
        graphdef: The model's static description.
        streaming: Under each name its streaming metric, or None for a function.
        functions: The metrics that are functions, by name.
    """

    graphdef: nnx.GraphDef[Any] = field(metadata={"static": True})
    streaming: tuple[tuple[str, Metric | None], ...] = field(metadata={"static": True})
    functions: dict[str, Pure]

    @classmethod
    def of(
        cls,
        graphdef: nnx.GraphDef[Any],
        metrics: Mapping[str, AnyMetric] | Sequence[AnyMetric],
    ) -> EvalStep:
        """Returns the step for a model's structure; see `make_eval_step`."""
        named = named_metrics(metrics)
        # A module inside a Mean is taken apart like one on its own.
        named = {
            name: metric.function if isinstance(metric, Mean) else metric
            for name, metric in named.items()
        }
        return cls(
            graphdef,
            tuple(
                (name, metric if isinstance(metric, Metric) else None)
                for name, metric in named.items()
            ),
            {
                name: pure(metric)
                for name, metric in named.items()
                if not isinstance(metric, Metric)
            },
        )

    @property
    def metrics(self) -> dict[str, Metric]:
        """The streaming metrics; a function is the `flaxnn.metrics.Mean` of it."""
        return {
            name: Mean(self.functions[name]) if metric is None else metric
            for name, metric in self.streaming
        }

    def sized(self, samples: int) -> EvalStep:
        """Returns the step with metrics that have room for so many samples.

        Args:
            samples: How many samples there are at most.
        """
        streaming = tuple(
            (name, None if metric is None else metric.sized(samples))
            for name, metric in self.streaming
        )
        return replace(self, streaming=streaming)

    def init(self) -> dict[str, State]:
        """Returns the metrics' states before the first sample."""
        return {name: metric.init() for name, metric in self.metrics.items()}

    def __call__(
        self,
        states: dict[str, State],
        model: HasParameters,
        batch: Batch,
        mask: jax.Array | None = None,
    ) -> dict[str, State]:
        """Returns the metrics' states after a batch.

        Args:
            states: The states before, of `init` or of an earlier batch.
            model: The model's parameters and buffers: a `ModelState`, a `TrainState`,
                or anything with both.
            batch: The inputs of the model, then the target.
            mask: ``(N,)`` bool, False for samples that do not count, such as the
                padding of a short batch. It does not keep them from the model.
        """
        *inputs, target = batch
        output, _ = forward(
            self.graphdef, model.params, model.buffers, inputs, training=False
        )
        return self.update(states, output, target, mask)

    def update(
        self,
        states: dict[str, State],
        output: Any,
        target: Any,
        mask: jax.Array | None = None,
    ) -> dict[str, State]:
        """Returns the metrics' states after outputs that are there already.

        Args:
            states: The states before.
            output: The model's output for a batch.
            target: The targets.
            mask: ``(N,)`` bool, False for samples that do not count.
        """
        return each_metric(
            self, lambda name, metric: metric.update(states[name], output, target, mask)
        )

    def merge(self, a: dict[str, State], b: dict[str, State]) -> dict[str, State]:
        """Returns the metrics' states of the samples of two, in that order.

        Args:
            a: The states of some samples.
            b: The states of others.
        """
        return each_metric(self, lambda name, metric: metric.merge(a[name], b[name]))

    def check(self, states: dict[str, State]) -> None:
        """Raises if a compiled step met samples that a metric refuses.

        Args:
            states: States outside of ``jax.jit``.

        Raises:
            ValueError: The metric would be nan because of bad samples.
        """
        each_metric(self, lambda name, metric: metric.check(states[name]))

    def compute(self, states: dict[str, State]) -> dict[str, jax.Array]:
        """Returns the metrics of all samples in their states.

        Args:
            states: The states.

        Raises:
            ValueError: As `check`, outside of ``jax.jit``; inside the metric is nan.
        """
        return each_metric(self, lambda name, metric: metric.compute(states[name]))


def each_metric(step: EvalStep, function: Callable[[str, Metric], Any]) -> dict:
    """The function's value for each metric; an error says which one it was."""
    values = {}
    for name, metric in step.metrics.items():
        try:
            values[name] = function(name, metric)
        except Exception as error:
            error.add_note(f"This is the metric {name!r}.")
            raise
    return values


def make_eval_step(
    model: nnx.Module, metrics: Mapping[str, AnyMetric] | Sequence[AnyMetric]
) -> EvalStep:
    """Returns the pure function of one step of an evaluation.

    It can be jitted, scanned, vmapped, sharded or exported alone. ``step.init()`` makes
    the first states of the metrics, ``step.merge(a, b)`` joins those of two devices or
    chunks, ``step.compute(states)`` gives the numbers.

    Args:
        model: The model; only its structure is used. It runs in evaluation mode.
        metrics: Streaming metrics of `flaxnn.metrics` and functions of
            ``(output, target)`` with one value for each sample, of which the mean is
            taken, in a mapping or named after themselves.

    Returns:
        ``step(states, model_state, batch, mask=None) → states`` with ``batch`` a tuple
        of the model's inputs and the target.

    Raises:
        TypeError: The model is not a module, or a metric is neither a streaming metric
            nor callable.
        ValueError: Two metrics share a name.

    Torch:
        ``model.eval()`` and ``torch.no_grad()`` around the body of a loop over the
        loader.

    Example:
        >>> import jax.numpy as jnp
        >>> from flaxnn import metrics, models
        >>> from flaxnn.random import Generator
        >>> model = models.SoftmaxRegression(2, 2, rngs=Generator(0))
        >>> step = make_eval_step(model, [metrics.Accuracy()])
        >>> batches = jnp.ones((5, 8, 2)), jnp.zeros((5, 8), int)
        >>> def body(states, batch):
        ...     return step(states, ModelState.create(model), batch), None
        >>> states, _ = jax.lax.scan(body, step.init(), batches)
        >>> step.compute(states), int(states["accuracy"]["count"])
        ({'accuracy': Array(1., dtype=float32)}, 40)
    """
    return EvalStep.of(split(model)[0], metrics)
