# SPDX-License-Identifier: Apache-2.0
"""Nested containers of arrays written to a file."""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from flaxnn.interop._write_pt import write_pt
from flaxnn.interop._write_safetensors import write_safetensors

# How far containers are nested: half of what `load` reads, and far from the depth at
# which Python's own recursion ends.
_DEEPEST = 100


def save(value: Any, path: str | os.PathLike[str]) -> None:
    """Writes arrays to a file that PyTorch, or any reader of safetensors, reads.

    The file appears whole or not at all: it is written beside its place first.

    Args:
        value: For ``.pt`` and ``.pth`` arrays, numbers, strings, None, and nested
            lists, tuples and dictionaries of these. For ``.safetensors`` a dictionary
            of arrays, whose nested dictionaries' names are joined with dots. Arrays are
            NumPy's or JAX's, of any shape and of every dtype that PyTorch has. Those
            that share memory share it in a ``.pt`` file too, as tied weights.
        path: The file; it is replaced if it exists.

    Raises:
        ValueError: The suffix is another, names clash, or the value is nested too
            deeply, as one that contains itself.
        TypeError: The value holds something that such a file has not.
        OSError: The file cannot be written.

    Torch:
        ``torch.save`` and ``safetensors.torch.save_file``, 2.13.0, T0: the file is
        read by ``torch.load(path, weights_only=True)``, from 1.6 on.

    Example:
        >>> import tempfile, numpy as np
        >>> from flaxnn import interop
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     interop.save({"weight": np.ones((2, 2))}, f"{directory}/model.pt")
        ...     print(interop.load(f"{directory}/model.pt")["weight"].sum())
        4.0
    """
    target = Path(path)
    writers = {".pt": _to_pt, ".pth": _to_pt, ".safetensors": _to_safetensors}
    write = writers.get(target.suffix)
    if write is None:
        raise ValueError(
            f"cannot tell the format of {target.name!r} by its suffix: expected one of "
            f"{', '.join(writers)}"
        )
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        write(value, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _to_pt(value: Any, path: Path) -> None:
    arrays: list[np.ndarray] = []
    write_pt(_with_numpy(value, arrays), arrays, path)


def _to_safetensors(value: Any, path: Path) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(
            "a .safetensors file holds a dictionary of arrays, got "
            f"{type(value).__name__}; write .pt for anything else"
        )
    tensors: dict[str, np.ndarray] = {}
    _flatten(value, "", tensors)
    write_safetensors(tensors, path)


def _with_numpy(value: Any, found: list[np.ndarray], depth: int = 0) -> Any:
    """The value with JAX's arrays and PyTorch's tensors as NumPy's, which are found."""
    _check_depth(depth)
    if isinstance(value, Mapping):
        items = {key: _with_numpy(one, found, depth + 1) for key, one in value.items()}
        kinds = (Counter, OrderedDict)
        return next((k(items) for k in kinds if isinstance(value, k)), items)
    if isinstance(value, list | tuple):
        items = [_with_numpy(one, found, depth + 1) for one in value]
        return items if isinstance(value, list) else tuple(items)
    if not hasattr(value, "__array__") or isinstance(value, np.generic):
        return value
    # The memory of a JAX array stays where it is: equal objects stay shared.
    array = np.asarray(value)
    found.append(array)
    return array


def _flatten(
    value: Mapping[Any, Any], prefix: str, into: dict[str, np.ndarray], depth: int = 0
) -> None:
    _check_depth(depth)
    for key, one in value.items():
        name = f"{prefix}{key}"
        if isinstance(one, Mapping) and one:
            _flatten(one, f"{name}.", into, depth + 1)
        elif isinstance(one, Mapping):
            raise TypeError(
                f"{name} is an empty dictionary, of which a .safetensors file keeps no "
                "trace: leave it out, or write .pt"
            )
        elif not hasattr(one, "__array__"):
            raise TypeError(
                f"{name} is of type {type(one).__name__}: a .safetensors file holds "
                "arrays only; write .pt for anything else"
            )
        elif name in into:
            raise ValueError(f"two arrays would both be named {name}")
        else:
            into[name] = np.asarray(one)


def _check_depth(depth: int) -> None:
    if depth > _DEEPEST:
        raise ValueError(
            f"more than {_DEEPEST} containers inside one another, or one that contains "
            "itself"
        )
