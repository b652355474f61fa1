# SPDX-License-Identifier: Apache-2.0
"""The recorder as a user has it, and runs for it to record."""

from __future__ import annotations

import importlib.util
from types import ModuleType
from typing import Any

import pytest

from flaxnn.parity import recorder_path

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn, optim = torch.nn, torch.optim


def load_recorder() -> ModuleType:
    """The file imported by its path, not from the package."""
    spec = importlib.util.spec_from_file_location("recorder", recorder_path())
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Net(nn.Module):
    """All that is awkward: shared, tied, in place, in tuples, with buffers, by name."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.norm = nn.BatchNorm1d(6)
        self.relu = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.recurrent = nn.GRU(6, 6, batch_first=True)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.last = nn.Linear(6, 6)
        self.last.weight = self.first.weight
        self.frozen = nn.Linear(6, 6, dtype=torch.float64).requires_grad_(False)

    def forward(self, x: Any, *, scale: float = 1.0) -> Any:
        x = self.relu(self.norm(self.first(x)))
        x = self.drop(self.first(x))[:, None]
        x, _ = self.recurrent(x)
        x, weights = self.attention(query=x, key=x, value=x)
        with torch.no_grad():
            shift = self.frozen(x[:, 0].double()).float()
        return self.last(x[:, 0]) * scale + shift, weights


def batches(count: int, size: int = 8) -> list[tuple[Any, Any]]:
    generator = torch.Generator().manual_seed(1)
    return [
        (
            torch.randn(size, 6, generator=generator),
            torch.randint(0, 6, (size,), generator=generator),
        )
        for _ in range(count)
    ]


def train(model: Any, optimizer: Any, count: int = 3, size: int = 8) -> None:
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    for inputs, target in batches(count, size):
        optimizer.zero_grad()
        output = model(inputs)
        output = output[0] if isinstance(output, tuple) else output
        criterion(output, target).backward()
        optimizer.step()


def small() -> tuple[Any, Any]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 6))
    return model, optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
