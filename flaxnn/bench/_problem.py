"""What all sides of a case start from, in files that their workers read."""

from __future__ import annotations

import json
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
        weights: The parameters before the first step, two for each layer.
        rows: ``(N,)`` int64, the order of the rows in the epoch; empty where every
            step takes all of them.

    The last two are for a side that cannot draw PyTorch's numbers itself.
    """

    recipe: Recipe
    x: np.ndarray
    y: np.ndarray
    weights: tuple[np.ndarray, ...]
    rows: np.ndarray

    def description(self) -> dict[str, Any]:
        """What tells it from other problems, as JSON gives it back."""
        fields = {**self.recipe.to_json(), "rows": len(self.x)}
        return json.loads(json.dumps(fields))

    def write(self, folder: Path) -> None:
        """Writes it for `read`."""
        (folder / "recipe.json").write_text(json.dumps(self.recipe.to_json()))
        np.save(folder / "x.npy", self.x)
        np.save(folder / "y.npy", self.y)
        np.save(folder / "rows.npy", self.rows)
        for k, array in enumerate(self.weights):
            np.save(folder / f"weight-{k}.npy", array)


def read(folder: Path) -> Problem:
    """Returns the problem that `Problem.write` wrote."""
    recipe = Recipe.from_json(json.loads((folder / "recipe.json").read_text()))
    count = 2 * (len(recipe.widths) - 1)
    return Problem(
        recipe,
        # Mapped, the array lies as JAX takes it without a copy, like flaxnn.data's own.
        np.load(folder / "x.npy", mmap_mode="c"),
        np.load(folder / "y.npy"),
        tuple(np.load(folder / f"weight-{k}.npy") for k in range(count)),
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
    from flaxnn.bench._flaxnn_side import draw
    from flaxnn.data import DataLoader
    from flaxnn.random import Generator

    recipe, generator = case.recipe, Generator(case.recipe.seed)
    model = draw(recipe, generator)
    weights = tuple(np.asarray(value) for value in model.state_dict().values())
    x, y = case.arrays(generator, data)
    if recipe.batch_size is None:
        steps = recipe.steps or 1
        steps = min(steps, _QUICK_STEPS) if quick else steps
        rows = np.zeros(0, np.int64)
    else:
        if quick:
            # Half a batch more, so that the short last one is there too.
            kept = _QUICK_BATCHES * recipe.batch_size + recipe.batch_size // 2
            x, y = x[:kept], y[:kept]
        loader = DataLoader((x, y), recipe.batch_size, shuffle=True, rngs=generator)
        steps, rows = len(loader), loader.epoch().order()
    return Problem(replace(recipe, steps=steps), x, y, weights, rows)
