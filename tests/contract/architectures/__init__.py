# SPDX-License-Identifier: Apache-2.0
"""Forty architectures, each a function of `torch.nn` or `flaxnn.nn`.

Their initial states from a seed are compared bit for bit: the layers with what they
draw, the order of construction, and what overwrites the weights afterwards.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from flaxnn import nn
from flaxnn.random import Generator
from tests.contract.architectures import (
    attention,
    convolutional,
    dense,
    generative,
    sequences,
)

SEEDS = (0, 1, 42, 2025, -3)
ARCHITECTURES: dict[str, Callable[..., Any]] = {
    name: function
    for family in (dense, convolutional, generative, sequences, attention)
    for name, function in inspect.getmembers(family, inspect.isfunction)
    if function.__module__ == family.__name__
}


@dataclass(frozen=True)
class Initial:
    """A model's initial state, and the generator's after the construction."""

    tensors: Mapping[str, np.ndarray]
    generator: np.ndarray

    def digest(self) -> str:
        """Returns a digest of names, shapes, dtypes, numbers and the generator."""
        hashed = sha256()
        for name, array in self.tensors.items():
            # Counters are int64 in PyTorch and int32 in JAX.
            array = array.astype(np.int64) if array.dtype.kind == "i" else array
            hashed.update(f"{name} {array.dtype} {array.shape} ".encode())
            hashed.update(array.tobytes())
        hashed.update(self.generator.tobytes())
        return hashed.hexdigest()

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return sum(array.size for array in self.tensors.values())


def initial(name: str, generator: Generator) -> Initial:
    """Returns ours, drawn from a generator."""
    model = ARCHITECTURES[name](nn, rngs=generator)
    tensors = {key: np.asarray(array) for key, array in model.state_dict().items()}
    return Initial(tensors, generator.get_state())
