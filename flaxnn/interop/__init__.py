# SPDX-License-Identifier: Apache-2.0
"""PyTorch's files and safetensors, in and out, without PyTorch.

`load` and `save` work with NumPy alone; JAX is imported with the functions that hand
over a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flaxnn import _lazy
from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._load import load
from flaxnn.interop._save import save

if TYPE_CHECKING:
    from flaxnn.interop._checkpoint import Checkpoint as Checkpoint
    from flaxnn.interop._checkpoint import load_checkpoint as load_checkpoint
    from flaxnn.interop._checkpoint import save_checkpoint as save_checkpoint

__all__ = [
    "Checkpoint",
    "FileFormatError",
    "load",
    "load_checkpoint",
    "save",
    "save_checkpoint",
]

_CHECKPOINT = "flaxnn.interop._checkpoint"
if not TYPE_CHECKING:
    __getattr__, __dir__ = _lazy.attach(
        __name__,
        subpackages=(),
        names=dict.fromkeys(
            ("Checkpoint", "load_checkpoint", "save_checkpoint"), _CHECKPOINT
        ),
    )
