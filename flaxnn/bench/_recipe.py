# SPDX-License-Identifier: Apache-2.0
"""What all sides of a case compute, in words that a worker reads from JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """A training run, described without the words of any library.

    Attributes:
        widths: The width of each layer of a perceptron, inputs first; ReLU between.
        loss: ``"cross_entropy"`` or ``"binary_cross_entropy"``, the mean.
        optimizer: ``"sgd"`` or ``"adam"``, with PyTorch's defaults but for `lr`.
        lr: The learning rate.
        seed: What PyTorch's generator starts from; the weights are drawn first.
        last: What follows the last layer: ``"sigmoid"``, ``"relu"`` or nothing.
        drawn_before: Widths of a model whose weights come out of the same generator
            before this one's.
        batch_size: Rows in a batch, shuffled by the same generator; None for all rows
            at every step.
        epochs: Passes over the data, where there are batches.
        steps: Updates in a run; None stands for the epochs until the data are known.
        runs: Runs that are done, each with the weights of the next seed; all rows at
            every step only.
    """

    widths: tuple[int, ...]
    loss: str
    optimizer: str
    lr: float
    seed: int
    last: str = ""
    drawn_before: tuple[int, ...] = ()
    batch_size: int | None = None
    epochs: int = 1
    steps: int | None = None
    runs: int = 1

    def to_json(self) -> dict[str, Any]:
        """Returns the fields, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Recipe:
        """Returns the recipe that `to_json` wrote.

        Args:
            fields: What JSON gave back; its lists stand for tuples.
        """
        tuples = {
            name: tuple(value)
            for name, value in fields.items()
            if isinstance(value, list)
        }
        return cls(**{**fields, **tuples})
