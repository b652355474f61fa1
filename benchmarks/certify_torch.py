# SPDX-License-Identifier: Apache-2.0
"""The training runs of the documents in PyTorch, for `certify_all.py` to record.

Every function is what its document writes: a seed, a model, a loop. What differs is
that the model passes through ``variant.start`` and the inputs take its dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.certified_runs import (
    SEED_000,
    SEED_001,
    SEED_002,
    SEED_004,
    fashion_mnist_arrays,
    wine_arrays,
)
from flaxnn.data import documents
from flaxnn.parity import Variant

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
Make = Callable[..., torch.optim.Optimizer]
Batches = Iterable[tuple[torch.Tensor, torch.Tensor]]


def _loop(
    variant: Variant,
    model: nn.Module,
    batches: Batches,
    optimizer: torch.optim.Optimizer,
    criterion: Loss,
) -> list[float]:
    """The loop that every document writes."""
    losses: list[float] = []
    for x, y in batches:
        loss = criterion(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if variant.stop(losses):
            break
    return losses


def _full_batches(x: torch.Tensor, y: torch.Tensor, steps: int) -> Batches:
    return ((x, y) for _ in range(steps))


def _floats(array: np.ndarray, variant: Variant) -> torch.Tensor:
    return torch.from_numpy(array).to(variant.dtype)


class SimpleMultiClassModel(nn.Module):
    """The model of documents 000 and 001."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(5, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the logits."""
        return self.fc(x)


def _output_layer(seed: int, variant: Variant) -> list[float]:
    torch.manual_seed(seed)
    model = SimpleMultiClassModel()
    x, y = torch.randn(4, 5), torch.tensor([0, 2, 1, 0])
    variant.start(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    batches = _full_batches(x.to(variant.dtype), y, 10)
    return _loop(variant, model, batches, optimizer, nn.CrossEntropyLoss())


def output_layer(variant: Variant, data: Path | None = None) -> list[float]:
    """Document 000: ten steps of Adam."""
    return _output_layer(SEED_000, variant)


def output_layer_2(variant: Variant, data: Path | None = None) -> list[float]:
    """Document 001: the same, which prints no seed."""
    return _output_layer(SEED_001, variant)


def univariate(variant: Variant, data: Path | None = None) -> list[float]:
    """Document 002: binary logistic regression."""
    torch.manual_seed(SEED_002)
    model = variant.start(nn.Sequential(nn.Linear(1, 1), nn.Sigmoid()))
    x, y = (_floats(array, variant) for array in documents.univariate())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return _loop(variant, model, _full_batches(x, y, 1_001), optimizer, nn.BCELoss())


def multinomial(variant: Variant, data: Path | None = None) -> list[float]:
    """Document 002: softmax regression, drawn behind the univariate model."""
    torch.manual_seed(SEED_002)
    nn.Sequential(nn.Linear(1, 1), nn.Sigmoid())
    model = variant.start(nn.Sequential(nn.Linear(4, 3)))
    x, y = documents.multinomial()
    batches = _full_batches(_floats(x, variant), torch.from_numpy(y), 10_001)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return _loop(variant, model, batches, optimizer, nn.CrossEntropyLoss())


def wine(variant: Variant, data: Path | None = None) -> list[float]:
    """Document 002's exercise."""
    x, y = wine_arrays()
    torch.manual_seed(SEED_002)
    model = variant.start(nn.Sequential(nn.Linear(13, 3)))
    batches = _full_batches(_floats(x, variant), torch.from_numpy(y), 1_001)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return _loop(variant, model, batches, optimizer, nn.CrossEntropyLoss())


class NeuralNetwork(nn.Module):
    """The model of document 004, with or without the ReLU on its logits."""

    def __init__(self, final_relu: bool) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(
            nn.Linear(784, 512),
            nn.ReLU(),
            nn.Linear(512, 512),
            nn.ReLU(),
            nn.Linear(512, 10),
            *([nn.ReLU()] if final_relu else []),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the logits of the images."""
        return self.linear_relu_stack(self.flatten(x))


def _fashion_mnist(
    variant: Variant, data: Path | None, make: Make, epochs: int, final_relu: bool
) -> list[float]:
    images, labels = fashion_mnist_arrays(data)
    torch.manual_seed(SEED_004)
    model = variant.start(NeuralNetwork(final_relu))
    # ToTensor: to float32, then a true division.
    x = torch.from_numpy(images.copy()).float().div(255).to(variant.dtype)
    y = torch.from_numpy(labels.astype(np.int64))
    loader = DataLoader(TensorDataset(x, y), batch_size=64, shuffle=True)
    batches = (batch for _ in range(epochs) for batch in loader)
    optimizer = make(model.parameters(), lr=1e-3)
    return _loop(variant, model, batches, optimizer, nn.CrossEntropyLoss())


def fashion_mnist_sgd(variant: Variant, data: Path | None = None) -> list[float]:
    """Document 004's model, five epochs of SGD."""
    return _fashion_mnist(variant, data, torch.optim.SGD, 5, True)


def fashion_mnist_sgd_plain_logits(
    variant: Variant, data: Path | None = None
) -> list[float]:
    """The same without the ReLU on the logits."""
    return _fashion_mnist(variant, data, torch.optim.SGD, 5, False)


def fashion_mnist_adam(variant: Variant, data: Path | None = None) -> list[float]:
    """Document 004's model, one epoch of Adam."""
    return _fashion_mnist(variant, data, torch.optim.Adam, 1, True)


def training_functions() -> dict[str, Callable[..., Any]]:
    """The functions under the names of their certificates."""
    functions = (
        output_layer,
        output_layer_2,
        univariate,
        multinomial,
        wine,
        fashion_mnist_sgd,
        fashion_mnist_sgd_plain_logits,
        fashion_mnist_adam,
    )
    return {function.__name__.replace("_", "-"): function for function in functions}
