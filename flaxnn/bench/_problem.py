# SPDX-License-Identifier: Apache-2.0
"""What all sides of a case start from, in files that their workers read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn.bench._case import Case
from flaxnn.bench._recipe import Recipe

# How much of a run a quick one does.
_QUICK_STEPS = 200
_QUICK_BATCHES = 4


@dataclass(frozen=True)
class Problem:
    """A recipe with its data.

    Attributes:
        recipe: What to compute, the number of steps filled in.
        x: ``(N, …)`` inputs, float32 or uint8 pixels.
        y: ``(N,)`` int64 labels or ``(N, 1)`` float32 targets.
        starts: For each run the parameters before its first step, two for each layer.
        rows: ``(epochs, N)`` int64, the order of the rows in each epoch; ``(0, N)``
            where every step takes all of them.

    The last two are for a side that cannot draw PyTorch's numbers itself.
    """

    recipe: Recipe
    x: np.ndarray
    y: np.ndarray
    starts: tuple[tuple[np.ndarray, ...], ...]
    rows: np.ndarray

    @property
    def weights(self) -> tuple[np.ndarray, ...]:
        """The parameters before the first step of the first run."""
        return self.starts[0]

    def floats(self) -> np.ndarray:
        """The inputs as float32 vectors, pixels divided by 255."""
        x = np.reshape(self.x, (len(self.x), -1))
        if x.dtype == np.uint8:
            return x.astype(np.float32) / np.float32(255)
        return np.ascontiguousarray(x)

    def passes(self, steps: int) -> list[np.ndarray]:
        """The rows of so many first steps, an array for each epoch begun.

        Raises:
            ValueError: Every step takes all rows, so there are no epochs to cut.
        """
        size = self.recipe.batch_size
        if size is None:
            raise ValueError("every step takes all rows: there are no passes")
        each = math.ceil(len(self.x) / size)
        counts = [min(each, steps - k) for k in range(0, steps, each)]
        return [
            rows[: count * size] for rows, count in zip(self.rows, counts, strict=False)
        ]

    def batches(self, steps: int) -> Iterator[np.ndarray]:
        """The rows of each of so many first steps, where steps take batches."""
        size = self.recipe.batch_size or 1
        for rows in self.passes(steps):
            yield from (rows[k : k + size] for k in range(0, len(rows), size))

    def shares(self) -> list[np.ndarray]:
        """For each epoch, the share that each of its steps has in its average loss.

        Where every step takes all rows, a run counts as one epoch.
        """
        steps = self.recipe.steps or 1
        if self.recipe.batch_size is None:
            return [np.full(steps, 1 / steps)] * self.recipe.runs
        size = self.recipe.batch_size
        counts = [
            np.minimum(size, len(rows) - np.arange(0, len(rows), size))
            for rows in self.passes(steps)
        ]
        return [count / count.sum() for count in counts]

    def description(self) -> dict[str, Any]:
        """What tells it from other problems, as JSON gives it back."""
        fields = {**self.recipe.to_json(), "rows": len(self.x)}
        return json.loads(json.dumps(fields))

    def write(self, folder: Path) -> None:
        """Writes it for `read`."""
        folder.mkdir(exist_ok=True)
        (folder / "recipe.json").write_text(json.dumps(self.recipe.to_json()))
        np.save(folder / "x.npy", self.x)
        np.save(folder / "y.npy", self.y)
        np.save(folder / "rows.npy", self.rows)
        for run, weights in enumerate(self.starts):
            for k, array in enumerate(weights):
                np.save(folder / f"weight-{run}-{k}.npy", array)


def pairs(weights: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Weight and bias of each layer."""
    return zip(weights[::2], weights[1::2], strict=True)


def read(folder: Path) -> Problem:
    """Returns the problem that `Problem.write` wrote."""
    recipe = Recipe.from_json(json.loads((folder / "recipe.json").read_text()))
    count = 2 * (len(recipe.widths) - 1)
    return Problem(
        recipe,
        # Mapped, the array lies as JAX takes it without a copy, like flaxnn.data's own.
        np.load(folder / "x.npy", mmap_mode="c"),
        np.load(folder / "y.npy"),
        tuple(
            tuple(np.load(folder / f"weight-{run}-{k}.npy") for k in range(count))
            for run in range(recipe.runs)
        ),
        np.load(folder / "rows.npy"),
    )


def prepare(case: Case, data: Path | None, *, quick: bool) -> Problem:
    """Draws and loads what a case needs, in the order in which every side draws it.

    Args:
        case: The case.
        data: The folder that the user named for data.
        quick: Whether to keep a few steps only.

    Raises:
        DataNotFoundError: A data set is not on this machine.
        MissingPackageError: Its reader is not installed.
    """
    from flaxnn.bench._flaxnn_side import draw, seeds
    from flaxnn.data import DataLoader
    from flaxnn.random import Generator

    recipe, generator = case.recipe, Generator(case.recipe.seed)
    model = draw(recipe, generator)
    starts = [model, *(draw(recipe, Generator(s)) for s in seeds(recipe)[1:])]
    weights = tuple(
        tuple(np.asarray(value) for value in start.state_dict().values())
        for start in starts
    )
    x, y = case.arrays(generator, data)
    if recipe.batch_size is None:
        steps = recipe.steps or 1
        steps = min(steps, _QUICK_STEPS) if quick else steps
        rows = np.zeros((0, len(x)), np.int64)
    else:
        if quick:
            # Half a batch more, so that the short last one is there too.
            kept = _QUICK_BATCHES * recipe.batch_size + recipe.batch_size // 2
            x, y = x[:kept], y[:kept]
        loader = DataLoader((x, y), recipe.batch_size, shuffle=True, rngs=generator)
        steps = recipe.epochs * len(loader)
        rows = np.stack([loader.epoch().order() for _ in range(recipe.epochs)])
    return Problem(replace(recipe, steps=steps), x, y, weights, rows)
