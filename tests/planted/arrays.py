# SPDX-License-Identifier: Apache-2.0
"""The data of the recorded runs, and how each is trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEED = 11


@dataclass(frozen=True)
class Plan:
    """A run without its model.

    Attributes:
        rows: How many examples.
        shape: Of one of them.
        batch_size: Of the loader; the last batch is a short one.
        epochs: How long.
    """

    rows: int
    shape: tuple[int, ...]
    batch_size: int
    epochs: int


PLANS = {
    "mlp-sgd": Plan(20, (12,), 8, 2),
    "mlp-adam": Plan(20, (12,), 8, 2),
    "conv-sgd": Plan(10, (1, 6, 6), 4, 2),
    "conv-adam": Plan(10, (2, 6, 6), 4, 2),
    "float64": Plan(20, (12,), 8, 1),
}
CLASSES = 4


def arrays(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Inputs and labels of a run; some inputs are blank, as borders of images are."""
    plan = PLANS[name]
    drawn = np.random.default_rng(3)
    x = drawn.normal(size=(plan.rows, *plan.shape)).astype(np.float32)
    x[::5] = 0.0
    if name == "float64":
        x = x.astype(np.float64)
    return x, drawn.integers(0, CLASSES, plan.rows)
