# SPDX-License-Identifier: Apache-2.0
"""What `fit` refuses of its plain arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from flaxnn.random import Generator
from flaxnn.training._state import RunState
from flaxnn.training.callbacks import Callback


def check_arguments(
    optimizer: Any,
    epochs: int | None,
    steps: int | None,
    chunk: int,
    rngs: Any,
    state: Any,
    callbacks: Any,
    nonfinite: Any,
) -> None:
    """Raises unless the arguments of `fit` are what they should be."""
    if (epochs is None) == (steps is None):
        raise TypeError(
            "fit needs either epochs (passes over the data) or steps (updates), "
            f"got epochs={epochs}, steps={steps}"
        )
    for name, value, least in (
        ("epochs", epochs, 0),
        ("steps", steps, 0),
        ("chunk", chunk, 1),
    ):
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{name} must be an integer, got {value!r}")
        if value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}")
    if not (hasattr(optimizer, "init") and hasattr(optimizer, "update")):
        raise TypeError(
            "optimizer must be an optax transformation such as "
            f"flaxnn.optim.sgd(lr=0.01), got {type(optimizer).__name__}"
        )
    if rngs is not None and not isinstance(rngs, Generator):
        raise TypeError(
            "rngs must be a flaxnn.random.Generator, got " + type(rngs).__name__
        )
    if state is not None and not isinstance(state, RunState):
        raise TypeError(
            "state must be the .state of an earlier fit, got " + type(state).__name__
        )
    for callback in callbacks:
        if not isinstance(callback, Callback):
            raise TypeError(
                "callbacks must be a sequence of flaxnn.training.callbacks.Callback "
                f"objects, got {callback!r} in it"
            )
    if nonfinite not in ("raise", "continue"):
        raise ValueError(f"nonfinite must be 'raise' or 'continue', got {nonfinite!r}")
