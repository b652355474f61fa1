# SPDX-License-Identifier: Apache-2.0
"""Files of named arrays with a few facts beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

# What the facts are called, in the header of the one and among the arrays of the other.
_FACTS, _ORDER = "facts", "order"


def write(arrays: Mapping[str, Any], facts: Mapping[str, Any], path: Path) -> None:
    """Writes arrays and facts.

    Args:
        arrays: Arrays and numbers under their names.
        facts: What can be written as JSON.
        path: Ending in ``.safetensors`` or ``.npz``.

    Raises:
        ValueError: It ends in something else.
    """
    _check_suffix(path)
    # Neither format keeps the order of its arrays, and a model has one.
    text = json.dumps({**facts, _ORDER: list(arrays)})
    kept = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    if path.suffix == ".npz":
        with path.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **{_FACTS: text, **kept})
        return
    path.write_bytes(save(kept, metadata={_FACTS: text}))


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Returns arrays and facts; there are no facts where another program wrote it.

    Args:
        path: A ``.safetensors`` or ``.npz`` file.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is damaged, or of another kind.
    """
    _check_suffix(path)
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                arrays = dict(file)
            text = str(arrays.pop(_FACTS, "{}"))
        else:
            with safe_open(path, framework="np") as file:
                keys = file.keys()
                arrays = {key: file.get_tensor(key) for key in keys}
                text = (file.metadata() or {}).get(_FACTS, "{}")
        known = json.loads(text)
        order = {name: k for k, name in enumerate(known.pop(_ORDER, []))}
        names = sorted(arrays, key=lambda name: order.get(name, len(order)))
        return {name: arrays[name] for name in names}, known
    except (BadZipFile, SafetensorError, OSError, ValueError) as error:
        raise ValueError(f"{path} is damaged ({error}); record it anew") from error


def _check_suffix(path: Path) -> None:
    if path.suffix not in (".safetensors", ".npz"):
        raise ValueError(
            f"a reference is a .safetensors or a .npz file, got {path.name!r}"
        )
