# SPDX-License-Identifier: Apache-2.0
"""What is to be trained on what, checked before anything is compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import optax
from flax import nnx

from flaxnn.data import DataLoader
from flaxnn.random import Generator
from flaxnn.training._checks import check_run, host_draws
from flaxnn.training._draws import Draws
from flaxnn.training._feed import Feed, Resident
from flaxnn.training._placement import Placement
from flaxnn.training._plan import Plan, Position
from flaxnn.training._pure import Tree, model_dtype, split
from flaxnn.training._samples import Samples
from flaxnn.training._state import (
    RunState,
    TrainState,
    generator_states,
    restore_generators,
)
from flaxnn.training._step import TrainStep
from flaxnn.training._streamed import Streamed


@dataclass(frozen=True)
class Problem:
    """A model's parts, the data on the host, and the step that brings them together.

    Attributes:
        graphdef: The model's structure.
        params: Its parameters.
        buffers: Every other collection of it.
        step: The step.
        optimizer: What the step updates with.
        samples: The data, inputs first and the target last.
        loader: The order of mini-batches; None for the whole set at each step.
        batch_sizes: The sizes of batches that the run meets, the largest first.
        draws: What the host draws for each step.
        generators: The run's distinct Generators, the one for host draws first.
    """

    graphdef: nnx.GraphDef[Any]
    params: Tree
    buffers: Tree
    step: TrainStep
    optimizer: optax.GradientTransformation
    samples: Samples
    loader: DataLoader | None
    batch_sizes: tuple[int, ...]
    draws: Draws
    generators: tuple[Generator, ...]

    @classmethod
    def of(
        cls,
        model: nnx.Module,
        data: Any,
        loss: Callable[..., Any],
        optimizer: optax.GradientTransformation,
        metrics: Mapping[str, Callable[..., Any]] | Sequence[Callable[..., Any]],
        rngs: Generator | None,
        steps: int | None,
        judged: Any = None,
        freeze: Sequence[str] = (),
        streamed: bool = False,
        **options: Any,
    ) -> Problem:
        """Puts the parts together; the arguments are those of `fit`.

        Args:
            model: As there.
            data: As there.
            loss: As there.
            optimizer: As there, with its schedule.
            metrics: As there.
            rngs: As there.
            steps: As there.
            judged: What the validation runs over.
            freeze: As there.
            streamed: Whether the data are read while the run goes on.
            options: Those of the step, as for `make_train_step`.
        """
        loader = data if isinstance(data, DataLoader) else None
        if streamed and loader is None:
            raise TypeError(
                "stream=True needs mini-batches, since a batch of all rows has to be "
                "on the device: pass a flaxnn.data.DataLoader"
            )
        graphdef, params, buffers = split(model, freeze)
        samples = Samples.of(data, model_dtype(params), stream=streamed)
        if loader is not None and len(loader) == 0:
            raise ValueError(
                f"{loader!r} has no batch: drop_last leaves out the only, short one"
            )
        arrays, rows = samples.arrays, samples.count
        step = TrainStep.of(graphdef, loss, optimizer, metrics, **options)
        stream = loader.rngs if rngs is None and loader is not None else rngs
        transform = getattr(loader, "transform", None)
        # Kept, since many lanes ask for the same batch sizes.
        requests = cache(partial(host_draws, step, params, buffers, arrays, transform))
        return cls(
            graphdef,
            params,
            buffers,
            step,
            optimizer,
            samples,
            loader,
            _batch_sizes(loader, rows, steps),
            Draws(requests, transform, rows, arrays[0].shape[1:], stream),
            run_generators(data, rngs, judged),
        )

    def start(self) -> TrainState:
        """The state before the first step."""
        return TrainState.start(self.params, self.buffers, self.optimizer)

    def check(self) -> None:
        """Raises what the model or the loss says of these data."""
        for size in self.batch_sizes:
            self.check_rows(self.samples.arrays, size)
        self.draws.check(self.batch_sizes[0])

    def check_rows(self, arrays: tuple[np.ndarray, ...], batch_size: int) -> None:
        """Raises what the model or the loss says of rows in batches of a size."""
        check_run(
            self.step,
            self.params,
            self.buffers,
            arrays,
            batch_size,
            self.draws.transform,
        )

    def feed(self, placement: Placement) -> Feed:
        """What brings the samples to the device.

        Args:
            placement: Where to.
        """
        if self.samples.read is None:
            return Resident(self.samples, placement, whole=self.loader is None)
        return Streamed(self.samples, placement, self.batch_sizes[0], self.check_rows)

    @property
    def most_steps(self) -> int:
        """For how many steps draws may lie on the device at once."""
        return self.draws.steps_that_fit(self.batch_sizes[0])

    def plan(self, state: RunState | None, chunk: int, **options: Any) -> Plan:
        """The run's plan; the Generators are put where the state left them.

        Args:
            state: Where the run goes on from; None for its beginning.
            chunk: The largest number of steps in a chunk, at most `most_steps`.
            options: Others of `Plan`.
        """
        if state is None:
            start = Position(0, 0, generator_states(self.generators))
            drawn = ()
        else:
            start = Position(state.epoch, state.batch, state.generators_at_epoch)
            drawn = state.generators
            restore_generators(
                self.generators, start.generators_at_epoch if start.batch else drawn
            )
        return Plan(
            self.loader,
            self.generators,
            chunk=chunk,
            start=start,
            drawn=drawn,
            **options,
        )


def run_generators(
    data: Any, rngs: Generator | None, judged: Any = None
) -> tuple[Generator, ...]:
    """A run's distinct Generators, the one for host draws first.

    Args:
        data: What is trained on.
        rngs: The one for host draws; the loader's when None.
        judged: What the validation runs over.
    """
    if rngs is None and isinstance(data, DataLoader):
        rngs = data.rngs
    return distinct(rngs, *generators_of(data), *generators_of(judged))


def distinct(*generators: Generator | None) -> tuple[Generator, ...]:
    """The Generators in their order, each once."""
    found: list[Generator] = []
    for generator in generators:
        if generator is not None and all(generator is not other for other in found):
            found.append(generator)
    return tuple(found)


def generators_of(data: Any) -> tuple[Generator, ...]:
    """The Generators that a pass over data draws from."""
    return data.generators if isinstance(data, DataLoader) else ()


def _batch_sizes(
    loader: DataLoader | None, rows: int, steps: int | None
) -> tuple[int, ...]:
    """The sizes of the batches that the run meets: a whole one, then a short one."""
    if loader is None:
        return (rows,)
    rows = len(loader.sampler)
    if loader.batch_size >= rows:
        return (rows,)
    whole, short = loader.batch_size, rows % loader.batch_size
    reached = steps is None or steps >= len(loader)
    return (whole, short) if short and reached and not loader.drop_last else (whole,)
