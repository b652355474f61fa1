# SPDX-License-Identifier: Apache-2.0
"""Writing a run's checkpoints, and finding the one to go on from."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from flaxnn.training._checkpoints._errors import CheckpointError, CheckpointWarning
from flaxnn.training._checkpoints._integrity import record
from flaxnn.training._checkpoints._leaves import from_named_arrays, named_arrays
from flaxnn.training._checkpoints._lock import DirectoryLock
from flaxnn.training._checkpoints._manifest import check_manifest
from flaxnn.training._checkpoints._packing import kinds, packed
from flaxnn.training._checkpoints._read import ARRAYS, MANIFEST, Content, read, steps_in
from flaxnn.training._checkpoints._settings import Checkpoints
from flaxnn.training._checkpoints._writer import Writer
from flaxnn.training._state import RunState, TrainState

Named = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Past:
    """What a run goes on from: nothing, a state, or all that a checkpoint has."""

    state: RunState | None = None
    history: dict[str, np.ndarray] = field(default_factory=dict)
    evaluations: dict[str, np.ndarray] = field(default_factory=dict)


class Store:
    """The checkpoints of one run while it goes on; a context.

    Args:
        settings: Where, when and how many.
        manifest: What is noted beside each: see `_manifest.run_manifest`.
    """

    def __init__(self, settings: Checkpoints, manifest: dict[str, Any]):
        self.settings = settings
        self._manifest = manifest
        self._path = settings.path
        self._manager: Any = None
        self._lock = DirectoryLock(self._path)
        self._saved: set[int] = set()
        self._writing = -1
        self._writer = Writer()
        # Processes that share a run write together, each from its main thread.
        self._beside = settings.asynchronous and jax.process_count() == 1

    def __enter__(self) -> Store:
        self._lock.acquire()
        self._saved = set(steps_in(self._path))
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._writer.close()
            if self._manager is not None:
                # An error in here was told by `wait`, or another one is under way.
                with suppress(Exception):
                    self._manager.close()
        finally:
            self._lock.release()

    def restore(self, like: TrainState) -> Past | None:
        """The newest checkpoint that is whole, None where there is none.

        Warns:
            CheckpointWarning: One is damaged, and an older one is taken.

        Raises:
            CheckpointError: It is of another model, optimiser or data set, or all
                are damaged.
        """
        problems: dict[int, str] = {}
        content = None
        for step in reversed(steps_in(self._path)):
            try:
                content = read(self._path, step)
                break
            except CheckpointError as error:
                problems[step] = str(error)
        told = "; ".join(problems.values())
        if content is None:
            if problems:
                raise CheckpointError(f"no checkpoint can be read: {told}")
            return None
        past = self._past(content, like)
        if problems:
            self._set_aside(problems)
            warnings.warn(
                f"{told}. The run goes on from step {content.manifest['step']} instead",
                CheckpointWarning,
                stacklevel=4,
            )
        return past

    def save(
        self,
        state: RunState,
        history: Named,
        evaluations: Named,
        metric: float | None = None,
    ) -> None:
        """Writes a checkpoint; returns before it is on disk unless told to wait.

        Warns:
            CheckpointWarning: An earlier one could not be written.
        """
        import orbax.checkpoint as ocp

        step = int(state.train.step)
        if step in self._saved:
            return
        arrays = _arrays(state, history, evaluations)
        manifest = {
            **self._manifest,
            "step": step,
            "epoch": state.epoch,
            "batch": state.batch,
            "metric": metric,
            "arrays": kinds(arrays),
        }
        worst = math.inf if self.settings.mode == "min" else -math.inf
        ranked = worst if metric is None or math.isnan(metric) else metric

        items = ocp.args.Composite(
            **{
                ARRAYS: ocp.args.PyTreeSave(packed(arrays)),
                MANIFEST: ocp.args.JsonSave(manifest),
            }
        )
        metrics = None if metric is None else {"value": ranked}

        def write() -> None:
            manager = self._open()
            manager.wait_until_finished()
            self._writing = step
            manager.save(step, args=items, metrics=metrics, force=True)
            if self._beside or not self.settings.asynchronous:
                manager.wait_until_finished()

        self.wait()
        if self._attempt(partial(self._writer.start, write) if self._beside else write):
            self._saved.add(step)

    def has(self, step: int) -> bool:
        """Whether a checkpoint of this step is written, or being written."""
        return step in self._saved

    def wait(self) -> None:
        """Waits for what is being written."""
        self._attempt(self._writer.wait)
        if self._manager is not None:
            self._attempt(self._manager.wait_until_finished)

    def _attempt(self, action: Callable[[], Any]) -> bool:
        """Does something with Orbax; its failure must not end a run that goes well."""
        try:
            action()
        except Exception as error:
            self._saved = set(steps_in(self._path))
            with suppress(Exception):
                self._manager.close()
            self._manager = None
            warnings.warn(
                f"a checkpoint in {self._path} could not be written "
                f"({type(error).__name__}: {_reason(error)}); those before it are kept",
                CheckpointWarning,
                stacklevel=5,
            )
            return False
        return True

    def _open(self) -> Any:
        """Orbax' manager, made when it is first needed."""
        if self._manager is None:
            self._manager = _manager(self.settings, self._record)
        return self._manager

    def _record(self) -> None:
        """Lists the files of the checkpoint that is written, before it is renamed."""
        if jax.process_index() == 0:
            for unfinished in self._path.glob(f"{self._writing}.orbax-checkpoint-tmp*"):
                record(unfinished)

    def _past(self, content: Content, like: TrainState) -> Past:
        check_manifest(content.manifest, self._manifest, self._path)
        train = from_named_arrays(content.train, like)
        now, at_epoch = (
            tuple(part for _, part in sorted(content.part(name).items()))
            for name in ("generators", "generators_at_epoch")
        )
        manifest = content.manifest
        state = RunState(train, manifest["epoch"], manifest["batch"], at_epoch, now)
        return Past(state, content.part("history"), content.part("evaluations"))

    def _set_aside(self, steps: Iterable[int]) -> None:
        """Renames damaged checkpoints, so that their steps can be written again."""
        if jax.process_count() > 1:
            # Nobody may be reading what is renamed.
            multihost_utils.sync_global_devices("flaxnn: damaged checkpoints are found")
        for step in steps:
            self._saved.discard(step)
            if jax.process_index() == 0:
                name = f"damaged-{step}-{time.time_ns()}"
                (self._path / str(step)).rename(self._path / name)


def _arrays(
    state: RunState, history: Named, evaluations: Named
) -> dict[str, np.ndarray]:
    parts = {
        "train": named_arrays(state.train),
        "generators": _numbered(state.generators),
        "generators_at_epoch": _numbered(state.generators_at_epoch),
        "history": history,
        "evaluations": evaluations,
    }
    return {
        f"{part}.{name}": np.asarray(array)
        for part, arrays in parts.items()
        for name, array in arrays.items()
    }


def _numbered(arrays: tuple[np.ndarray, ...]) -> dict[str, np.ndarray]:
    return {f"{index:03d}": array for index, array in enumerate(arrays)}


def _manager(settings: Checkpoints, record: Callable[[], None]) -> Any:
    """Orbax' manager; it calls back when a checkpoint's files are written."""
    import orbax.checkpoint as ocp
    from orbax.checkpoint import checkpoint_managers as managers

    newest = managers.LatestN(n=settings.keep)
    policies: list[Any] = [newest]
    if settings.best is not None:
        best = managers.BestN(
            get_metric_fn=lambda metrics: metrics["value"],
            reverse=settings.mode == "min",
            n=settings.keep_best,
            keep_checkpoints_without_metrics=False,
        )
        policies.append(best)
    return ocp.CheckpointManager(
        settings.path,
        # Weights hardly get smaller, and compressing them takes the processor's time.
        item_handlers={
            ARRAYS: ocp.PyTreeCheckpointHandler(use_compression=False),
            MANIFEST: ocp.JsonCheckpointHandler(),
        },
        options=ocp.CheckpointManagerOptions(
            preservation_policy=managers.AnyPreservationPolicy(policies),
            async_options=ocp.AsyncOptions(post_finalization_callback=record),
            cleanup_tmp_directories=True,
        ),
    )


def _reason(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else "no reason given"
