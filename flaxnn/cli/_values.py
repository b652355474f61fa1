# SPDX-License-Identifier: Apache-2.0
"""What the shell completes arguments with, known without importing JAX."""

from __future__ import annotations

from collections.abc import Iterable

# A test holds these to the registries, whose modules import JAX or NumPy.
ENTRIES = (
    "softmax",
    "output-layer",
    "activations",
    "errors",
    "output-layer-2",
    "neuron",
    "univariate",
    "multinomial",
    "wine",
    "batched-softmax",
    "relu-and-softmax",
    "neural-network",
    "fashion-mnist",
)
DATA_SETS = ("breast_cancer", "digits", "fashion_mnist", "iris", "mnist", "wine")
MODELS = (
    "LogisticRegression",
    "NeuralNetwork",
    "SimpleMultiClassModel",
    "SoftmaxRegression",
)


def entries_of_reproduce(incomplete: str) -> list[str]:
    """Entries that begin so."""
    return _beginning(ENTRIES, incomplete)


def cases_of_bench(incomplete: str) -> list[str]:
    """Cases and groups of them that begin so."""
    from flaxnn.bench import CASES

    groups = dict.fromkeys(case.group for case in CASES if case.group)
    return _beginning([*(case.name for case in CASES), *groups], incomplete)


def data_sets(incomplete: str) -> list[str]:
    """Data sets that begin so."""
    return _beginning(DATA_SETS, incomplete)


def models(incomplete: str) -> list[str]:
    """Models of `flaxnn.models` that begin so."""
    return _beginning(MODELS, incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
