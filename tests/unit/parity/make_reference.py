# SPDX-License-Identifier: Apache-2.0
"""Records the small PyTorch run that `test_certify.py` certifies without PyTorch.

Run `python -m tests.unit.parity.make_reference` with PyTorch 2.13.0.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from flaxnn.parity import Reference, Variant

FILE = Path(__file__).parent / "files" / "momentum.safetensors"
SEED, STEPS = 3, 12


def arrays() -> tuple[np.ndarray, np.ndarray]:
    """Five features and three classes."""
    rng = np.random.default_rng(1)
    return rng.normal(size=(10, 5)).astype(np.float32), rng.integers(0, 3, 10)


def train(variant: Variant) -> list[float]:
    """Twelve steps of SGD with momentum over all rows."""
    torch.manual_seed(SEED)
    model = variant.start(torch.nn.Sequential(torch.nn.Linear(5, 3)))
    x, y = map(torch.from_numpy, arrays())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    losses: list[float] = []
    while len(losses) < STEPS:
        loss = torch.nn.functional.cross_entropy(model(x.to(variant.dtype)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


if __name__ == "__main__":
    # Imported under its own name, so that other processes find the function too.
    from tests.unit.parity.make_reference import train as importable

    Reference.record(importable).save(FILE)
