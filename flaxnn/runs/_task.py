# SPDX-License-Identifier: Apache-2.0
"""What a run is about, told by its model and its labels: which loss, which metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from flax import nnx

from flaxnn import metrics, nn
from flaxnn.runs._catalogue import BINARY_LOSSES, CLASS_LOSSES, find_metric

# What less is better of.
_FALLING = ("loss", "calibration_error")


@dataclass(frozen=True)
class Task:
    """What outputs and targets mean.

    Attributes:
        kind: Whether a target is a class, 0 or 1, or numbers.
        outputs: What the model's outputs are: what its loss takes.
        classes: How many classes there are; 2 where a target is 0 or 1.
    """

    kind: Literal["classes", "binary", "values"]
    outputs: Literal["logits", "log-probabilities", "probabilities", "values"]
    classes: int = 0

    @classmethod
    def of(cls, loss: str, output: tuple[int, ...]) -> Task:
        """The task of a loss and a model.

        Args:
            loss: The name of its class.
            output: The shape of the model's output for one row.
        """
        if loss in CLASS_LOSSES:
            outputs = "log-probabilities" if loss == "NLLLoss" else "logits"
            return cls("classes", outputs, output[0] if output else 0)
        if loss in BINARY_LOSSES:
            return cls("binary", "probabilities" if loss == "BCELoss" else "logits", 2)
        return cls("values", "values")

    def default_metrics(self, output: tuple[int, ...]) -> list[str]:
        """The metrics of a task: accuracy, where a sample has one answer."""
        return ["accuracy"] if self.one_answer(output) else []

    def one_answer(self, output: tuple[int, ...]) -> bool:
        """Whether each row has one class."""
        one = self.kind == "binary" and output in ((), (1,))
        return one or (self.kind == "classes" and len(output) == 1)

    def metric(self, name: str) -> Any:
        """A metric by name, for `flaxnn.evaluate`."""
        classes = self.classes if self.kind == "classes" else None
        return find_metric(name, classes, logits=self.outputs != "probabilities")

    def training_metrics(self, names: list[str]) -> list[Any]:
        """Metrics that ride along in training: accuracy, where a function has it."""
        if "accuracy" not in names:
            return []
        if self.kind == "classes":
            return [metrics.accuracy]
        return [metrics.binary_accuracy] if self.outputs == "probabilities" else []

    def probabilities(self, outputs: np.ndarray) -> tuple[np.ndarray, str]:
        """Probabilities ``(N, C)`` of outputs, and how they were come by.

        Args:
            outputs: ``(N, C)``, or ``(N,)`` or ``(N, 1)`` for two classes.
        """
        x = np.asarray(outputs, np.float64)
        if self.kind == "binary":
            x = x.reshape(len(x), -1)
            if self.outputs == "logits":
                # exp of negative numbers only, which cannot overflow.
                small = np.exp(-np.abs(x))
                x = np.where(x >= 0, 1 / (1 + small), small / (1 + small))
            how = "sigmoid of the logits" if self.outputs == "logits" else "the outputs"
            return np.concatenate([1 - x, x], axis=1), how
        if self.outputs == "log-probabilities":
            return np.exp(x), "exp of the log-probabilities"
        shifted = np.exp(x - x.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True), "softmax of the logits"


def better(metric: str) -> Literal["min", "max"]:
    """Whether less of a metric is better, or more."""
    plain = metric.removeprefix("train_")
    return "min" if plain in _FALLING else "max"


def default_loss(model: nnx.Module, target: np.ndarray, output: tuple[int, ...]) -> str:
    """The loss that a model and its labels are meant for, by PyTorch's name.

    Args:
        model: The model, whose last module counts.
        target: Labels.
        output: The shape of the model's output for one row.
    """
    last = _last_module(model)
    whole = target.dtype.kind in "iub"
    if whole and target.ndim == 1 and len(output) >= 1 and output != (1,):
        return "NLLLoss" if isinstance(last, nn.LogSoftmax) else "CrossEntropyLoss"
    if isinstance(last, nn.Sigmoid):
        return "BCELoss"
    if whole and len(target) and target.min() >= 0 and target.max() <= 1:
        return "BCEWithLogitsLoss"
    return "MSELoss"


def _last_module(model: nnx.Module) -> Any:
    """The module that was registered last."""
    return list(model.modules())[-1] if isinstance(model, nn.Module) else None
