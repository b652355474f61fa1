# SPDX-License-Identifier: Apache-2.0
"""Ports of the runs: in flaxnn, and in Flax NNX with optax."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import optax
from flax import nnx

from flaxnn import nn, optim
from flaxnn.data import DataLoader
from flaxnn.optim import lr_scheduler
from flaxnn.random import Generator
from tests.planted.arrays import CLASSES, PLANS, SEED, arrays

Port = dict[str, Any]


def port(name: str, layers: dict[int, Any] | None = None, **replaced: Any) -> Port:
    """What `diverge` takes for a port in flaxnn.

    Args:
        name: The run.
        layers: Modules that take the place of those at these positions.
        replaced: Other arguments of `diverge`.
    """
    generator = Generator(SEED)
    modules = _layers(name, generator)
    for place, module in (layers or {}).items():
        modules[place] = module
    model = nn.Sequential(*modules)
    # With a seed of its own, a wrong layer draws nothing from the run's stream.
    x, y = arrays(name)
    loader = DataLoader((x, y), PLANS[name].batch_size, shuffle=True, rngs=generator)
    smoothing = 0.1 if name == "mlp-adam" else 0.0
    return {
        "model": model,
        "loss": nn.CrossEntropyLoss(label_smoothing=smoothing),
        "data": loader,
        **_trainer(name),
        **replaced,
    }


def _layers(name: str, g: Generator) -> list[Any]:
    if name == "mlp-sgd":
        return [
            nn.Linear(12, 8, bias=False, rngs=g),
            nn.ReLU(),
            nn.Linear(8, 8, rngs=g),
            nn.ReLU(),
            nn.Linear(8, CLASSES, rngs=g),
        ]
    if name == "mlp-adam":
        return [
            nn.Linear(12, 8, rngs=g),
            nn.GELU(),
            nn.LayerNorm(8),
            nn.Linear(8, 8, rngs=g),
            nn.ELU(),
            nn.Identity(),
            nn.Linear(8, CLASSES, rngs=g),
        ]
    if name == "conv-sgd":
        return [
            nn.Conv2d(1, 4, 3, padding=1, rngs=g),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 4, 3, rngs=g),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(64, CLASSES, rngs=g),
        ]
    if name == "conv-adam":
        return [
            nn.Conv2d(2, 4, 3, rngs=g),
            nn.BatchNorm2d(4),
            nn.GELU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.25),
            nn.Linear(16, CLASSES, rngs=g),
        ]
    return [nn.Linear(12, 8, rngs=g), nn.Tanh(), nn.Linear(8, CLASSES, rngs=g)]


def _trainer(name: str) -> Port:
    if name == "mlp-sgd":
        return {"optimizer": optim.sgd(0.1, momentum=0.9, weight_decay=0.01)}
    if name == "mlp-adam":
        return {
            "optimizer": optim.adam(1e-2, weight_decay=0.01),
            "schedule": lr_scheduler.exponential_lr(0.5),
        }
    if name == "conv-sgd":
        return {
            "optimizer": optim.sgd(0.05, momentum=0.9),
            "schedule": lr_scheduler.step_lr(2, 0.1),
            "schedule_every": "step",
        }
    if name == "conv-adam":
        return {"optimizer": optim.adamw(1e-2, weight_decay=0.05)}
    return {"optimizer": optim.adam(1e-2)}


class FlaxMLP(nnx.Module):
    """The MLP of ``mlp-sgd`` as Flax writes it, with relu as a function."""

    def __init__(self, relu: Any = nnx.relu):
        rngs = nnx.Rngs(0)
        self.first = nnx.Linear(12, 8, use_bias=False, rngs=rngs)
        self.second = nnx.Linear(8, 8, rngs=rngs)
        self.third = nnx.Linear(8, CLASSES, rngs=rngs)
        self.relu = relu

    def __call__(self, x: Any) -> Any:
        x = self.relu(self.first(x))
        return self.third(nnx.relu(self.second(x)))


class FlaxConv(nnx.Module):
    """The net of ``conv-sgd`` as Flax writes it, channels last."""

    def __init__(self, momentum: float = 0.9):
        rngs = nnx.Rngs(0)
        self.conv1 = nnx.Conv(1, 4, (3, 3), padding=1, rngs=rngs)
        self.norm = nnx.BatchNorm(4, momentum=momentum, epsilon=1e-5, rngs=rngs)
        self.conv2 = nnx.Conv(4, 4, (3, 3), padding="VALID", rngs=rngs)
        self.fc = nnx.Linear(64, CLASSES, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.relu(self.norm(self.conv1(jnp.moveaxis(x, 1, -1))))
        return self.fc(nnx.relu(self.conv2(x)).reshape(len(x), -1))


MLP_NAMES = {"first": "0", "second": "2", "third": "4"}
CONV_NAMES = {"conv1": "0", "norm": "1", "conv2": "3", "fc": "6"}


def flax_mlp(**replaced: Any) -> Port:
    """``mlp-sgd`` in Flax and optax."""
    sgd = optax.chain(optax.add_decayed_weights(0.01), optax.sgd(0.1, momentum=0.9))
    given: Port = {"model": FlaxMLP(), "optimizer": sgd, "names": MLP_NAMES}
    return port("mlp-sgd", **{**given, **replaced})


def flax_conv(**replaced: Any) -> Port:
    """``conv-sgd`` in Flax and optax."""
    rate = optax.exponential_decay(0.05, 2, 0.1, staircase=True)
    given: Port = {
        "model": FlaxConv(),
        "optimizer": optax.sgd(rate, momentum=0.9),
        "schedule": None,
        "names": CONV_NAMES,
        "flatten": {"fc": (4, 4, 4)},
    }
    return port("conv-sgd", **{**given, **replaced})
