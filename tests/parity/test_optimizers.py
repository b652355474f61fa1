"""200 steps of every optimiser of the table, on two nets: T1 in float64, T2 in float32.

The gradients are compiled once for each net and the update once for each optimiser, so
that a run is cheap; `fit` is held to PyTorch's loop in test_training.py.
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
import pytest
from flax import nnx

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

import flaxnn  # noqa: E402
from flaxnn import nn  # noqa: E402
from flaxnn.random import Generator  # noqa: E402
from flaxnn.reproduce.goldens.make_goldens import moved  # noqa: E402
from tests.contract import oracle  # noqa: E402
from tests.contract.case import labels, spread  # noqa: E402
from tests.contract.optimizer import Optimizer, OptimizerCase  # noqa: E402
from tests.contract.registry import (  # noqa: E402
    PROGRAM_IDS,
    PROGRAMS,
    RUN_IDS,
    RUNS,
)

pytestmark = pytest.mark.torch

STEPS, SEED, BATCHES, BATCH_SIZE, CLASSES = 200, 11, 4, 20, 3
T1, FLOORS = 1e-12, 4
# PyTorch's variants of a run: its initial weights moved by one ulp, from these seeds.
MOVES = range(4)

Tensors = dict[str, np.ndarray]


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

    Runs on labels of pure chance, or up to a loss of zero, end where rounding decides:
    there PyTorch's float64 runs from weights one ulp apart differ by more than 1e-12.
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
every_net = pytest.mark.parametrize("net", PROBLEMS)
every_run = pytest.mark.parametrize(("optimizer", "case"), RUNS, ids=RUN_IDS)


@functools.cache
def _started(net: str, dtype: str) -> tuple[Any, Any, Any, Any]:
    """A net's structure, its loss's gradient, compiled, its parameters and buffers."""
    model = PROBLEMS[net].net(nn, rngs=Generator(SEED))
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


def ours(net: str, optimizer: Optimizer, case: OptimizerCase, dtype: str) -> Tensors:
    """Our losses and what the net has learned."""
    with jax.enable_x64(dtype == "float64"):
        graphdef, gradient, params, buffers = _started(net, dtype)
        transform = optimizer.make(case)
        state, losses = transform.init(params), []
        batches = [
            jax.device_put(PROBLEMS[net].batch(k, dtype)) for k in range(BATCHES)
        ]
        for k in range(STEPS):
            (loss, buffers), grads = gradient(params, buffers, *batches[k % BATCHES])
            params, state = _updated(transform.update, grads, state, params)
            losses.append(loss)
        learned = nnx.merge(graphdef, params, buffers).state_dict()
        return _tensors(learned) | {"losses": np.asarray(jnp.stack(losses))}


def theirs(
    net: str,
    optimizer: Optimizer,
    case: OptimizerCase,
    dtype: str,
    moves: int | None = None,
) -> Tensors:
    """PyTorch's, from weights that are moved by one ulp where asked."""
    torch.manual_seed(SEED)
    model = PROBLEMS[net].net(torch.nn).to(getattr(torch, dtype))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.from_numpy(moved(parameter.numpy(), moves)))
    descent = oracle.counterpart(optimizer)(model.parameters(), **case.options)
    batches = [PROBLEMS[net].batch(k, dtype) for k in range(BATCHES)]
    batches, losses = [tuple(map(torch.from_numpy, pair)) for pair in batches], []
    for k in range(STEPS):
        x, y = batches[k % BATCHES]
        loss = torch.nn.functional.cross_entropy(model(x), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
        losses.append(loss.item())
    return _tensors(model.state_dict()) | {"losses": np.array(losses, dtype)}


def _tensors(state: Any) -> Tensors:
    return {name: np.asarray(tensor) for name, tensor in state.items()}


@every_net
@every_run
def test_float64(net: str, optimizer: Optimizer, case: OptimizerCase):
    a, b = (run(net, optimizer, case, "float64") for run in (ours, theirs))
    assert a.keys() == b.keys()
    for name, expected in b.items():
        error = np.abs(a[name] - expected).max()
        assert error <= T1 * np.abs(expected).max(), name


@every_net
@pytest.mark.parametrize(("optimizer", "case"), PROGRAMS, ids=PROGRAM_IDS)
def test_float32_is_within_pytorchs_own_noise(
    net: str, optimizer: Optimizer, case: OptimizerCase
):
    def losses(moves: int | None) -> np.ndarray:
        return theirs(net, optimizer, case, "float32", moves)["losses"]

    expected = losses(None)
    variants = np.stack([expected, *map(losses, MOVES)])
    last_digit = np.spacing(np.abs(expected))
    noise = np.maximum.accumulate(np.maximum(np.ptp(variants, axis=0), last_digit))
    distance = np.abs(ours(net, optimizer, case, "float32")["losses"] - expected)
    assert np.all(np.maximum.accumulate(distance) <= FLOORS * noise)
