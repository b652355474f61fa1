"""One training step as a pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from flaxnn.nn import providing
from flaxnn.optim import ScheduledState
from flaxnn.training._pure import Pure, Tree, forward, pure, pure_metrics, split
from flaxnn.training._state import TrainState

Batch = tuple[jax.Array, ...]
Metrics = dict[str, jax.Array]


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class TrainStep:
    """The function ``(state, batch) → (state, metrics)`` of `make_train_step`.

    Itself a pytree whose structure is static: steps made from equal models, losses
    and optimisers share one compilation when they are passed to a jitted function.
    """

    graphdef: nnx.GraphDef = field(metadata={"static": True})
    update: Callable[..., Any] = field(metadata={"static": True})
    # Whether the update takes the loss, as optax's extra argument ``value``.
    takes_value: bool = field(metadata={"static": True})
    loss: Pure
    metrics: dict[str, Pure]

    @classmethod
    def of(
        cls,
        graphdef: nnx.GraphDef,
        loss: Callable[..., Any],
        optimizer: optax.GradientTransformation,
        metrics: Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]] = (),
    ) -> TrainStep:
        """Returns the step for a model's structure; see `make_train_step`."""
        named = pure_metrics(metrics)
        for name, meaning in (("loss", "training loss"), ("lr", "learning rate")):
            if name in named:
                raise ValueError(
                    f'"{name}" is the {meaning}; give the metric another name'
                )
        takes_value = isinstance(optimizer, optax.GradientTransformationExtraArgs)
        return cls(graphdef, optimizer.update, takes_value, pure(loss), named)

    def __call__(
        self, state: TrainState, batch: Batch, draws: Sequence[jax.Array] = ()
    ) -> tuple[TrainState, Metrics]:
        """Returns the state after one update, and the metrics before it.

        Args:
            state: The state; under ``jax.jit`` it may be donated.
            batch: The inputs of the model, then the target.
            draws: The host draws that the forward pass asks for, in order: what the
                requests of `flaxnn.nn.recording` around a call give.

        Returns:
            The new state, and scalars: ``"loss"`` and the metrics' means. With an
            optimiser that is `flaxnn.optim.scheduled` there is also ``"lr"``, the rate
            of this update, ``(G,)`` for more than one group.
        """
        *inputs, target = batch

        def objective(params: Tree) -> tuple[jax.Array, tuple[Any, Tree]]:
            # Without draws an outer `recording` or `drawing` answers.
            with providing(draws) if draws else nullcontext():
                output, buffers = forward(
                    self.graphdef, params, state.buffers, inputs, training=True
                )
            return self.loss(output, target), (output, buffers)

        differentiate = jax.value_and_grad(objective, has_aux=True)
        (loss, (output, buffers)), grads = differentiate(state.params)
        value = {"value": loss} if self.takes_value else {}
        updates, opt_state = self.update(grads, state.opt_state, state.params, **value)
        params = optax.apply_updates(state.params, updates)
        metrics = {
            name: jnp.mean(metric(output, target))
            for name, metric in self.metrics.items()
        }
        if isinstance(state.opt_state, ScheduledState):
            metrics["lr"] = state.opt_state.lr
        new = TrainState(state.step + 1, params, buffers, opt_state)
        return new, {"loss": loss, **metrics}


def make_train_step(
    model: nnx.Module,
    loss: Callable[..., Any],
    optimizer: optax.GradientTransformation,
    *,
    metrics: Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]] = (),
) -> TrainStep:
    """Returns the pure function of one training step.

    It can be jitted, scanned, vmapped or exported alone; `TrainState.create` makes
    its first state.

    Args:
        model: The model; only its structure is used.
        loss: ``loss(output, target)`` giving a scalar: a function or a module.
        optimizer: Any optax transformation. One that takes extra arguments is given
            the loss as ``value``.
        metrics: Functions of ``(output, target)`` whose means ride along.

    Returns:
        ``step(state, batch) → (state, metrics)`` with ``batch`` a tuple of the
        model's inputs and the target.

    Raises:
        TypeError: The model is not a module, or the loss or a metric not callable.

    Torch:
        ``optimizer.zero_grad(); loss.backward(); optimizer.step()``; ``"loss"`` is
        the loss before the update, as a PyTorch loop prints it.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from flaxnn import models, nn, optim
        >>> from flaxnn.random import Generator
        >>> model = models.SoftmaxRegression(4, 3, rngs=Generator(0))
        >>> optimizer = optim.sgd(lr=0.1)
        >>> step = make_train_step(model, nn.CrossEntropyLoss(), optimizer)
        >>> state = TrainState.create(model, optimizer)
        >>> batch = (jnp.ones((2, 4)), jnp.array([0, 2]))
        >>> state, metrics = jax.jit(step)(state, batch)
        >>> int(state.step), sorted(metrics)
        (1, ['loss'])
    """
    return TrainStep.of(split(model)[0], loss, optimizer, metrics)
