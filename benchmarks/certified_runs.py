# SPDX-License-Identifier: Apache-2.0
"""The training runs of the documents in flaxnn, for `certify_all.py` to certify."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn import models, nn, optim
from flaxnn.data import DataLoader, documents, load, train_test_split
from flaxnn.random import Generator

# The documents' seeds: 002 prints its own, those of 000 and 004 were recovered, and
# document 001 prints none, so both sides start from 0.
SEED_000, SEED_001, SEED_002, SEED_004 = 1043173585, 0, 2025, 866285315
# How much of Fashion-MNIST is run in float64 too. The ReLU on the logits makes Adam's
# run chaotic: rounding grows by a factor of a million within the epoch.
EPOCH, PROOF = 938, 200


@dataclass(frozen=True)
class Run:
    """A training run of a document.

    Attributes:
        name: What its certificate is called.
        document: The document's number.
        arguments: From the folder with the data, those of `flaxnn.parity.certify`.
        proof_steps: The steps in float64; None for all.
    """

    name: str
    document: str
    arguments: Callable[[Path | None], dict[str, Any]]
    proof_steps: int | None = None


def _output_layer(seed: int, data: Path | None) -> dict[str, Any]:
    generator = Generator(seed)
    model = models.SimpleMultiClassModel(rngs=generator)
    return {
        "model": model,
        "data": (generator.randn(4, 5), documents.output_layer_labels()),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.adam(lr=0.01),
        "steps": 10,
    }


def _univariate(data: Path | None) -> dict[str, Any]:
    return {
        "model": models.LogisticRegression(rngs=Generator(SEED_002)),
        "data": documents.univariate(),
        "loss": nn.BCELoss(),
        "optimizer": optim.sgd(lr=0.01),
        "steps": 1_001,
    }


def _multinomial(data: Path | None) -> dict[str, Any]:
    generator = Generator(SEED_002)
    # The document draws the univariate model first, from the same stream.
    models.LogisticRegression(rngs=generator)
    return {
        "model": models.SoftmaxRegression(4, 3, rngs=generator),
        "data": documents.multinomial(),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.sgd(lr=0.01),
        "steps": 10_001,
    }


def _wine(data: Path | None) -> dict[str, Any]:
    return {
        "model": models.SoftmaxRegression(13, 3, rngs=Generator(SEED_002)),
        "data": wine_arrays(),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optim.sgd(lr=0.01),
        "steps": 1_001,
    }


def wine_arrays() -> tuple[np.ndarray, np.ndarray]:
    """The exercise's 124 training samples, standardised."""
    features, cultivars = load("wine").arrays
    x, _, y, _ = train_test_split(features, cultivars, test_size=0.3, random_state=0)
    return ((x - x.mean(axis=0)) / x.std(axis=0)).astype(np.float32), y


def _fashion_mnist(
    optimizer: Any, epochs: int, final_relu: bool, data: Path | None
) -> dict[str, Any]:
    images = fashion_mnist_arrays(data)
    generator = Generator(SEED_004)
    return {
        "model": models.NeuralNetwork(final_relu=final_relu, rngs=generator),
        "data": DataLoader(images, 64, shuffle=True, rngs=generator),
        "loss": nn.CrossEntropyLoss(),
        "optimizer": optimizer,
        "epochs": epochs,
    }


def fashion_mnist_arrays(data: Path | None) -> tuple[np.ndarray, ...]:
    """The training images, of raw files in the folder or in its `fashion_mnist`."""
    raw = data if data and any(data.glob("train-images-idx3-ubyte*")) else None
    folder = None if raw else data
    here = data is not None
    loaded = load("fashion_mnist", data_dir=folder, raw_dir=raw, download=not here)
    return loaded.arrays


_SGD, _ADAM = optim.sgd(lr=1e-3), optim.adam(lr=1e-3)

RUNS = (
    Run("output-layer", "000", partial(_output_layer, SEED_000)),
    Run("output-layer-2", "001", partial(_output_layer, SEED_001)),
    Run("univariate", "002", _univariate),
    Run("multinomial", "002", _multinomial),
    Run("wine", "002", _wine),
    Run("fashion-mnist-sgd", "004", partial(_fashion_mnist, _SGD, 5, True), EPOCH),
    Run(
        "fashion-mnist-sgd-plain-logits",
        "004",
        partial(_fashion_mnist, _SGD, 5, False),
        EPOCH,
    ),
    Run("fashion-mnist-adam", "004", partial(_fashion_mnist, _ADAM, 1, True), PROOF),
)
