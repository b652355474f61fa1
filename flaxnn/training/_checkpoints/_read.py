# SPDX-License-Identifier: Apache-2.0
"""Reading one checkpoint, and knowing whether it is whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn.training._checkpoints._errors import CheckpointError
from flaxnn.training._checkpoints._integrity import verify
from flaxnn.training._checkpoints._packing import unpacked

# The two items of an Orbax checkpoint: arrays, and the manifest beside them.
ARRAYS, MANIFEST = "arrays", "manifest"


@dataclass(frozen=True)
class Content:
    """What a checkpoint holds.

    Attributes:
        manifest: Versions, devices, data, position, and what the arrays should be.
        arrays: All arrays under their names.
    """

    manifest: dict[str, Any]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def metric(self) -> float | None:
        """The value that the best are chosen by, where it has one."""
        return self.manifest.get("metric")

    @property
    def train(self) -> dict[str, np.ndarray]:
        """The step's state."""
        return self.part("train")

    def part(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of one part, under their names within it."""
        prefix = name + "."
        return {
            key.removeprefix(prefix): array
            for key, array in self.arrays.items()
            if key.startswith(prefix)
        }


def steps_in(directory: Path) -> tuple[int, ...]:
    """The steps of finished checkpoints, oldest first."""
    if not directory.is_dir():
        return ()
    from orbax.checkpoint import utils

    return tuple(sorted(utils.checkpoint_steps(directory)))


def read(directory: Path, step: int, *, arrays: bool = True) -> Content:
    """A checkpoint, after its files were held against their checksums.

    Raises:
        CheckpointError: It is damaged or unreadable.
    """
    import orbax.checkpoint as ocp
    from etils import epath

    path = directory / str(step)
    verify(path)
    try:
        manifest = dict(
            ocp.JsonCheckpointHandler().restore(epath.Path(path / MANIFEST))
        )
        if not arrays:
            return Content(manifest)
        found = ocp.PyTreeCheckpointHandler().restore(epath.Path(path / ARRAYS))
    except Exception as error:  # Whatever a damaged file makes Orbax raise.
        raise CheckpointError(f"{path} cannot be read: {_first_line(error)}") from error
    return Content(manifest, unpacked(found, manifest["arrays"]))


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:300] if text else type(error).__name__
