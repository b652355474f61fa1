# SPDX-License-Identifier: Apache-2.0
"""What is noted beside a checkpoint, and what it must agree with to go on."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from flaxnn._environment import environment
from flaxnn.data import fingerprint_differences
from flaxnn.training._checkpoints._errors import CheckpointError, CheckpointWarning
from flaxnn.training._checkpoints._leaves import named_arrays
from flaxnn.training._checkpoints._packing import kinds
from flaxnn.training._state import TrainState

_FORMAT = 1


def run_manifest(
    data: dict[str, Any], train: TrainState, settings: dict[str, Any]
) -> dict[str, Any]:
    """The part of a manifest that is the same at every step.

    Args:
        data: The data set's fingerprint.
        train: A state of the run's step; only its structure is noted.
        settings: Others that decide the numbers.
    """
    return {
        "format": _FORMAT,
        "environment": environment(),
        "data": data,
        "leaves": kinds(named_arrays(train)),
        "settings": settings,
    }


def check_manifest(then: dict[str, Any], now: dict[str, Any], directory: Path) -> None:
    """Raises where a checkpoint is of another run, warns where of another machine."""
    if then.get("format") != _FORMAT:
        raise CheckpointError(
            f"the checkpoints in {directory} have format {then.get('format')}, this "
            f"flaxnn reads {_FORMAT}"
        )
    for what, lines in (
        ("model and optimiser", _leaf_differences(then["leaves"], now["leaves"])),
        ("data", fingerprint_differences(then["data"], now["data"])),
        ("settings", _changed(then["settings"], now["settings"])),
    ):
        if lines:
            raise CheckpointError(
                f"the checkpoints in {directory} do not fit this run, the {what} "
                "differ: "
                + "; ".join(lines[:5])
                + ". Go on with what that run had, or give this run a directory of "
                "its own"
            )
    lines = _changed(then["environment"], now["environment"])
    if lines:
        warnings.warn(
            f"the checkpoint in {directory} was written elsewhere: {'; '.join(lines)}. "
            "The numbers to come need not be those of a run that was not interrupted",
            CheckpointWarning,
            stacklevel=6,
        )


def _leaf_differences(then: dict[str, str], now: dict[str, str]) -> list[str]:
    names = sorted(then.keys() | now.keys())
    return [
        f"{name} is {then.get(name, 'missing')} there and {now.get(name, 'missing')} "
        "here"
        for name in names
        if then.get(name) != now.get(name)
    ]


def _changed(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    return [
        f"{name} was {then.get(name)} and is {now.get(name)}"
        for name in sorted(then.keys() | now.keys())
        if then.get(name) != now.get(name)
    ]
