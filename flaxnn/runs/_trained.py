# SPDX-License-Identifier: Apache-2.0
"""A run's directory opened: its model, its history, and what they make of data."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from flax import nnx

import flaxnn
from flaxnn import interop, nn
from flaxnn.data import Dataset
from flaxnn.random import Generator
from flaxnn.runs._catalogue import factory
from flaxnn.runs._config import Config
from flaxnn.runs._directory import RunDirectory
from flaxnn.runs._errors import RunDirectoryError
from flaxnn.runs._models import file_of, find_class
from flaxnn.runs._nearest import did_you_mean
from flaxnn.runs._options import as_arguments
from flaxnn.runs._parts import make_model
from flaxnn.runs._read_data import split_names
from flaxnn.runs._rows import Inputs, as_target, split_fields
from flaxnn.runs._split_rows import Rows, divided, read_rows
from flaxnn.runs._task import Task
from flaxnn.training import CheckpointError, Checkpoints

Which = int | Literal["last", "best"]
# Rows at a time, so that a large data set needs no more memory than a small one.
_ROWS = 4096


@dataclass(frozen=True)
class TrainedRun:
    """What `train` returns, and `open` finds in a directory.

    Attributes:
        directory: The run's.
        config: Its configuration, resolved.
        manifest: What ``run.json`` has: ``status`` ("finished", "running",
            "interrupted", "diverged" or "failed"), ``steps``, ``results``, versions.
        class_names: The classes' names in the labels' order; may be empty.
    """

    directory: Path
    config: Config
    manifest: Mapping[str, Any]
    class_names: tuple[str, ...]
    _inputs: Inputs
    _task: Task

    @property
    def checkpoints(self) -> Checkpoints:
        """The checkpoints of the run."""
        return Checkpoints(
            RunDirectory(self.directory).checkpoints,
            best=self.config["checkpoints.best"],
            mode=self.config["checkpoints.mode"] or "min",
        )

    def model(self, checkpoint: Which = "last") -> Any:
        """Returns the trained model.

        Args:
            checkpoint: ``"last"``, ``"best"``, or the step of a checkpoint.

        Raises:
            CheckpointError: There is no such checkpoint, or it is damaged.
            RunDirectoryError: The run has not come to a first checkpoint.
            ConfigError: The model's file cannot be run.
        """
        blank = self._blank()
        if checkpoint == "last":
            if not self.checkpoints.steps():
                return self._from_file(blank)
            return self.checkpoints.model(blank)
        if checkpoint == "best" and self.config["checkpoints.best"] is None:
            raise CheckpointError(
                f"the run in {self.directory} was told of no best checkpoint; train "
                "with --best METRIC"
            )
        return self.checkpoints.model(blank, checkpoint)

    def _blank(self) -> nnx.Module:
        """A model of the same structure."""
        name, folder = self.config["model.name"], None
        files = RunDirectory(self.directory)
        if (file := file_of(name)) and files.source.is_file():
            # As it was when the run began, whatever became of the user's file.
            name = f"{files.source}{name.removeprefix(str(file))}"
            folder = file.parent
        return make_model(
            find_class(name, folder),
            self.config.options("model"),
            self.config["dtype"],
            rngs=Generator(self.config["seed"]),
        )

    def _from_file(self, blank: Any) -> Any:
        file = RunDirectory(self.directory).model(".safetensors")
        if not file.is_file():
            raise RunDirectoryError(
                f"the run in {self.directory} is {self.manifest['status']} and has no "
                f"checkpoint yet; `flaxnn train --out {self.directory}` goes on with it"
            )
        return nn.load_state_dict(blank, interop.load(file))

    def history(self) -> dict[str, np.ndarray]:
        """Returns the training metrics, a value for each step."""
        return _columns(self._lines(), lambda line: "epoch" not in line, ("step",))

    def evaluations(self) -> dict[str, np.ndarray]:
        """Returns the validation's metrics, a value for each time, and when it was."""
        found = _columns(self._lines(), lambda line: "epoch" in line)
        return {k: v for k, v in found.items() if not k.startswith("train_")}

    def _lines(self) -> list[dict[str, Any]]:
        file = RunDirectory(self.directory).history
        try:
            return [json.loads(each) for each in file.read_text().splitlines()]
        except FileNotFoundError:
            return []
        except ValueError as error:
            raise RunDirectoryError(f"{file} is damaged: {error}") from error

    def rows(
        self, data: str | None = None, *, split: str | None = None
    ) -> tuple[Dataset, str]:
        """Returns rows as the model takes them, and which they are.

        Args:
            data: A file like the run's, or the name of a data set; the run's own when
                None.
            split: "train" or "validation" for the run's own parts, or a split of the
                data; the validation where the run has one, when None.

        Raises:
            ValueError: There is no such split, or the rows have another shape.
        """
        config, names = self.config, self.class_names
        if data is not None:
            ours = config["data.split"]
            part = ours if ours in split_names(config, data) else "train"
            rows = read_rows(
                config,
                path=data,
                split=part if split is None else split,
                class_names=names,
                columns=self.manifest["columns"],
            )
            return self._ready(rows), f"{data}, {split}" if split else data
        whole = read_rows(config)
        train, held_out, _ = divided(config, whole, Generator(config["seed"]))
        if split is None:
            split = "train" if held_out is None else "validation"
        if split == "validation":
            if held_out is None:
                raise ValueError(
                    f"the run in {self.directory} has no validation; expected --split "
                    "train, or other data"
                )
            return self._ready(held_out), "validation"
        if split == "train":
            return self._ready(train), "train"
        known = dict.fromkeys(["validation"] * (held_out is not None))
        known |= dict.fromkeys(("train", *split_names(config)))
        if split not in known:
            raise ValueError(
                f"the run in {self.directory} has no split {split!r}; "
                + did_you_mean(split, known)
            )
        return self._ready(read_rows(config, split=split, class_names=names)), split

    def _ready(self, rows: Rows) -> Dataset:
        arrays = getattr(rows, "arrays", None)
        if arrays is None:
            arrays = rows[np.arange(len(rows))]
        x, target = split_fields(arrays, "data")
        output = (1,) if self._task.kind == "binary" else ()
        return Dataset(
            (self._inputs(np.asarray(x)), as_target(target, self._task.kind, output)),
            class_names=self.class_names,
        )

    def evaluate(
        self,
        rows: Dataset,
        *,
        metrics: Sequence[str] | None = None,
        checkpoint: Which = "last",
    ) -> dict[str, Any]:
        """Returns the loss and metrics over rows, in evaluation mode.

        Args:
            rows: From `rows`.
            metrics: Names as in the configuration; the run's own when None.
            checkpoint: As for `model`.
        """
        config = self.config
        loss = factory("loss", config["loss.name"])
        names = config["metrics"] if metrics is None else metrics
        found = {name: self._task.metric(name) for name in names}
        model = self.model(checkpoint)
        measured = {"loss": loss(**as_arguments(config.options("loss"))), **found}
        # As in the run, so that its validation comes out to the bit.
        size = config["validation.batch_size"]
        return flaxnn.evaluate(model, rows, metrics=measured, batch_size=size)

    def predict(self, x: np.ndarray, *, checkpoint: Which = "last") -> np.ndarray:
        """Returns the model's outputs of inputs as the data have them.

        Args:
            x: ``(N, …)``, rows of the data's shape, not yet scaled.
            checkpoint: As for `model`.
        """
        return self.outputs(self._inputs(x), checkpoint=checkpoint)

    def outputs(self, x: np.ndarray, *, checkpoint: Which = "last") -> np.ndarray:
        """Returns the model's outputs of inputs as it takes them.

        Args:
            x: ``(N, …)``, such as the first array of `rows`.
            checkpoint: As for `model`.
        """
        model = self.model(checkpoint)
        return np.asarray(flaxnn.predict(model, x, batch_size=_ROWS))

    @property
    def classifies(self) -> bool:
        """Whether a row has one class."""
        return self._task.kind != "values"

    def probabilities(self, outputs: np.ndarray) -> tuple[np.ndarray, str]:
        """Returns the probability of each class ``(N, C)``, and how it was come by.

        Args:
            outputs: From `predict`.
        """
        return self._task.probabilities(outputs)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of a row of the data."""
        return self._inputs.shape

    @property
    def row_dtype(self) -> np.dtype:
        """The dtype of the data."""
        return np.dtype(self._inputs.dtype)


def open(directory: str | os.PathLike[str]) -> TrainedRun:
    """Returns the run in a directory, without its data.

    Args:
        directory: Where `train` has trained.

    Raises:
        RunDirectoryError: A ValueError. There is no run, or it is damaged.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from flaxnn import runs
        >>> config = runs.Config.of({"model": "SoftmaxRegression", "data": "iris"})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = runs.train(config, folder)
        ...     run = runs.open(folder)
        ...     outputs = run.predict(np.array([[5.1, 3.5, 1.4, 0.2]]))
        ...     run.class_names, outputs.shape
        (('setosa', 'versicolor', 'virginica'), (1, 3))
    """
    files = RunDirectory(directory)
    manifest, config = files.read()
    try:
        inputs: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in manifest["inputs"].items()
        }
        return TrainedRun(
            files.path,
            config,
            manifest,
            tuple(manifest["class_names"]),
            Inputs(**inputs),
            Task(**manifest["task"]),
        )
    except (TypeError, AttributeError) as error:
        raise RunDirectoryError(
            f"the run in {files.path} is damaged: {error}"
        ) from error


def _columns(
    lines: list[dict[str, Any]], wanted: Any, without: Sequence[str] = ()
) -> dict[str, np.ndarray]:
    chosen = [line for line in lines if wanted(line)]
    names = [name for name in (chosen[0] if chosen else {}) if name not in without]
    return {name: np.array([_number(line[name]) for line in chosen]) for name in names}


def _number(value: Any) -> Any:
    return np.nan if value is None else value
