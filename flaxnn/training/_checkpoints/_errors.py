# SPDX-License-Identifier: Apache-2.0
"""What may be wrong with checkpoints."""

from __future__ import annotations

from typing import Any


class CheckpointError(RuntimeError):
    """A checkpoint could not be written, read, or does not belong to this run.

    Args:
        message: What is wrong, and what to do.
        run: As below.

    Attributes:
        run: What the run came to, where it was the last save that failed; else None.
    """

    def __init__(self, message: str, run: Any = None):
        super().__init__(message)
        self.run = run


class CheckpointWarning(UserWarning):
    """A checkpoint was left out, or is of other circumstances; the run goes on."""
