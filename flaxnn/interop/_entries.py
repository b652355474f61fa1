# SPDX-License-Identifier: Apache-2.0
"""Where in a file the parts of a training run are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

# The names that PyTorch programs give them; the first is what we write.
NAMES = {
    "model": ("model", "model_state_dict", "state_dict", "net"),
    "optimizer": ("optimizer", "optimizer_state_dict", "optim"),
    "scheduler": ("scheduler", "scheduler_state_dict", "lr_scheduler"),
    "epoch": ("epoch",),
    "batch": ("batch", "batch_idx"),
    "step": ("step", "global_step"),
    "loss_sum": ("loss_sum",),
    "generators": ("generators", "rng_state", "torch_rng_state", "generator"),
    "generators_at_epoch": ("generators_at_epoch", "epoch_rng_state"),
}


def find_entries(
    content: Any, keys: Mapping[str, str], path: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parts of a run by the first of their names, and everything else.

    Args:
        content: What the file holds.
        keys: Names of the caller's for some of the parts.
        path: The file, for messages.

    Raises:
        ValueError: A part or name of ``keys`` does not exist, or there is no model.
        TypeError: The file holds no dictionary.
    """
    if not isinstance(content, Mapping):
        raise TypeError(
            f"{path} holds a {type(content).__name__}, expected a dictionary such as "
            'torch.save({"model": model.state_dict(), …}) writes'
        )
    unknown = sorted(set(keys) - set(NAMES))
    if unknown:
        raise ValueError(
            f"keys has {', '.join(unknown)}; the parts of a run are {', '.join(NAMES)}"
        )
    absent = sorted(key for key in keys.values() if key not in content)
    if absent:
        raise ValueError(
            f"{path} has no {', '.join(map(repr, absent))}, but {_listed(content)}"
        )
    rest = dict(content)
    found: dict[str, Any] = {}
    for part, names in NAMES.items():
        name = keys.get(part) or next((n for n in names if n in rest), None)
        if name is not None:
            found[part] = rest.pop(name)
    if "model" not in found and all(isinstance(v, np.ndarray) for v in rest.values()):
        # A bare model.state_dict(), whose parameters may have any name.
        return {"model": dict(content)}, {}
    if "model" not in found:
        raise ValueError(
            f"cannot tell which entry of {path} is the model's state: it has "
            f'{_listed(content)}; say which: keys={{"model": "…"}}'
        )
    return found, rest


def _listed(content: Mapping[Any, Any]) -> str:
    names = [repr(name) for name in content]
    return ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
