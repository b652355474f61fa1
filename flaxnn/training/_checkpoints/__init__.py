# SPDX-License-Identifier: Apache-2.0
"""Checkpoints of a run: written beside it, and gone on from after it was killed."""

from flaxnn.training._checkpoints._errors import CheckpointError, CheckpointWarning
from flaxnn.training._checkpoints._manifest import run_manifest
from flaxnn.training._checkpoints._settings import Checkpoints
from flaxnn.training._checkpoints._store import Past, Store

__all__ = [
    "CheckpointError",
    "CheckpointWarning",
    "Checkpoints",
    "Past",
    "Store",
    "run_manifest",
]
