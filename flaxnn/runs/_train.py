# SPDX-License-Identifier: Apache-2.0
"""A run in a directory: begun, gone on with, finished."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from flaxnn import interop, nn
from flaxnn._environment import environment
from flaxnn.data import DataLoader
from flaxnn.runs._catalogue import one_cycle_length
from flaxnn.runs._config import Config
from flaxnn.runs._directory import RunDirectory
from flaxnn.runs._errors import RunDirectoryError
from flaxnn.runs._models import file_of, source_digest
from flaxnn.runs._prepare import Prepared, prepare
from flaxnn.runs._read_data import feature_columns
from flaxnn.runs._trained import TrainedRun
from flaxnn.runs._trained import open as open_run
from flaxnn.runs._undo import Undo
from flaxnn.training import Checkpoints, NonFiniteLossError, Run
from flaxnn.training._checkpoints._lock import DirectoryLock
from flaxnn.training.callbacks import Callback, EarlyStopping, JSONLines

# What may change in a run that goes on: how long it is, and what is kept of it.
_MAY_CHANGE = ("epochs", "steps", "checkpoints.keep", "checkpoints.keep_best")


def train(
    config: Config | None,
    directory: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    callbacks: Sequence[Callback] = (),
    progress: bool | None = None,
) -> TrainedRun:
    """Trains in a directory, or goes on with the run that is there.

    The same call goes on behind the newest checkpoint, and ends bit-identical to a run
    that was never interrupted. A finished run is returned as it is, or trained on where
    the configuration now has more epochs or steps. Ctrl-C and SIGTERM save first. A run
    that fails before its first step leaves the directory as it was.

    Args:
        config: The run; None goes on with the one in the directory.
        directory: Of this run alone; it is made.
        overwrite: Whether the run that is there is removed, once this one has made a
            step. Files that are not the run's stay.
        callbacks: Further objects of `flaxnn.training.callbacks`.
        progress: Whether to show a progress bar; None shows it on a terminal.

    Returns:
        The run, opened.

    Raises:
        ConfigError: A ValueError. The configuration does not fit model or data.
        RunDirectoryError: A ValueError. The directory has another run, which it says
            key by key, or files that are no run's.
        KeyboardInterrupt: After Ctrl-C; the state is saved.
        NonFiniteLossError: A loss is nan or infinite; the state before is saved.
        Exception: What `prepare` and `flaxnn.fit` raise.

    Torch:
        The script of the configuration's model, loader and loop, 2.13.0: initial
        weights, order of batches and Generator T0; losses and parameters T1 in
        float64, T2 in float32.

    Example:
        >>> import tempfile
        >>> from flaxnn.runs import Config, train
        >>> config = Config.of(
        ...     {"model": "LogisticRegression", "data": "univariate", "seed": 2025}
        ...     | {"batch_size": "all", "steps": 101, "optimizer.lr": 0.01}
        ... )
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run = train(config, folder)
        ...     print(f"{run.history()['loss'][100]:.6f}")
        0.656269
    """
    files = RunDirectory(directory)
    there = files.has_run()
    if there and overwrite:
        config = files.read()[1] if config is None else config
        there = False
    if config is None:
        if not there:
            raise RunDirectoryError(
                f"there is no run in {files.path} to go on with; name a model and data "
                "to begin one"
            )
        config = files.read()[1]
    prepared = prepare(config)
    manifest = _manifest(prepared)
    undo = Undo(files)
    lock = DirectoryLock(files.path)
    lock.acquire()
    try:
        # Of a run that failed before its first checkpoint nothing is gone on with.
        if not there or not _checkpoints(files, prepared.config).steps():
            undo.replace()
        else:
            _check_same(files, prepared, manifest)
            if _is_done(files, prepared.config):
                return open_run(files.path)
            undo.keep()
        if file := file_of(prepared.config["model.name"]):
            files.keep_source(file)
        files.write({**manifest, "status": "running"}, prepared.config)
        _run(files, prepared, manifest, [undo, *callbacks], progress)
    except NonFiniteLossError:
        undo.forget()
        raise
    except Exception:
        if not undo.begun:
            undo.undo()
        raise
    finally:
        lock.release()
    return open_run(files.path)


def _run(
    files: RunDirectory,
    prepared: Prepared,
    manifest: dict[str, Any],
    callbacks: Sequence[Callback],
    progress: bool | None,
) -> None:
    """Trains, and notes how it ended."""
    config = prepared.config
    stopping = _early_stopping(config)
    told = [JSONLines(files.history), *([stopping] if stopping else []), *callbacks]
    started = time.monotonic()
    status = "interrupted"
    try:
        run = prepared.fit(
            checkpoints=_checkpoints(files, config), callbacks=told, progress=progress
        )
        status = "finished"
    except NonFiniteLossError as error:
        status = "diverged"
        manifest["message"] = str(error)
        raise
    except Exception:
        status = "failed"
        raise
    finally:
        if status != "finished":
            manifest["seconds"] = round(time.monotonic() - started, 3)
            files.write({**manifest, "status": status}, config)
    _write_model(files, run)
    manifest |= {
        "steps": int(run.state.train.step),
        "epochs": run.state.epoch if config["batch_size"] != "all" else None,
        "stopped_early": bool(stopping and stopping.stopped),
        "seconds": round(time.monotonic() - started, 3),
        "results": _results(run, prepared),
    }
    files.write({**manifest, "status": "finished"}, config)


def _manifest(prepared: Prepared) -> dict[str, Any]:
    """What a run's directory tells of it beside the configuration."""
    name = prepared.config["model.name"]
    return {
        "environment": environment(),
        "rows": len(prepared.rows),
        "validation_rows": len(prepared.held_out) if prepared.held_out else 0,
        "source_sha256": source_digest(name),
        "columns": feature_columns(prepared.config),
        "inputs": asdict(prepared.inputs),
        "task": asdict(prepared.task),
        "class_names": list(prepared.class_names),
    }


def _check_same(
    files: RunDirectory, prepared: Prepared, manifest: dict[str, Any]
) -> None:
    """Raises unless the run in a directory is this one, perhaps made longer."""
    then, config = files.read()
    now = prepared.config
    kept = {key: now[key] for key in _MAY_CHANGE if key in now}
    dropped = {key: None for key in _MAY_CHANGE if key in config}
    lines = config.changed(dropped | kept).differences(now)
    if lines:
        raise RunDirectoryError(
            f"{files.path} has another run, which differs in:"
            + "".join(f"\n  {line}" for line in lines)
            + "\nGo on with what that run had, choose another --out, or --overwrite it"
        )
    if then.get("source_sha256") != manifest["source_sha256"]:
        raise RunDirectoryError(
            f"the model's file has changed since the run in {files.path} began, which "
            f"kept it as {files.source}: choose another --out, or --overwrite the run"
        )
    _check_length(files, then, config, now)


def _check_length(
    files: RunDirectory, then: dict[str, Any], config: Config, now: Config
) -> None:
    """Raises where a run cannot be made as long as it is now said to be."""
    length = [(key, config[key], now[key]) for key in ("epochs", "steps")]
    if all(before == after for _, before, after in length):
        return
    cycle = config["schedule.name"] == "one_cycle_lr"
    if cycle and not one_cycle_length(config.options("schedule")):
        raise RunDirectoryError(
            f"the schedule of the run in {files.path} is one cycle over all of its "
            "steps: another length is another run; choose another --out"
        )
    if any((before is None) != (after is None) for _, before, after in length):
        raise RunDirectoryError(
            f"the run in {files.path} counts in "
            + ("epochs" if config["steps"] is None else "steps")
            + ": say in the same how long it shall be"
        )
    for key, before, after in length:
        if before is not None and after < before and then["status"] == "finished":
            raise RunDirectoryError(
                f"the run in {files.path} has {before} {key} already, and {after} are "
                "asked for: choose another --out, or --overwrite the run"
            )


def _is_done(files: RunDirectory, now: Config) -> bool:
    """Whether a finished run has all that is asked for."""
    then, config = files.read()
    same = all(config[key] == now[key] for key in ("epochs", "steps"))
    # A run that stopped early would stop again at once.
    return then["status"] == "finished" and (same or then["stopped_early"])


def _checkpoints(files: RunDirectory, config: Config) -> Checkpoints:
    return Checkpoints(
        files.checkpoints,
        every=config["checkpoints.every"],
        keep=config["checkpoints.keep"],
        best=config["checkpoints.best"],
        mode=config["checkpoints.mode"] or "min",
        keep_best=config["checkpoints.keep_best"],
    )


def _early_stopping(config: Config) -> EarlyStopping | None:
    if config["early_stopping.patience"] is None:
        return None
    return EarlyStopping(
        config["early_stopping.monitor"],
        patience=config["early_stopping.patience"],
        min_delta=config["early_stopping.min_delta"] or 0.0,
        mode=config["early_stopping.mode"],
    )


def _write_model(files: RunDirectory, run: Run[Any]) -> None:
    tensors = nn.to_state_dict(run.model)
    for suffix in (".pt", ".safetensors"):
        interop.save(tensors, files.model(suffix))


def _results(run: Run[Any], prepared: Prepared) -> dict[str, Any]:
    """The training's means over the last epoch, and the validation's last values."""
    steps = len(prepared.data) if isinstance(prepared.data, DataLoader) else 1
    found = {
        f"train_{name}": _mean(values[-steps:])
        for name, values in run.history.items()
        if name != "lr"
    }
    for name, values in run.evaluations.items():
        if name not in ("epoch", "step"):
            found[name] = _last(values)
    return {name: value for name, value in found.items() if value is not None}


def _mean(values: np.ndarray) -> float | None:
    """The mean, as callbacks are told it after an epoch."""
    return _last(values.mean(axis=0)[None]) if len(values) else None


def _last(values: np.ndarray) -> float | None:
    """The last value, where it is one number."""
    if not len(values) or np.ndim(values[-1]):
        return None
    value = float(values[-1])
    return value if np.isfinite(value) else None
