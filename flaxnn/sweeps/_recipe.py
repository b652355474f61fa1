# SPDX-License-Identifier: Apache-2.0
"""How a lane is made from its seed and its hyper-parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flax import nnx

from flaxnn.data import DataLoader, Dataset, LazyDataset
from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.random import Generator
from flaxnn.sweeps._routing import Factory


@dataclass(frozen=True)
class Beginning:
    """A lane before its first step.

    Attributes:
        model: The model, its weights drawn from the Generator.
        data: The lane's loader; for full batches what all lanes have.
        generator: The Generator, from which the loader goes on.
    """

    model: Any
    data: Any
    generator: Generator


@dataclass(frozen=True)
class Batches:
    """What a lane trains on.

    Attributes:
        source: Arrays, a data set, a loader that draws nothing, or a function that
            makes a lane's loader from its Generator.
        batch_size: Of the loader that each lane gets; None for full batches, or where
            the source is a loader or a function.
        shuffle: As for `flaxnn.data.DataLoader`.
        drop_last: As there.
    """

    source: Any
    batch_size: int | None
    shuffle: bool
    drop_last: bool

    def __post_init__(self) -> None:
        source = self.source
        if isinstance(source, DataLoader) and source.generators:
            raise TypeError(
                "one DataLoader with a Generator cannot give each run its own order: "
                "pass the arrays with batch_size= and shuffle=, or a function that "
                "makes the loader of a run: data=lambda rngs: DataLoader(…, rngs=rngs)"
            )
        if self.batch_size is None:
            if self.shuffle or self.drop_last:
                raise TypeError(
                    "shuffle and drop_last are for mini-batches: pass batch_size too"
                )
        elif isinstance(source, DataLoader) or self._is_function:
            raise TypeError("batch_size is the DataLoader's; pass it with arrays only")
        elif isinstance(self.batch_size, list | range):
            raise TypeError(
                "batch_size cannot be swept: runs of different lengths do not share a "
                "history; call sweep for each"
            )

    @property
    def _is_function(self) -> bool:
        kinds = tuple | list | Dataset | LazyDataset | DataLoader
        return callable(self.source) and not isinstance(self.source, kinds)

    def of(self, generator: Generator) -> Any:
        """The lane's data, drawn from its Generator from now on."""
        if self._is_function:
            made = self.source(generator)
            if not isinstance(made, DataLoader):
                raise TypeError(
                    "data must return a flaxnn.data.DataLoader, got "
                    f"{type(made).__name__}"
                )
            return made
        if self.batch_size is None:
            return tuple(self.source) if isinstance(self.source, list) else self.source
        source = self.source
        return DataLoader(
            tuple(source) if isinstance(source, list) else source,
            self.batch_size,
            shuffle=self.shuffle,
            drop_last=self.drop_last,
            rngs=generator,
        )


@dataclass(frozen=True)
class Recipe:
    """Makes lanes.

    Attributes:
        build: Makes the model.
        batches: Makes the data.
        optimizer: Makes the optimiser.
        schedule: Makes the schedule; None where there is none.
        roles: Which of them takes each hyper-parameter.
    """

    build: Factory
    batches: Batches
    optimizer: Factory
    schedule: Factory | None
    roles: Mapping[str, str]

    def part(self, role: str, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """The hyper-parameters that a factory takes."""
        return {n: v for n, v in configuration.items() if self.roles[n] == role}

    def begin(self, seed: int, configuration: Mapping[str, Any]) -> Beginning:
        """A lane as a PyTorch program makes it: the seed, the model, the loader."""
        generator = Generator(seed)
        model = self.build(self.part("build", configuration), rngs=generator)
        if not isinstance(model, nnx.Module):
            raise TypeError(
                "build must make a flaxnn.nn.Module or another Flax NNX module, got "
                f"{type(model).__name__}"
            )
        return Beginning(model, self.batches.of(generator), generator)


def build_factory(build: Any) -> Factory:
    """The factory of models; raises unless it takes a Generator as ``rngs``."""
    if isinstance(build, nnx.Module) or not callable(build):
        raise TypeError(
            "build must be a class or a function that makes a run's model from its "
            "Generator, such as lambda rngs: nn.Linear(4, 3, rngs=rngs), got "
            f"{'a model' if isinstance(build, nnx.Module) else type(build).__name__}"
        )
    factory = Factory.of("build", build)
    if not factory.takes_rngs:
        raise TypeError(
            "build must take rngs, the Generator that the initial weights are drawn "
            f"from; it takes {', '.join(factory.names) or 'nothing'}"
        )
    return factory


def made_or_given(role: str, value: Any) -> Factory:
    """The factory that was given, or one without arguments for a finished part."""
    if isinstance(value, Scheduler) or hasattr(value, "update"):
        return Factory.of(role, _Given(value))
    if not callable(value):
        raise TypeError(
            f"{role} must be made by a function such as flaxnn.optim.sgd, or be made "
            f"already, got {type(value).__name__}"
        )
    return Factory.of(role, value)


@dataclass(frozen=True)
class _Given:
    """A function that returns what there is already."""

    value: Any

    def __call__(self) -> Any:
        return self.value


def checked_seeds(seeds: Any) -> tuple[int, ...]:
    """The seeds as a tuple.

    Raises:
        TypeError: They are not several integers.
        ValueError: There are none, or one is there twice.
    """
    if isinstance(seeds, int | str) or not hasattr(seeds, "__iter__"):
        hint = f"; range({seeds}) has {seeds}" if isinstance(seeds, int) else ""
        raise TypeError(f"seeds must be several integers, got {seeds!r}{hint}")
    found: Sequence[Any] = list(seeds)
    for seed in found:
        if isinstance(seed, bool) or not hasattr(seed, "__index__"):
            raise TypeError(f"a seed must be an integer, got {seed!r}")
    numbers = tuple(int(seed) for seed in found)
    if not numbers:
        raise ValueError("seeds: expected at least one, got none")
    if len(set(numbers)) < len(numbers):
        twice = next(seed for seed in numbers if numbers.count(seed) > 1)
        raise ValueError(f"seeds: {twice} is there twice, and would run twice")
    return numbers
