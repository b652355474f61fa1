# SPDX-License-Identifier: Apache-2.0
"""A file of weights, from PyTorch or from here, judged on data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import flaxnn
from flaxnn import interop, nn
from flaxnn.runs._config import Config
from flaxnn.runs._errors import ConfigError
from flaxnn.runs._keys import TABLES
from flaxnn.runs._prepare import Prepared, prepare

# What of a configuration counts for weights that are trained.
_COUNTS = ("model", "data", "loss", "metrics", "dtype")
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
    config = Config.of(values)
    _check(config, path)
    prepared = prepare(config.changed({"validation.split": "none"}))
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


def _check(config: Config, path: Path) -> None:
    """Refuses what weights alone cannot have, and what would change nothing."""
    faults = [
        f"{key}: it is of training; a file of weights takes "
        + ", ".join(f"{name}.…" if name in TABLES else name for name in _COUNTS)
        for key in config
        if key.partition(".")[0] not in _COUNTS
    ]
    if config["data.standardize"]:
        run = path.parent
        command = f": flaxnn evaluate {run}" if (run / "run.json").exists() else ""
        faults.append(
            "data.standardize: a file of weights does not say the mean and deviation "
            "of the rows it was trained on, which its inputs have to be standardized "
            f"by; evaluate the run's directory, which has them{command}, or give rows "
            "that are standardized already"
        )
    if faults:
        raise ConfigError(faults)
