# SPDX-License-Identifier: Apache-2.0
"""The directory of a run: what is in it, and whose it is."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from flaxnn.runs._config import Config
from flaxnn.runs._errors import ConfigError, RunDirectoryError

_FORMAT = 1
_MANIFEST, _CONFIG, _LOCK = "run.json", "config.toml", "lock"
# All that a run writes; nothing else in its directory is ever touched.
_FOLDERS = ("checkpoints", "plots")
_FILES = (
    "history.jsonl",
    "model.pt",
    "model.safetensors",
    "model.py",
    _CONFIG,
    _MANIFEST,
)
OWN_NAMES = (*_FOLDERS, *_FILES)
# Where the run that was there is, until the one in its place has made a step.
SET_ASIDE = ".replaced"


class RunDirectory:
    """The files of one run.

    Args:
        path: The directory; it need not exist.
    """

    def __init__(self, path: str | os.PathLike[str]):
        self.path = Path(path)
        self.checkpoints = self.path / "checkpoints"
        self.history = self.path / "history.jsonl"
        self.plots = self.path / "plots"
        self.source = self.path / "model.py"

    def model(self, suffix: str) -> Path:
        """The file of the trained weights."""
        return self.path / f"model{suffix}"

    def has_run(self) -> bool:
        """Whether there is a run.

        Raises:
            RunDirectoryError: There are files and no run, or the path is a file.
        """
        if self.path.exists() and not self.path.is_dir():
            raise RunDirectoryError(
                f"{self.path} is a file; give the run a directory of its own"
            )
        if (self.path / _MANIFEST).exists():
            return True
        if others := self._others():
            raise RunDirectoryError(
                f"{self.path} has files and no run, such as {others[0]}: give the run "
                "a directory of its own"
            )
        return False

    def _others(self) -> list[str]:
        if not self.path.is_dir():
            return []
        ours = (_LOCK, SET_ASIDE)
        return sorted(f.name for f in self.path.iterdir() if f.name not in ours)

    def read(self) -> tuple[dict[str, Any], Config]:
        """The manifest, and the configuration as it was resolved.

        Raises:
            RunDirectoryError: There is no run, or its files are damaged.
        """
        file = self.path / _MANIFEST
        if not self.path.is_dir():
            raise RunDirectoryError(
                f"there is no directory {self.path}; `flaxnn train MODEL DATA --out "
                f"{self.path}` makes one"
            )
        if not file.is_file():
            raise RunDirectoryError(
                f"{self.path} is not the directory of a run: it has no {_MANIFEST}; "
                f"`flaxnn train MODEL DATA --out DIR` makes one"
            )
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
            if manifest["format"] != _FORMAT:
                raise ValueError(f"its format is {manifest['format']}, not {_FORMAT}")
            for key in ("status", "inputs", "task", "class_names"):
                manifest[key]
            return manifest, Config.read(self.path / _CONFIG)
        except ConfigError as error:
            raise RunDirectoryError(f"the run is damaged: {error}") from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RunDirectoryError(
                f"{file} is damaged ({type(error).__name__}: {error}); nothing tells "
                "what the directory has: move it away to begin anew"
            ) from error

    def write(self, manifest: dict[str, Any], config: Config) -> None:
        """Writes what `read` reads; the manifest last, which makes it a run."""
        self.path.mkdir(parents=True, exist_ok=True)
        _write(self.path / _CONFIG, config.to_toml())
        text = json.dumps({"format": _FORMAT, **manifest}, indent=1, ensure_ascii=False)
        _write(self.path / _MANIFEST, text + "\n")

    def clear(self) -> None:
        """Removes what a run has written, and nothing else."""
        for name in _FOLDERS:
            if not (self.path / name).is_symlink():
                shutil.rmtree(self.path / name, ignore_errors=True)
        # The manifest last: should this be interrupted, it is still known to be a run.
        for name in _FILES:
            (self.path / name).unlink(missing_ok=True)

    def keep_source(self, file: Path) -> None:
        """Keeps a copy of the user's file that has the model."""
        if file.absolute() != self.source.absolute():
            shutil.copyfile(file, self.source)


def _write(file: Path, text: str) -> None:
    """Writes a file that appears whole or not at all."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)
