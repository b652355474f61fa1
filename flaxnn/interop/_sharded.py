# SPDX-License-Identifier: Apache-2.0
"""Safetensors files that share one index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._json import parse_json

MAX_INDEX = 32 << 20
# An array and its names take some 500 bytes.
MAX_TENSORS = 60_000
# Each stays open; 1,024 is what systems allow a process.
MAX_FILES = 800


def load_sharded(
    path: Path, load: Callable[[Path], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Returns the tensors of all the files that an index names.

    Args:
        path: The index, `model.safetensors.index.json`.
        load: Reads one safetensors file.

    Returns:
        Name to read-only array, in the index's order.

    Raises:
        FileFormatError: The index is damaged, or files and index do not agree.
    """
    size = path.stat().st_size
    if size > MAX_INDEX:
        raise FileFormatError(
            f"the index has {size} bytes; at most {MAX_INDEX} are read"
        )
    index = parse_json(path.read_bytes(), "the index")
    places = index.get("weight_map")
    if type(places) is not dict or not all(
        type(name) is str for name in places.values()
    ):
        raise FileFormatError(
            "the file is JSON without the weight_map of a sharded safetensors file; "
            "give the .safetensors, .pt or .safetensors.index.json file"
        )
    if len(places) > MAX_TENSORS:
        raise FileFormatError(
            f"the index has {len(places)} tensors; at most {MAX_TENSORS} are read: "
            "load its files one by one"
        )
    meant: dict[str, list[str]] = {name: [] for name in places.values()}
    for tensor, name in places.items():
        meant[name].append(tensor)
    if len(meant) > MAX_FILES:
        raise FileFormatError(
            f"the index names {len(meant)} files; at most {MAX_FILES} are read: load "
            "them one by one"
        )
    _check_names(path, list(meant))
    shards: dict[str, dict[str, np.ndarray]] = {}
    for name, expected in meant.items():
        shards[name] = load(path.parent / name)
        # At once, so that no more tensors are kept than the index names.
        _check_shard(name, shards[name], expected)
    return {tensor: shards[name][tensor] for tensor, name in places.items()}


def _check_shard(
    name: str, tensors: dict[str, np.ndarray], expected: list[str]
) -> None:
    """Refuses a shard that has other tensors than the index says."""
    missing = [tensor for tensor in expected if tensor not in tensors]
    others = sorted(tensors.keys() - set(expected))
    said = [f"{_short(tensor)} is not in {name}" for tensor in missing[:10]]
    said += [
        f"{_short(tensor)} is in {name}, by the index not" for tensor in others[:10]
    ]
    if said:
        rest = len(missing) + len(others) - len(said)
        raise FileFormatError(
            f"index and files do not agree: {'; '.join(said)}"
            + (f"; and {rest} more" if rest else "")
        )


def _check_names(path: Path, names: list[str]) -> None:
    """Refuses names of files that are elsewhere or are missing."""
    for name in names:
        # 255 bytes are the most that a name can have.
        plain = name not in ("", ".", "..") and not set(name) & set("/\\:\0")
        if not plain or len(name.encode("utf-8", "replace")) > 255:
            raise FileFormatError(
                f"the index names the file {name[:200]!r}, which is not in its folder"
            )
    missing = [name for name in names if not (path.parent / name).is_file()]
    if missing:
        raise FileFormatError(
            f"files of the index are missing from {path.parent}: "
            f"{', '.join(map(_short, missing[:10]))}"
            + (f" and {len(missing) - 10} more" if len(missing) > 10 else "")
        )


def _short(text: str) -> str:
    return text if len(text) <= 200 else f"{text[:200]}..."
