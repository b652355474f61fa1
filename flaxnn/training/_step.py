# SPDX-License-Identifier: Apache-2.0
"""One training step as a pure function."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from flaxnn._typing import DTypeLike
from flaxnn.optim import ScheduledState
from flaxnn.optim._closure import calls_closure
from flaxnn.training._accumulate import (
    Batch,
    Metrics,
    Objective,
    is_summed,
    micro_sizes,
)
from flaxnn.training._closure import closure, refuse_accumulation, refuse_changes
from flaxnn.training._forward import Forward
from flaxnn.training._pure import Pure, pure, pure_metrics, split
from flaxnn.training._state import TrainState


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class TrainStep:
    """The function ``(state, batch) → (state, metrics)`` of `make_train_step`.

    Itself a pytree whose structure is static: steps made from equal models, losses,
    optimisers and options share one compilation when they are passed to a jitted
    function.

    Attributes:
        forward: The model's forward pass, without its parameters.
        update: The optimiser's update.
        takes_value: Whether the update takes optax's extra arguments: value, grad and
            value_fn.
        calls_closure: Whether it is one whose evaluations PyTorch makes by a closure.
        accumulate: Into how many micro-batches a batch is cut.
        summed: Whether the losses of micro-batches are added, not averaged.
        loss: The loss.
        metrics: Further numbers of a step, by name.
    """

    forward: Forward = field(metadata={"static": True})
    update: Callable[..., Any] = field(metadata={"static": True})
    takes_value: bool = field(metadata={"static": True})
    calls_closure: bool = field(metadata={"static": True})
    accumulate: int = field(metadata={"static": True})
    summed: bool = field(metadata={"static": True})
    loss: Pure
    metrics: dict[str, Pure]

    @classmethod
    def of(
        cls,
        graphdef: nnx.GraphDef[Any],
        loss: Callable[..., Any],
        optimizer: optax.GradientTransformation,
        metrics: Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]] = (),
        *,
        accumulate: int = 1,
        compute_dtype: DTypeLike | None = None,
        remat: bool = False,
    ) -> TrainStep:
        """Returns the step for a model's structure; see `make_train_step`.

        Raises:
            TypeError: ``accumulate`` is no integer.
            ValueError: It is below 1, or a metric has a name that the step itself uses.
        """
        named = pure_metrics(metrics)
        for name, meaning in (("loss", "training loss"), ("lr", "learning rate")):
            if name in named:
                raise ValueError(
                    f'"{name}" is the {meaning}; give the metric another name'
                )
        if isinstance(accumulate, bool) or not isinstance(accumulate, numbers.Integral):
            raise TypeError(f"accumulate must be an integer, got {accumulate!r}")
        if accumulate < 1:
            raise ValueError(f"accumulate must be at least 1, got {accumulate}")
        again = calls_closure(optimizer.update)
        if again:
            refuse_accumulation(int(accumulate))
        dtype = None if compute_dtype is None else jnp.dtype(compute_dtype).name
        return cls(
            Forward(graphdef, dtype, remat),
            optimizer.update,
            isinstance(optimizer, optax.GradientTransformationExtraArgs),
            again,
            int(accumulate),
            accumulate > 1 and is_summed(loss),
            pure(loss),
            named,
        )

    @property
    def graphdef(self) -> nnx.GraphDef[Any]:
        """The model's structure."""
        return self.forward.graphdef

    def micro_sizes(self, batch_size: int) -> tuple[int, ...]:
        """Returns the sizes of the micro-batches that a batch is cut into, in order.

        Args:
            batch_size: The batch's rows.
        """
        return micro_sizes(batch_size, self.accumulate)

    def __call__(
        self, state: TrainState, batch: Batch, draws: Sequence[jax.Array] = ()
    ) -> tuple[TrainState, Metrics]:
        """Returns the state after one update, and the metrics before it.

        Args:
            state: The state; under ``jax.jit`` it may be donated.
            batch: The inputs of the model, then the target.
            draws: The host draws that the forward pass asks for, in order, those of
                each micro-batch behind those of the one before: what the requests of
                `flaxnn.nn.recording` around a call give.

        Returns:
            The new state, and scalars: ``"loss"`` and the metrics' means. With an
            optimiser that is `flaxnn.optim.scheduled` there is also ``"lr"``, the rate
            of this update, ``(G,)`` for more than one group.
        """
        objective = Objective(self.forward, self.loss, self.metrics, self.summed)
        params, buffers = state.params, state.buffers
        if self.calls_closure:
            refuse_changes(self.forward, params, buffers, batch[:-1])
        sizes = () if self.accumulate == 1 else self.micro_sizes(_rows(batch))
        if len(sizes) > 1:
            outcome = objective.accumulated(params, buffers, batch, draws, sizes)
        else:
            outcome = objective(params, buffers, batch, draws)
        loss, metrics, grads = outcome.loss, dict(outcome.metrics), outcome.grads
        extra = {}
        if self.takes_value:
            again = closure(objective, params, buffers, batch, draws, len(sizes))
            extra = {"value": loss, "grad": grads, "value_fn": again}
        updates, opt_state = self.update(grads, state.opt_state, params, **extra)
        params = optax.apply_updates(params, updates)
        if isinstance(state.opt_state, ScheduledState):
            metrics["lr"] = state.opt_state.lr
        new = TrainState(state.step + 1, params, outcome.buffers, opt_state)
        return new, {"loss": loss, **metrics}


def _rows(batch: Batch) -> int:
    """The rows of a batch; raises unless all of its arrays have that many."""
    rows = [len(array) for array in batch]
    if len(set(rows)) > 1:
        raise ValueError(f"the arrays of the batch differ in length: {rows}")
    return rows[0]


def make_train_step(
    model: nnx.Module,
    loss: Callable[..., Any],
    optimizer: optax.GradientTransformation,
    *,
    metrics: Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]] = (),
    accumulate: int = 1,
    compute_dtype: DTypeLike | None = None,
    remat: bool = False,
) -> TrainStep:
    """Returns the pure function of one training step.

    It can be jitted, scanned, vmapped or exported alone; `TrainState.create` makes
    its first state, and decides which parameters are trained.

    Args:
        model: The model; only its structure is used.
        loss: ``loss(output, target)`` giving a scalar: a function or a module.
        optimizer: Any optax transformation. One that takes extra arguments is given
            the loss as ``value``, the gradients as ``grad``, and as ``value_fn`` the
            batch's loss as a function of the parameters, with the buffers before the
            step and the same draws: `flaxnn.optim.lbfgs` and ``optax.lbfgs`` work.
        metrics: Functions of ``(output, target)`` whose means ride along.
        accumulate: How many micro-batches a batch is cut into, as ``torch.chunk``
            cuts it. They go through the model one after another, in the memory of one,
            and their gradients are added. A loss whose ``reduction`` is ``"sum"`` is
            summed; any other is taken for a mean over its rows and weighted by the
            sizes, also where they differ.
        compute_dtype: ``"bfloat16"`` runs the forward pass and its gradient in half
            precision (T3). Parameters, gradients, the optimiser's state, running
            statistics, loss and metrics stay float32.
        remat: Whether the gradient computes most intermediate results again instead
            of keeping them: less memory for about a third more time.

    Returns:
        ``step(state, batch) → (state, metrics)`` with ``batch`` a tuple of the
        model's inputs and the target.

    Raises:
        TypeError: The model is not a module, or the loss or a metric not callable, or
            an option of another kind.
        ValueError: ``accumulate`` is below 1, or ``compute_dtype`` something else, or
            `flaxnn.optim.lbfgs` comes with ``accumulate``; from the step, the model is
            float64 and ``compute_dtype`` half precision, or the optimiser is `lbfgs`
            and the model draws numbers or moves buffers in its forward pass.

    Torch:
        ``optimizer.zero_grad(); loss.backward(); optimizer.step()``, 2.13.0; ``"loss"``
        is the loss before the update, as a PyTorch loop prints it.

        ``accumulate=k`` is the loop ``for part in batch.chunk(k): (loss(part) /
        k).backward()`` (T1 in float64), and the large batch (T1) where the loss is a
        mean over rows or a sum. It is the loop's and not the large batch's where a
        part's rows meet: batch norm normalises by, and counts, each part; a mean over
        the weights of classes, or over targets that are not ignored, is a mean of the
        parts' means. For parts of unequal sizes the loop's ``/ k`` is not the large
        batch's mean; the weights here are.

        ``compute_dtype`` casts parameters and inputs, as ``model.to(torch.bfloat16)``
        does, where ``torch.autocast`` chooses a dtype for each operation. Layers that
        compute in float32 inside, such as norms, do so here, too.

        ``remat`` is ``torch.utils.checkpoint``, cut into pieces by itself; T2 in
        float32.

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
    return TrainStep.of(
        split(model)[0],
        loss,
        optimizer,
        metrics,
        accumulate=accumulate,
        compute_dtype=compute_dtype,
        remat=remat,
    )
