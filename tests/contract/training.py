# SPDX-License-Identifier: Apache-2.0
"""Runs of 200 steps of an optimiser of the table, on two small nets.

The gradients are compiled once for each net and the update once for each optimiser, so
that a run is cheap.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import flaxnn
from flaxnn import nn
from flaxnn.random import Generator
from tests.contract.case import labels, spread
from tests.contract.optimizer import Optimizer, OptimizerCase, Tensors

TRAINING_STEPS, TRAINING_SEED, BATCHES, BATCH_SIZE, CLASSES = 200, 11, 4, 20, 3
T1, FLOORS = 1e-12, 4
# PyTorch's variants of a run: its initial weights moved by one ulp, from these seeds.
MOVES = range(4)


def perceptron(nn: Any, **rngs: Any) -> Any:
    return nn.Sequential(
        nn.Linear(6, 16, **rngs),
        nn.ReLU(),
        nn.Linear(16, 8, **rngs),
        nn.Tanh(),
        nn.Linear(8, CLASSES, **rngs),
    )


def conv_net(nn: Any, **rngs: Any) -> Any:
    # A bias in front of a batch norm has a gradient of nothing but rounding, which the
    # optimisers that divide by its size would make a step of.
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1, bias=False, **rngs),
        nn.BatchNorm2d(4),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(16, CLASSES, **rngs),
    )


@dataclass(frozen=True)
class Problem:
    """A net, the shape of its inputs, and which labels are wrong: every so many.

    The problems are chosen so that 1e-12 says something of the optimiser. What was
    tried and left, measured in float64:

    - Two convolutions with batch norm, on labels of chance or with weight decay: the
      runs turn unstable, and PyTorch's own, from weights one ulp apart, differ by up to
      1.5e-10. Ours were as far from it (Adam 4e-12, NAdam with decay 7e-11).
    - No wrong labels: the loss falls so far that gradients are subnormal. XLA on a CPU
      takes those for zero and PyTorch does not. Rprop, which reads signs only, then
      goes another way; PyTorch's own runs agree to 3e-14 there.
    - Rprop's ascent, where tanh saturates: 1 - tanh² is 0 or a few ulps of 1, by the
      library's tanh, and with it a gradient's sign.
    """

    net: Callable[..., Any]
    shape: tuple[int, ...]
    wrong: int

    def batch(self, step: int, dtype: Any) -> tuple[np.ndarray, np.ndarray]:
        x = spread(BATCHES, BATCH_SIZE, *self.shape, low=-2.0, high=2.0)
        y = labels(BATCHES, BATCH_SIZE, classes=CLASSES)
        x[..., 0] += y.reshape(BATCHES, BATCH_SIZE, *[1] * (x.ndim - 3))
        y[:, :: self.wrong] = (y[:, :: self.wrong] + 1) % CLASSES
        return x[step % BATCHES].astype(dtype), y[step % BATCHES]


PROBLEMS = {
    "perceptron": Problem(perceptron, (6,), wrong=3),
    "conv-net": Problem(conv_net, (2, 5, 5), wrong=4),
}


@functools.cache
def _started(net: str, dtype: str) -> tuple[Any, Any, Any, Any]:
    """A net's structure, its loss's gradient, compiled, its parameters and buffers."""
    model = PROBLEMS[net].net(nn, rngs=Generator(TRAINING_SEED))
    model = flaxnn.astype(model, dtype).train()
    graphdef, params, buffers = nnx.split(model, nnx.Param, ...)

    def loss(params: Any, buffers: Any, x: jax.Array, y: jax.Array) -> Any:
        model = nnx.merge(graphdef, params, buffers)
        value = nn.CrossEntropyLoss()(model(x), y)
        return value, nnx.to_pure_dict(nnx.state(model, nnx.Not(nnx.Param)))

    gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))
    return graphdef, gradient, nnx.to_pure_dict(params), nnx.to_pure_dict(buffers)


@functools.partial(jax.jit, static_argnums=0)
def _updated(update: Any, grads: Any, state: Any, params: Any) -> tuple[Any, Any]:
    updates, state = update(grads, state, params)
    return optax.apply_updates(params, updates), state


def train(net: str, optimizer: Optimizer, case: OptimizerCase, dtype: str) -> Tensors:
    """Returns our losses and what the net has learned, by name."""
    with jax.enable_x64(dtype == "float64"):
        graphdef, gradient, params, buffers = _started(net, dtype)
        transform = optimizer.make(case)
        state, losses = transform.init(params), []
        batches = [
            jax.device_put(PROBLEMS[net].batch(k, dtype)) for k in range(BATCHES)
        ]
        for k in range(TRAINING_STEPS):
            (loss, buffers), grads = gradient(params, buffers, *batches[k % BATCHES])
            params, state = _updated(transform.update, grads, state, params)
            losses.append(loss)
        learned = nnx.merge(graphdef, params, buffers).state_dict()
        tensors = {name: np.asarray(tensor) for name, tensor in learned.items()}
        return tensors | {"losses": np.asarray(jnp.stack(losses))}


def relative_errors(ours: Tensors, theirs: Tensors) -> dict[str, float]:
    """Returns the largest difference over the largest number, of each tensor."""
    assert ours.keys() == theirs.keys()
    return {
        name: float(np.abs(ours[name] - b).max() / np.abs(b).max())
        for name, b in theirs.items()
        if b.dtype.kind == "f"
    }


@dataclass(frozen=True)
class Noise:
    """How far the losses of a float32 run are from PyTorch's, and PyTorch's own.

    Both are the largest up to each step. PyTorch's are at least a unit in the last
    place: a float32 loss can be no nearer without being equal.
    """

    distance: np.ndarray
    floor: np.ndarray

    @classmethod
    def of(cls, ours: np.ndarray, variants: list[np.ndarray]) -> Noise:
        """Returns the two for our losses and those of PyTorch's variants."""
        expected, last_digit = variants[0], np.spacing(np.abs(variants[0]))
        floor = np.maximum(np.ptp(np.stack(variants), axis=0), last_digit)
        distance = np.abs(ours - expected)
        return cls(np.maximum.accumulate(distance), np.maximum.accumulate(floor))

    @property
    def share(self) -> float:
        """The largest share of T2's limit that is used up."""
        return float((self.distance / (FLOORS * self.floor)).max())
