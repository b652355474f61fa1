# SPDX-License-Identifier: Apache-2.0
"""The parts of a run that need no data to be made, or only ready ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from flax import nnx

import flaxnn
from flaxnn import optim
from flaxnn.data import DataLoader, Dataset, LazyDataset
from flaxnn.random import Generator
from flaxnn.runs._catalogue import factory, one_cycle_length
from flaxnn.runs._config import Config
from flaxnn.runs._keys import ALL
from flaxnn.runs._models import build
from flaxnn.runs._options import as_arguments
from flaxnn.runs._task import Task
from flaxnn.training import Validation

Rows = Dataset | LazyDataset


def make_model(
    make_class: Callable[..., Any],
    options: Mapping[str, Any],
    dtype: str,
    *,
    rngs: Any,
    **more: Any,
) -> nnx.Module:
    """A model of a class, drawn from a Generator or from JAX keys."""
    model = build(make_class, {**options, **more}, rngs)
    return model if dtype == "float32" else flaxnn.astype(model, dtype)


def batches(config: Config, rows: Rows, generator: Generator) -> Any:
    """What `flaxnn.fit` takes for data: a loader, or all rows at each step."""
    size = config["batch_size"]
    if size == ALL:
        return rows
    return DataLoader(
        rows,
        size,
        shuffle=config["shuffle"],
        rngs=generator,
        drop_last=config["drop_last"],
    )


def optimizer_maker(config: Config) -> Callable[..., Any]:
    """What makes the optimiser; options by keyword stand for the table's."""
    made = partial(
        factory("optimizer", config["optimizer.name"]),
        **as_arguments(config.options("optimizer")),
    )
    if config["clip_norm"] is not None:
        return partial(_clipped, made, optim.clip_grad_norm(config["clip_norm"]))
    if config["clip_value"] is not None:
        return partial(_clipped, made, optim.clip_grad_value(config["clip_value"]))
    return made


def _clipped(made: Callable[..., Any], clip: Any, **options: Any) -> Any:
    return optim.chain(clip, made(**options))


def schedule_maker(config: Config, data: Any) -> Callable[..., Any]:
    """What makes the schedule, likewise."""
    name, options = config["schedule.name"], config.options("schedule")
    if name == "one_cycle_lr" and not one_cycle_length(options):
        # The run itself is the cycle.
        every = len(data) if isinstance(data, DataLoader) else 1
        options["total_steps"] = config["steps"] or config["epochs"] * every
    return partial(factory("schedule", name), **as_arguments(options))


def validation(config: Config, rows: Rows | None, task: Task) -> Validation | None:
    """What the run is judged by after its epochs."""
    if rows is None:
        return None
    return Validation(
        rows,
        {name: task.metric(name) for name in config["metrics"]},
        every=config["validation.every"],
        batch_size=config["validation.batch_size"],
        stream=config["stream"],
    )
