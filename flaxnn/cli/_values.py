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
OPTIMIZERS = (
    "adadelta",
    "adagrad",
    "adam",
    "adamax",
    "adamw",
    "asgd",
    "lbfgs",
    "nadam",
    "radam",
    "rmsprop",
    "rprop",
    "sgd",
)
SCHEDULES = (
    "chained_scheduler",
    "constant_lr",
    "cosine_annealing_lr",
    "cosine_annealing_warm_restarts",
    "cyclic_lr",
    "exponential_lr",
    "linear_lr",
    "multi_step_lr",
    "one_cycle_lr",
    "polynomial_lr",
    "reduce_lr_on_plateau",
    "sequential_lr",
    "step_lr",
    "swalr",
)
LOSSES = (
    "CrossEntropyLoss",
    "MultiMarginLoss",
    "NLLLoss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "HingeEmbeddingLoss",
    "HuberLoss",
    "KLDivLoss",
    "L1Loss",
    "MSELoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "PoissonNLLLoss",
    "SmoothL1Loss",
    "SoftMarginLoss",
)
METRICS = (
    "accuracy",
    "precision",
    "recall",
    "f1",
    "auroc",
    "binned_auroc",
    "calibration_error",
    "confusion_matrix",
    "top_5_accuracy",
)
DTYPES = ("float32", "float64")
SPLITS = ("train", "validation", "test", "all")


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


def optimizers(incomplete: str) -> list[str]:
    """Optimisers that begin so."""
    return _beginning(OPTIMIZERS, incomplete)


def schedules(incomplete: str) -> list[str]:
    """Schedules that begin so."""
    return _beginning(SCHEDULES, incomplete)


def losses(incomplete: str) -> list[str]:
    """Losses that begin so."""
    return _beginning(LOSSES, incomplete)


def metrics(incomplete: str) -> list[str]:
    """Metrics that begin so."""
    return _beginning(METRICS, incomplete)


def metric_lists(incomplete: str) -> list[str]:
    """Lists of metrics whose last one begins so."""
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in _beginning(METRICS, last)]


def dtypes(incomplete: str) -> list[str]:
    """Dtypes of parameters that begin so."""
    return _beginning(DTYPES, incomplete)


def splits(incomplete: str) -> list[str]:
    """Parts of data that begin so."""
    return _beginning(SPLITS, incomplete)


def checkpoints(incomplete: str) -> list[str]:
    """What a checkpoint is called, beside the number of its step."""
    return _beginning(("best", "last"), incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
