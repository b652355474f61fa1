# SPDX-License-Identifier: Apache-2.0
"""A sweep on disk: what its groups have done, to go on from after it was killed."""

from __future__ import annotations

import json
import os
import re
import warnings
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from flaxnn import interop
from flaxnn.training import CheckpointError, CheckpointWarning, RunState
from flaxnn.training._checkpoints._leaves import from_named_arrays, named_arrays
from flaxnn.training._checkpoints._lock import DirectoryLock
from flaxnn.training._checkpoints._manifest import check_manifest
from flaxnn.training._pure import enough_precision, model_dtype

_MANIFEST = "sweep.json"
# A damaged newest state leaves the one before it to go on from.
_STATES_KEPT = 2

Named = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Segment:
    """What a group has done.

    Attributes:
        number: How many segments are done.
        states: The state of each lane behind them.
        history: The history of these segments, ``(steps, lanes, …)``.
        evaluations: Their evaluations, ``(times, lanes, …)``.
    """

    number: int
    states: list[RunState]
    history: dict[str, np.ndarray]
    evaluations: dict[str, np.ndarray]


class SweepDirectory:
    """The directory of one sweep while it goes on; a context.

    Args:
        path: The directory, which is made.
        manifest: What tells this sweep from others.
    """

    def __init__(self, path: str | os.PathLike[str], manifest: dict[str, Any]):
        self._path = Path(path)
        self._manifest = manifest
        self._lock = DirectoryLock(self._path)

    def __enter__(self) -> SweepDirectory:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def sizes(self, planned: list[int], *, given: bool) -> list[int]:
        """How many lanes each program has at once: what the directory says.

        Another number could round otherwise, and the memory that is free changes.

        Args:
            planned: What was planned now.
            given: Whether that is what the user asked for.

        Raises:
            CheckpointError: The directory has another sweep, or something else.
        """
        file = self._path / _MANIFEST
        if not file.exists():
            others = [f.name for f in self._path.iterdir() if f.name != "lock"]
            if others:
                raise CheckpointError(
                    f"{self._path} has files and no sweep, such as {others[0]}: give "
                    "the sweep a directory of its own"
                )
            _write_json(file, {**self._manifest, "lanes_at_once": planned})
            return planned
        try:
            then = json.loads(file.read_text(encoding="utf-8"))
            sizes = [int(size) for size in then["lanes_at_once"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(
                f"{file} is damaged ({error}), so nothing tells whether the directory "
                "is this sweep's: move it away to begin anew"
            ) from error
        check_manifest(then, self._manifest, self._path)
        if given and sizes != planned:
            raise CheckpointError(
                f"the sweep in {self._path} has {_listed(sizes)} lanes at once, and "
                f"now {_listed(planned)} are asked for: leave lanes_at_once "
                "out to go on"
            )
        return sizes

    def group(self, index: int) -> GroupFiles:
        """The files of a group of lanes."""
        return GroupFiles(self._path / f"group-{index:04d}")


class GroupFiles:
    """The segments of one group.

    Each has a file of its history and one of the states behind it; a list of both with
    their checksums, written last, makes them count.

    Args:
        path: The group's directory.
    """

    def __init__(self, path: Path):
        self._path = path

    def restore(self, like: RunState, lanes: int) -> Segment | None:
        """The segments that are whole, None where there is none.

        Args:
            like: A state of the same structure.
            lanes: How many lanes there have to be.

        Warns:
            CheckpointWarning: Some are damaged; the group goes on before them.
        """
        newest = max(self._numbers(), default=0)
        faults: list[str] = []
        series: list[dict[str, np.ndarray]] = []
        for number in range(1, newest + 1):
            try:
                series.append(self._read(number, "history"))
            except CheckpointError as error:
                faults.append(str(error))
                break
        found = None
        for number in range(len(series), 0, -1):
            try:
                states = _states(self._read(number, "states"), like, lanes)
            except CheckpointError as error:
                faults.append(str(error))
                continue
            found = Segment(
                number,
                states,
                _joined(series[:number], "history."),
                _joined(series[:number], "evaluations."),
            )
            break
        if faults:
            where = f"segment {found.number}" if found else "the beginning"
            warnings.warn(
                f"{'; '.join(faults)}. The group goes on from {where} instead",
                CheckpointWarning,
                stacklevel=2,
            )
        return found

    def save(
        self, number: int, states: Sequence[RunState], history: Named, evaluated: Named
    ) -> None:
        """Writes a segment.

        Args:
            number: Its number, from 1.
            states: The state of each lane behind it.
            history: Its history.
            evaluated: Its evaluations.

        Raises:
            CheckpointError: It cannot be written.
        """
        content = {
            "history": {f"history.{k}": v for k, v in history.items()}
            | {f"evaluations.{k}": v for k, v in evaluated.items()},
            "states": _arrays(states),
        }
        try:
            self._path.mkdir(exist_ok=True)
            files = {}
            for part, arrays in content.items():
                file = self._file(number, part)
                interop.save(arrays, file)
                files[file.name] = _checksum(file)
            _write_json(self._list(number), files)
            for old in self._numbers():
                if old <= number - _STATES_KEPT:
                    self._file(old, "states").unlink(missing_ok=True)
        except OSError as error:
            raise CheckpointError(
                f"the sweep cannot be written to {self._path}: {error.strerror}; what "
                "was written before is kept, and the same call goes on from it"
            ) from error

    def _numbers(self) -> list[int]:
        found = (re.fullmatch(r"segment-(\d+)\.json", f.name) for f in self._files())
        return sorted(int(match[1]) for match in found if match)

    def _files(self) -> list[Path]:
        with suppress(FileNotFoundError):
            return list(self._path.iterdir())
        return []

    def _list(self, number: int) -> Path:
        return self._path / f"segment-{number:05d}.json"

    def _file(self, number: int, part: str) -> Path:
        return self._path / f"{part}-{number:05d}.safetensors"

    def _read(self, number: int, part: str) -> dict[str, np.ndarray]:
        """The arrays of a file, if it is what was written."""
        file = self._file(number, part)
        try:
            files = json.loads(self._list(number).read_text(encoding="utf-8"))
            if files[file.name] != _checksum(file):
                raise CheckpointError(f"{file} is damaged")
            return {k: np.asarray(v) for k, v in interop.load(file).items()}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{file} is not whole ({error})") from error


def _arrays(states: Sequence[RunState]) -> dict[str, np.ndarray]:
    """The lanes' states as arrays with the lanes first."""
    lanes = [named_arrays(state.train) for state in states]
    arrays = {
        f"train.{name}": np.stack([lane[name] for lane in lanes]) for name in lanes[0]
    }
    arrays["place"] = np.array([states[0].epoch, states[0].batch], np.int64)
    for part in ("generators", "generators_at_epoch"):
        # (lanes, Generators, 5056); without Generators nothing could be stacked.
        if getattr(states[0], part):
            arrays[part] = np.stack([np.stack(getattr(s, part)) for s in states])
    return arrays


def _states(arrays: Named, like: RunState, lanes: int) -> list[RunState]:
    trains = {
        name.removeprefix("train."): array
        for name, array in arrays.items()
        if name.startswith("train.")
    }
    epoch, batch = (int(number) for number in arrays["place"])
    states = []
    with enough_precision(model_dtype(like.train.params)):
        for k in range(lanes):
            own = {name: array[k] for name, array in trains.items()}
            train = jax.tree.map(_on_device, from_named_arrays(own, like.train))
            at_epoch, now = (
                tuple(arrays[part][k]) if part in arrays else ()
                for part in ("generators_at_epoch", "generators")
            )
            states.append(RunState(train, epoch, batch, at_epoch, now))
    return states


def _on_device(leaf: Any) -> jax.Array:
    return jnp.asarray(leaf) if isinstance(leaf, np.ndarray | np.generic) else leaf


def _joined(series: list[dict[str, np.ndarray]], prefix: str) -> dict[str, np.ndarray]:
    names = [name for name in series[0] if name.startswith(prefix)]
    names += [n for part in series for n in part if n.startswith(prefix)]
    return {
        name.removeprefix(prefix): np.concatenate(
            [part[name] for part in series if name in part]
        )
        for name in dict.fromkeys(names)
    }


def _write_json(file: Path, content: Any) -> None:
    """Writes a file that appears whole or not at all."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    beside.write_text(json.dumps(content, indent=1), encoding="utf-8")
    beside.replace(file)


def _checksum(file: Path) -> int:
    return zlib.crc32(file.read_bytes())


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
