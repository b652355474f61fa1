# SPDX-License-Identifier: Apache-2.0
"""The run as Flax's tutorials write it: a module, an optimiser, a step in `nnx.jit`.

The model has Flax's own layers. Batches are gathered by NumPy from float32 images made
beforehand, and each goes to the step of its own accord; losses stay on the device until
the run is over, so the host does not wait for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from flaxnn.bench._problem import Problem, pairs
from flaxnn.bench._recipe import Recipe

_OPTIMIZERS = {"sgd": optax.sgd, "adam": optax.adam}


class _Perceptron(nnx.Module):
    def __init__(self, recipe: Recipe, *, rngs: nnx.Rngs):
        widths = pairwise(recipe.widths)
        self.layers = nnx.List([nnx.Linear(a, b, rngs=rngs) for a, b in widths])
        self.last = recipe.last

    def __call__(self, x: jax.Array) -> jax.Array:
        for layer in self.layers[:-1]:
            x = nnx.relu(layer(x))
        x = self.layers[-1](x)
        return nnx.relu(x) if self.last == "relu" else x


def _cross_entropy(model: _Perceptron, x: jax.Array, y: jax.Array) -> jax.Array:
    return optax.softmax_cross_entropy_with_integer_labels(model(x), y).mean()


def _binary_cross_entropy(model: _Perceptron, x: jax.Array, y: jax.Array) -> jax.Array:
    # The sigmoid of the last layer is part of this loss.
    return optax.sigmoid_binary_cross_entropy(model(x), y).mean()


_LOSSES = {
    "cross_entropy": _cross_entropy,
    "binary_cross_entropy": _binary_cross_entropy,
}


def jit_steps(problem: Problem) -> Callable[[int], np.ndarray]:
    """Returns ``run(steps)`` over a loop that calls a train step in `nnx.jit`."""
    recipe = problem.recipe
    loss = _LOSSES[recipe.loss]
    x = problem.floats()
    y = problem.y.astype(np.int32 if recipe.loss == "cross_entropy" else np.float32)
    model = _Perceptron(recipe, rngs=nnx.Rngs(0))
    optimizer = nnx.Optimizer(
        model, _OPTIMIZERS[recipe.optimizer](recipe.lr), wrt=nnx.Param
    )
    graph, fresh = nnx.split((model, optimizer))

    @nnx.jit
    def train_step(
        model: _Perceptron, optimizer: nnx.Optimizer, x: jax.Array, y: jax.Array
    ) -> jax.Array:
        value, grads = nnx.value_and_grad(loss)(model, x, y)
        optimizer.update(model, grads)
        return value

    def start(weights: tuple[np.ndarray, ...]) -> tuple[_Perceptron, nnx.Optimizer]:
        model, optimizer = nnx.merge(graph, jax.tree.map(jnp.copy, fresh))
        for layer, (weight, bias) in zip(model.layers, pairs(weights), strict=True):
            layer.kernel[...] = jnp.asarray(weight.T)
            if layer.bias is not None:
                layer.bias[...] = jnp.asarray(bias)
        return model, optimizer

    def batches(steps: int) -> Iterator[tuple[Any, Any]]:
        if recipe.batch_size is None:
            whole = jnp.asarray(x), jnp.asarray(y)
            return (whole for _ in range(steps))
        return ((x[rows], y[rows]) for rows in problem.batches(steps))

    def run(steps: int) -> np.ndarray:
        losses = []
        for weights in problem.starts:
            model, optimizer = start(weights)
            losses += [train_step(model, optimizer, *each) for each in batches(steps)]
        return np.array(jax.device_get(losses), np.float32)

    return run
