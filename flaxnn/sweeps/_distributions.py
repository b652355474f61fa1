# SPDX-License-Identifier: Apache-2.0
"""What a hyper-parameter is drawn from."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flaxnn.random import Generator


class Distribution(ABC):
    """What `Random` draws values of a hyper-parameter from."""

    @abstractmethod
    def draw(self, generator: Generator, count: int) -> list[Any]:
        """Returns so many values.

        Args:
            generator: What they are drawn from; it advances.
            count: How many.
        """


@dataclass(frozen=True)
class Uniform(Distribution):
    """Floats from ``low`` up to ``high``, all equally likely.

    Args:
        low: The smallest.
        high: The bound above, itself not drawn.

    Raises:
        ValueError: The bounds are not finite, or not in order.

    Example:
        >>> from flaxnn.random import Generator
        >>> [round(x, 3) for x in Uniform(0.0, 0.5).draw(Generator(0), 2)]
        [0.485, 0.354]
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_bounds(self, self.low, self.high)

    def draw(self, generator: Generator, count: int) -> list[float]:
        """Returns so many values.

        Args:
            generator: What they are drawn from; it advances.
            count: How many.
        """
        parts = generator.rand(count, dtype=np.float64)
        return (self.low + (self.high - self.low) * parts).tolist()


@dataclass(frozen=True)
class LogUniform(Distribution):
    """Floats from ``low`` up to ``high``, each factor equally likely.

    Args:
        low: The smallest, above 0.
        high: The bound above.

    Raises:
        ValueError: The bounds are not positive and finite, or not in order.

    Example:
        >>> from flaxnn.random import Generator
        >>> [f"{x:.2g}" for x in LogUniform(1e-4, 1e-1).draw(Generator(0), 2)]
        ['0.081', '0.013']
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        _check_bounds(self, self.low, self.high)
        if self.low <= 0:
            raise ValueError(f"{self}: expected low above 0; Uniform may begin there")

    def draw(self, generator: Generator, count: int) -> list[float]:
        """Returns so many values.

        Args:
            generator: What they are drawn from; it advances.
            count: How many.
        """
        logs = Uniform(math.log(self.low), math.log(self.high)).draw(generator, count)
        return [min(max(math.exp(x), self.low), self.high) for x in logs]


@dataclass(frozen=True)
class IntUniform(Distribution):
    """Integers from ``low`` to ``high``, both included, all equally likely.

    Args:
        low: The smallest.
        high: The largest.

    Raises:
        TypeError: A bound is not an integer.
        ValueError: The bounds are not in order.

    Example:
        >>> from flaxnn.random import Generator
        >>> IntUniform(1, 3).draw(Generator(0), 5)
        [3, 1, 3, 1, 2]
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        for bound in (self.low, self.high):
            if isinstance(bound, bool) or not isinstance(bound, int):
                raise TypeError(f"{self}: expected integers, got {bound!r}")
        _check_bounds(self, self.low, self.high)

    def draw(self, generator: Generator, count: int) -> list[int]:
        """Returns so many values.

        Args:
            generator: What they are drawn from; it advances.
            count: How many.
        """
        return generator.randint(self.low, self.high + 1, (count,)).tolist()


@dataclass(frozen=True)
class Choice(Distribution):
    """One of some values, all equally likely.

    Args:
        values: The values, of any kind.

    Raises:
        ValueError: There are none.

    Example:
        >>> from flaxnn.random import Generator
        >>> Choice(["relu", "tanh"]).draw(Generator(0), 3)
        ['relu', 'tanh', 'tanh']
    """

    values: Sequence[Any]

    def __post_init__(self) -> None:
        if not len(self.values):
            raise ValueError("Choice: expected values to choose from, got none")

    def draw(self, generator: Generator, count: int) -> list[Any]:
        """Returns so many values.

        Args:
            generator: What they are drawn from; it advances.
            count: How many.
        """
        places = generator.randint(0, len(self.values), (count,)).tolist()
        return [self.values[place] for place in places]


def _check_bounds(what: Distribution, low: float, high: float) -> None:
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"{what}: expected finite bounds with low ≤ high")
