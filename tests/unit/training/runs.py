# SPDX-License-Identifier: Apache-2.0
"""Small runs that the engine's tests stop, break and go on with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from flaxnn import fit, nn, optim
from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.training import Run, RunState
from flaxnn.training.callbacks import Callback

_stream = np.random.RandomState(0)
FEATURES = _stream.randn(203, 4).astype(np.float32)
LABELS = _stream.randint(0, 3, 203)
# 203 rows in batches of 32: six whole ones and one of 11.
BATCHES = 7


class Net(nn.Module):
    """Two layers with dropout between them, whose masks the run draws."""

    def __init__(self, *, rngs: Generator):
        self.net = nn.Sequential(
            nn.Linear(4, 16, rngs=rngs),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(16, 3, rngs=rngs),
        )

    def forward(self, x: jax.Array) -> jax.Array:
        return self.net(x)


def train(*, own: bool = True, arrays: Any = None, **options: Any) -> Run[Net]:
    """Three epochs from seed 1, the order from a generator of its own or the run's."""
    rngs = Generator(1)
    model = Net(rngs=rngs)
    loader = DataLoader(
        arrays or (FEATURES, LABELS),
        32,
        shuffle=True,
        rngs=rngs,
        generator=Generator(4) if own else None,
    )
    if "steps" not in options:
        options.setdefault("epochs", 3)
    options.setdefault("loss", nn.CrossEntropyLoss())
    options.setdefault("optimizer", optim.adam(lr=0.05))
    return fit(model, loader, **options)


class Breaks(Callback):
    """Raises behind some step."""

    def __init__(self, step: int):
        self.step = step

    def steps(self, first: int, values: Mapping[str, np.ndarray]) -> None:
        if first + len(values["loss"]) >= self.step:
            raise ZeroDivisionError("a fault of the user's")


def assert_same_state(one: RunState, other: RunState) -> None:
    """Holds two states of a run to be equal to the bit."""
    jax.tree.map(np.testing.assert_array_equal, one.train, other.train)
    assert (one.epoch, one.batch) == (other.epoch, other.batch)
    for mine, theirs in zip(one.generators, other.generators, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def assert_same_run(one: Run[Net], other: Run[Net]) -> None:
    """Holds two runs to be equal to the bit: state, history and evaluations."""
    assert_same_state(one.state, other.state)
    for name in ("history", "evaluations"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert mine.keys() == theirs.keys()
        for key, values in mine.items():
            np.testing.assert_array_equal(values, theirs[key])
