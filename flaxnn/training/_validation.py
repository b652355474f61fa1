# SPDX-License-Identifier: Apache-2.0
"""What a run is judged by after its epochs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flaxnn.training._eval_step import AnyMetric
from flaxnn.training._evaluate import Evaluator
from flaxnn.training._placement import Placement
from flaxnn.training._problem import Problem
from flaxnn.training._pure import model_dtype, named_metrics


@dataclass(frozen=True)
class Validation:
    """Data that `flaxnn.fit` evaluates the model on while it trains.

    The loss is always among the metrics. A `flaxnn.data.DataLoader` draws from its
    Generators as a pass over it in PyTorch's loop does, after an epoch and before the
    next, which moves what the next epoch draws from the same Generator.

    Args:
        data: Arrays ``(inputs, …, target)``, a `flaxnn.data.Dataset` or a loader.
        metrics: As for `flaxnn.evaluate`, in addition to the loss.
        every: After how many epochs; for arrays to train on, where each step takes
            all of them, after how many steps.
        batch_size: Samples at a time for arrays; all at once when None.
        stream: As for `flaxnn.evaluate`.

    Raises:
        TypeError: ``every`` is not an integer, or the metrics are no metrics.
        ValueError: ``every`` is not positive, or a metric has a name that is taken.
    """

    data: Any
    metrics: Mapping[str, AnyMetric] | Sequence[AnyMetric] = ()
    every: int = 1
    batch_size: int | None = None
    stream: bool | None = None

    def __post_init__(self) -> None:
        if isinstance(self.every, bool) or not isinstance(self.every, int):
            raise TypeError(f"every must be an integer, got {self.every!r}")
        if self.every < 1:
            raise ValueError(f"every must be at least 1, got {self.every}")
        for taken in {"loss", "epoch", "step"} & named_metrics(self.metrics).keys():
            raise ValueError(f'"{taken}" is taken; give the metric another name')

    @classmethod
    def of(cls, value: Any) -> Validation:
        """The value itself, or a validation on these data with the loss only."""
        return value if isinstance(value, cls) else cls(value)

    def evaluator(
        self, problem: Problem, loss: Callable[..., Any], placement: Placement
    ) -> Evaluator:
        """What evaluates a run's states; raises what is wrong with the data."""
        metrics = {"loss": loss, **named_metrics(self.metrics)}
        evaluator = Evaluator(
            problem.graphdef,
            model_dtype(problem.params),
            self.data,
            metrics,
            self.batch_size,
            self.stream,
            placement,
        )
        evaluator.check(problem.params, problem.buffers)
        return evaluator
