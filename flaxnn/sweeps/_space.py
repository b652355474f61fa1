# SPDX-License-Identifier: Apache-2.0
"""Which combinations of hyper-parameters are run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from flaxnn.random import Generator
from flaxnn.sweeps._distributions import Choice, Distribution

Configuration = dict[str, Any]


class Space(ABC):
    """A set of configurations: `Grid`, `Zip` or `Random`."""

    @abstractmethod
    def configurations(self) -> list[Configuration]:
        """Returns a dictionary of values for each configuration, in order."""

    def __len__(self) -> int:
        return len(self.configurations())

    def __iter__(self) -> Iterator[Configuration]:
        return iter(self.configurations())

    def __mul__(self, other: Space) -> Space:
        """Every configuration of this space with every one of another."""
        if not isinstance(other, Space):
            return NotImplemented
        return _Crossed(self, other)


class Grid(Space):
    """Every combination of the values given; the last name varies fastest.

    Args:
        **values: For each hyper-parameter a list, range or array of values, or one
            value that all configurations have.

    Raises:
        ValueError: A list is empty.

    Example:
        >>> Grid(lr=[0.1, 0.2], momentum=0.9).configurations()
        [{'lr': 0.1, 'momentum': 0.9}, {'lr': 0.2, 'momentum': 0.9}]
    """

    def __init__(self, **values: Any):
        self.values: dict[str, list[Any]] = {
            name: listed(name, value) for name, value in values.items()
        }

    def configurations(self) -> list[Configuration]:
        """Returns a dictionary of values for each configuration, in order."""
        rows = product(*self.values.values())
        return [dict(zip(self.values, row, strict=True)) for row in rows]

    def __repr__(self) -> str:
        return _written(self, self.values)


class Zip(Space):
    """The first values together, then the second values, and so on.

    Args:
        **values: Lists, ranges or arrays of one length, or one value for all.

    Raises:
        ValueError: A list is empty, or lengths differ.

    Example:
        >>> Zip(lr=[0.1, 0.2], momentum=[0.9, 0.0]).configurations()
        [{'lr': 0.1, 'momentum': 0.9}, {'lr': 0.2, 'momentum': 0.0}]
    """

    def __init__(self, **values: Any):
        columns = {name: listed(name, value) for name, value in values.items()}
        lengths = {n: len(c) for n, c in columns.items() if is_listed(values[n])}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length}" for name, length in lengths.items())
            raise ValueError(f"Zip: expected lists of one length, got {told}")
        count = next(iter(lengths.values()), 1)
        self.values: dict[str, list[Any]] = {
            name: column if name in lengths else column * count
            for name, column in columns.items()
        }

    def configurations(self) -> list[Configuration]:
        """Returns a dictionary of values for each configuration, in order."""
        rows = zip(*self.values.values(), strict=True)
        return [dict(zip(self.values, row, strict=True)) for row in rows]

    def __repr__(self) -> str:
        return _written(self, self.values)


class Random(Space):
    """Configurations drawn from distributions; the same for the same seed, for ever.

    The numbers are those of `flaxnn.random.Generator`, so they depend neither on the
    machine nor on a version of NumPy. They are drawn name by name, so that another
    name at the end does not change those before it.

    Args:
        count: How many configurations.
        seed: Of the Generator that draws them; it has nothing to do with the runs'.
        **distributions: For each hyper-parameter a `Uniform`, `LogUniform`,
            `IntUniform` or `Choice`; a list stands for the `Choice` of its values, and
            any other value is the same in all configurations.

    Raises:
        ValueError: ``count`` is not positive.

    Example:
        >>> from flaxnn.sweeps import LogUniform
        >>> for configuration in Random(2, seed=0, lr=LogUniform(0.01, 1.0)):
        ...     print({name: f"{x:.3f}" for name, x in configuration.items()})
        {'lr': '0.871'}
        {'lr': '0.260'}
    """

    def __init__(self, count: int, *, seed: int, **distributions: Any):
        if isinstance(count, bool) or not isinstance(count, int) or count < 1:
            raise ValueError(f"Random: expected a positive count, got {count!r}")
        self.count: int = count
        self.seed = seed
        self.distributions = distributions

    def configurations(self) -> list[Configuration]:
        """Returns a dictionary of values for each configuration, in order."""
        generator = Generator(self.seed)
        columns = [
            _drawn(name, values, generator, self.count)
            for name, values in self.distributions.items()
        ]
        rows = zip(*columns, strict=True) if columns else [()] * self.count
        return [dict(zip(self.distributions, row, strict=True)) for row in rows]

    def __repr__(self) -> str:
        told = _arguments(self.distributions)
        return f"Random({', '.join([str(self.count), f'seed={self.seed}', *told])})"


class _Crossed(Space):
    """Every configuration of one space with every one of another."""

    def __init__(self, one: Space, other: Space):
        self.one, self.other = one, other
        twice = sorted(_names(one) & _names(other))
        if twice:
            raise ValueError(
                f"{', '.join(twice)}: given twice, by {one} and by {other}"
            )

    def configurations(self) -> list[Configuration]:
        return [a | b for a, b in product(self.one, self.other)]

    def __repr__(self) -> str:
        parts = [repr(part) for part in (self.one, self.other) if _names(part)]
        return " * ".join(parts) or "Grid()"


def is_listed(value: Any) -> bool:
    """Whether a value stands for several: a list, a range or an array; not a tuple."""
    return isinstance(value, list | range) or (
        hasattr(value, "__array__") and np.ndim(value) > 0
    )


def listed(name: str, value: Any) -> list[Any]:
    """The values that one argument stands for, NumPy's numbers as Python's."""
    if isinstance(value, Distribution):
        raise TypeError(
            f"{name}: {value} is drawn from by Random(count, seed=0, {name}=…); pass "
            "it as space="
        )
    if not is_listed(value):
        return [_plain(value)]
    values = [_plain(one) for one in value]
    if not values:
        raise ValueError(f"{name}: expected at least one value, got an empty list")
    return values


def _plain(value: Any) -> Any:
    """A number of NumPy's or JAX's as Python's, in its shortest decimal."""
    if hasattr(value, "__array__") and np.ndim(value) == 0:
        number = np.asarray(value)
        # 0.1 of a float32 is meant as 0.1, which a double holds more exactly.
        return float(str(number)) if number.dtype.kind == "f" else number.item()
    return value


def _drawn(name: str, values: Any, generator: Generator, count: int) -> list[Any]:
    if isinstance(values, Distribution):
        return values.draw(generator, count)
    if is_listed(values):
        return Choice(listed(name, values)).draw(generator, count)
    return [_plain(values)] * count


def _names(space: Space) -> set[str]:
    return {name for configuration in space for name in configuration}


def _written(space: Space, values: Mapping[str, Any]) -> str:
    return f"{type(space).__name__}({', '.join(_arguments(values))})"


def _arguments(values: Mapping[str, Any]) -> list[str]:
    return [f"{name}={value!r}" for name, value in values.items()]
