"""Safetensors files that share one index."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from flaxnn.interop._errors import FileFormatError
from flaxnn.interop._json import parse_json

MAX_INDEX = 32 << 20


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
    names = list(dict.fromkeys(places.values()))
    _check_names(path, names)
    shards = {name: load(path.parent / name) for name in names}
    faults = [
        f"{tensor} is not in {name}"
        for tensor, name in places.items()
        if tensor not in shards[name]
    ]
    faults += [
        f"{tensor} of {name} is not in the index, or elsewhere"
        for name, tensors in shards.items()
        for tensor in tensors
        if places.get(tensor) != name
    ]
    if faults:
        raise FileFormatError(
            f"index and files do not agree: {'; '.join(map(_short, faults[:10]))}"
            + (f"; and {len(faults) - 10} more" if len(faults) > 10 else "")
        )
    return {tensor: shards[name][tensor] for tensor, name in places.items()}


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
