# SPDX-License-Identifier: Apache-2.0
"""The run as a person writes it for this one model in JAX and optax.

There are no checks, no loader and no chunks, and the initial weights and the order of
the rows come ready made: JAX draws other numbers than PyTorch.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from flaxnn.bench._problem import Problem, pairs
from flaxnn.bench._recipe import Recipe

_OPTIMIZERS = {"sgd": optax.sgd, "adam": optax.adam}


def scan(problem: Problem) -> Callable[[int], np.ndarray]:
    """Returns ``run(steps)`` over `jax.lax.scan`."""
    recipe = problem.recipe
    optimizer = _OPTIMIZERS[recipe.optimizer](recipe.lr)
    loss = partial(_loss, recipe)
    x, y = jax.device_put((problem.x, problem.y.astype(_target_dtype(recipe))))
    starts = [
        [(jnp.asarray(w), jnp.asarray(b)) for w, b in pairs(weights)]
        for weights in problem.starts
    ]

    def step(carry: Any, batch: tuple[jax.Array, jax.Array]) -> tuple[Any, jax.Array]:
        params, state = carry
        value, grads = jax.value_and_grad(loss)(params, *batch)
        updates, state = optimizer.update(grads, state, params)
        return (optax.apply_updates(params, updates), state), value

    @partial(jax.jit, static_argnames="steps", donate_argnums=0)
    def full_batches(carry: Any, x: Any, y: Any, steps: int) -> tuple[Any, jax.Array]:
        return jax.lax.scan(lambda c, _: step(c, (x, y)), carry, length=steps)

    @partial(jax.jit, donate_argnums=0)
    def mini_batches(carry: Any, x: Any, y: Any, rows: Any) -> tuple[Any, jax.Array]:
        return jax.lax.scan(lambda c, r: step(c, (x[r], y[r])), carry, rows)

    def start(weights: Any) -> Any:
        params = jax.tree.map(jnp.copy, weights)
        return params, optimizer.init(params)

    def run_full_batches(steps: int) -> np.ndarray:
        losses = [full_batches(start(w), x, y, steps)[1] for w in starts]
        return np.concatenate([np.asarray(values) for values in losses])

    def run_mini_batches(steps: int) -> np.ndarray:
        size = recipe.batch_size or 1
        carry, losses = start(starts[0]), []
        for order in problem.passes(steps):
            order = order.astype(np.int32)
            whole = len(order) // size * size
            for rows in (order[:whole].reshape(-1, size), order[None, whole:]):
                if rows.size:
                    carry, values = mini_batches(carry, x, y, rows)
                    losses.append(values)
        return np.concatenate([np.asarray(values) for values in losses])

    return run_full_batches if recipe.batch_size is None else run_mini_batches


def _target_dtype(recipe: Recipe) -> Any:
    return np.int32 if recipe.loss == "cross_entropy" else np.float32


def _loss(recipe: Recipe, params: Any, x: jax.Array, y: jax.Array) -> jax.Array:
    x = x.reshape(len(x), -1)
    if x.dtype == jnp.uint8:
        x = x.astype(jnp.float32) / 255
    for k, (weight, bias) in enumerate(params):
        x = x @ weight.T + bias
        if k < len(params) - 1 or recipe.last == "relu":
            x = jax.nn.relu(x)
    if recipe.loss == "cross_entropy":
        return optax.softmax_cross_entropy_with_integer_labels(x, y).mean()
    # The sigmoid of the last layer is part of this loss.
    return optax.sigmoid_binary_cross_entropy(x, y).mean()
