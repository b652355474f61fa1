# SPDX-License-Identifier: Apache-2.0
"""A configuration made into what `flaxnn.fit` takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

import flaxnn
from flaxnn import nn
from flaxnn.data import DataLoader, Dataset
from flaxnn.random import Generator
from flaxnn.runs._catalogue import default_every, factory
from flaxnn.runs._config import Config
from flaxnn.runs._data_names import find_set
from flaxnn.runs._errors import ConfigError
from flaxnn.runs._models import file_of, find_class, inferred, model_faults
from flaxnn.runs._nearest import did_you_mean
from flaxnn.runs._options import as_arguments
from flaxnn.runs._parts import (
    batches,
    make_model,
    optimizer_maker,
    schedule_maker,
    validation,
)
from flaxnn.runs._rows import (
    Inputs,
    as_target,
    first_row,
    split_fields,
    standardized,
)
from flaxnn.runs._split_rows import Rows, divided, read_rows
from flaxnn.runs._task import Task, better, default_loss
from flaxnn.training import Run, Validation
from flaxnn.training._pure import forward, named_metrics, split

# What a resolved configuration says even where it is left out.
_WRITTEN = ("seed", "epochs", "steps", "batch_size", "shuffle", "optimizer.name")


@dataclass(frozen=True)
class Prepared:
    """A run that can begin: everything that `flaxnn.fit` takes.

    Attributes:
        config: The configuration, with all that was found out written down.
        generator: The run's, which drew the split and the model.
        make_model: Makes the model from ``rngs=``.
        model: What it made from the generator.
        rows: The rows to train on, as the model takes them.
        held_out: Those to validate on, or None.
        data: What `flaxnn.fit` takes: a DataLoader, or arrays for full batches.
        loss: The loss.
        make_optimizer: Makes the optimiser; its options by keyword replace the
            configuration's.
        make_schedule: Makes the schedule likewise, or None.
        schedule_every: "epoch" or "step".
        validation: As for `flaxnn.fit`, or None.
        metrics: Those that ride along in training.
        task: What outputs and targets mean.
        inputs: What was done to the inputs.
        class_names: The classes' names in the labels' order; may be empty.
    """

    config: Config
    generator: Generator
    make_model: Callable[..., nnx.Module]
    model: nnx.Module
    rows: Rows
    held_out: Rows | None
    data: Any
    loss: Any
    make_optimizer: Callable[..., Any]
    make_schedule: Callable[..., Any] | None
    schedule_every: Any
    validation: Validation | None
    metrics: list[Any]
    task: Task
    inputs: Inputs
    class_names: tuple[str, ...]

    def arguments(self) -> dict[str, Any]:
        """Returns what `flaxnn.fit` takes beside the model and the data."""
        config = self.config
        return {
            "loss": self.loss,
            "optimizer": self.make_optimizer(),
            "epochs": config["epochs"],
            "steps": config["steps"],
            "schedule": None if self.make_schedule is None else self.make_schedule(),
            "schedule_every": self.schedule_every,
            "metrics": self.metrics,
            "rngs": self.generator,
            "validation": self.validation,
            "nonfinite": config["nonfinite"],
            "accumulate": config["accumulate"],
            "compute_dtype": config["compute_dtype"],
            "remat": config["remat"],
            "freeze": tuple(config["freeze"] or ()),
            "stream": config["stream"] if isinstance(self.data, DataLoader) else None,
        }

    def fit(self, **options: Any) -> Run[Any]:
        """Trains, by `flaxnn.fit` itself.

        Args:
            **options: Its further arguments, such as ``checkpoints``.
        """
        return flaxnn.fit(self.model, self.data, **{**self.arguments(), **options})


def prepare(config: Config) -> Prepared:
    """Returns what a configuration describes, drawn as PyTorch would draw it.

    The order of draws is that of a script: ``manual_seed``, ``random_split`` where the
    validation is a fraction, the model, and then the loader, epoch by epoch. A
    validation draws nothing.

    Args:
        config: The configuration.

    Raises:
        ConfigError: The data or the model do not fit it.
        OSError, ValueError: The data cannot be read.
    """
    generator = Generator(config["seed"])
    config = _absolute(config)
    make_class = find_class(config["model.name"])
    whole = read_rows(config)
    rows, held_out, config = divided(config, whole, generator)
    names = tuple(getattr(whole, "class_names", ()))
    inputs = _inputs(config, rows)
    options = config.options("model")
    target = _targets(rows)
    options |= inferred(make_class, options, inputs.row, _count(names, target))
    if faults := model_faults(config["model.name"], make_class, options):
        raise ConfigError(faults)
    make = partial(make_model, make_class, options, config["dtype"])
    model = make(rngs=generator)
    embeds = any(isinstance(m, nn.Embedding) for _, m in nnx.iter_modules(model))
    inputs = replace(inputs, integers=embeds)
    output = _output(model, inputs)
    loss = config["loss.name"] or default_loss(model, target, output)
    task = Task.of(loss, output)
    config = config.changed(
        {f"model.{name}": value for name, value in options.items()}
        | {key: config[key] for key in _WRITTEN}
        | {"loss.name": loss, **_judged(config, task, output)}
    )
    ready = partial(_ready, inputs=inputs, task=task, output=output, names=names)
    rows = ready(rows)
    held_out = None if held_out is None else ready(held_out)
    data = batches(config, rows, generator)
    schedule = config["schedule.name"]
    return Prepared(
        config=config,
        generator=generator,
        make_model=make,
        model=model,
        rows=rows,
        held_out=held_out,
        data=data,
        loss=factory("loss", loss)(**as_arguments(config.options("loss"))),
        make_optimizer=optimizer_maker(config),
        make_schedule=None if schedule is None else schedule_maker(config, data),
        schedule_every=config["schedule.every"] or default_every(schedule or ""),
        validation=validation(config, held_out, task),
        metrics=task.training_metrics(config["metrics"]),
        task=task,
        inputs=inputs,
        class_names=names,
    )


def _absolute(config: Config) -> Config:
    """The configuration with paths that hold wherever the run goes on."""
    changes: dict[str, Any] = {}
    if file := file_of(config["model.name"]):
        rest = config["model.name"].removeprefix(str(file))
        rest = config["model.name"].partition(".py")[2] if rest == "" else rest
        changes["model.name"] = f"{file.absolute()}{rest}"
    for key in ("data.name", "data.labels", "data.dir", "validation.data"):
        value = config[key]
        if value is None or (key == "data.name" and find_set(value)):
            continue
        if Path(value).expanduser().exists():
            changes[key] = str(Path(value).expanduser().absolute())
    return Config.of({**config.values, **changes})


def _inputs(config: Config, rows: Rows) -> Inputs:
    x, _ = split_fields(first_row(rows), "data")
    x = np.asarray(x)
    pixels = x.dtype == np.uint8 and x.ndim == 3
    inputs = Inputs(
        x.shape[1:],
        str(x.dtype),
        to=config["dtype"],
        channel=pixels and not config["data.flatten"],
        flatten=config["data.flatten"],
    )
    if not config["data.standardize"]:
        return inputs
    arrays = getattr(rows, "arrays", None)
    if arrays is None:
        raise ConfigError("data.standardize: it needs rows in memory, without stream")
    table = (
        arrays[0].reshape(len(arrays[0]), -1) if config["data.flatten"] else arrays[0]
    )
    mean, std = standardized(table)
    return replace(inputs, mean=mean, std=std)


def _targets(rows: Rows) -> np.ndarray:
    """The labels, or of rows that are left on disk the first."""
    arrays = getattr(rows, "arrays", None)
    return np.asarray(first_row(rows)[-1] if arrays is None else arrays[-1])


def _count(names: tuple[str, ...], target: np.ndarray) -> int | None:
    """How many classes there are, as far as the data say it."""
    if names:
        return len(names)
    if target.ndim != 1 or target.dtype.kind not in "iu" or not len(target):
        return None
    return int(target.max()) + 1 if target.min() >= 0 else None


def _output(model: nnx.Module, inputs: Inputs) -> tuple[int, ...]:
    """The shape of the model's output for one row."""
    graphdef, params, buffers = split(model)
    dtype = inputs.dtype if inputs.integers else inputs.to
    with jax.enable_x64(inputs.to == "float64"):
        x = jax.ShapeDtypeStruct((2, *inputs.row), dtype)
        output, _ = jax.eval_shape(
            partial(forward, graphdef, training=False), params, buffers, [x]
        )
    if not hasattr(output, "shape"):
        raise ConfigError(
            "model.name: expected a model with one output, got " + type(output).__name__
        )
    return tuple(output.shape[1:])


def _judged(config: Config, task: Task, output: tuple[int, ...]) -> dict[str, Any]:
    """What the run is judged by, written down."""
    judged = config["validation.split"] != "none"
    found: dict[str, Any] = {"metrics": config["metrics"]}
    if config["metrics"] is None:
        found["metrics"] = task.default_metrics(output)
    for name in found["metrics"]:
        try:
            task.metric(name)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"metrics: {error}") from None
    # What an epoch has one number of.
    numbers = [name for name in found["metrics"] if name != "confusion_matrix"]
    numbers = ["loss", *numbers] if judged else []
    if config["early_stopping.patience"] is not None:
        monitor = config["early_stopping.monitor"] or (
            "loss" if judged else "train_loss"
        )
        trained = ["loss", *named_metrics(task.training_metrics(found["metrics"]))]
        known = [*numbers, *(f"train_{name}" for name in trained)]
        if monitor not in known:
            raise ConfigError(
                f"early_stopping.monitor: an epoch has no {monitor!r}; "
                + did_you_mean(monitor, known)
            )
        found["early_stopping.monitor"] = monitor
        found["early_stopping.mode"] = config["early_stopping.mode"] or better(monitor)
    if (best := config["checkpoints.best"]) is not None:
        if not judged:
            raise ConfigError(f"checkpoints.best: {best!r} needs a validation")
        if best not in numbers:
            raise ConfigError(
                f"checkpoints.best: the validation has no {best!r}; "
                + did_you_mean(best, numbers)
            )
        found["checkpoints.mode"] = config["checkpoints.mode"] or better(best)
    return found


def _ready(
    rows: Rows,
    *,
    inputs: Inputs,
    task: Task,
    output: tuple[int, ...],
    names: tuple[str, ...],
) -> Rows:
    """Rows as the model and the loss take them; those on disk as they are."""
    arrays = getattr(rows, "arrays", None)
    if arrays is None:
        return rows
    x, target = split_fields(arrays, "data")
    return Dataset(
        (inputs(x), as_target(target, task.kind, output)),
        class_names=names,
        name=getattr(rows, "name", ""),
    )
