# SPDX-License-Identifier: Apache-2.0
"""A ledger's draws as rows that say whom each was for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flaxnn.random._ledger import Draw

# What the names of consumers in flaxnn are made of: see Generator.consumer's callers.
LOADER, BASE_SEED, EVALUATION, PARAMETER = (
    "DataLoader(",
    "base seed",
    "evaluation",
    "parameter ",
)
_SHUFFLES = "RandomSampler"


@dataclass(frozen=True)
class Row:
    """A draw, and what is known of whom it was for.

    Attributes:
        number: Its place in the ledger, from 0.
        draw: The draw.
        loader: The loader that drew, or None.
        epoch: Which iteration of that loader it belongs to, from 1.
        evaluates: Whether `flaxnn.evaluate` or a run's validation iterated it.
    """

    number: int
    draw: Draw
    loader: str | None = None
    epoch: int = 0
    evaluates: bool = False

    @property
    def key(self) -> tuple[object, ...]:
        """What makes it the same draw in another run."""
        draw = self.draw
        return draw.consumer, draw.kind, draw.shape, draw.dtype, draw.words

    @property
    def who(self) -> str:
        """Whose draw it is."""
        if self.loader is not None:
            return (
                f"your evaluation loader, {self.loader},"
                if self.evaluates
                else (self.loader)
            )
        return self.what

    @property
    def what(self) -> str:
        """What was drawn."""
        draw = self.draw
        if self.loader is not None:
            part = f"epoch {self.epoch} of {self.loader}"
            if self.evaluates:
                part = f"pass {self.epoch} of the evaluation loader {self.loader}"
            last = (draw.consumer or "").rpartition("/")[2]
            if last == BASE_SEED:
                return f"the base seed of {part}"
            return f"the {'shuffle' if last == _SHUFFLES else 'order'} of {part}"
        if draw.consumer is None:
            return f"your own {draw.kind}{_shape(draw.shape)}"
        return draw.consumer

    def plain(self) -> dict[str, Any]:
        """The row as plain values, ready for JSON."""
        draw = self.draw
        return {
            "draw": self.number,
            "consumer": draw.consumer,
            "what": self.what,
            "epoch": self.epoch or None,
            "kind": draw.kind,
            "shape": list(draw.shape),
            "dtype": str(draw.dtype),
            "offset": draw.offset,
            "words": draw.words,
        }


def rows_of(ledger: Sequence[Draw]) -> list[Row]:
    """The rows of a ledger, with the loaders' epochs counted."""
    epochs: dict[str, int] = {}
    rows = []
    for number, draw in enumerate(ledger):
        parts = (draw.consumer or "").split("/")
        loader = next((part for part in parts if part.startswith(LOADER)), None)
        if loader is None:
            rows.append(Row(number, draw))
            continue
        evaluates = EVALUATION in parts
        whole = "/".join(parts[: parts.index(loader) + 1])
        if parts[-1] == BASE_SEED:
            epochs[whole] = epochs.get(whole, 0) + 1
        rows.append(Row(number, draw, loader, epochs.get(whole, 1), evaluates))
    return rows


def _shape(shape: tuple[int, ...]) -> str:
    return f" of shape {shape}" if shape else ""
