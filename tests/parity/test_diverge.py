# SPDX-License-Identifier: Apache-2.0
"""What loops do beside the plain step raises no alarm; what is off is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optax
import pytest

from flaxnn import nn, optim
from flaxnn.optim import lr_scheduler
from flaxnn.parity import Trace, diverge
from flaxnn.random import Generator

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytestmark = pytest.mark.torch

X = np.random.default_rng(0).normal(size=(8, 5)).astype(np.float32)
Y = np.arange(8) % 3
RATE = 0.5


def recorded(path: Path, loop: Callable[..., None]) -> Path:
    """Records eight steps of a small model, as a loop does them."""
    from flaxnn.parity.recorder import record

    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)
    )
    optimizer = torch.optim.SGD(model.parameters(), RATE, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 7)
    with record(model, optimizer, path):
        for _ in range(9):
            optimizer.zero_grad()
            loop(model, torch.nn.CrossEntropyLoss())
            optimizer.step()
            scheduler.step()
    return path


def plain(model: Any, criterion: Any) -> None:
    criterion(model(torch.from_numpy(X)), torch.from_numpy(Y)).backward()


def clipped(model: Any, criterion: Any) -> None:
    plain(model, criterion)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 0.1)


def accumulated(model: Any, criterion: Any) -> None:
    for half in (slice(0, 4), slice(4, 8)):
        x, y = torch.from_numpy(X[half]), torch.from_numpy(Y[half])
        (criterion(model(x), y) / 2).backward()


def port(optimizer: Any = None, **options: Any) -> dict[str, Any]:
    generator = Generator(0)
    layers = nn.Linear(5, 4, rngs=generator), nn.Tanh(), nn.Linear(4, 3, rngs=generator)
    given = {
        "model": nn.Sequential(*layers),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optimizer or optim.sgd(RATE, momentum=0.9),
        "data": (X, Y),
        "schedule": lr_scheduler.step_lr(7),
        "schedule_every": "step",
    }
    return given | options


def test_a_schedule_between_whole_steps(tmp_path: Path) -> None:
    trace = recorded(tmp_path / "run.trace", plain)
    assert not Trace.open(trace).steps[6].whole
    assert not diverge(trace, **port())
    early = optax.exponential_decay(RATE, 6, 0.1, staircase=True)
    wrong = port(optax.sgd(early, momentum=0.9), schedule=None)
    first = diverge(trace, **wrong).first
    assert first is not None
    assert (first.step, first.phase, first.layer) == (6, "optimizer", "")
    assert first.cause is not None
    assert first.cause.name == "learning rate or schedule off by one step"


def test_clipped_gradients(tmp_path: Path) -> None:
    trace = recorded(tmp_path / "run.trace", clipped)
    both = optim.chain(optim.clip_grad_norm(0.1), optim.sgd(RATE, momentum=0.9))
    assert not diverge(trace, **port(both))
    first = diverge(trace, **port()).first
    assert first is not None
    assert (first.step, first.phase) == (0, "optimizer")


def test_accumulated_gradients(tmp_path: Path) -> None:
    trace = recorded(tmp_path / "run.trace", accumulated)
    half = port(loss=lambda output, target: nn.CrossEntropyLoss()(output, target) / 2)
    del half["data"]
    assert not diverge(trace, **half, everywhere=True)
