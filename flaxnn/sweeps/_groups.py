# SPDX-License-Identifier: Apache-2.0
"""Which lanes run side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import optax
from flax import nnx

from flaxnn.optim.lr_scheduler import Scheduler
from flaxnn.sweeps._optimizers import optimizers_of
from flaxnn.sweeps._recipe import Recipe
from flaxnn.training._pure import split


@dataclass(frozen=True)
class Lane:
    """One of the runs.

    Attributes:
        seed: Its seed.
        configuration: Its hyper-parameters.
        optimizer: Its optimiser.
        schedule: Its schedule, or None.
    """

    seed: int
    configuration: dict[str, Any]
    optimizer: optax.GradientTransformation
    schedule: Scheduler | None


@dataclass(frozen=True)
class Group:
    """Lanes that run side by side in one call of a program.

    Attributes:
        program: Which of the sweep's programs.
        lanes: The lanes, by their places in the sweep.
        size: How many the program takes; the last lane is repeated to fill them.
        total: How many lanes the program has in all groups.
    """

    program: int
    lanes: tuple[int, ...]
    size: int
    total: int

    @property
    def filled(self) -> tuple[int, ...]:
        """The lanes with the last one repeated."""
        return self.lanes + (self.lanes[-1],) * (self.size - len(self.lanes))


def lanes_of(
    recipe: Recipe, seeds: Sequence[int], configurations: Sequence[dict[str, Any]]
) -> list[Lane]:
    """Every configuration with every seed; the seeds vary fastest."""
    optimizers = optimizers_of(
        recipe.optimizer, [recipe.part("optimizer", c) for c in configurations]
    )
    schedules: list[Scheduler | None] = [None] * len(configurations)
    if recipe.schedule is not None:
        schedules = [
            recipe.schedule(recipe.part("schedule", c)) for c in configurations
        ]
    rows = zip(configurations, optimizers, schedules, strict=True)
    return [
        Lane(seed, configuration, optimizer, schedule)
        for configuration, optimizer, schedule in rows
        for seed in seeds
    ]


def programs_of(recipe: Recipe, lanes: Sequence[Lane]) -> list[list[int]]:
    """The places of the lanes that one program can run, for each program.

    It takes one architecture, one set of terms in the optimisers and in the schedules.
    """
    architectures = _Numbers()
    programs = _Numbers()
    built: dict[tuple[int, ...], int] = {}
    places: dict[int, list[int]] = {}
    for place, lane in enumerate(lanes):
        options = recipe.part("build", lane.configuration)
        # The values of a configuration are the very objects of the space.
        key = tuple(map(id, options.values()))
        if key not in built:
            model = (
                recipe.begin(lane.seed, lane.configuration).model if options else None
            )
            built[key] = architectures.of(None if model is None else structure(model))
        update = lane.optimizer.update
        rule = None if lane.schedule is None else lane.schedule.update
        program = programs.of((built[key], update, rule))
        places.setdefault(program, []).append(place)
    return list(places.values())


def even(count: int, most: int) -> int:
    """The size of groups as even as can be, each of at most so many of the lanes."""
    return math.ceil(count / math.ceil(count / most))


def groups_of(programs: Sequence[Sequence[int]], sizes: Sequence[int]) -> list[Group]:
    """The lanes of each program in groups of one size.

    Args:
        programs: The places of each program's lanes.
        sizes: How many of them run side by side.
    """
    return [
        Group(program, tuple(places[start : start + size]), size, len(places))
        for program, (places, size) in enumerate(zip(programs, sizes, strict=True))
        for start in range(0, len(places), size)
    ]


def structure(model: nnx.Module) -> Any:
    """What two models of one program have in common: structure, shapes and dtypes."""
    graphdef, params, buffers = split(model)
    leaves, treedef = jax.tree.flatten((params, buffers))
    return graphdef, treedef, [(leaf.shape, leaf.dtype) for leaf in leaves]


class _Numbers:
    """A number for each value that is not equal to one before."""

    def __init__(self) -> None:
        self._known: list[Any] = []

    def of(self, value: Any) -> int:
        if value not in self._known:
            self._known.append(value)
        return self._known.index(value)
