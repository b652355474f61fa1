# SPDX-License-Identifier: Apache-2.0
"""How the time of a step grows with one size at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flaxnn.bench._case import Case
from flaxnn.bench._recipe import Recipe
from flaxnn.bench._side import unknown

if TYPE_CHECKING:
    import numpy as np

    from flaxnn.bench._case import Arrays
    from flaxnn.random import Generator

# Sums over 100,000 rows in another order; measured, the losses lie within 2e-6.
_TOLERANCE = 1e-4
_SIDES = ("flaxnn", "scan", "torch", "flax", "keras", "sklearn")


@dataclass(frozen=True)
class Growth:
    """One size that is varied.

    Attributes:
        name: What the command line calls it.
        title: What is trained while it grows.
        axis: What the size is.
        sizes: Its values, the smallest first.
        recipe: What every side computes at a size.
        rows: How many rows the data have at a size.
        images: Whether the data are 28 × 28 pixels; else plain features.
    """

    name: str
    title: str
    axis: str
    sizes: tuple[int, ...]
    recipe: Callable[[int], Recipe]
    rows: Callable[[int], int]
    images: bool = False

    def cases(self) -> tuple[Case, ...]:
        """A case for each size."""
        return tuple(
            Case(
                f"{self.name}-{size}",
                f"{self.title}, {self.axis} {size:,}",
                self.recipe(size),
                self._arrays(size),
                _TOLERANCE,
                _SIDES,
                group=self.name,
            )
            for size in self.sizes
        )

    def _arrays(self, size: int) -> Arrays:
        return lambda generator, data: _drawn(
            generator, self.rows(size), self.recipe(size), images=self.images
        )


def _drawn(
    generator: Generator, rows: int, recipe: Recipe, *, images: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Data that nobody needs to fetch: time does not depend on what they show."""
    import numpy as np

    del generator
    drawn = np.random.default_rng(0)
    y = drawn.integers(0, recipe.widths[-1], rows)
    if images:
        return drawn.integers(0, 256, (rows, 28, 28)).astype(np.uint8), y
    return drawn.standard_normal((rows, recipe.widths[0]), np.float32), y


def _batches(size: int) -> int:
    """How many batches make a run that lasts long enough and not longer."""
    return max(8, min(128, 32_768 // size))


def _perceptron(width: int, batch_size: int) -> Recipe:
    widths = (784, width, width, 10)
    return Recipe(widths, "cross_entropy", "sgd", 1e-3, seed=0, batch_size=batch_size)


GROWTHS: tuple[Growth, ...] = (
    Growth(
        "batch",
        "784-512-512-10 on images",
        "rows in a batch",
        (16, 64, 256, 1024, 4096),
        lambda size: _perceptron(512, size),
        lambda size: size * _batches(size),
        images=True,
    ),
    Growth(
        "width",
        "Two hidden layers on images, batch 64",
        "units in a hidden layer",
        (64, 128, 256, 512, 1024, 2048),
        lambda size: _perceptron(size, 64),
        lambda size: 64 * 64,
        images=True,
    ),
    Growth(
        "rows",
        "Softmax regression 16-10, every row at each step",
        "rows",
        (100, 1_000, 10_000, 100_000),
        lambda size: Recipe((16, 10), "cross_entropy", "sgd", 0.01, 0, steps=100),
        lambda size: size,
    ),
    Growth(
        "runs",
        "Runs of 16-32-10 on 128 rows, one after the other but for flaxnn.fit_many",
        "runs",
        (1, 4, 16, 64),
        lambda size: Recipe(
            (16, 32, 10), "cross_entropy", "sgd", 0.01, 0, steps=200, runs=size
        ),
        lambda size: 128,
    ),
)


def find_growth(name: str) -> Growth:
    """The growth with this name.

    Raises:
        ValueError: There is none; the message suggests the nearest.
    """
    known = {growth.name: growth for growth in GROWTHS}
    if name not in known:
        raise ValueError(unknown("growth", name, list(known)))
    return known[name]


def measure_growth(name: str, **options: Any) -> dict[str, Any]:
    """Returns what `measure` returns, for one case at each size.

    Args:
        name: ``"batch"``, ``"width"``, ``"rows"`` or ``"runs"``.
        options: Of `measure`. New processes are not measured.

    Returns:
        The result of `measure`, with ``"growth"``: the name, the title, what the size
        is, and the size of each case. A step's time, where there are several runs, is
        that of one step of one run.

    Raises:
        ValueError: There is no such size; the message suggests the nearest.
    """
    from flaxnn.bench._measure import measure

    growth = find_growth(name)
    cases = growth.cases()
    result = measure(cases, processes=0, warm=False, **options)
    sizes = dict(zip((case.name for case in cases), growth.sizes, strict=True))
    about = {"name": name, "title": growth.title, "axis": growth.axis, "sizes": sizes}
    return {**result, "growth": about}
