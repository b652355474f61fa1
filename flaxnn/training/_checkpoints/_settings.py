# SPDX-License-Identifier: Apache-2.0
"""Where, when and how many checkpoints a run writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from flax import nnx

from flaxnn.training._checkpoints._errors import CheckpointError
from flaxnn.training._checkpoints._leaves import from_named_arrays, named_arrays
from flaxnn.training._checkpoints._packing import kinds
from flaxnn.training._checkpoints._read import read, steps_in
from flaxnn.training._eval_step import ModelState
from flaxnn.training._pure import split

M = TypeVar("M", bound=nnx.Module)


@dataclass(frozen=True)
class Checkpoints:
    """Checkpoints of a run in a directory, from which the same call goes on.

    Give the same value to `flaxnn.fit` again, with the same model, data and
    optimiser, and the run goes on behind the newest checkpoint: its end is
    bit-identical to that of a run that was never interrupted. SIGTERM and Ctrl-C save
    and then end the program. Writing goes on beside the training.

    Args:
        directory: Where they are written; it is made. One run has one directory.
        every: After how many steps one is written, or ``"epoch"``. One at the end of
            the run, and one where it is told to stop, are written always.
        keep: How many of the newest are kept.
        best: A metric of the validation, whose best epochs are kept as well; each
            validation writes a checkpoint then.
        mode: Whether less is better (``"min"``) or more (``"max"``).
        keep_best: How many of the best are kept.
        asynchronous: Whether training goes on while one is written.

    Raises:
        TypeError: An argument is of the wrong kind.
        ValueError: An argument is out of its range.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> from flaxnn import fit, models, nn, optim
        >>> from flaxnn.random import Generator
        >>> x = np.arange(8, dtype=np.float32)[:, None]
        >>> y = (x > 3).astype(np.float32)
        >>> def train(steps, directory):
        ...     return fit(
        ...         models.LogisticRegression(rngs=Generator(2025)),
        ...         (x, y),
        ...         loss=nn.BCELoss(),
        ...         optimizer=optim.adam(lr=0.1),
        ...         steps=steps,
        ...         checkpoints=Checkpoints(directory, every=10),
        ...     )
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     _ = train(25, directory)
        ...     Checkpoints(directory).steps()
        ...     longer = train(40, directory)  # from step 25 on
        (10, 20, 25)
        >>> len(longer.history["loss"])
        40
    """

    directory: str | Path
    every: int | Literal["epoch"] = "epoch"
    keep: int = 3
    best: str | None = None
    mode: Literal["min", "max"] = "min"
    keep_best: int = 1
    asynchronous: bool = True

    def __post_init__(self) -> None:
        if not isinstance(self.directory, str | Path):
            raise TypeError(
                "directory must be a path, got " + type(self.directory).__name__
            )
        for name in ("every", "keep", "keep_best"):
            value = getattr(self, name)
            if name == "every" and value == "epoch":
                continue
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{name} must be an integer, got {value!r}")
            if value < 1:
                raise ValueError(f"{name} must be at least 1, got {value}")
        if self.mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {self.mode!r}")

    @classmethod
    def of(cls, value: Any) -> Checkpoints:
        """The value itself, or the checkpoints in this directory with the defaults."""
        return value if isinstance(value, cls) else cls(value)

    def check_best(self, names: Sequence[str]) -> None:
        """Raises unless `best` is among the metrics that a run is judged by.

        Args:
            names: The names of these metrics.

        Raises:
            ValueError: It is not among them.
        """
        if self.best is not None and self.best not in names:
            raise ValueError(
                f"Checkpoints(best={self.best!r}) needs a validation with that metric, "
                f"but fit has {list(names) if names else 'no validation'}"
            )

    @property
    def stop_every(self) -> int:
        """After how many steps a chunk must end for one of these; 0 for none."""
        return 0 if self.every == "epoch" else self.every

    @property
    def path(self) -> Path:
        """The directory, absolute."""
        return Path(self.directory).expanduser().absolute()

    def steps(self) -> tuple[int, ...]:
        """The steps behind which there are checkpoints, oldest first."""
        return steps_in(self.path)

    def best_step(self) -> int:
        """The step of the checkpoint with the best value of `best`.

        Raises:
            CheckpointError: No checkpoint has one.
        """
        values = {
            step: read(self.path, step, arrays=False).metric for step in self.steps()
        }
        found = {step: value for step, value in values.items() if value is not None}
        if not found:
            raise CheckpointError(
                f"no checkpoint in {self.path} has a metric: give the run a "
                "validation and Checkpoints(…, best='loss')"
            )
        sign = 1 if self.mode == "min" else -1
        return min(found, key=lambda step: (sign * found[step], step))

    def manifest(self, step: int | None = None) -> dict[str, Any]:
        """What is noted beside a checkpoint: versions, devices, data, position.

        Args:
            step: The checkpoint's step; the newest when None.

        Raises:
            CheckpointError: There is no such checkpoint, or it cannot be read.
        """
        return read(self.path, self._chosen(step), arrays=False).manifest

    def model(self, model: M, step: int | Literal["best"] | None = None) -> M:
        """Returns a new model with a checkpoint's parameters and buffers.

        Args:
            model: A model of the same structure; it is not changed.
            step: The checkpoint's step, ``"best"``, or None for the newest.

        Raises:
            CheckpointError: There is no such checkpoint, it cannot be read, or is of
                another model.
        """
        chosen = self.best_step() if step == "best" else self._chosen(step)
        graphdef, params, buffers = split(model)
        expected = ModelState(params, buffers)
        arrays = read(self.path, chosen).train
        # A frozen parameter is among the buffers of the state, under the same name.
        frozen = {k.replace("buffers.", "params.", 1): a for k, a in arrays.items()}
        arrays = frozen | arrays
        for name, kind in kinds(named_arrays(expected)).items():
            found = kinds(arrays).get(name, "missing")
            if found != kind:
                raise CheckpointError(
                    f"checkpoint {chosen} in {self.path} is of another model: {name} "
                    f"is {found} there and {kind} here"
                )
        state = from_named_arrays(arrays, expected)
        return nnx.merge(graphdef, state.params, state.buffers)

    def _chosen(self, step: int | None) -> int:
        steps = self.steps()
        if not steps:
            raise CheckpointError(f"there is no checkpoint in {self.path}")
        if step is None:
            return steps[-1]
        if step not in steps:
            raise CheckpointError(
                f"there is no checkpoint of step {step} in {self.path}, but of "
                + ", ".join(map(str, steps))
            )
        return step
