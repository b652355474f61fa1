# SPDX-License-Identifier: Apache-2.0
"""A file of weights, from PyTorch or from here, judged on data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flaxnn
from flaxnn import interop, nn
from flaxnn.runs._config import Config
from flaxnn.runs._prepare import Prepared, prepare

# Where scripts put a model's tensors among those of the optimiser.
_ENTRIES = ("model", "state_dict", "model_state_dict")


def evaluate_weights(
    path: Path, values: Mapping[str, Any]
) -> tuple[dict[str, Any], Prepared]:
    """Returns the loss and metrics of weights over all rows, and what they are of.

    Args:
        path: A .pt, .pth or .safetensors file.
        values: The model and the data, as `Config.of` takes them.

    Raises:
        FileFormatError: The file is damaged or of another kind.
        RuntimeError: The tensors are another model's; says which do not fit.
        ConfigError, OSError, ValueError: As `prepare`.
    """
    prepared = prepare(Config.of({**values, "validation.split": "none"}))
    tensors = interop.load(path)
    for name in _ENTRIES:
        inner = tensors.get(name) if isinstance(tensors, Mapping) else None
        if isinstance(inner, Mapping):
            tensors = dict(inner)
            break
    model: Any = nn.load_state_dict(prepared.model, tensors)
    metrics = {name: prepared.task.metric(name) for name in prepared.config["metrics"]}
    found = flaxnn.evaluate(
        model, prepared.rows, metrics={"loss": prepared.loss, **metrics}
    )
    return found, prepared
