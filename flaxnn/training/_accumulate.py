# SPDX-License-Identifier: Apache-2.0
"""Loss and gradient of a batch: at once, or as micro-batches that are added up."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from flaxnn.nn import HostDraw, host_draw, providing, recording
from flaxnn.training._forward import Forward
from flaxnn.training._pure import Pure, Tree

Batch = tuple[jax.Array, ...]
Metrics = dict[str, jax.Array]
Draws = Sequence[jax.Array]


class Outcome(NamedTuple):
    """What a batch, or its share of a larger one, gives."""

    loss: jax.Array
    metrics: Metrics
    grads: Tree
    buffers: Tree


@dataclass(frozen=True)
class Objective:
    """The loss that a step differentiates, and the metrics beside it.

    Attributes:
        forward: The forward pass.
        loss: Of an output and a target, a scalar.
        metrics: Of an output and a target, of which the means are taken.
        summed: Whether the loss of a batch is the sum of its parts' losses; it is
            their mean, weighted by their sizes, where it is not.
    """

    forward: Forward
    loss: Pure
    metrics: dict[str, Pure]
    summed: bool

    def __call__(
        self,
        params: Tree,
        buffers: Tree,
        batch: Batch,
        draws: Draws = (),
        share: float = 1.0,
    ) -> Outcome:
        """Loss, metrics and gradients of a batch that is such a share of the whole."""
        target = batch[-1]
        weight = 1.0 if self.summed else share

        def weighted(params: Tree) -> tuple[jax.Array, tuple[Any, Tree]]:
            loss, rest = self.evaluated(params, buffers, batch, draws)
            return weight * loss, rest

        differentiate = jax.value_and_grad(weighted, has_aux=True)
        (loss, (output, after)), grads = differentiate(params)
        metrics = {
            name: share * jnp.mean(metric(output, target))
            for name, metric in self.metrics.items()
        }
        return Outcome(loss, metrics, grads, after)

    def evaluated(
        self, params: Tree, buffers: Tree, batch: Batch, draws: Draws = ()
    ) -> tuple[jax.Array, tuple[Any, Tree]]:
        """The loss; and the model's output, and the buffers it leaves."""
        *inputs, target = batch
        # Without draws an outer `recording` or `drawing` answers.
        with providing(draws) if draws else nullcontext():
            output, after = self.forward(params, buffers, inputs)
        return self.loss(output, target), (output, after)

    def accumulated(
        self,
        params: Tree,
        buffers: Tree,
        batch: Batch,
        draws: Draws,
        sizes: tuple[int, ...],
    ) -> Outcome:
        """The same of a batch that is cut into parts of these sizes, one at a time.

        All but a last, smaller one run in a scan: what it keeps in memory is that of
        one part.
        """
        rows, size = sum(sizes), sizes[0]
        count = sizes.count(size)
        asks = {n: self._requests(params, buffers, batch, n) for n in set(sizes)}
        draws = _answered([asks[n] for n in sizes], draws)
        scanned = count * len(asks[size])

        def body(carry: tuple[Tree, Tree], part: tuple[Batch, Draws]) -> Any:
            buffers, grads = carry
            new = self(params, buffers, *part, share=size / rows)
            grads = jax.tree.map(jnp.add, grads, new.grads)
            return (new.buffers, grads), (new.loss, new.metrics)

        equal = tuple(
            array[: count * size].reshape(count, size, *array.shape[1:])
            for array in batch
        )
        zeros = jax.tree.map(jnp.zeros_like, params)
        (buffers, grads), parts = jax.lax.scan(
            body, (buffers, zeros), (equal, _stacked(draws[:scanned], count))
        )
        loss, metrics = jax.tree.map(jnp.sum, parts)
        total = Outcome(loss, metrics, grads, buffers)
        if count == len(sizes):
            return total
        rest = tuple(array[count * size :] for array in batch)
        short = self(params, buffers, rest, draws[scanned:], share=sizes[-1] / rows)
        loss, metrics, grads = jax.tree.map(jnp.add, total[:3], short[:3])
        return Outcome(loss, metrics, grads, short.buffers)

    def _requests(
        self, params: Tree, buffers: Tree, batch: Batch, size: int
    ) -> list[HostDraw]:
        """What the forward pass of a part of this size asks the host to draw."""
        inputs = [
            jax.ShapeDtypeStruct((size, *array.shape[1:]), array.dtype)
            for array in batch[:-1]
        ]
        with recording() as requests:
            # A new function each time: a trace that JAX finds again asks for nothing.
            jax.eval_shape(partial(self.forward.__call__), params, buffers, inputs)
        return requests


def micro_sizes(batch_size: int, parts: int) -> tuple[int, ...]:
    """The sizes of the parts of a batch, as ``torch.chunk`` cuts it."""
    size = max(1, math.ceil(batch_size / parts))
    whole, rest = divmod(batch_size, size)
    return (size,) * whole + ((rest,) if rest else ())


def is_summed(loss: Callable[..., Any]) -> bool:
    """Whether a loss says that it is a sum; any other is taken for a mean."""
    keywords = getattr(loss, "keywords", {})
    own = getattr(loss, "reduction", keywords.get("reduction"))
    if own is not None or not isinstance(loss, nnx.Module):
        return own == "sum"
    reductions = (getattr(m, "reduction", None) for _, m in nnx.iter_modules(loss))
    inside = {str(reduction) for reduction in reductions if reduction is not None}
    if len(inside) > 1:
        raise ValueError(
            f"{type(loss).__name__} holds losses of several reductions "
            f"({', '.join(sorted(inside))}): give it an attribute reduction, 'mean' or "
            "'sum', that says how the losses of micro-batches are put together"
        )
    return inside == {"sum"}


def _answered(requests: list[list[HostDraw]], draws: Draws) -> Draws:
    """The draws of all parts in order; asked of what surrounds the step if not given.

    They are asked for here, since a scan's body is traced once for all of its parts.
    """
    asked = [request for part in requests for request in part]
    if not draws:
        return [
            host_draw(
                r.method,
                *r.arguments,
                shape=r.shape,
                dtype=r.dtype,
                consumer=r.consumer,
            )
            for r in asked
        ]
    if [np.shape(array) for array in draws] != [request.shape for request in asked]:
        raise RuntimeError(
            f"the {len(requests)} micro-batches ask for draws of the shapes "
            f"{[request.shape for request in asked]}, one forward pass after the "
            f"other, got {[np.shape(array) for array in draws]}"
        )
    return draws


def _stacked(draws: Draws, count: int) -> Draws:
    """The draws of equal parts, of all parts in one array for each request."""
    each = len(draws) // count
    return [jnp.stack(list(draws[k::each])) for k in range(each)]
