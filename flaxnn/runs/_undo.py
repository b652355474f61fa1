# SPDX-License-Identifier: Apache-2.0
"""A run that is refused before its first step leaves its directory as it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from flaxnn.runs._directory import OWN_NAMES, SET_ASIDE, RunDirectory
from flaxnn.training.callbacks import Callback

# What a run that goes on writes before its first step.
_REWRITTEN = ("config.toml", "run.json", "model.py", "history.jsonl")


class Undo(Callback):
    """Undoes what a run has done to its directory, as long as it has made no step.

    It is one of the run's callbacks, which are told of the first step. A run that takes
    the place of another has that one's files set aside until then.

    Args:
        files: The directory; it need not exist yet.
    """

    on_every_process: ClassVar[bool] = True

    def __init__(self, files: RunDirectory):
        self._files = files
        self._aside = files.path / SET_ASIDE
        self._made = [p for p in (files.path, *files.path.parents) if not p.exists()]
        self._locked = (files.path / "lock").exists()
        self._kept: dict[str, bytes] = {}
        self._replaced = False
        self.begun = False

    def replace(self) -> None:
        """Makes room for a new run: the files of one that was there are set aside."""
        there = [n for n in OWN_NAMES if os.path.lexists(self._files.path / n)]
        if self._aside.exists():
            # The new ones are of a run that was killed before its first step.
            self._files.clear()
        elif there:
            self._aside.mkdir()
            for name in there:
                (self._files.path / name).rename(self._aside / name)
        self._replaced = True

    def keep(self) -> None:
        """Keeps in mind what a run that goes on writes again."""
        files = [self._files.path / name for name in _REWRITTEN]
        self._kept = {f.name: f.read_bytes() for f in files if f.is_file()}

    def steps(self, first: int, values: Mapping[str, np.ndarray]) -> None:
        """Told of steps that are done."""
        self.forget()

    def forget(self) -> None:
        """Lets go of what was there: the run has begun."""
        if not self.begun:
            self.begun = True
            shutil.rmtree(self._aside, ignore_errors=True)

    def undo(self) -> None:
        """Leaves the directory as it was."""
        for name, content in self._kept.items():
            (self._files.path / name).write_bytes(content)
        if self._replaced:
            self._files.clear()
        if self._aside.is_dir():
            for file in self._aside.iterdir():
                file.rename(self._files.path / file.name)
            self._aside.rmdir()
        if not self._locked:
            (self._files.path / "lock").unlink(missing_ok=True)
        for folder in self._made:
            # Another may have put something there meanwhile.
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
