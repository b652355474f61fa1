# SPDX-License-Identifier: Apache-2.0
"""How an optimiser that evaluates the objective again is run: as steps on two nets."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

import flaxnn
from flaxnn import nn
from flaxnn.random import Generator
from flaxnn.training import TrainState, make_train_step
from tests.contract.case import labels, spread
from tests.contract.optimizer import Optimizer, OptimizerCase, Tensors

SEED, ROWS, FEATURES, CLASSES = 11, 24, 4, 3


@dataclass(frozen=True, eq=False)
class ClosureCase(OptimizerCase):
    """Options, how many updates of up to 20 iterations each say enough, and of what.

    Once a run has converged its directions are made of rounding: PyTorch's own
    parameters, from weights that differ by an ulp, are then up to 4e-10 apart (ours
    2e-10 from them), and the losses still 1e-16. The runs here end before that. Each is
    on one net, since every net and set of static options is compiled.
    """

    updates: int = 3
    net: str = "perceptron"


def softmax(nn: Any, **rngs: Any) -> Any:
    return nn.Sequential(nn.Linear(FEATURES, CLASSES, **rngs))


def perceptron(nn: Any, **rngs: Any) -> Any:
    return nn.Sequential(
        nn.Linear(FEATURES, 5, **rngs), nn.Tanh(), nn.Linear(5, CLASSES, **rngs)
    )


NETS = {"softmax": softmax, "perceptron": perceptron}


def batch(dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns rows and labels, of which every third is wrong."""
    x = spread(ROWS, FEATURES, low=-2.0, high=2.0)
    y = labels(ROWS, classes=CLASSES)
    x[:, 0] += y
    y[::3] = (y[::3] + 1) % CLASSES
    return x.astype(dtype), y


@jax.jit
def _stepped(step: Any, state: TrainState, batch: Any) -> Any:
    return step(state, batch)


@functools.cache
def evaluate(optimizer: Optimizer, case: ClosureCase, dtype: str) -> Tensors:
    """Returns ``losses``, ``(U, P)`` ``params`` and ``(U, 3)`` ``counts``.

    Counts are the evaluations, the iterations and the pairs in the memory.
    """
    model = flaxnn.astype(NETS[case.net](nn, rngs=Generator(SEED)), dtype)
    with jax.enable_x64(dtype == "float64"):
        transform = optimizer.make(case)
        step = make_train_step(model, nn.CrossEntropyLoss(), transform)
        state, rows = TrainState.create(model, transform), []
        data = jax.device_put(batch(dtype))
        for _ in range(case.updates):
            state, metrics = _stepped(step, state, data)
            learned, memory = state.to_model(model).state_dict(), state.opt_state
            params = [np.asarray(tensor).ravel() for tensor in learned.values()]
            pairs = min(int(memory.stored), len(memory.ro))
            counts = int(memory.func_evals), int(memory.n_iter), pairs
            rows.append((float(metrics["loss"]), np.concatenate(params), counts))
    return gathered(rows)


def gathered(rows: list[tuple[float, np.ndarray, tuple[int, ...]]]) -> Tensors:
    """Returns what each update gave, side by side."""
    losses, params, counts = zip(*rows, strict=True)
    return {
        "losses": np.array(losses, params[0].dtype),
        "params": np.stack(params),
        "counts": np.array(counts),
    }


def errors(ours: Tensors, theirs: Tensors) -> dict[str, float]:
    """Returns the largest difference over the largest number, by name."""
    return {
        name: float(
            np.abs(ours[name] - theirs[name]).max() / np.abs(theirs[name]).max()
        )
        for name in ("losses", "params")
    }
